//! Events on their way in: taken at the door (`door.rs`), decoded (`decode.rs`), heard (`hear.rs`), and passed on to those
//! whom they concern (`whom.rs`).
//!
//! A provider waits for nothing but the commit of its webhook. Decoding and hearing follow behind, each step handed out by
//! a lease, so that any process may do them and what breaks off is done again.

mod about;
mod decode;
mod door;
mod hear;
mod own;
mod whom;
mod within;

use std::sync::Arc;
use std::time::Duration;

pub use door::{Entry, Turned};
pub(super) use own::failure;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Delivery;
use super::callbacks::Callbacks;
use crate::clock::Clock;
use crate::store::{Intake, RawWebhook, Store, StoreError, WebhookFilter};

/// Webhooks that are decoded at once at most; each may hold a thousand entries.
const WEBHOOKS: u32 = 64;

/// Events that are heard at once at most.
const EVENTS: u32 = 512;

/// Webhooks that are opened again in one step.
const REOPENED: u32 = 500;

/// How long a process that is not heard of keeps others from its webhooks and events.
const LEASE: Duration = Duration::from_secs(60);

/// How long nothing is looked for where nothing seems to be due, and while the store is away.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// Listens to providers.
pub struct Listener {
    delivery: Arc<Delivery>,
    callbacks: Arc<Callbacks>,
    store: Arc<dyn Store>,
    intake: Intake,
    clock: Arc<dyn Clock>,
    /// This run of the process, as which it holds webhooks and events.
    process: Uuid,
    /// Wakes the worker: a webhook came.
    work: Notify,
    stopping: CancellationToken,
    under_way: TaskTracker,
}

impl Listener {
    /// A listener for the upstreams of a delivery, that leaves what clients are told to the callbacks.
    pub fn new(
        delivery: Arc<Delivery>,
        callbacks: Arc<Callbacks>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            delivery,
            callbacks,
            intake: Intake::start(Arc::<dyn Store>::clone(&store)),
            store,
            process: clock.process_id(),
            clock,
            work: Notify::new(),
            stopping: CancellationToken::new(),
            under_way: TaskTracker::new(),
        })
    }

    /// Begins to work on what was told.
    pub fn start(self: &Arc<Self>) {
        self.under_way.spawn(Arc::clone(self).work_for_ever());
    }

    /// Has the worker look for what is due, as after the clock was set.
    pub fn look_again(&self) {
        self.work.notify_one();
    }

    /// Ends what is under way and takes nothing up any more.
    pub async fn close(&self) {
        self.stopping.cancel();
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// Has webhooks decoded once more, and says how many: what they told before is not told again.
    ///
    /// # Errors
    /// Where the store is away.
    pub async fn replay(&self, filter: &WebhookFilter) -> Result<u64, StoreError> {
        let (mut replayed, mut after) = (0, None);
        loop {
            let reopened = self.store.reopen_webhooks(filter, after, self.clock.now(), REOPENED).await?;
            self.look_again();
            replayed += reopened.len() as u64;
            after = reopened.last().copied();
            if reopened.len() < REOPENED as usize {
                return Ok(replayed);
            }
        }
    }

    async fn work_for_ever(self: Arc<Self>) {
        while !self.stopping.is_cancelled() {
            let pause = match self.take_up_what_is_due().await {
                Ok(true) => continue,
                Ok(false) => self.next_look().await,
                Err(error) => {
                    error.log("no webhook could be taken up");
                    AT_LEAST_EVERY
                }
            };
            tokio::select! {
                () = self.stopping.cancelled() => {}
                () = self.work.notified() => {}
                () = self.delivery.ledger.told() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Decodes what came and hears what was told. Whether there may be more at once. It is looked before anything is
    /// claimed: a claim writes, and while the store is away it would stand in front of a send.
    async fn take_up_what_is_due(&self) -> Result<bool, StoreError> {
        let due_at = self.store.next_event_due().await?;
        if due_at.is_none_or(|at| at > self.clock.now()) {
            return Ok(false);
        }
        let decoded = self.decode_what_came().await?;
        let heard = self.hear_what_was_told().await?;
        Ok(decoded || heard)
    }

    async fn decode_what_came(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let raw = self.store.claim_webhooks(self.process, now, now + LEASE, WEBHOOKS).await?;
        if raw.is_empty() {
            return Ok(false);
        }
        let mut decoded = Vec::with_capacity(raw.len());
        for webhook in raw {
            decoded.push(self.decode(webhook).await);
        }
        self.store.keep_events(self.process, &decoded).await?;
        Ok(true)
    }

    /// Apart from the tasks that answer clients, since a webhook may be large; and so that one which makes a decoder panic
    /// stops no other.
    async fn decode(&self, raw: RawWebhook) -> crate::store::DecodedWebhook {
        let upstream = self.delivery.directory().upstream(&raw.upstream);
        let (kept, clock) = (raw.clone(), Arc::clone(&self.clock));
        let decoding = tokio::task::spawn_blocking(move || match upstream {
            Some(upstream) => decode::decode(raw, upstream.dialect, &*clock),
            None => decode::problem(raw, "no upstream of this name is configured; configure it, then replay"),
        });
        decoding.await.unwrap_or_else(|_| {
            tracing::error!(webhook.id = %kept.id, "a webhook was not decoded: its decoder ended abnormally");
            decode::problem(kept, "its decoder ended abnormally; see the log")
        })
    }

    async fn next_look(&self) -> Duration {
        let due_at = self.store.next_event_due().await.ok().flatten();
        let wait = due_at.map(|at| (at - self.clock.now()).try_into().unwrap_or_default());
        wait.unwrap_or(AT_LEAST_EVERY).clamp(Duration::from_millis(10), AT_LEAST_EVERY)
    }
}
