//! Files: the bytes that clients upload, until they delete them, and whether WhatsApp will take a file.
//!
//! Only bytes: whose file it is, its type and its name stand in the store. Nothing here holds a whole file in memory.

pub mod check;
pub mod repair;
mod vault;

pub use vault::{Bytestream, Stored, Vault, VaultError};
