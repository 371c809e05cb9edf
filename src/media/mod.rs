//! Files: the bytes that clients upload, until they delete them; what is behind links; whether WhatsApp will take a file,
//! and what makes it fit.
//!
//! Whose file it is, its type and its name stand in the store. Nothing here holds a whole file in memory.

pub mod check;
mod known;
pub mod links;
pub mod repair;
mod vault;

use std::time::Duration;

use check::DialectLimits;
pub use known::Known;
use serde::Deserialize;
pub use vault::{Bytestream, Stored, Vault, VaultError};

/// Options of files.
#[derive(Debug)]
pub struct Config {
    /// What is looked for.
    pub check: CheckConfig,
    /// What is fetched.
    pub links: links::Config,
    /// What is mended.
    pub repair: repair::Config,
    /// What people send.
    pub inbound: InboundConfig,
}

/// Options of files that people send.
#[derive(Clone, Debug, Deserialize)]
pub struct InboundConfig {
    /// How long clients can have them, from the day on which they came.
    #[serde(with = "humantime_serde")]
    pub inbound_for: Duration,
}

/// Options of checks.
#[derive(Clone, Debug, Deserialize)]
pub struct CheckConfig {
    /// Whether a dialect's narrower promises count.
    pub dialect_limits: DialectLimits,
}
