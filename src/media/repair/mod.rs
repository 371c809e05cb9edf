//! Files that are made to fit on their way to an upstream.
//!
//! [`plan`] decides from a check what mends a file; the rest does it: pictures in this process, sound and films by an
//! installed ffmpeg. What comes out is checked as what came in was: nothing is sent because it was mended.

pub mod picture;
pub mod plan;
mod tool;
mod workshop;

pub use plan::{Recipe, SoundTarget};
pub use workshop::{Config, Mended, Source, Workshop};

/// Why a file could not be mended, in words that follow "It could not be mended: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotMended(String);

impl NotMended {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// The gateway's own trouble; the log has more.
    fn unavailable() -> Self {
        Self::new("the gateway could not do it now")
    }
}
