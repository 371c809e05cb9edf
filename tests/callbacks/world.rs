//! A gateway of which nothing but the worker of callbacks runs, and events for it to tell.

use std::sync::Arc;
use std::time::Duration;

use sabir::app::App;
use sabir::clock::{Clock, FixedClock};
use sabir::config;
use sabir::model::{Event, Progress, Status};
use sabir::secret::Secret;
use sabir::store::{
    self, CallbackFilter, CallbackState, DecodedWebhook, Hearing, KeptCallback, NewCallback, NewEvent, Store, Then,
    Which,
};
use tempfile::TempDir;
use time::macros::datetime;
use uuid::Uuid;

pub struct World {
    app: App,
    store: Arc<dyn Store>,
    clock: Arc<FixedClock>,
    _folder: TempDir,
}

impl World {
    /// An account `shop`, its callbacks signed, on SQLite.
    pub async fn new(more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let text = format!(
            "[net]\nallow_private = [\"127.0.0.1\"]\n{more}\n[[accounts]]\nname = \"shop\"\nkey = \"shop-key\"\n\
             dialect = \"cloud\"\ncallback_secret = \"a secret\"\n"
        );
        let mut config = config::load_text(&text).unwrap_or_else(|problems| panic!("{problems}")).config;
        config.store.url = Secret::new(format!("sqlite://{}", folder.path().join("sabir.db").display()));
        config.server.data_dir = folder.path().to_owned();
        let store = store::connect(&config.store).await.unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(FixedClock::at(datetime!(2026-09-21 13:35:23 UTC)));
        let app = App::with_store(&config, Arc::clone(&store), clock.clone()).unwrap();
        Self { app, store, clock, _folder: folder }
    }

    pub fn start(&self) {
        self.app.state.callbacks.start();
    }

    pub async fn close(&self) {
        self.app.state.callbacks.close().await;
    }

    /// Sets the clock forward; what is due then is told.
    pub fn forward(&self, by: Duration) {
        self.clock.forward(by);
        self.app.state.callbacks.look_again();
    }

    /// Statuses of a message, each to be told at an address.
    pub async fn heard(&self, message: &str, steps: &[&str], target: &str) {
        let (holder, now) = (Uuid::now_v7(), self.clock.now());
        let events: Vec<_> = steps.iter().map(|step| self.event(message, step)).collect();
        let decoded = DecodedWebhook { webhook: Uuid::now_v7(), events, people: Default::default(), problem: None };
        self.store.keep_events(holder, &[decoded]).await.unwrap();
        let heard = self.store.claim_events(holder, now, now + Duration::from_secs(60), 100).await.unwrap();
        assert_eq!(heard.len(), steps.len());
        let hearing = |event| {
            let then = Then::Tell(vec![self.callback(event, message, target)]);
            Hearing { event, transaction: None, learnt: None, then }
        };
        let hearings: Vec<_> = heard.iter().map(|heard| hearing(heard.id)).collect();
        self.store.end_hearing(holder, &hearings).await.unwrap();
    }

    fn event(&self, message: &str, step: &str) -> NewEvent {
        let status = Status { message_id: Some(message.to_owned()), ..Status::new(Progress::named(step)) };
        let id = Uuid::now_v7();
        let mut identity = [0; 32];
        identity[..16].copy_from_slice(id.as_bytes());
        NewEvent {
            id,
            webhook: Uuid::now_v7(),
            upstream: "sandbox".to_owned(),
            identity,
            replaces: None,
            received_at: self.clock.now(),
            event: Event::Status(status),
        }
    }

    fn callback(&self, event: Uuid, message: &str, target: &str) -> NewCallback {
        NewCallback {
            id: Uuid::now_v7(),
            event,
            account: "shop".to_owned(),
            transaction: None,
            dialect: "cloud".to_owned(),
            target: format!("{target}/hook?of=shop"),
            order_key: message.to_owned(),
            created_at: self.clock.now(),
        }
    }

    pub async fn callbacks(&self, filter: &CallbackFilter) -> Vec<KeptCallback> {
        self.store.callbacks(filter, None, 1000).await.unwrap()
    }

    pub async fn count(&self, state: CallbackState) -> usize {
        self.callbacks(&CallbackFilter { state: Some(state), ..CallbackFilter::default() }).await.len()
    }

    pub async fn until_none(&self, state: CallbackState) {
        while self.count(state).await > 0 {
            tokio::task::yield_now().await;
        }
    }

    pub async fn until_some(&self, state: CallbackState) {
        while self.count(state).await == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Gives the worker time for what is due now.
    pub async fn settled_or_due(&self) {
        for _ in 0..20 {
            self.count(CallbackState::Pending).await;
        }
    }

    pub async fn replay(&self, id: Uuid) {
        let replayed = self.store.replay_callbacks(&Which::Ids(vec![id]), self.clock.now(), 1).await.unwrap();
        assert_eq!(replayed, 1);
        self.app.state.callbacks.look_again();
    }
}
