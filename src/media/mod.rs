//! Files: the bytes that clients upload, until they delete them; what is behind links; whether WhatsApp will take a file,
//! and what makes it fit.
//!
//! Whose file it is, its type and its name stand in the store. Nothing here holds a whole file in memory.

pub mod check;
pub mod links;
pub mod repair;
mod vault;

pub use links::Config;
pub use vault::{Bytestream, Stored, Vault, VaultError};
