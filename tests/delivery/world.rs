//! A gateway's delivery in simulated time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use sabir::app::file_tools;
use sabir::clock::Clock;
use sabir::config;
use sabir::delivery::{
    Account, AccountConfig, Config, Delivered, Delivery, Directory, Files, Order, Parts, RouteConfig,
};
use sabir::dialect;
use sabir::media::{Known, Vault};
use sabir::model::{Request, State, TransactionId};
use sabir::secret::KeyHash;
use sabir::store::{Store, Transaction};
use sabir::upstream::{Limits, MediaWay, Upstream};
use serde_json::json;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::memory::Memory;
use crate::provider::{Line, Provider};

/// The time of the paused runtime, as a date; it may be set to another.
pub struct PausedClock {
    start: Instant,
    set_by: AtomicI64,
    ids: AtomicU64,
}

impl PausedClock {
    /// Jumps so many seconds, as where somebody sets the machine's clock.
    pub fn jump(&self, seconds: i64) {
        self.set_by.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for PausedClock {
    fn now(&self) -> OffsetDateTime {
        let set_by = time::Duration::seconds(self.set_by.load(Ordering::SeqCst));
        datetime!(2026-09-21 13:35:23 UTC) + self.start.elapsed() + set_by
    }

    fn transaction_id(&self) -> TransactionId {
        TransactionId(Uuid::from_u128(u128::from(self.ids.fetch_add(1, Ordering::SeqCst)) + (7 << 76)))
    }

    fn media_id(&self) -> String {
        "1".to_owned()
    }

    fn process_id(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

/// One gateway with an account `shop`, over the providers `main` and, where a test calls it, `spare`.
pub struct World {
    pub delivery: Arc<Delivery>,
    pub main: Arc<Provider>,
    pub spare: Arc<Provider>,
    pub store: Arc<Memory>,
    pub clock: Arc<PausedClock>,
    setting: Setting,
    _folder: Arc<TempDir>,
}

/// What a test may want otherwise.
#[derive(Clone)]
pub struct Setting {
    pub account: AccountConfig,
    pub config: Config,
    pub limits: Limits,
    pub has_spare: bool,
    /// Nothing is taken up from the queue.
    pub is_idle: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            account: AccountConfig::new("shop", KeyHash::of("key")),
            config: config::load_text("").unwrap().config.delivery,
            limits: Limits::default(),
            has_spare: false,
            is_idle: false,
        }
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Setting)) -> Self {
        let mut setting = Setting::default();
        change(&mut setting);
        let clock = Arc::new(PausedClock { start: Instant::now(), set_by: AtomicI64::new(0), ids: AtomicU64::new(0) });
        let (main, spare) = <(Arc<Provider>, Arc<Provider>)>::default();
        let folder = Arc::new(TempDir::new().unwrap());
        Self::over(setting, Arc::new(Memory::default()), clock, main, spare, folder)
    }

    fn over(
        setting: Setting,
        store: Arc<Memory>,
        clock: Arc<PausedClock>,
        main: Arc<Provider>,
        spare: Arc<Provider>,
        folder: Arc<TempDir>,
    ) -> Self {
        let vault = Vault::open(folder.path()).unwrap();
        let shared: Arc<dyn Store> = store.clone();
        let mut config = config::load_text("").unwrap().config;
        config.server.data_dir = folder.path().to_owned();
        let now: Arc<dyn Clock> = clock.clone();
        let files = Files::new(file_tools(&config, &shared, &vault, &Known::default(), &now).unwrap());
        let directory = directory(&setting, &main, &spare);
        let delivery = Delivery::new(directory, shared, files, clock.clone(), setting.config);
        if !setting.is_idle {
            delivery.start();
        }
        Self { delivery, main, spare, store, clock, setting, _folder: folder }
    }

    /// Another gateway on the same store, in front of the same providers.
    pub fn another(&self) -> Self {
        let [main, spare] = [&self.main, &self.spare].map(Arc::clone);
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let setting = Setting { is_idle: false, ..self.setting.clone() };
        Self::over(setting, store, clock, main, spare, Arc::clone(&self._folder))
    }

    /// A text to Ann.
    pub fn text(&self, text: &str) -> Order {
        self.text_to("447700900123", text)
    }

    pub fn text_to(&self, to: &str, text: &str) -> Order {
        let recipient = json!({ "address": { "phone": to }, "input": to });
        let request = json!({ "send": { "recipient": recipient, "content": { "text": { "body": text } } } });
        let request: Request = serde_json::from_value(request).unwrap();
        let account = self.delivery.directory().account_named("shop").unwrap();
        Order {
            id: self.clock.transaction_id(),
            account,
            dialect: dialect::named("cloud").unwrap(),
            request: Arc::new(request),
            warnings: Vec::new(),
            client_request: "{}".to_owned(),
            idempotency_key: None,
            received_at: self.clock.now(),
            names: Vec::new(),
            place: None,
        }
    }

    pub async fn send(&self, text: &str) -> Delivered {
        self.delivery.send(self.text(text)).await
    }

    /// Lets simulated time pass.
    pub async fn pass(&self, time: Duration) {
        sleep(time).await; // The time is simulated.
    }

    /// Lets time pass until a transaction stands there.
    pub async fn until(&self, id: TransactionId, state: State) -> Transaction {
        for _ in 0..1_000_000 {
            let found = self.find(id).await;
            if found.summary.state == state {
                return found;
            }
            self.pass(Duration::from_millis(100)).await;
        }
        panic!("{:?} is not {state}", self.find(id).await)
    }

    pub async fn find(&self, id: TransactionId) -> Transaction {
        self.delivery.settled().await;
        sabir::store::Transactions::find(&*self.store, &id.to_string()).await.unwrap().unwrap()
    }
}

fn directory(setting: &Setting, main: &Arc<Provider>, spare: &Arc<Provider>) -> Directory {
    let account = Account::new(&setting.account, &setting.config, "main");
    let upstreams = vec![upstream("main", main, setting.limits), upstream("spare", spare, setting.limits)];
    let route = RouteConfig {
        account: None,
        channel: None,
        sender: None,
        upstreams: vec!["main".to_owned(), "spare".to_owned()],
    };
    let routes = if setting.has_spare { vec![route] } else { Vec::new() };
    Directory::new(Parts { accounts: vec![account], upstreams, routes })
}

fn upstream(name: &str, provider: &Arc<Provider>, limits: Limits) -> Upstream {
    let dialect = dialect::named("cloud").unwrap();
    Upstream {
        name: name.to_owned(),
        dialect,
        base_url: "http://provider.example.net".parse().unwrap(),
        credential: dialect.credential(),
        key: None,
        sender: Some("442079460000".to_owned()),
        phone_number_id: None,
        template_namespace: None,
        media: MediaWay::Unchecked,
        webhook_secret: None,
        webhook_token: None,
        callback: None,
        inbound: None,
        limits,
        transport: Arc::new(Line(Arc::clone(provider))),
    }
}
