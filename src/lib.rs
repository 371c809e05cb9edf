//! Sabir: one address for every dialect of business messaging.

pub mod dialect;
pub mod model;
pub mod store;
