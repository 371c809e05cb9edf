//! Laws of the ledger under schedules that are drawn: who asks for what, who gives up, how the store fares with each batch,
//! and how long everything takes. Time is paused, so hours cost none.
//!
//! As many cases as `PROPTEST_CASES` says, 256 where it says nothing. A failing one belongs into `ledger.rs` as a test.

mod laws;
mod people;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use proptest::collection::vec;
use proptest::prelude::*;
use sabir::model::TransactionId;
use sabir::store::{
    Begin, Cause, Ledger, Limits, NewJob, NewTransaction, Settlement, StoreError, Transaction, Transactions, Turn,
    Write, Written,
};
use tokio::runtime;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{Duration, sleep, timeout};

use crate::fixtures::{abandoned, at, attempt, begun, sending, sent};
use laws::Laws;
use people::People;

/// Transactions that a case is about.
const TRANSACTIONS: usize = 4;

/// How long a case goes on after its last step: what is in doubt is looked for as long as a commit of it may come.
const QUIET: Duration = Duration::from_secs(20);

/// Nobody waits so long, whatever happens.
const EVER: Duration = Duration::from_secs(120);

/// What somebody does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ask {
        kind: Kind,
        of: usize,
        is_poisoned: bool,
    },
    SettleLater {
        of: usize,
        is_poisoned: bool,
    },
    Flush,
    /// The last who asked gives up.
    HangUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Record,
    Begin,
    Turn,
    Settle,
    /// What the ledger asks for by itself.
    Withdrawal,
}

#[derive(Clone, Copy, Debug)]
enum Pause {
    Turns(u8),
    Millis(u64),
}

impl Pause {
    async fn pass(self) {
        match self {
            Self::Turns(count) => {
                for _ in 0..count {
                    yield_now().await;
                }
            }
            Self::Millis(count) => sleep(Duration::from_millis(count)).await, // The time is simulated.
        }
    }
}

/// How the store fares with a batch.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Commits,
    Away,
    /// The answer is lost. What was asked for is committed after a while, or never.
    InDoubt(Option<u64>),
}

#[derive(Clone, Debug)]
struct Case {
    limits: Limits,
    /// Batches that the store takes at once.
    side_by_side: usize,
    steps: Vec<(Step, Pause)>,
    fates: Vec<(Pause, Fate)>,
    /// Whether the gateway stops at the last step, as the store is then.
    stops_at_once: bool,
}

/// One write, told from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Name {
    kind: Kind,
    of: TransactionId,
    serial: u32,
}

/// What happened, in its order.
#[derive(Clone, Debug)]
enum Seen {
    /// The store was given these in one batch.
    Tried(Vec<Name>),
    /// It is done with that batch.
    Ended(Vec<Name>),
    /// It is durable, and the ledger knows.
    Committed(Name),
    /// It is durable, and nobody said so.
    CommittedInSilence(Name),
    /// The answer to this was lost.
    Doubted(Name),
    /// Who asked for it hears.
    Told(Name, Outcome),
    /// It is left to the ledger.
    Left(Name),
    /// A flush that was asked for behind so many that were left to the ledger returns.
    Flushed(usize),
}

type Outcome = Result<Written, StoreError>;

#[derive(Default)]
struct Diary {
    seen: Mutex<Vec<Seen>>,
    poisoned: Mutex<HashSet<u32>>,
}

impl Diary {
    fn note(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
    }

    fn is_poisoned(&self, name: &Name) -> bool {
        name.kind != Kind::Withdrawal && self.poisoned.lock().unwrap().contains(&name.serial)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_ledger_keeps_its_word_whatever_the_order_of_things(case in case()) {
        let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(case));
    }
}

fn case() -> impl Strategy<Value = Case> {
    let limit = || prop_oneof![3 => Just(50_usize), 1 => 1..4_usize];
    let limits = (limit(), limit(), prop_oneof![Just(512_usize), 1..4_usize], 1..4_usize);
    let limits = limits.prop_map(|(records, settlements, batch, crowd)| Limits { records, settlements, batch, crowd });
    (limits, 1..4_usize, vec((step(), pause()), 1..40), vec((pause(), fate()), 0..30), proptest::bool::weighted(0.2))
        .prop_map(|(limits, side_by_side, steps, fates, stops_at_once)| Case {
            limits,
            side_by_side,
            steps,
            fates,
            stops_at_once,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(Kind::Record), Just(Kind::Begin), Just(Kind::Turn), Just(Kind::Settle)];
    let is_poisoned = || proptest::bool::weighted(0.1);
    prop_oneof![
        6 => (kind, 0..TRANSACTIONS, is_poisoned()).prop_map(|(kind, of, is_poisoned)| Step::Ask { kind, of, is_poisoned }),
        4 => (0..TRANSACTIONS, is_poisoned()).prop_map(|(of, is_poisoned)| Step::SettleLater { of, is_poisoned }),
        1 => Just(Step::Flush),
        1 => Just(Step::HangUp),
    ]
}

fn pause() -> impl Strategy<Value = Pause> {
    let millis = prop_oneof![1..4_u64, Just(100), Just(500), Just(3000)];
    prop_oneof![4 => (0..4_u8).prop_map(Pause::Turns), 1 => millis.prop_map(Pause::Millis)]
}

fn fate() -> impl Strategy<Value = Fate> {
    let late = proptest::option::of(prop_oneof![Just(0_u64), Just(700), Just(14_000)]);
    prop_oneof![4 => Just(Fate::Commits), 2 => Just(Fate::Away), 1 => late.prop_map(Fate::InDoubt)]
}

/// Plays a case, and asks of what was seen whether all laws hold.
async fn play(case: Case) {
    let diary = Arc::<Diary>::default();
    let doors = Arc::new(Semaphore::new(case.side_by_side));
    let fates = Mutex::new(VecDeque::from(case.fates.clone()));
    let store = Drawn { diary: Arc::clone(&diary), fates, doors: Arc::clone(&doors), side_by_side: case.side_by_side };
    let store = Arc::new(store);
    let ledger = Ledger::start(store.clone(), case.limits);
    let mut people = People::new(ledger.clone(), Arc::clone(&diary));
    for &(step, pause) in &case.steps {
        people.take(step, pause);
        pause.pass().await;
    }
    if !case.stops_at_once {
        store.fates.lock().unwrap().clear();
        sleep(QUIET).await; // Simulated, as all time here.
        timeout(EVER, ledger.flush()).await.expect("a flush ends");
        people.all_places_are_free(case.limits, &doors, case.side_by_side).await;
    }
    timeout(EVER, ledger.close()).await.expect("a ledger closes");
    people.have_all_been_answered().await;
    let seen = diary.seen.lock().unwrap().clone();
    let poisoned = diary.poisoned.lock().unwrap().clone();
    let Case { side_by_side, stops_at_once, .. } = case;
    Laws { seen, poisoned, lost: ledger.lost(), refused: people.refused, side_by_side, stops_at_once }.hold();
}

impl Name {
    /// What the store says of it where it commits it.
    fn written(&self) -> Written {
        match self.kind {
            Kind::Record if self.serial.is_multiple_of(2) => Written::Queued,
            Kind::Begin | Kind::Turn if self.serial.is_multiple_of(2) => Written::Stale,
            _ => Written::Done,
        }
    }

    /// Half of the transactions are messages to one recipient.
    fn pair(&self) -> Option<String> {
        (self.of.0.as_u128() & 1 == 0).then(|| "sender recipient".into())
    }

    fn record(&self) -> NewTransaction {
        let job = Some(NewJob { pair: self.pair(), due_at: at(60), holder: None });
        NewTransaction { id: self.of, client_request: self.serial.to_string(), job, ..sending() }
    }

    fn begin(&self) -> Begin {
        Begin { transaction: self.of, attempt: attempt(self.serial), ..begun(&sending()) }
    }

    fn turn(&self) -> Turn {
        Turn { transaction: self.of, detail: Some(self.serial.to_string()), ..abandoned(&sending()) }
    }

    fn settlement(&self) -> Settlement {
        Settlement { transaction: self.of, pair: self.pair(), attempt: self.serial, ..sent(&sending(), "wamid.1") }
    }

    fn of(write: &Write) -> Self {
        let (kind, serial) = match write {
            Write::Record(new) => (Kind::Record, new.client_request.parse().unwrap()),
            Write::Begin(begin) => (Kind::Begin, begin.attempt.number),
            Write::Settle(settlement) => (Kind::Settle, settlement.attempt),
            Write::Turn(turn) if turn.cause == Cause::Withdrawn => (Kind::Withdrawal, 0),
            Write::Turn(turn) => (Kind::Turn, turn.detail.as_deref().unwrap().parse().unwrap()),
        };
        Self { kind, of: write.transaction(), serial }
    }

    /// Whether the one may change what the other sees.
    fn has_to_do_with(&self, other: &Self) -> bool {
        let is_of_pair = |name: &Self| matches!(name.kind, Kind::Record | Kind::Settle) && name.pair().is_some();
        self.of == other.of || is_of_pair(self) && is_of_pair(other)
    }

    fn can_be_taken_back(&self) -> bool {
        matches!(self.kind, Kind::Record | Kind::Begin)
    }
}

/// The store as it is drawn.
struct Drawn {
    diary: Arc<Diary>,
    fates: Mutex<VecDeque<(Pause, Fate)>>,
    /// Shut while nothing is to be committed.
    doors: Arc<Semaphore>,
    side_by_side: usize,
}

#[async_trait]
impl Transactions for Drawn {
    async fn write(&self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let names: Vec<_> = batch.iter().map(Name::of).collect();
        self.diary.note(Seen::Tried(names.clone()));
        let _door = self.doors.acquire().await;
        let written = self.decide(&names).await;
        self.diary.note(Seen::Ended(names));
        written
    }

    fn side_by_side(&self) -> usize {
        self.side_by_side
    }

    async fn find(&self, _: &str) -> Result<Option<Transaction>, StoreError> {
        Ok(None)
    }
}

impl Drawn {
    async fn decide(&self, names: &[Name]) -> Result<Vec<Written>, StoreError> {
        let (pause, fate) = self.fates.lock().unwrap().pop_front().unwrap_or((Pause::Turns(1), Fate::Commits));
        pause.pass().await;
        let cause = Arc::new(io::Error::other("drawn"));
        match fate {
            Fate::Away => Err(StoreError::Unreachable(cause)),
            Fate::Commits | Fate::InDoubt(_) if names.iter().any(|name| self.diary.is_poisoned(name)) => {
                Err(StoreError::Defect(cause))
            }
            Fate::Commits => {
                names.iter().for_each(|name| self.diary.note(Seen::Committed(*name)));
                Ok(names.iter().map(Name::written).collect())
            }
            Fate::InDoubt(late) => {
                names.iter().for_each(|name| self.diary.note(Seen::Doubted(*name)));
                if let Some(millis) = late {
                    tokio::spawn(commit_late(Arc::clone(&self.diary), names.to_vec(), millis));
                }
                Err(StoreError::InDoubt(cause))
            }
        }
    }
}

async fn commit_late(diary: Arc<Diary>, names: Vec<Name>, millis: u64) {
    sleep(Duration::from_millis(millis)).await; // Simulated.
    names.iter().for_each(|name| diary.note(Seen::CommittedInSilence(*name)));
}
