//! The way out: HTTP clients with their limits.
//!
//! Nothing outside this module knows the HTTP client library. What matters to a messaging gateway is told apart here:
//! whether a request certainly did not go out, or may have.

mod credential_host;
mod download;
mod fetch;
mod guard;
mod lanes;
mod plain;
mod resolve;
mod upload;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;
pub use credential_host::{CredentialHost, NoHost};
pub use fetch::{Answer, Credentials, FetchError, FetchLimits, Fetcher, Posted, Redirects, Visit};
pub use guard::{Allowed, AllowedError, Guard, Link, Refusal};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use hyper_util::client::proxy::matcher::Matcher;
use plain::Plain;
pub use resolve::{Resolve, system_resolver};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
pub use upload::{Chunks, Streamed};

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
    /// For files, and through proxies of the environment.
    client: reqwest::Client,
    /// For files of this machine itself, which no proxy of the environment stands in front of.
    direct: reqwest::Client,
    plain: Plain,
    proxies: Arc<Matcher>,
    config: Config,
}

impl Client {
    /// A client for calls to providers. It follows no redirect: a redirected POST loses its body or its meaning.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(config: &Config) -> Result<Self, NetError> {
        let (client, direct) = (builder(config).build()?, builder(config).no_proxy().build()?);
        let (plain, proxies) = (Plain::new(config)?, Arc::new(Matcher::from_system()));
        Ok(Self { client, direct, plain, proxies, config: config.clone() })
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
        timeout(limit, call).await.unwrap_or(Err(CallError::TimedOut(limit)))
    }

    async fn call_unlimited(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        trace::pass_on(request.headers_mut());
        let limit = self.config.first_byte_timeout;
        let late = |_| CallError::TimedOut(limit);
        if self.is_proxied(request.uri()) {
            let request = reqwest::Request::try_from(request).map_err(|error| CallError::NotSent(error.into()))?;
            let head = timeout(limit, self.client.execute(request)).await.map_err(late)?;
            return self.read(head.map_err(tell_apart)?.into()).await;
        }
        self.read(timeout(limit, self.plain.call(request)).await.map_err(late)??).await
    }

    fn is_proxied(&self, uri: &Uri) -> bool {
        self.proxies.intercept(uri).is_some() && !uri.host().is_some_and(is_this_machine)
    }

    fn client_for(&self, url: &reqwest::Url) -> &reqwest::Client {
        if url.host_str().is_some_and(is_this_machine) { &self.direct } else { &self.client }
    }

    async fn read<B>(&self, answer: Response<B>) -> Result<Response<Bytes>, CallError>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let limit = usize::try_from(self.config.max_answer.as_u64()).unwrap_or(usize::MAX);
        let (head, body) = answer.into_parts();
        match Limited::new(body, limit).collect().await {
            Ok(collected) => Ok(Response::from_parts(head, collected.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(CallError::TooLarge(self.config.max_answer)),
            Err(error) => Err(CallError::Broken(error)),
        }
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

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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
    /// The same, for calls that go straight.
    #[error("the system's certificates cannot be read")]
    Certificates(#[source] Box<dyn Error + Send + Sync>),
    /// A credential that no header can carry.
    #[error("the credential holds a line end or another sign that no header can carry; give the credential alone")]
    Credential,
}
