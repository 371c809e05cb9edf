//! From a request that was understood to an answer, and from there to an end: nothing lost, nothing sent twice.
//!
//! A client's request is tried at once or queued, as its account wants it. Whoever carries a message holds its lease, and
//! commits each attempt before its first byte leaves (`attempt.rs`). Where it cannot go on it is put down (`carry.rs`);
//! workers of any process take it up when it is due (`worker.rs`). What became of it, and what follows, is decided in one
//! place, without I/O (`life.rs`). Only a message's files go ahead of its first commit, since it names them by the
//! upstream's ids; an upload sends nobody anything. Delivery knows neither wire formats nor status codes.

mod access;
mod account;
mod agenda;
mod attempt;
mod breaker;
pub mod callbacks;
mod carry;
mod directory;
pub mod events;
mod files;
mod forget;
mod inbound;
mod lanes;
mod life;
mod operate;
mod order;
mod pace;
mod record;
mod rehearsal;
mod repeat;
mod replay;
mod retry;
mod upkeep;
mod valve;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use access::{Access, Key, KeyConfig, Limits, Place, Scope, too_fast};
pub use account::{Account, AccountConfig, Config, MediaProvider, Mode, ProviderConfig};
use agenda::Agenda;
use arc_swap::ArcSwap;
pub use breaker::Health;
use carry::Fate;
pub use directory::{Choice, Directory, Holder, Parts, RouteConfig};
pub use files::{FileReport, Files, Tools, Used, refusal, watch as watch_files};
pub use forget::{Ages, Erased};
use inbound::Inbound;
pub use inbound::{Behind, Limits as InboundLimits, Opened};
use lanes::{Lane, Lanes};
use life::Policy;
pub use life::{Action, OnUnknown};
pub use operate::{NotDone, Word};
pub use order::{Delivered, Order, Taken};
use order::{Message, Way};
pub use rehearsal::Rehearsal;
use repeat::Asked;
pub use replay::{MOST as MOST_REPLAYED, Replayed, Selection};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;
pub use valve::Condition;
use valve::Valves;

use crate::clock::Clock;
use crate::model::{Accepted, Fault, FaultKind, Verdict};
use crate::store::{Ledger, Store, StoreError};

/// The delivery of messages.
pub struct Delivery {
    directory: Arc<ArcSwap<Directory>>,
    store: Arc<dyn Store>,
    ledger: Ledger,
    files: Arc<Files>,
    inbound: Arc<Inbound>,
    clock: Arc<dyn Clock>,
    config: Config,
    /// This run of the process, as which it holds messages.
    process: Uuid,
    /// Whether messages may be tried without a job: all processes know of it, and the store knows of this one.
    may_at_once: AtomicBool,
    valves: Valves,
    lanes: Arc<Lanes>,
    asked: Arc<Asked>,
    /// When the worker looks for what is due.
    agenda: Agenda,
    /// Wakes the worker: it may take up more.
    hands_free: Notify,
    stopping: CancellationToken,
    under_way: TaskTracker,
}

impl Delivery {
    /// Delivery over a directory of accounts and upstreams, recorded in a store, with the files that clients uploaded.
    pub fn new(
        directory: Directory,
        store: Arc<dyn Store>,
        files: Arc<Files>,
        clock: Arc<dyn Clock>,
        config: Config,
    ) -> Arc<Self> {
        let directory = Arc::new(ArcSwap::from_pointee(directory));
        Arc::new(Self {
            inbound: files.inbound(Arc::clone(&directory)),
            directory,
            ledger: Ledger::start(store.clone(), crate::store::Limits::default()),
            store,
            files,
            process: clock.process_id(),
            may_at_once: AtomicBool::new(false),
            clock,
            config,
            valves: Valves::default(),
            lanes: Arc::default(),
            asked: Arc::default(),
            agenda: Agenda::default(),
            hands_free: Notify::new(),
            stopping: CancellationToken::new(),
            under_way: TaskTracker::new(),
        })
    }

    /// The accounts, upstreams and routes that are in force.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Puts other accounts, upstreams and routes in force; requests under way end with the old ones.
    pub fn replace_directory(&self, directory: Directory) {
        self.directory.store(Arc::new(directory));
        self.agenda.due_now();
    }

    /// Begins to work on what waits, and to look after what nobody holds any more.
    pub fn start(self: &Arc<Self>) {
        self.under_way.spawn(Arc::clone(self).work_for_ever());
        self.under_way.spawn(Arc::clone(self).keep_up());
    }

    /// Has the worker look for what is due, as after the clock was set.
    pub fn look_again(&self) {
        self.agenda.due_now();
    }

    /// Delivers a request. It goes on to its end and is recorded even where the client hangs up meanwhile.
    pub async fn send(self: &Arc<Self>, order: Order) -> Delivered {
        let (transaction, until) = (order.id, Instant::now() + order.account.deadline);
        let (client, told) = oneshot::channel();
        let message = Message::of_client(order, until, client);
        // Large, and so in a box: what is spawned is copied from place to place.
        let delivery = Box::pin(Arc::clone(self).deliver(message));
        self.under_way.spawn(delivery.in_current_span());
        told.await.unwrap_or_else(|_| ended_abnormally(transaction))
    }

    /// Says what would happen to a request, and sends nothing: its files are looked at, and not uploaded.
    pub async fn rehearse(&self, mut order: Order) -> Rehearsal {
        let choice = self.directory.load().choose(&order.account, &order.request);
        let upstream = match choice {
            Ok(choice) => choice.first,
            Err(fault) => return Rehearsal::refused(&order, fault),
        };
        let prepared = match self.learn_names(&mut order).await {
            Ok(()) => attempt::prepare(&upstream, &order),
            Err(fault) => Err(fault),
        };
        let until = Instant::now() + order.account.deadline;
        let (media, fault) = self.files.look(&order, &upstream, &self.inbound, until).await;
        Rehearsal::new(&order, &upstream, prepared, media, fault)
    }

    /// The upstreams that are called, each with how it is doing.
    pub fn upstreams(&self) -> Vec<Condition> {
        self.valves.conditions()
    }

    /// Takes nothing up any more, ends what is under way, leaves the rest to others, and records everything.
    pub async fn close(&self) {
        self.stopping.cancel();
        self.under_way.close();
        self.under_way.wait().await;
        self.ledger.close().await;
        if self.ledger.first_open().is_some() {
            // Not settled, as the store is away: somebody looks after it.
            return;
        }
        if let Err(error) = self.store.leave(self.process).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "others notice by themselves that this one is gone"
            );
        }
    }

    /// What becomes of an account's messages; of one that is gone, as where nothing is said.
    fn policy_of(&self, account: &str) -> Policy {
        let account = self.directory().account_named(account);
        account.map_or_else(|| self.config.policy(), |account| account.policy)
    }

    /// Waits until every outcome known so far is recorded.
    pub async fn settled(&self) {
        self.ledger.flush().await;
    }

    async fn deliver(self: Arc<Self>, mut message: Message) {
        let fate = match self.asked.begin(&message.order) {
            Ok(_asking) => match message.mode() {
                Mode::Sync => self.deliver_at_once(&mut message).await,
                Mode::Queued => self.queue(&mut message).await,
            },
            Err(fault) => Fate::NotRecorded(fault),
        };
        fate.trace();
        let mut transaction = message.order.id;
        let outcome = match fate {
            Fate::Sent(accepted) => Ok(accepted),
            Fate::Later => Ok(Accepted::default()),
            Fate::Failed(fault) => Err(fault),
            Fate::NotRecorded(fault) => {
                crate::measure::refused(message.order.dialect.name(), fault.kind);
                Err(fault)
            }
            Fate::Repeated(first, payload) => {
                transaction = first;
                self.repeated(&message.order, first, payload).await
            }
        };
        message.tell(transaction, outcome);
    }

    /// Messages of a pair leave one after the other; who is still in line when the client has waited long enough is left
    /// to the queue.
    async fn deliver_at_once(&self, message: &mut Message) -> Fate {
        match timeout_at(message.until, self.lane_of(message)).await {
            Ok(_lane) => self.carry(message).await,
            Err(_) => self.record_for_later(message, self.clock.now()).await,
        }
    }

    /// Its files are looked at before the client is answered: what would fail later is refused now. A look that takes longer
    /// than the client waits is left to the worker.
    async fn queue(&self, message: &mut Message) -> Fate {
        if message.order.request.may_have_files()
            && let Ok(choice) = self.directory().choose(&message.order.account, &message.order.request)
            && let (_, Some(fault)) = self.files.look(&message.order, &choice.first, &self.inbound, message.until).await
            && fault.verdict() == Verdict::Permanent
        {
            return self.refuse(message, fault).await;
        }
        self.record_for_later(message, self.clock.now()).await
    }

    async fn lane_of(&self, message: &Message) -> Option<Lane> {
        let choice = self.directory().choose(&message.order.account, &message.order.request).ok()?;
        let pair = Way::of(&message.order.request, &choice.first).pair?;
        Some(self.lanes.enter(&pair).await)
    }
}

/// The task of a delivery ended without a word: it panicked. Not the panic's own words, which may hold what a client sent.
fn ended_abnormally(transaction: crate::model::TransactionId) -> Delivered {
    tracing::error!(transaction.id = %transaction, "delivery ended abnormally");
    let fault = Fault::gateway(FaultKind::Internal, "the delivery ended abnormally; see the log");
    Delivered { transaction, outcome: Err(fault), upstream_time: None }
}

fn store_fault(error: StoreError) -> Fault {
    let (kind, detail) = match error {
        StoreError::Overloaded => (FaultKind::Overloaded, "more requests than can be recorded; try again"),
        _ => (FaultKind::StoreUnavailable, "the request could not be recorded, so it was not accepted; try again"),
    };
    tracing::error!(fault.kind = %kind, error = &error as &dyn std::error::Error, "request not recorded");
    Fault::gateway(kind, detail).retry_after(Some(Duration::from_secs(1)))
}
