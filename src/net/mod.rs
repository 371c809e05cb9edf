//! The way out: HTTP clients with their limits.
//!
//! Nothing outside this module knows the HTTP client library. What matters to a messaging gateway is told apart here:
//! whether a request certainly did not go out, or may have.

mod credential_host;
mod download;
mod fetch;
mod guard;
mod lanes;
mod resolve;
mod upload;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytesize::ByteSize;
pub use credential_host::{CredentialHost, NoHost};
pub use fetch::{Answer, Credentials, FetchError, FetchLimits, Fetcher, Posted, Redirects, Visit};
pub use guard::{Allowed, AllowedError, Guard, Link, Refusal};
use http::{Request, Response};
pub use resolve::{Resolve, system_resolver};
use serde::{Deserialize, Serialize};
pub use upload::{Chunks, Streamed};
use url::Host;

use crate::trace;

/// How the gateway calls itself.
const USER_AGENT: &str = concat!("sabir/", env!("CARGO_PKG_VERSION"));

/// Limits of calls to providers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Name resolution, connection and TLS together.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// From the end of the request to the head of the answer.
    #[serde(with = "humantime_serde")]
    pub first_byte_timeout: Duration,
    /// The whole call.
    #[serde(with = "humantime_serde")]
    pub total_timeout: Duration,
    /// How long an unused connection is kept; shorter than providers keep theirs.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// Unused connections that are kept for each host at most.
    pub idle_connections: usize,
    /// Largest answer that is read.
    pub max_answer: ByteSize,
    /// What media links and callbacks may call although it is not public, or not on port 80 or 443.
    pub allow_private: Vec<Allowed>,
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nothing was sent: the name, the connection or TLS failed.
    #[error("no connection could be made")]
    NotSent(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time; the request may have been taken.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection broke; the request may have been taken.
    #[error("the connection broke")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is larger than the limit; the request was taken.
    #[error("the answer is larger than {0}")]
    TooLarge(ByteSize),
}

/// A pooled HTTP client for one zone of trust.
#[derive(Clone, Debug)]
pub struct Client {
    client: reqwest::Client,
    /// For this machine itself, which no proxy of the environment stands in front of.
    direct: reqwest::Client,
    config: Config,
}

impl Client {
    /// A client for calls to providers. It follows no redirect: a redirected POST loses its body or its meaning.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(config: &Config) -> Result<Self, NetError> {
        let (client, direct) = (builder(config).build()?, builder(config).no_proxy().build()?);
        Ok(Self { client, direct, config: config.clone() })
    }

    /// Its limits.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Makes one call and reads the whole answer.
    ///
    /// # Errors
    /// As [`CallError`] tells apart; an answer of any status is no error.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        let limit = self.config.total_timeout;
        let call = self.call_unlimited(request);
        tokio::time::timeout(limit, call).await.unwrap_or(Err(CallError::TimedOut(limit)))
    }

    async fn call_unlimited(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        let mut request = reqwest::Request::try_from(request).map_err(|error| CallError::NotSent(error.into()))?;
        trace::pass_on(request.headers_mut());
        let head = self.client_for(request.url()).execute(request);
        let limit = self.config.first_byte_timeout;
        let answer = tokio::time::timeout(limit, head).await.map_err(|_| CallError::TimedOut(limit))?;
        self.read(answer.map_err(tell_apart)?).await
    }

    fn client_for(&self, url: &reqwest::Url) -> &reqwest::Client {
        if is_this_machine(url) { &self.direct } else { &self.client }
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<Response<Bytes>, CallError> {
        let limit = usize::try_from(self.config.max_answer.as_u64()).unwrap_or(usize::MAX);
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(tell_apart)? {
            if body.len() + chunk.len() > limit {
                return Err(CallError::TooLarge(self.config.max_answer));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

fn builder(config: &Config) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(config.idle_timeout)
        .pool_max_idle_per_host(config.idle_connections)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .user_agent(USER_AGENT)
}

fn is_this_machine(url: &reqwest::Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A connection that could not be made sent nothing; any other failure leaves it open.
fn tell_apart(error: reqwest::Error) -> CallError {
    // The address is taken out: its query could hold a secret.
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        CallError::NotSent(error.into())
    } else {
        CallError::Broken(error.into())
    }
}

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The system's certificates cannot be read.
    #[error("the HTTP client could not be made")]
    Client(#[from] reqwest::Error),
    /// A credential that no header can carry.
    #[error("the credential holds a line end or another sign that no header can carry; give the credential alone")]
    Credential,
}
