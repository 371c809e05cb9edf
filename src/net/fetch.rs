//! Calls to addresses that somebody else chose: media links, and callbacks (`post.rs`).
//!
//! Every hop is a call of its own: judged by the [`Guard`], its name resolved once, connected to exactly the addresses
//! that were judged, over a connection that is not kept. No proxy, no cookies, no redirect that the client follows by
//! itself, nothing that is unpacked.

mod post;

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::guard::{Guard, Link, Refusal};
use super::lanes::{Lanes, enter_both};
use super::resolve::{Judged, Resolve, with_addresses};
pub use post::Posted;

use super::{NetError, USER_AGENT};
use crate::secret::Secret;

/// Redirects that are followed at most.
const MAX_HOPS: usize = 3;

/// The longest head of an answer.
const MAX_HEAD: usize = 64 << 10;

/// Over how long the speed of an origin is measured.
const PACE: Duration = Duration::from_secs(5);

/// Limits of such calls.
#[derive(Clone, Debug)]
pub struct FetchLimits {
    /// Name resolution, connection and TLS together.
    pub connect: Duration,
    /// From the look-up of the name to the head of the answer, the connection included.
    pub first_byte: Duration,
    /// The whole call, redirects and waiting for a free lane included.
    pub total: Duration,
    /// Bytes a second; a slower origin is given up.
    pub min_speed: u64,
    /// Calls at once to one host.
    pub per_host: usize,
    /// Calls at once for one account.
    pub per_account: usize,
}

/// Whether redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Redirects {
    /// At most three, each judged like a first link.
    Follow,
    /// The call fails and names where they lead.
    Refuse,
}

/// What an origin wants to see. It is sent to the host of the link alone.
#[derive(Clone)]
pub struct Credentials {
    headers: HeaderMap,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Visit<'a> {
    /// For whom.
    pub account: &'a str,
    /// Where to.
    pub link: &'a Link,
    /// What else is sent.
    pub headers: HeaderMap,
    /// What the origin wants to see.
    pub credentials: Option<&'a Credentials>,
    /// Whether redirects are followed.
    pub redirects: Redirects,
}

/// Why a call brought no answer, or not the whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The rules forbid it; nothing was sent.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The rules forbid what the name resolved to; nothing was sent. Who may not call it may not learn that it is there.
    #[error("{0}")]
    Inside(Refusal),
    /// It redirects, which was not wanted.
    #[error("a redirect")]
    Redirected {
        /// How.
        status: StatusCode,
        /// Where to, without a query; absent where the rules forbid it.
        to: Option<String>,
    },
    /// Too many redirects.
    #[error("more than {MAX_HOPS} redirects")]
    Loop,
    /// A redirect from https to http.
    #[error("a redirect to an unencrypted address")]
    Downgrade,
    /// No connection could be made; nothing was sent.
    #[error("no connection could be made")]
    Unreachable,
    /// The certificate or the handshake; nothing was sent.
    #[error("no encrypted connection could be made")]
    Tls,
    /// Too slow, or silent.
    #[error("no answer in time")]
    TimedOut,
    /// The head of the answer is too long or no HTTP.
    #[error("the head of the answer cannot be read")]
    Head,
    /// The answer ended before its end.
    #[error("the answer broke off")]
    Broken,
}

/// Makes such calls.
pub struct Fetcher {
    client: reqwest::Client,
    guard: Guard,
    resolver: Arc<dyn Resolve>,
    limits: FetchLimits,
    hosts: Lanes,
    accounts: Lanes,
}

/// The answer to a call, its body not read yet.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Who gave it: the link, or where it redirected to.
    pub link: Link,
    /// How many redirects came before.
    pub hops: usize,
    body: reqwest::Response,
    deadline: Instant,
    pace: Pace,
    /// Held until the answer is read.
    _lanes: [Option<OwnedSemaphorePermit>; 2],
}

/// How fast an answer has to come.
struct Pace {
    until: Instant,
    missing: u64,
    wanted: u64,
}

impl Credentials {
    /// `Authorization: Bearer`.
    ///
    /// # Errors
    /// Where the token holds what no header can.
    pub fn bearer(token: &Secret) -> Result<Self, NetError> {
        Self::authorization(&format!("Bearer {}", token.expose()))
    }

    /// `Authorization: Basic`.
    ///
    /// # Errors
    /// Never: the encoding leaves nothing that a header could not carry.
    pub fn basic(user: &str, password: &Secret) -> Result<Self, NetError> {
        use base64::Engine as _;
        let pair = format!("{user}:{}", password.expose());
        Self::authorization(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }

    fn authorization(value: &str) -> Result<Self, NetError> {
        let value = HeaderValue::from_str(value).map_err(|_| NetError::Credential)?;
        Ok(Self::header(header::AUTHORIZATION, value))
    }

    /// Any header.
    pub fn header(name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        Self { headers: HeaderMap::from_iter([(name, value)]) }
    }

    /// Tells credentials apart without holding them.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (name, value) in &self.headers {
            hash.update(name.as_str());
            hash.update([0]);
            hash.update(value.as_bytes());
            hash.update([0]);
        }
        hash.finalize().into()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Fetcher {
    /// Makes calls by these rules, within these limits, with names resolved so.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(guard: Guard, limits: FetchLimits, resolver: Arc<dyn Resolve>) -> Result<Self, NetError> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(Judged)
            .connect_timeout(limits.connect)
            // A kept connection would outlive the judgement of its address; and one call of one connection gains
            // nothing from HTTP/2 but windows to be filled.
            .pool_max_idle_per_host(0)
            .http1_only()
            .user_agent(USER_AGENT)
            .build()?;
        let (hosts, accounts) = (Lanes::new(limits.per_host), Lanes::new(limits.per_account));
        Ok(Self { client, guard, resolver, limits, hosts, accounts })
    }

    /// The rules.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The addresses that a link leads to, each judged.
    ///
    /// # Errors
    /// Where there is none, or one of them must not be called.
    pub async fn look_up(&self, link: &Link) -> Result<Vec<SocketAddr>, FetchError> {
        if let Some(address) = link.literal() {
            return Ok(self.guard.addresses(link, &[address])?);
        }
        let asked = timeout(self.limits.connect, self.resolver.addresses(link.name()));
        let found = asked.await.map_err(|_| FetchError::TimedOut)?.unwrap_or_default();
        self.guard.addresses(link, &found).map_err(FetchError::Inside)
    }

    /// Makes a call and gives the head of the answer, whatever its status.
    ///
    /// # Errors
    /// As [`FetchError`] tells apart.
    pub async fn visit(&self, visit: Visit<'_>) -> Result<Answer, FetchError> {
        let deadline = Instant::now() + self.limits.total;
        timeout_at(deadline, self.follow(visit, deadline)).await.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn follow(&self, mut visit: Visit<'_>, deadline: Instant) -> Result<Answer, FetchError> {
        let mut link = visit.link.clone();
        for hops in 0..=MAX_HOPS {
            let lanes = enter_both((&self.hosts, link.name()), (&self.accounts, visit.account)).await;
            let body = self.call(&link, &visit).await?;
            let Some(next) = self.next(&link, &body) else {
                return answer(body, link, hops, deadline, Pace::new(self.limits.min_speed), lanes);
            };
            if visit.redirects == Redirects::Refuse {
                return Err(FetchError::Redirected { status: body.status(), to: next.ok().map(|next| next.shown()) });
            }
            let next = next?;
            if next.url().origin() != link.url().origin() {
                visit.credentials = None;
            }
            link = next;
        }
        Err(FetchError::Loop)
    }

    /// Where an answer redirects to, where it does.
    fn next(&self, link: &Link, answer: &reqwest::Response) -> Option<Result<Link, FetchError>> {
        let redirects = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = answer.headers().get(header::LOCATION).filter(|_| redirects)?;
        let next = location.to_str().map_err(|_| Refusal::Chars);
        let next = next.and_then(|location| self.guard.redirect(link, location));
        Some(match next {
            Ok(next) if link.is_https() && !next.is_https() => Err(FetchError::Downgrade),
            next => next.map_err(FetchError::from),
        })
    }

    async fn call(&self, link: &Link, visit: &Visit<'_>) -> Result<reqwest::Response, FetchError> {
        self.execute(link, request(link, visit)).await
    }

    async fn execute(&self, link: &Link, request: reqwest::Request) -> Result<reqwest::Response, FetchError> {
        let judged: Arc<[SocketAddr]> = self.look_up(link).await?.into();
        let call = self.client.execute(request);
        let answer = timeout(self.limits.first_byte, with_addresses(Arc::clone(&judged), call)).await;
        let answer = answer.map_err(|_| FetchError::TimedOut)?.map_err(|error| tell_apart(&error, link))?;
        let is_judged = |peer: SocketAddr| judged.iter().any(|it| (it.ip(), it.port()) == (peer.ip(), peer.port()));
        match answer.remote_addr() {
            Some(peer) if is_judged(peer) => Ok(answer),
            _ => Err(FetchError::Inside(Refusal::Rebind)),
        }
    }
}

fn request(link: &Link, visit: &Visit<'_>) -> reqwest::Request {
    let mut request = reqwest::Request::new(http::Method::GET, link.url().clone());
    *request.headers_mut() = visit.headers.clone();
    if let Some(credentials) = visit.credentials {
        request.headers_mut().extend(credentials.headers.clone());
    }
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    request
}

fn answer(
    mut body: reqwest::Response,
    link: Link,
    hops: usize,
    deadline: Instant,
    pace: Pace,
    lanes: [Option<OwnedSemaphorePermit>; 2],
) -> Result<Answer, FetchError> {
    let length = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    if body.headers().iter().map(length).sum::<usize>() > MAX_HEAD {
        return Err(FetchError::Head);
    }
    let headers = std::mem::take(body.headers_mut());
    Ok(Answer { status: body.status(), headers, link, hops, body, deadline, pace, _lanes: lanes })
}

impl Answer {
    /// The next bytes of the body; none at its end, which is where the origin said it would be.
    ///
    /// # Errors
    /// Where they come too slowly or break off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let limit = self.pace.until.min(self.deadline);
            match timeout_at(limit, self.body.chunk()).await {
                _ if Instant::now() >= self.deadline => return Err(FetchError::TimedOut),
                Ok(Ok(Some(bytes))) => {
                    self.pace.count(bytes.len());
                    return Ok(Some(bytes));
                }
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(_)) => return Err(FetchError::Broken),
                Err(_) if self.pace.is_kept() => self.pace = Pace::new(self.pace.wanted),
                Err(_) => return Err(FetchError::TimedOut),
            }
        }
    }
}

impl Pace {
    fn new(wanted: u64) -> Self {
        Self { until: Instant::now() + PACE, missing: wanted * PACE.as_secs(), wanted }
    }

    fn count(&mut self, bytes: usize) {
        self.missing = self.missing.saturating_sub(bytes as u64);
    }

    fn is_kept(&self) -> bool {
        self.missing == 0
    }
}

/// A connection that could not be made says no more than that: the difference would map the network.
fn tell_apart(error: &reqwest::Error, link: &Link) -> FetchError {
    if error.is_timeout() {
        FetchError::TimedOut
    } else if error.is_connect() {
        if link.is_https() && is_of_tls(error) { FetchError::Tls } else { FetchError::Unreachable }
    } else {
        FetchError::Head
    }
}

/// What a handshake ends with, wherever it stands in the chain of causes: the layers wrap each other's.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let of_io = error.downcast_ref::<io::Error>();
    let is_it = of_io.is_some_and(|error| matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof));
    // An error of I/O gives the cause of what it wraps, and passes that over.
    let inner = of_io.and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
    is_it || inner.or_else(|| error.source()).is_some_and(is_of_tls)
}
