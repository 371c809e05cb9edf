//! The ledger over a store that the test plays itself: it sees each batch and says what becomes of it. Time is paused,
//! so waiting costs none.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use sabir::store::{
    Ledger, Limits, NewTransaction, PayloadHash, Settlement, StoreError, Transaction, Transactions, Write, Written,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Duration, Instant};

use crate::fixtures::{
    HOLDER, abandoned, accepted, at, begun, failed, keyed, made_at_once, sending, sending_with, sent,
};

/// What the ledger tells; in the place of a batch's, what became of each of its entries.
type Outcome = Result<Written, StoreError>;

#[tokio::test(start_paused = true)]
async fn a_request_alone_is_committed_alone_and_at_once() {
    let (ledger, mut store) = played(Limits::default());
    let (new, began) = (sending(), Instant::now());
    let recorded = record(&ledger, &new).await;
    let batch = store.batch().await;
    assert_eq!(batch.names(), [format!("record {}", new.id)]);
    assert!(!recorded.is_finished(), "a record is acknowledged when it is durable");
    batch.answer(done());
    recorded.await.unwrap().unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_waits_during_a_commit_shares_the_next() {
    let (ledger, mut store) = played(Limits::default());
    let news = [sending(), sending(), sending()];
    let first = record(&ledger, &news[0]).await;
    let batch = store.batch().await;
    let second = record(&ledger, &news[1]).await;
    ledger.settle_later(sent(&news[0], "wamid.1"));
    let third = record(&ledger, &news[2]).await;
    batch.answer(done());
    first.await.unwrap().unwrap();

    let batch = store.batch().await;
    let [one, two, three] = news.map(|new| new.id);
    assert_eq!(batch.names(), [format!("settle {one}"), format!("record {two}"), format!("record {three}")]);
    batch.answer(done());
    second.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crowd_does_not_wait_for_a_commit_where_the_store_takes_two() {
    let (ledger, mut store) = played_side_by_side(2, Limits { crowd: 2, ..Limits::default() });
    let news = [sending(), sending(), sending(), sending(), sending()];
    let first = record(&ledger, &news[0]).await;
    let one = store.batch().await;
    let second = record(&ledger, &news[1]).await;
    assert!(store.has_nothing(), "one is no crowd");
    let third = record(&ledger, &news[2]).await;
    let two = store.batch().await;
    assert_eq!(two.names(), [format!("record {}", news[1].id), format!("record {}", news[2].id)]);
    let (fourth, fifth) = (record(&ledger, &news[3]).await, record(&ledger, &news[4]).await);
    assert!(store.has_nothing(), "the store takes two");

    two.answer(done());
    second.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
    let three = store.batch().await;
    assert_eq!(three.names(), [format!("record {}", news[3].id), format!("record {}", news[4].id)]);
    one.answer(done());
    three.answer(done());
    for recorded in [first, fourth, fifth] {
        recorded.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_to_do_with_a_batch_under_way_waits_for_it() {
    let (ledger, mut store) = played_side_by_side(2, Limits { crowd: 1, ..Limits::default() });
    let of_pair = || sending_with(|new| new.job.as_mut().unwrap().pair = Some("sender recipient".into()));
    let [one, two, three, other] = [of_pair(), of_pair(), of_pair(), sending()];
    let settled = settle(&ledger, sent(&one, "wamid.1")).await;
    let settling = store.batch().await;
    let second = record(&ledger, &two).await;
    let third = record(&ledger, &three).await;
    assert!(store.has_nothing(), "the next of a pair sees that the one before has ended");
    let apart = record(&ledger, &other).await;
    let beside = store.batch().await;
    assert_eq!(beside.names(), [format!("record {}", other.id)]);
    beside.answer(done());
    apart.await.unwrap().unwrap();
    assert!(store.has_nothing());

    settling.answer(done());
    settled.await.unwrap().unwrap();
    let batch = store.batch().await;
    assert_eq!(batch.names(), [format!("record {}", two.id), format!("record {}", three.id)]);
    batch.answer(done());
    second.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_in_doubt_lets_nothing_begin_beside_another() {
    let (ledger, mut store) = played_side_by_side(2, Limits { crowd: 1, ..Limits::default() });
    let news = [sending(), sending(), sending()];
    let first = record(&ledger, &news[0]).await;
    let one = store.batch().await;
    let second = record(&ledger, &news[1]).await;
    let two = store.batch().await;
    one.answer(in_doubt());
    assert!(matches!(first.await.unwrap(), Err(StoreError::InDoubt(_))));
    let third = record(&ledger, &news[2]).await;
    assert!(store.has_nothing());

    two.answer(done());
    second.await.unwrap().unwrap();
    let taken_back = store.batch().await;
    assert_eq!(taken_back.names(), vec![format!("turn {}", news[0].id); 2]);
    taken_back.answer(done());
    store.batch().await.answer(done());
    third.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_settlement_waits_no_longer_while_something_is_looked_for_now_and_then() {
    let (ledger, mut store) = played(Limits::default());
    let (new, other) = (sending(), sending());
    let recorded = record(&ledger, &new).await;
    store.batch().await.answer(in_doubt());
    assert!(matches!(recorded.await.unwrap(), Err(StoreError::InDoubt(_))));
    store.batch().await.answer(done());
    yield_now().await;
    let began = Instant::now();
    ledger.settle_later(sent(&other, "wamid.1"));
    let batch = store.batch().await;
    assert_eq!(batch.names(), [format!("settle {}", other.id)]);
    assert!(began.elapsed() <= Duration::from_millis(3), "{:?}", began.elapsed());
    batch.answer(done());
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_nobody_waits_for_goes_with_the_next_demand_or_soon_alone() {
    let (ledger, mut store) = played(Limits::default());
    let [one, two, three] = [sending(), sending(), sending()];
    let began = Instant::now();
    ledger.settle_later(sent(&one, "wamid.1"));
    yield_now().await;
    let recorded = record(&ledger, &two).await;
    let batch = store.batch().await;
    assert_eq!(batch.names(), [format!("settle {}", one.id), format!("record {}", two.id)]);
    assert_eq!(began.elapsed(), Duration::ZERO);
    batch.answer(done());
    recorded.await.unwrap().unwrap();

    ledger.settle_later(sent(&two, "wamid.2"));
    let batch = store.batch().await;
    assert_eq!(batch.names(), [format!("settle {}", two.id)]);
    assert!(began.elapsed() <= Duration::from_millis(3), "{:?}", began.elapsed());
    batch.answer(done());

    // Whoever waits for one, for all of them or for the end is not kept waiting.
    let began = Instant::now();
    let settled = settle(&ledger, sent(&three, "wamid.3")).await;
    store.batch().await.answer(done());
    settled.await.unwrap().unwrap();
    ledger.settle_later(sent(&three, "wamid.3"));
    let flushed = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.flush().await }
    });
    store.batch().await.answer(done());
    flushed.await.unwrap();
    ledger.settle_later(sent(&three, "wamid.3"));
    let closed = close(&ledger).await;
    store.batch().await.answer(done());
    closed.await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_told_what_became_of_its_own() {
    let (ledger, mut store) = played(Limits::default());
    let [new, held] = [sending(), sending()];
    let first = record(&ledger, &new).await;
    let batch = store.batch().await;
    let begun = spawn(&ledger, |ledger| async move { ledger.begin(begun(&held)).await }).await;
    let turned = spawn(&ledger, |ledger| async move { ledger.turn(abandoned(&sending())).await }).await;
    batch.answer(Ok(Written::Queued));
    assert_eq!(first.await.unwrap().unwrap(), Written::Queued);

    let batch = store.batch().await;
    assert_eq!(batch.names().iter().map(|name| &name[..5]).collect::<Vec<_>>(), ["begin", "turn "]);
    batch.answer(Ok(Written::Stale));
    assert_eq!(begun.await.unwrap().unwrap(), Written::Stale);
    assert_eq!(turned.await.unwrap().unwrap(), Written::Stale);
}

#[tokio::test(start_paused = true)]
async fn what_is_made_at_once_is_open_until_it_is_settled_or_looked_after() {
    let (ledger, mut store) = played(Limits::default());
    let [first, second] = [made_at_once(), made_at_once()];
    let recorded = [record(&ledger, &first).await, record(&ledger, &second).await];
    assert_eq!(ledger.first_open(), Some(first.id), "it may be committed, whatever the store says");
    store.batch().await.answer(done());
    store.batch().await.answer(done());
    for recorded in recorded {
        recorded.await.unwrap().unwrap();
    }
    let settled = settle(&ledger, sent(&first, "wamid.1")).await;
    assert_eq!(ledger.first_open(), Some(first.id));
    store.batch().await.answer(done());
    settled.await.unwrap().unwrap();
    assert_eq!(ledger.first_open(), Some(second.id));
    ledger.looked_after(at(1));
    assert_eq!(ledger.first_open(), Some(second.id), "it may have begun later");
    ledger.looked_after(at(100));
    assert_eq!(ledger.first_open(), None);
    let _job = record(&ledger, &sending()).await;
    assert_eq!(ledger.first_open(), None, "a job says the same");
    store.batch().await.answer(done());

    let behind = made_at_once();
    let recorded = record(&ledger, &behind).await;
    assert_eq!(ledger.first_open(), Some(behind.id));
    store.batch().await.answer(Ok(Written::Queued));
    recorded.await.unwrap().unwrap();
    assert_eq!(ledger.first_open(), None, "it waits for another of its pair");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_made_at_once_any_more_is_settled_as_what_has_a_job() {
    let (ledger, mut store) = played(Limits::default());
    let new = made_at_once();
    let settled = settle(&ledger, sent(&new, "wamid.1")).await;
    let at_once = |batch: &Batch| match &batch.writes[..] {
        [Write::Settle(settlement)] => settlement.at_once,
        other => panic!("{other:?}"),
    };
    let first = store.batch().await;
    assert_eq!(at_once(&first), Some(HOLDER));
    first.answer(Ok(Written::Stale));
    let second = store.batch().await;
    assert_eq!(at_once(&second), None);
    assert!(!settled.is_finished());
    second.answer(done());
    settled.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_no_larger_than_its_limit() {
    let (ledger, mut store) = played(Limits { batch: 2, ..Limits::default() });
    let first = record(&ledger, &sending()).await;
    let batch = store.batch().await;
    for _ in 0..5 {
        ledger.settle_later(sent(&sending(), "wamid.1"));
    }
    let second = record(&ledger, &sending()).await;
    let third = record(&ledger, &sending()).await;
    batch.answer(done());
    for size in [2 + 2, 2, 1] {
        let batch = store.batch().await;
        assert_eq!(batch.writes.len(), size);
        batch.answer(done());
    }
    for recorded in [first, second, third] {
        recorded.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_is_refused_at_once_where_too_many_wait() {
    let (ledger, mut store) = played(Limits { records: 1, ..Limits::default() });
    let waiting = record(&ledger, &sending()).await;
    let batch = store.batch().await;
    assert!(matches!(ledger.record(sending()).await, Err(StoreError::Overloaded)));
    ledger.settle_later(sent(&sending(), "wamid.1"));
    batch.answer(done());
    waiting.await.unwrap().unwrap();
    store.batch().await.answer(done());

    let later = record(&ledger, &sending()).await;
    store.batch().await.answer(done());
    later.await.unwrap().unwrap();
    assert_eq!(ledger.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_waits_for_a_place_or_is_counted_as_lost() {
    let (ledger, mut store) = played(Limits { settlements: 1, ..Limits::default() });
    let [one, two, three] = [sending(), sending(), sending()];
    ledger.settle_later(sent(&one, "wamid.1"));
    let batch = store.batch().await;
    let waiting = settle(&ledger, sent(&two, "wamid.2")).await;
    ledger.settle_later(sent(&three, "wamid.3"));
    assert_eq!(ledger.lost(), 1);
    batch.answer(done());

    let batch = store.batch().await;
    assert_eq!(batch.names(), [format!("settle {}", two.id)]);
    batch.answer(done());
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_records_fail_and_settlements_are_kept() {
    let (ledger, mut store) = played(Limits::default());
    let [new, other] = [sending(), sending()];
    let recorded = record(&ledger, &new).await;
    let batch = store.batch().await;
    let meanwhile = record(&ledger, &other).await;
    ledger.settle_later(failed(&new));
    batch.answer(away());
    assert!(matches!(recorded.await.unwrap(), Err(StoreError::Unreachable(_))));
    assert!(matches!(meanwhile.await.unwrap(), Err(StoreError::Unreachable(_))));

    // It is tried again without a request, and a request is an occasion to try.
    store.batch().await.answer(away());
    let waiting = settle(&ledger, sent(&new, "wamid.1")).await;
    store.batch().await.answer(away());
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Unreachable(_))));
    ledger.settle_later(sent(&other, "wamid.2"));

    let batch = store.batch().await;
    let kept = [format!("settle {}", new.id), format!("settle {}", new.id), format!("settle {}", other.id)];
    assert_eq!(batch.names(), kept);
    assert!(matches!(&batch.writes[0], Write::Settle(first) if first.fault.is_some()), "the older one goes first");
    batch.answer(done());
    ledger.flush().await;
    assert_eq!(ledger.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_doubt_is_taken_back_before_anything_else_until_no_commit_can_come() {
    let (ledger, mut store) = played(Limits::default());
    let [new, held] = [keyed("a key", 1, sending()), accepted()];
    let recorded = record(&ledger, &new).await;
    store.batch().await.answer(in_doubt());
    assert!(matches!(recorded.await.unwrap(), Err(StoreError::InDoubt(_))));

    let (began, meanwhile) = (Instant::now(), record(&ledger, &sending()).await);
    let batch = store.batch().await;
    assert_eq!(batch.names(), vec![format!("turn {}", new.id); 2]);
    let frees = |write: &Write| matches!(write, Write::Turn(turn) if turn.frees.as_deref() == Some("a key"));
    assert!(batch.writes.iter().all(frees));
    batch.answer(Ok(Written::Stale));
    let batch = store.batch().await;
    assert_eq!(batch.writes.len(), 1);
    batch.answer(done());
    meanwhile.await.unwrap().unwrap();

    // Another process may have it by now; this one begins nothing of it, and repeats nothing.
    let begun = spawn(&ledger, {
        let new = new.clone();
        |ledger| async move { ledger.begin(begun(&new)).await }
    })
    .await;
    assert_eq!(begun.await.unwrap().unwrap(), Written::Stale);
    let again = record(&ledger, &held).await;
    let mut repeated = Some(Ok(Written::Repeated { transaction: new.id, payload: PayloadHash([1; 32]) }));
    let mut turns = 0;
    while began.elapsed() < Duration::from_secs(14) {
        let batch = store.batch().await;
        if batch.names() == [format!("record {}", held.id)] {
            batch.answer(repeated.take().unwrap());
        } else {
            turns += 1;
            batch.answer(Ok(Written::Stale));
        }
    }
    assert!(matches!(again.await.unwrap(), Err(StoreError::Unreachable(_))));
    assert!(turns > 20, "looked for {turns} times");
    let closed = close(&ledger).await;
    while let Some(batch) = store.next_batch().await {
        batch.answer(Ok(Written::Stale));
    }
    closed.await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(17), "and not for ever");
}

#[tokio::test(start_paused = true)]
async fn what_certainly_was_not_committed_needs_no_taking_back() {
    let (ledger, mut store) = played(Limits::default());
    let recorded = record(&ledger, &sending()).await;
    store.batch().await.answer(away());
    recorded.await.unwrap().unwrap_err();
    let next = record(&ledger, &sending()).await;
    let batch = store.batch().await;
    assert!(matches!(batch.writes.as_slice(), [Write::Record(_)]));
    batch.answer(done());
    next.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_that_goes_one_by_one_only_what_was_tried_is_taken_back() {
    let (ledger, mut store) = played(Limits::default());
    let first = record(&ledger, &sending()).await;
    let batch = store.batch().await;
    let (tried, untried) = (sending(), sending());
    let waiting = [record(&ledger, &tried).await, record(&ledger, &untried).await];
    batch.answer(done());
    first.await.unwrap().unwrap();
    // Together they are refused; alone, one is in doubt and the other is not sent any more.
    for outcome in [defect(), in_doubt()] {
        store.batch().await.answer(outcome);
    }
    for waiting in waiting {
        waiting.await.unwrap().unwrap_err();
    }
    assert_eq!(store.batch().await.names(), vec![format!("turn {}", tried.id); 2]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_that_could_not_be_taken_back() {
    let (ledger, mut store) = played(Limits { settlements: 1, ..Limits::default() });
    let recorded = record(&ledger, &sending()).await;
    store.batch().await.answer(in_doubt());
    recorded.await.unwrap().unwrap_err();
    let refused = record(&ledger, &sending()).await;
    store.batch().await.answer(away());
    assert!(matches!(refused.await.unwrap(), Err(StoreError::Overloaded)));
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_entry_spoils_nothing_but_itself() {
    let (ledger, mut store) = played(Limits::default());
    let first = record(&ledger, &sending()).await;
    let batch = store.batch().await;
    let good = record(&ledger, &sending()).await;
    let poisoned = record(&ledger, &sending()).await;
    ledger.settle_later(sent(&sending(), "wamid.1"));
    let late = settle(&ledger, sent(&sending(), "wamid.2")).await;
    batch.answer(done());
    first.await.unwrap().unwrap();

    let batch = store.batch().await;
    let names = batch.names();
    batch.answer(defect());
    for (index, outcome) in [defect(), done(), done(), defect()].into_iter().enumerate() {
        let batch = store.batch().await;
        assert_eq!(batch.names(), [names[index].clone()]);
        batch.answer(outcome);
    }
    good.await.unwrap().unwrap();
    assert!(matches!(poisoned.await.unwrap(), Err(StoreError::Defect(_))));
    late.await.unwrap().unwrap();
    ledger.flush().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_goes_away_in_the_middle_keeps_the_rest() {
    let (ledger, mut store) = played(Limits::default());
    let new = sending();
    ledger.settle_later(sent(&new, "wamid.1"));
    ledger.settle_later(sent(&new, "wamid.2"));
    ledger.settle_later(sent(&new, "wamid.3"));
    for outcome in [defect(), defect(), away()] {
        store.batch().await.answer(outcome);
    }
    let batch = store.batch().await;
    assert_eq!(batch.writes.len(), 2, "the first was refused, the others are tried again");
    batch.answer(done());
    ledger.flush().await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_what_was_queued_before_it() {
    let (ledger, mut store) = played(Limits::default());
    ledger.flush().await;
    ledger.settle_later(sent(&sending(), "wamid.1"));
    let flushed = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.flush().await }
    });
    store.batch().await.answer(away());
    let batch = store.batch().await;
    assert!(!flushed.is_finished());
    batch.answer(done());
    flushed.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_commits_what_is_queued_and_takes_nothing_more() {
    let (ledger, mut store) = played(Limits::default());
    ledger.settle_later(sent(&sending(), "wamid.1"));
    let batch = store.batch().await;
    ledger.settle_later(sent(&sending(), "wamid.2"));
    let recorded = record(&ledger, &sending()).await;
    let closed = close(&ledger).await;
    batch.answer(done());
    let batch = store.batch().await;
    assert_eq!(batch.writes.len(), 2);
    assert!(matches!(ledger.record(sending()).await, Err(StoreError::Unreachable(_))));
    assert!(!closed.is_finished());
    batch.answer(done());
    recorded.await.unwrap().unwrap();
    closed.await.unwrap();

    assert!(matches!(ledger.settle(sent(&sending(), "wamid.3")).await, Err(StoreError::Unreachable(_))));
    ledger.settle_later(sent(&sending(), "wamid.4"));
    assert_eq!(ledger.lost(), 1);
    ledger.flush().await;
    ledger.close().await;
}

#[tokio::test(start_paused = true)]
async fn closing_waits_a_few_seconds_for_a_store_that_is_away() {
    let (ledger, mut store) = played(Limits::default());
    ledger.settle_later(sent(&sending(), "wamid.1"));
    let (closed, began) = (close(&ledger).await, Instant::now());
    while let Some(batch) = store.next_batch().await {
        batch.answer(away());
    }
    closed.await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert_eq!(ledger.lost(), 1);
}

/// Starts to record and lets it get as far as it can.
async fn record(ledger: &Ledger, new: &NewTransaction) -> JoinHandle<Outcome> {
    let (ledger, new) = (ledger.clone(), new.clone());
    let recorded = tokio::spawn(async move { ledger.record(new).await });
    yield_now().await;
    recorded
}

async fn settle(ledger: &Ledger, settlement: Settlement) -> JoinHandle<Result<(), StoreError>> {
    let ledger = ledger.clone();
    let settled = tokio::spawn(async move { ledger.settle(settlement).await });
    yield_now().await;
    settled
}

async fn spawn<F>(ledger: &Ledger, demand: impl FnOnce(Ledger) -> F) -> JoinHandle<Outcome>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let demanded = tokio::spawn(demand(ledger.clone()));
    yield_now().await;
    demanded
}

async fn close(ledger: &Ledger) -> JoinHandle<()> {
    let ledger = ledger.clone();
    let closed = tokio::spawn(async move { ledger.close().await });
    yield_now().await;
    closed
}

fn done() -> Outcome {
    Ok(Written::Done)
}

fn away() -> Outcome {
    Err(StoreError::Unreachable(Arc::new(io::Error::other("played"))))
}

fn in_doubt() -> Outcome {
    Err(StoreError::InDoubt(Arc::new(io::Error::other("played"))))
}

fn defect() -> Outcome {
    Err(StoreError::Defect(Arc::new(io::Error::other("played"))))
}

fn played(limits: Limits) -> (Ledger, Player) {
    played_side_by_side(1, limits)
}

fn played_side_by_side(side_by_side: usize, limits: Limits) -> (Ledger, Player) {
    let (asks, asked) = mpsc::unbounded_channel();
    (Ledger::start(Arc::new(Played { asks, side_by_side }), limits), Player { asked })
}

/// The test's end of the store.
struct Player {
    asked: mpsc::UnboundedReceiver<Batch>,
}

impl Player {
    async fn batch(&mut self) -> Batch {
        self.next_batch().await.expect("the ledger writes")
    }

    /// Whether no batch waits for its outcome, when everybody has come as far as they can.
    fn has_nothing(&self) -> bool {
        self.asked.is_empty()
    }

    /// None where the ledger has ended.
    async fn next_batch(&mut self) -> Option<Batch> {
        self.asked.recv().await
    }
}

/// A batch that waits for its outcome.
struct Batch {
    writes: Vec<Write>,
    answer: oneshot::Sender<Outcome>,
}

impl Batch {
    fn names(&self) -> Vec<String> {
        let name = |write: &Write| match write {
            Write::Record(_) => format!("record {}", write.transaction()),
            Write::Settle(_) => format!("settle {}", write.transaction()),
            Write::Begin(_) => format!("begin {}", write.transaction()),
            Write::Turn(_) => format!("turn {}", write.transaction()),
        };
        self.writes.iter().map(name).collect()
    }

    fn answer(self, outcome: Outcome) {
        self.answer.send(outcome).unwrap();
    }
}

/// The ledger's end of the store.
struct Played {
    asks: mpsc::UnboundedSender<Batch>,
    side_by_side: usize,
}

#[async_trait]
impl Transactions for Played {
    async fn write(&self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(Batch { writes: batch.to_vec(), answer }).unwrap();
        answered.await.unwrap().map(|written| vec![written; batch.len()])
    }

    fn side_by_side(&self) -> usize {
        self.side_by_side
    }

    async fn find(&self, _: &str) -> Result<Option<Transaction>, StoreError> {
        Ok(None)
    }
}
