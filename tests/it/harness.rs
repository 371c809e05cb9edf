//! A gateway for a test, and a client for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use sabir::app::{App, sandbox_upstream};
use sabir::clock::{Clock, FixedClock};
use sabir::config::{self, Config};
use sabir::model::State;
use sabir::net::{self, Client};
use sabir::secret::Secret;
use sabir::store::{self, Filter, Store, Summary, Transaction};
use sabir::upstream::{MediaWay, Received};
use serde_json::Value;
use tempfile::TempDir;
use time::macros::datetime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long clients wait where a test does not say: long enough for what answers at once, and nobody waits for the rest.
const DEADLINE: Duration = Duration::from_millis(400);

/// The key of the account `shop`.
pub const KEY: &str = "shop-key";

/// A running gateway.
pub struct TestApp {
    pub app: Arc<App>,
    /// None where the test brought a clock of its own.
    clock: Option<Arc<FixedClock>>,
    address: SocketAddr,
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    _folder: TempDir,
}

/// What the gateway answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl TestApp {
    /// One account `shop` and the sandbox behind it, in the Cloud API's dialect.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// The same, with more configuration.
    pub async fn with(more: &str) -> Self {
        let has_accounts = more.contains("[[accounts]]");
        let account = format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\n");
        Self::of(&if has_accounts { more.to_owned() } else { format!("{more}\n{account}") }).await
    }

    /// A gateway of that configuration, on SQLite.
    pub async fn of(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = config::load_text(text).unwrap_or_else(|problems| panic!("{problems}")).config;
        // Tests look at the record as an operator would on the gateway's own machine.
        config.server.trust_local |= !text.contains("trust_local");
        if !text.contains("media = ") {
            leave_links_alone(&mut config);
        }
        config.store.url = Secret::new(format!("sqlite://{}", folder.path().join("sabir.db").display()));
        // What a test does not ask for it is not told.
        config.sandbox.webhooks = text.contains("[sandbox]");
        let store = store::connect(&config.store).await.unwrap();
        store.migrate().await.unwrap();
        Self::run(config, store, folder).await
    }

    /// A gateway over a store of the test's own.
    pub async fn over(mut config: Config, store: Arc<dyn Store>, folder: TempDir) -> Self {
        config.sandbox.webhooks = false;
        config.server.trust_local = true;
        Self::run(config, store, folder).await
    }

    async fn run(config: Config, store: Arc<dyn Store>, folder: TempDir) -> Self {
        let clock = Arc::new(FixedClock::at(datetime!(2026-09-21 13:35:23 UTC)));
        Self { clock: Some(Arc::clone(&clock)), ..Self::at(clock, config, store, folder).await }
    }

    /// The same at a clock of the test's own.
    pub async fn at(clock: Arc<dyn Clock>, mut config: Config, store: Arc<dyn Store>, folder: TempDir) -> Self {
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.server.data_dir = folder.path().to_owned();
        if config.delivery.deadline == config::load_text("").unwrap().config.delivery.deadline {
            config.delivery.deadline = DEADLINE;
        }
        let app = Arc::new(App::with_store(&config, store, clock).unwrap());
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = oneshot::channel();
        let serving = Arc::clone(&app);
        let served = tokio::spawn(async move {
            let listening = |address| ready.send(address).unwrap();
            let stop = async { drop(stopped.await) };
            serving.serve(config.server.listen, listening, stop).await.unwrap();
        });
        let client = Client::new(&patient()).unwrap();
        Self { app, clock: None, address: address.await.unwrap(), client, stop, served, _folder: folder }
    }

    /// The gateway's address, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a call.
    pub async fn call(&self, request: Request<Bytes>) -> Answer {
        let answer = self.client.call(request).await.unwrap();
        read(answer)
    }

    /// Makes a call whose answer may be a file.
    pub async fn fetch(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.client.call(request).await.unwrap()
    }

    /// Posts JSON with the account's key as a bearer token.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(self.request(Method::POST, path, body)).await
    }

    /// The request that [`Self::post`] makes.
    pub fn request(&self, method: Method, path: &str, body: &Value) -> Request<Bytes> {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url()))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap()
    }

    /// Reads without a key, as an operator on this machine.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Request::get(format!("{}{path}", self.url())).body(Bytes::new()).unwrap()).await
    }

    /// What the sandbox got, the first first.
    pub fn received(&self) -> Vec<Received> {
        let mut received = self.app.state.sandbox.received();
        received.reverse();
        received
    }

    /// The record, the latest first.
    pub async fn recorded(&self) -> Vec<Summary> {
        self.app.state.delivery.settled().await;
        self.app.state.store.search(&Filter::default(), None, 1000, 1000).await.unwrap().transactions
    }

    /// The one transaction on the record.
    pub async fn only(&self) -> Transaction {
        let recorded = self.recorded().await;
        assert_eq!(recorded.len(), 1, "{recorded:?}");
        self.find(&recorded[0].id.to_string()).await.unwrap()
    }

    /// A transaction by any of its ids.
    pub async fn find(&self, id: &str) -> Option<Transaction> {
        self.app.state.delivery.settled().await;
        self.app.state.store.find(id).await.unwrap()
    }

    /// Sets the clock forward; what is due then is taken up.
    pub fn forward(&self, by: Duration) {
        self.clock.as_ref().expect("the clock is the harness's").forward(by);
        self.app.state.delivery.look_again();
        self.app.state.listener.look_again();
        self.app.state.callbacks.look_again();
        self.app.state.listener.look_again();
        self.app.state.callbacks.look_again();
    }

    /// Sets the clock a second forward and does something that takes a moment: for loops that wait until what is due is
    /// done.
    pub async fn forward_a_little(&self) {
        self.forward(Duration::from_secs(1));
        self.get("/healthz").await;
    }

    /// The first transaction that stands in a state, once one does.
    pub async fn until(&self, state: State) -> Transaction {
        loop {
            let found = self.recorded().await.into_iter().find(|summary| summary.state == state);
            if let Some(found) = found {
                return self.find(&found.id.to_string()).await.unwrap();
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until so many transactions stand in a state.
    pub async fn until_all(&self, state: State, count: usize) {
        while self.recorded().await.iter().filter(|summary| summary.state == state).count() < count {
            tokio::task::yield_now().await;
        }
    }

    /// Stops as on a signal: requests under way are finished.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.served.await.unwrap();
    }
}

/// Links of tests lead nowhere. A test that is about them says how they go.
fn leave_links_alone(config: &mut Config) {
    if config.upstreams.is_empty() {
        config.upstreams.push(sandbox_upstream());
    }
    config.upstreams.iter_mut().for_each(|upstream| upstream.media = MediaWay::Unchecked);
}

/// Limits that no test runs into.
pub fn patient() -> net::Config {
    net::Config {
        connect_timeout: Duration::from_secs(5),
        first_byte_timeout: Duration::from_secs(60),
        total_timeout: Duration::from_secs(60),
        idle_timeout: Duration::from_secs(30),
        idle_connections: 8,
        allow_private: Vec::new(),
        max_answer: bytesize::ByteSize::mib(16),
    }
}

fn read(answer: Response<Bytes>) -> Answer {
    let (parts, body) = answer.into_parts();
    let text = String::from_utf8_lossy(&body).into_owned();
    let body = serde_json::from_slice(&body).unwrap_or(Value::String(text));
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}
