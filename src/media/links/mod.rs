//! Files behind links: fetched under guard, seen once, kept as long as their origin allows.
//!
//! [`Links::preflight`] tells what is behind a link that is passed on; [`Links::fetch`] brings the file itself, for an
//! upload. Neither judges: what they saw goes to [`check`](super::check::check), as a file of any other source does.

mod cache;
mod fault;
mod flights;
mod read;
mod signed;
mod spool;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use cache::{Cache, Kept, Key};
pub use fault::LinkFault;
use flights::Flights;
use http::{HeaderMap, StatusCode};
use read::{File, Sight};
use serde::{Deserialize, Serialize};
pub use spool::{Spool, SpoolFile};
use time::OffsetDateTime;
use url::Url;

use super::check::{Code, Finding, Inspection, Route, Weight};
use crate::clock::Clock;
use crate::measure;
use crate::model::MediaKind;
use crate::net::{Allowed, Answer, FetchError, FetchLimits, Fetcher, Guard, Link, NetError, Refusal, Resolve, Visit};
pub use crate::net::{CredentialHost, Credentials, Redirects};

/// A link that lives less long may be gone when WhatsApp fetches it.
const SHORT_LIFE: time::Duration = time::Duration::minutes(15);

/// Where WhatsApp keeps files itself; it answers us and refuses its own fetcher.
const OWN_CDN: [&str; 3] = ["whatsapp.net", "fbcdn.net", "lookaside.fbsbx.com"];

/// Limits of what is fetched and kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// Name resolution, connection and TLS together.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// Until the head of the answer, the connection included.
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
    inner: Arc<Inner>,
    flights: Flights<(Key, bool, u64), Result<Sight, LinkFault>>,
}

/// What a fetch needs.
struct Inner {
    fetcher: Fetcher,
    spool: Spool,
    cache: Cache,
    clock: Arc<dyn Clock>,
}

/// An ask of its own, which goes on while its asker may leave.
struct Wanted {
    key: Key,
    link: Link,
    kind: MediaKind,
    credentials: Option<Credentials>,
    redirects: Redirects,
    max_bytes: u64,
    /// Whether the file itself is wanted.
    is_file: bool,
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
        allow_private: &[Allowed],
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
        allow_private: &[Allowed],
        folder: &Path,
        clock: Arc<dyn Clock>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Arc<Self>, LinksError> {
        let inner = Inner {
            fetcher: Fetcher::new(Guard::new(allow_private), config.limits(), resolver)?,
            spool: Spool::open(folder)?,
            cache: Cache::new(config.cache_size.as_u64(), config.cache_entries),
            clock,
        };
        Ok(Arc::new(Self { inner: Arc::new(inner), flights: Flights::default() }))
    }

    /// What is behind a link, for passing it on. Nothing is kept but what was seen: where the origin sends parts, those
    /// that nobody has to see are left out.
    ///
    /// # Errors
    /// Where there is no file behind it that could be judged.
    pub async fn preflight(&self, ask: &Ask<'_>) -> Result<Seen, LinkFault> {
        Ok(self.seen(ask, &self.get(ask, false).await?))
    }

    /// The file itself, written to disk while it is inspected and hashed, for an upload. Asks that come while it is
    /// fetched share the fetch; what is fresh costs no request.
    ///
    /// # Errors
    /// Where there is no file behind it that could be judged.
    pub async fn fetch(&self, ask: &Ask<'_>) -> Result<Fetched, LinkFault> {
        let sight = self.get(ask, true).await?;
        let seen = self.seen(ask, &sight);
        let lost = || LinkFault::disk(&std::io::ErrorKind::NotFound.into());
        let File { sha256, bytes } = sight.file.ok_or_else(lost)?;
        Ok(Fetched { seen, sha256, size: sight.inspection.bytes, bytes })
    }

    /// Forgets what is kept for an account.
    pub fn forget(&self, account: &str) {
        self.inner.cache.forget(account);
    }

    async fn get(&self, ask: &Ask<'_>, is_file: bool) -> Result<Sight, LinkFault> {
        let got = match self.inner.wanted(ask, is_file) {
            Ok(wanted) => {
                let flight = (wanted.key.clone(), is_file, wanted.max_bytes);
                let inner = Arc::clone(&self.inner);
                self.flights.join(flight, async move { inner.get(&wanted).await }).await
            }
            Err(refusal) => Err(LinkFault::refused(refusal)),
        };
        got.inspect_err(|fault| {
            measure::fetch(fault.code.as_str());
            tracing::info!(account = ask.account, fetch.code = %fault.code, "a link was not fetched");
        })
    }

    fn seen(&self, ask: &Ask<'_>, sight: &Sight) -> Seen {
        Seen {
            inspection: Arc::clone(&sight.inspection),
            content_type: sight.content_type.clone(),
            size: Some(sight.inspection.bytes),
            findings: findings(ask, sight, self.inner.clock.now()),
        }
    }
}

impl Inner {
    fn wanted(&self, ask: &Ask<'_>, is_file: bool) -> Result<Wanted, Refusal> {
        let link = self.fetcher.guard().link(ask.url)?;
        let key = Key {
            account: ask.account.to_owned(),
            url: link.url().as_str().to_owned(),
            credentials: ask.credentials.map(Credentials::fingerprint),
            redirects: ask.redirects,
        };
        let credentials = ask.credentials.cloned();
        let (kind, redirects, max_bytes) = (ask.kind, ask.redirects, ask.max_bytes);
        Ok(Wanted { key, link, kind, credentials, redirects, max_bytes, is_file })
    }

    /// What is kept, if it is fresh or still the same; else what the origin sends.
    async fn get(&self, wanted: &Wanted) -> Result<Sight, LinkFault> {
        let kept = self.cache.get(&wanted.key).filter(|kept| kept.sight.file.is_some() || !wanted.is_file);
        let Some(kept) = kept else { return self.ask(wanted).await };
        if kept.is_fresh(self.clock.now()) {
            measure::fetch("fresh");
            return within(wanted, kept.sight.clone());
        }
        let answer = self.call(wanted, kept.conditions()).await;
        let answer = answer.map_err(LinkFault::of_call)?;
        if answer.status != StatusCode::NOT_MODIFIED {
            return self.take(wanted, self.expect_file(wanted, answer).await?).await;
        }
        let now = self.clock.now();
        let Some(renewed) = kept.renewed(&answer.headers, wanted.credentials.is_some(), now) else {
            // It speaks of a version that is not here.
            return self.ask(wanted).await;
        };
        measure::fetch("unchanged");
        let sight = renewed.sight.clone();
        self.cache.put(&wanted.key, renewed);
        within(wanted, sight)
    }

    async fn ask(&self, wanted: &Wanted) -> Result<Sight, LinkFault> {
        let answer = self.visit(wanted, HeaderMap::new()).await?;
        self.take(wanted, answer).await
    }

    /// Reads an answer and keeps what may be kept.
    async fn take(&self, wanted: &Wanted, answer: Answer) -> Result<Sight, LinkFault> {
        let headers = answer.headers.clone();
        let now = self.clock.now();
        let sight = self.read(wanted, answer).await?;
        measure::fetch(if wanted.is_file { "fetched" } else { "seen" });
        self.cache.put(&wanted.key, Kept::new(sight.clone(), &headers, wanted.credentials.is_some(), now));
        Ok(sight)
    }

    /// Makes a call that has to be answered with the file.
    async fn visit(&self, wanted: &Wanted, headers: HeaderMap) -> Result<Answer, LinkFault> {
        let answer = self.call(wanted, headers).await;
        let answer = answer.map_err(LinkFault::of_call)?;
        self.expect_file(wanted, answer).await
    }

    async fn expect_file(&self, wanted: &Wanted, answer: Answer) -> Result<Answer, LinkFault> {
        if answer.status == StatusCode::OK {
            return Ok(answer);
        }
        let (status, headers) = (answer.status, answer.headers.clone());
        let report = read::report(answer).await;
        Err(LinkFault::of_status(status, &headers, &report, &wanted.link, self.clock.now()))
    }

    async fn call(&self, wanted: &Wanted, headers: HeaderMap) -> Result<Answer, FetchError> {
        let visit = Visit {
            account: &wanted.key.account,
            link: &wanted.link,
            headers,
            credentials: wanted.credentials.as_ref(),
            redirects: wanted.redirects,
        };
        self.fetcher.visit(visit).await
    }
}

/// What is kept may have been fetched under a wider limit.
fn within(wanted: &Wanted, sight: Sight) -> Result<Sight, LinkFault> {
    let bytes = sight.inspection.bytes;
    if bytes > wanted.max_bytes {
        return Err(LinkFault::too_large(wanted.kind.as_str(), Some(bytes), wanted.max_bytes));
    }
    Ok(sight)
}

/// What is to be said of a link that brought its file.
fn findings(ask: &Ask<'_>, sight: &Sight, now: OffsetDateTime) -> Vec<Finding> {
    let followed = sight.redirected.as_ref().map(|to| {
        let text = format!("The link redirects to {to}. It was followed; use that address.");
        Finding::new(Code::HttpRedirect, text).at_most(Weight::Note)
    });
    let passed_on = Url::parse(ask.url).ok().filter(|_| ask.route == Route::Link);
    let of_link = passed_on.into_iter().flat_map(|url| [expiring(&url, now), own_cdn(&url)]).flatten();
    followed.into_iter().chain(of_link).collect()
}

/// WhatsApp fetches a link that is passed on when it comes to it.
fn expiring(url: &Url, now: OffsetDateTime) -> Option<Finding> {
    let left = signed::runs_out(url)? - now;
    let text = "The signed link runs out within 15 minutes, maybe before it is fetched. Give it a longer life.";
    (left < SHORT_LIFE).then(|| Finding::new(Code::HttpExpiring, text))
}

fn own_cdn(url: &Url) -> Option<Finding> {
    let host = url.host_str()?;
    let is_below = |zone: &str| host.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let text = "The link points to WhatsApp's own store, which refuses WhatsApp. Let the gateway upload the file.";
    OWN_CDN.iter().any(|zone| is_below(zone)).then(|| Finding::new(Code::HttpOwnCdn, text))
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
    fn limits(&self) -> FetchLimits {
        FetchLimits {
            connect: self.connect_timeout,
            first_byte: self.first_byte_timeout,
            total: self.total_timeout,
            min_speed: self.min_speed.as_u64(),
            per_host: self.fetches_per_host,
            per_account: self.fetches_per_account,
        }
    }
}
