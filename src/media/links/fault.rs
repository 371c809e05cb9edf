//! Why there is no file behind a link that could be judged.

use std::time::Duration;

use crate::media::check::{Code, Finding};

/// Why there is no file behind a link that could be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFault {
    /// What happened, for logs and operators. For clients there is [`Self::finding`].
    pub code: Code,
    /// For the caller: no query, no password, no address within the network.
    pub text: String,
    /// Whether it may pass by itself.
    pub retry: bool,
    /// When to try again, where the origin says so.
    pub retry_after: Option<Duration>,
}

impl LinkFault {
    /// One that stays.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), retry: false, retry_after: None }
    }

    /// What a client is told of it. Whether an inside name exists is not: such a name looks like one that does not.
    pub fn finding(&self) -> Finding {
        Finding::new(self.code, self.text.clone())
    }

    pub(super) fn not_built(code: Code) -> Self {
        Self::new(code, "Links are not fetched by this version. Upload the file and send its id.")
    }
}
