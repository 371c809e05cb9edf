//! Identifiers that the gateway itself hands out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One accepted request and all that followed from it. Version 7, so ids sort by the time of acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransactionId(pub Uuid);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// The text is not a transaction id.
#[derive(Debug, thiserror::Error)]
#[error("not a transaction id: expected a UUID")]
pub struct ParseIdError;

impl FromStr for TransactionId {
    type Err = ParseIdError;

    /// Takes a UUID with or without hyphens, and the `msg_` form that AISoule's clients are given.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix("msg_").unwrap_or(text);
        Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
    }
}
