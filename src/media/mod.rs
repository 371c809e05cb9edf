//! The bytes of media: the files that clients upload, until they delete them.
//!
//! Only bytes: whose file it is, its type and its name stand in the store. Nothing here holds a whole file in memory.

mod vault;

pub use vault::{Bytestream, Stored, Vault, VaultError};
