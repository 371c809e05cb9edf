//! Files behind links: fetched under guard, seen once, kept as long as their origin allows.
//!
//! [`Links::preflight`] tells what is behind a link that is passed on; [`Links::fetch`] brings the file itself, for an
//! upload. Neither judges: what they saw goes to [`check`](super::check::check), as a file of any other source does.

mod fault;
mod spool;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
pub use fault::LinkFault;
use serde::{Deserialize, Serialize};
pub use spool::{Spool, SpoolFile};

use super::check::{Code, Finding, Inspection, Route};
use crate::clock::Clock;
use crate::model::MediaKind;
pub use crate::net::{Credentials, Redirects};
use crate::net::{Fetcher, NetError, Resolve};

/// Limits of what is fetched and kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// Name resolution, connection and TLS together.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// From the end of the request to the head of the answer.
    #[serde(with = "humantime_serde")]
    pub first_byte_timeout: Duration,
    /// The whole fetch, redirects included.
    #[serde(with = "humantime_serde")]
    pub total_timeout: Duration,
    /// An origin that sends fewer bytes a second is given up.
    pub min_speed: ByteSize,
    /// Fetches that go on at once from one host at most; more wait.
    pub fetches_per_host: usize,
    /// Fetches that go on at once for one account at most; more wait.
    pub fetches_per_account: usize,
    /// How much of the disk files may take that are kept for later.
    pub cache_size: ByteSize,
    /// How many files are kept for later at most.
    pub cache_entries: u64,
}

/// A file that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// For whom; what is kept of one account's files is never seen by another.
    pub account: &'a str,
    /// The link, as the client wrote it.
    pub url: &'a str,
    /// As what the file is sent, for the words of a fault.
    pub kind: MediaKind,
    /// What the origin wants to see, where it is no public link.
    pub credentials: Option<&'a Credentials>,
    /// Whether redirects are followed.
    pub redirects: Redirects,
    /// How many bytes are read at most.
    pub max_bytes: u64,
    /// Which way the file goes. Some findings concern links that are passed on alone.
    pub route: Route,
}

/// What is behind a link.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What the file is.
    pub inspection: Arc<Inspection>,
    /// The `Content-Type` that the origin sent, if it sent one.
    pub content_type: Option<String>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// What is to be said of the link itself.
    pub findings: Vec<Finding>,
}

/// A file that was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// What it is.
    pub seen: Seen,
    /// The SHA-256 of its bytes in hexadecimal digits.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
    /// The bytes, which can be read as often as is needed. They go when the last handle goes.
    pub bytes: Arc<SpoolFile>,
}

/// Fetches files and keeps them.
pub struct Links {
    fetcher: Fetcher,
    spool: Spool,
    clock: Arc<dyn Clock>,
}

impl Seen {
    /// What [`Question::content_type`](super::check::Question::content_type) asks for: empty where there is none.
    pub fn declared(&self) -> &str {
        self.content_type.as_deref().unwrap_or_default()
    }
}

impl Links {
    /// Fetches under these limits, over a folder for the files and names resolved by the system. Addresses that are not
    /// public are reached where the list allows it.
    ///
    /// # Errors
    /// Where the folder or the client cannot be made.
    pub fn open(
        config: &Config,
        allow_private: &[crate::net::Allowed],
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, LinksError> {
        Self::with_resolver(config, allow_private, folder, clock, crate::net::system_resolver())
    }

    /// As [`Self::open`], with names resolved by another.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_resolver(
        config: &Config,
        allow_private: &[crate::net::Allowed],
        folder: &Path,
        clock: Arc<dyn Clock>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Arc<Self>, LinksError> {
        let fetcher = Fetcher::new(crate::net::Guard::new(allow_private), config.limits(), resolver)?;
        Ok(Arc::new(Self { fetcher, spool: Spool::open(folder)?, clock }))
    }

    /// What is behind a link, for passing it on. Nothing is kept but what was seen: where the origin sends parts, those
    /// that nobody has to see are left out.
    ///
    /// # Errors
    /// Where there is no file behind it that could be judged.
    pub async fn preflight(&self, _ask: &Ask<'_>) -> Result<Seen, LinkFault> {
        Err(LinkFault::not_built(Code::Empty))
    }

    /// The file itself, written to disk while it is inspected and hashed, for an upload. Asks that come while it is
    /// fetched share the fetch; what is fresh costs no request.
    ///
    /// # Errors
    /// Where there is no file behind it that could be judged.
    pub async fn fetch(&self, _ask: &Ask<'_>) -> Result<Fetched, LinkFault> {
        Err(LinkFault::not_built(Code::Empty))
    }

    /// Forgets what is kept for an account.
    pub fn forget(&self, _account: &str) {}
}

/// What is behind links cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    /// The folder cannot be made or written.
    #[error("the folder for fetched files cannot be made; give one that can be written")]
    Folder(#[from] std::io::Error),
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] NetError),
}

impl Config {
    fn limits(&self) -> crate::net::FetchLimits {
        crate::net::FetchLimits {
            connect: self.connect_timeout,
            first_byte: self.first_byte_timeout,
            total: self.total_timeout,
            min_speed: self.min_speed.as_u64(),
            per_host: self.fetches_per_host,
            per_account: self.fetches_per_account,
        }
    }
}
