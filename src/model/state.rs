//! Where a transaction stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The states of a transaction.
///
/// ```text
/// accepted ─▶ sending ─▶ sent ─▶ delivered ─▶ read
///               ├──────▶ waiting ─▶ sending
///               ├──────▶ unknown ─▶ sent | failed
///               └──────▶ failed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Recorded; nothing was sent yet.
    Accepted,
    /// An attempt is under way.
    Sending,
    /// A retry is due later.
    Waiting,
    /// The upstream may have taken it: no trustworthy answer came.
    Unknown,
    /// The upstream took it.
    Sent,
    /// It is on the recipient's device.
    Delivered,
    /// The recipient saw it.
    Read,
    /// It failed for good.
    Failed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Sending,
        Self::Waiting,
        Self::Unknown,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
    ];

    /// Its name in records, labels and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
