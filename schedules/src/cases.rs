//! The cases: a handful of tasks each, some of which give up, and what has to hold whoever goes first.

use std::collections::left;
use std::sync::Arc;
// Those of the machine: counting is none of the points at which somebody else may go on.
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{Either, join_all, pending, select};
use shuttle::future::{block_on, spawn, yield_now};

use crate::model::Fault;
use crate::{crowds, fetches, lanes, works};

/// What is played.
pub const ALL: &[(&str, fn())] = &[
    ("one_message_of_a_pair_after_the_other", one_message_of_a_pair_after_the_other),
    ("no_more_at_once_than_a_lane_is_wide", no_more_at_once_than_a_lane_is_wide),
    ("what_many_fetch_is_fetched_once", what_many_fetch_is_fetched_once),
    ("what_many_need_is_done_once_and_to_its_end", what_many_need_is_done_once_and_to_its_end),
];

/// `delivery/lanes.rs`: messages of two pairs, some of whose clients hang up while they wait.
fn one_message_of_a_pair_after_the_other() {
    let all = Arc::<lanes::Lanes>::default();
    let inside = [Crowd::of(1), Crowd::of(1)];
    let messages = (0..6).map(|nth| {
        let (all, pair) = (Arc::clone(&all), nth % 2);
        let inside = inside[pair].clone();
        spawn(async move {
            let message = async {
                let _lane = all.enter(["a", "b"][pair]).await;
                let _inside = inside.enter();
                yield_now().await;
            };
            patiently(nth != 2 && nth != 3, message).await;
        })
    });
    wait_for_all(messages);
    drop(all);
    assert_eq!(left(), 0, "a lane is there as long as somebody is in it");
}

/// `net/lanes.rs`: calls that need a place at a host and one of their account.
fn no_more_at_once_than_a_lane_is_wide() {
    let (hosts, accounts) = (Arc::new(crowds::Lanes::new(2)), Arc::new(crowds::Lanes::new(1)));
    let (at_host, of_account) = ([Crowd::of(2), Crowd::of(2)], [Crowd::of(1), Crowd::of(1)]);
    let calls = (0..6).map(|nth| {
        let (hosts, accounts) = (Arc::clone(&hosts), Arc::clone(&accounts));
        let (host, account) = (nth % 2, nth / 2 % 2);
        let (at_host, of_account) = (at_host[host].clone(), of_account[account].clone());
        spawn(async move {
            let call = async {
                let places =
                    crowds::enter_both((&hosts, ["x", "y"][host]), (&accounts, ["shop", "bank"][account])).await;
                assert!(places.iter().all(Option::is_some));
                let _inside = (at_host.enter(), of_account.enter());
                yield_now().await;
            };
            patiently(nth != 4, call).await;
        })
    });
    wait_for_all(calls);
    drop((hosts, accounts));
    assert_eq!(left(), 4, "names are remembered for a while");
}

/// `media/links/flights.rs`: a fetch that ends when nobody waits for it any more, just as others begin to.
fn what_many_fetch_is_fetched_once() {
    let (flights, fetching) = (Arc::new(fetches::Flights::default()), Crowd::of(1));
    let waiting = (0..5).map(|nth| {
        let (flights, fetching) = (Arc::clone(&flights), fetching.clone());
        spawn(async move {
            let fetch = async move {
                let _fetching = fetching.enter();
                yield_now().await;
                yield_now().await;
                7
            };
            patiently(nth > 1, async { assert_eq!(flights.join("link", fetch).await, 7) }).await;
        })
    });
    wait_for_all(waiting);
    drop(flights);
    assert_eq!(left(), 0, "what ended is off the board");
}

/// `delivery/files/flights.rs`: an upload that goes on whoever hangs up.
fn what_many_need_is_done_once_and_to_its_end() {
    let flights = Arc::new(works::Flights::<Arc<str>, ()>::default());
    let (file, working, ended) = (Arc::<str>::from("file"), Crowd::of(1), Arc::new(AtomicUsize::new(0)));
    let waiting = (0..5).map(|nth| {
        let (flights, file, working, ended) =
            (Arc::clone(&flights), Arc::clone(&file), working.clone(), Arc::clone(&ended));
        spawn(async move {
            let work = || async move {
                let _working = working.enter();
                yield_now().await;
                ended.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Fault>(())
            };
            patiently(nth > 1, async { assert!(flights.join(file, work).await.is_ok()) }).await;
        })
    });
    wait_for_all(waiting);
    // Some of it may be under way still; the key is with it and on the list.
    block_on(async {
        while Arc::strong_count(&file) > 1 {
            yield_now().await;
        }
    });
    assert!(ended.load(Ordering::Relaxed) > 0, "it is done although some hung up");
    drop(flights);
    assert_eq!(left(), 0, "what ended is off the list");
}

/// So many may be somewhere at once; more is what a case is to find.
#[derive(Clone)]
struct Crowd {
    most: usize,
    inside: Arc<AtomicUsize>,
}

impl Crowd {
    fn of(most: usize) -> Self {
        Self { most, inside: Arc::default() }
    }

    fn enter(&self) -> Inside {
        let before = self.inside.fetch_add(1, Ordering::Relaxed);
        assert!(before < self.most, "{} at once", before + 1);
        Inside(Arc::clone(&self.inside))
    }
}

struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits for something to the end, or gives it up after a while.
async fn patiently(is_patient: bool, what: impl Future<Output = ()>) {
    let patience = async {
        if is_patient {
            pending::<()>().await;
        }
        yield_now().await;
    };
    match select(Box::pin(what), Box::pin(patience)).await {
        Either::Left(_) | Either::Right(_) => {}
    }
}

/// Nobody is left waiting, which the scheduler would tell as a deadlock.
fn wait_for_all(tasks: impl Iterator<Item = shuttle::future::JoinHandle<()>>) {
    let tasks = tasks.collect::<Vec<_>>();
    block_on(join_all(tasks)).into_iter().for_each(|ended| ended.expect("a task ends"));
}
