//! Files: the bytes that clients upload, until they delete them; what is behind links; and whether WhatsApp will take a
//! file.
//!
//! Only bytes: whose file it is, its type and its name stand in the store. Nothing here holds a whole file in memory.

pub mod check;
pub mod links;
mod vault;

pub use links::Config;
pub use vault::{Bytestream, Stored, Vault, VaultError};
