//! Calls with nothing in between: no proxy, no redirect, a body that is at hand.
//!
//! Nearly all calls to providers are such, and one goes out for each message. So they are made with the client that reqwest
//! is built on: what stands around it parses each address three times, and took a seventh of what a message costs.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::{Client, Error as ClientError, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use super::{CallError, Config, NetError, USER_AGENT};

/// After so long without a word it is asked whether the other side is still there, as reqwest does.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often it is asked.
const KEEP_ALIVE_TRIES: u32 = 3;

/// How long what was sent may stay without a sign that it arrived.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Resolves, connects and agrees on TLS, all within one limit.
type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, Box<dyn Error + Send + Sync>>;

/// A pooled client.
#[derive(Clone, Debug)]
pub(super) struct Plain(Client<Connector, Full<Bytes>>);

impl Plain {
    /// A client with these limits.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(config: &Config) -> Result<Self, NetError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        tcp.set_keepalive_retries(Some(KEEP_ALIVE_TRIES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let tls = HttpsConnectorBuilder::new().try_with_platform_verifier();
        let tls = tls.map_err(|error| NetError::Certificates(error.into()))?;
        let connector = tls.https_or_http().enable_all_versions().wrap_connector(tcp);
        let connector = Connector::new(Timeout::new(connector, config.connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(config.idle_connections)
            .build(connector);
        Ok(Self(client))
    }

    /// Makes one call and gives its answer as soon as the head is there.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Incoming>, CallError> {
        let mut request = request.map(Full::new);
        let headers = request.headers_mut();
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        self.0.request(request).await.map_err(tell_apart)
    }
}

/// A connection that could not be made sent nothing; any other failure leaves it open.
fn tell_apart(error: ClientError) -> CallError {
    if error.is_connect() { CallError::NotSent(error.into()) } else { CallError::Broken(error.into()) }
}
