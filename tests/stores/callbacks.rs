//! What every back end keeps of callbacks. Each test gets an empty database of its own.

use sabir::model::{Event, Progress};
use sabir::store::{
    CallbackFilter, CallbackOutcome, CallbackState, Hearing, NewCallback, SettledCallback, Store, Then, Which,
};
use uuid::Uuid;

use crate::backends::Backend;
use crate::events::{callback, heard, held, status};
use crate::fixtures::{HOLDER, OTHER, at, record, sending, sent, settle};

const TARGET: &str = "https://shop.example.net/hook";
const SERVER: &str = "https://shop.example.net";

/// The client took it.
pub fn settled(id: Uuid) -> SettledCallback {
    SettledCallback { id, outcome: CallbackOutcome::Delivered, status: Some(204), error: None, at: at(9) }
}

fn gone_wrong(id: Uuid, outcome: CallbackOutcome) -> SettledCallback {
    SettledCallback { outcome, status: Some(503), error: Some("answered 503".into()), ..settled(id) }
}

/// Callbacks of an event that was heard, one for each target and order key.
async fn kept(store: &dyn Store, identity: u8, told: &[(&str, &str)]) -> Vec<Uuid> {
    let event = held(store, identity, status("wamid.1", Progress::Sent)).await;
    let told = told.iter().map(|(target, key)| NewCallback { order_key: (*key).into(), ..callback(&event, target) });
    let told: Vec<_> = told.collect();
    let ids = told.iter().map(|callback| callback.id).collect();
    store.end_hearing(HOLDER, &[heard(&event, Then::Tell(told))]).await.unwrap();
    ids
}

async fn claimed(store: &dyn Store, seconds: i64, skip: &[&str]) -> Vec<Uuid> {
    let skip: Vec<_> = skip.iter().map(|target| (*target).to_owned()).collect();
    let claimed = store.claim_callbacks(HOLDER, at(seconds), at(seconds + 60), 9, &skip).await.unwrap();
    claimed.into_iter().map(|claimed| claimed.id).collect()
}

async fn one(store: &dyn Store, id: Uuid) -> sabir::store::KeptCallback {
    let all = store.callbacks(&CallbackFilter::default(), None, 99).await.unwrap();
    all.into_iter().find(|callback| callback.id == id).unwrap()
}

pub async fn a_callback_is_claimed_with_all_that_telling_it_takes(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new), settle(&sent(&new, "wamid.1"))]).await.unwrap();
    let event = held(&*store, 1, status("wamid.1", Progress::Delivered)).await;
    let told = NewCallback { transaction: Some(new.id), ..callback(&event, TARGET) };
    let hearing = Hearing { transaction: Some(new.id), ..heard(&event, Then::Tell(vec![told.clone()])) };
    store.end_hearing(HOLDER, &[hearing]).await.unwrap();
    assert_eq!(store.next_due_callback(&[]).await.unwrap(), Some(at(2)));

    let claimed = store.claim_callbacks(HOLDER, at(2), at(60), 9, &[]).await.unwrap().pop().unwrap();
    assert_eq!((claimed.id, claimed.event_id, claimed.attempts), (told.id, event.id, 0));
    assert_eq!((claimed.account.as_str(), claimed.dialect.as_str()), ("shop", "aisoule"));
    assert_eq!((claimed.target.as_str(), claimed.order_key.as_str()), (TARGET, "wamid.1"));
    assert_eq!((claimed.upstream.as_str(), claimed.received_at, claimed.created_at), ("main", at(0), at(2)));
    assert!(matches!(&claimed.event, Event::Status(status) if status.progress == Progress::Delivered));
    let transaction = claimed.transaction.unwrap();
    assert_eq!((transaction.id, transaction.given_id.as_deref()), (new.id, Some("wamid.1")));
    assert_eq!(store.claim_callbacks(OTHER, at(59), at(99), 9, &[]).await.unwrap(), []);
    assert_eq!(store.claim_callbacks(OTHER, at(60), at(99), 9, &[]).await.unwrap().len(), 1);
}

pub async fn what_is_told_of_one_message_goes_in_its_order(backend: Backend) {
    let store = backend.open().await;
    let ids = kept(&*store, 1, &[(TARGET, "a"), (TARGET, "a"), (TARGET, "b"), ("https://b.example.net", "a")]).await;
    assert_eq!(claimed(&*store, 2, &[]).await, [ids[0], ids[2], ids[3]]);
    store.settle_callbacks(HOLDER, &[gone_wrong(ids[0], CallbackOutcome::Retry { due_at: at(20) })]).await.unwrap();
    assert!(claimed(&*store, 19, &[]).await.is_empty());
    assert_eq!(claimed(&*store, 20, &[]).await, [ids[0]]);
    store.settle_callbacks(HOLDER, &[gone_wrong(ids[0], CallbackOutcome::Dead)]).await.unwrap();
    assert_eq!(claimed(&*store, 21, &[]).await, [ids[1]]);
}

pub async fn a_server_that_is_skipped_keeps_nobody_waiting(backend: Backend) {
    let store = backend.open().await;
    let keys: Vec<_> = (0..20).map(|key| key.to_string()).collect();
    let down: Vec<_> = keys.iter().map(|key| (TARGET, key.as_str())).collect();
    kept(&*store, 1, &down).await;
    let up = kept(&*store, 2, &[("https://up.example.net", "a")]).await;
    assert_eq!(claimed(&*store, 2, &[SERVER]).await, up);
    assert_eq!(store.next_due_callback(&[SERVER.to_owned()]).await.unwrap(), Some(at(62)));
    assert_eq!(claimed(&*store, 2, &[]).await.len(), 9);
}

pub async fn the_end_of_a_callback_needs_the_lease(backend: Backend) {
    let store = backend.open().await;
    let ids = kept(&*store, 1, &[(TARGET, "a")]).await;
    claimed(&*store, 2, &[]).await;
    assert_eq!(store.settle_callbacks(OTHER, &[settled(ids[0])]).await.unwrap(), 0);
    assert_eq!(store.settle_callbacks(HOLDER, &[settled(ids[0])]).await.unwrap(), 1);
    assert_eq!(store.settle_callbacks(HOLDER, &[settled(ids[0])]).await.unwrap(), 0);
    let kept = one(&*store, ids[0]).await;
    assert_eq!((kept.state, kept.attempts, kept.last_status), (CallbackState::Delivered, 1, Some(204)));
    assert_eq!((kept.due_at, kept.finished_at), (None, Some(at(9))));
}

pub async fn what_was_not_tried_is_given_back(backend: Backend) {
    let store = backend.open().await;
    let ids = kept(&*store, 1, &[(TARGET, "a"), (TARGET, "b")]).await;
    claimed(&*store, 2, &[]).await;
    assert_eq!(store.release_callbacks(OTHER, &ids, at(3)).await.unwrap(), 0);
    assert_eq!(store.release_callbacks(HOLDER, &ids[..1], at(3)).await.unwrap(), 1);
    assert_eq!(claimed(&*store, 3, &[]).await, ids[..1]);
    assert_eq!(one(&*store, ids[0]).await.attempts, 0);
}

pub async fn the_dead_are_seen_and_told_again(backend: Backend) {
    let store = backend.open().await;
    let ids = kept(&*store, 1, &[(TARGET, "a"), (TARGET, "b"), ("https://b.example.net", "a")]).await;
    claimed(&*store, 2, &[]).await;
    let ends = [settled(ids[0]), gone_wrong(ids[1], CallbackOutcome::Dead), gone_wrong(ids[2], CallbackOutcome::Dead)];
    store.settle_callbacks(HOLDER, &ends).await.unwrap();
    assert_eq!(store.callback_depth().await.unwrap(), [(CallbackState::Dead, 2)]);
    let dead = CallbackFilter { state: Some(CallbackState::Dead), ..CallbackFilter::default() };
    let listed = store.callbacks(&dead, None, 9).await.unwrap();
    assert_eq!(listed.iter().map(|callback| callback.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    assert_eq!((listed[0].last_status, listed[0].last_error.as_deref()), (Some(503), Some("answered 503")));

    let of_target = Which::Filter(CallbackFilter { target: Some(TARGET.into()), ..CallbackFilter::default() });
    assert_eq!(store.replay_callbacks(&of_target, at(30), 9).await.unwrap(), 1);
    assert_eq!(store.replay_callbacks(&of_target, at(30), 9).await.unwrap(), 0);
    assert_eq!(store.replay_callbacks(&Which::Ids(ids.clone()), at(30), 9).await.unwrap(), 2);
    assert_eq!(claimed(&*store, 30, &[]).await, ids);
    let again = one(&*store, ids[1]).await;
    assert_eq!((again.state, again.attempts, again.finished_at), (CallbackState::Pending, 0, None));
}

pub async fn callbacks_are_listed_by_what_they_are(backend: Backend) {
    let store = backend.open().await;
    let ids = kept(&*store, 1, &[(TARGET, "a"), ("https://b.example.net", "a")]).await;
    let event = one(&*store, ids[0]).await.event;
    let filters = [
        (CallbackFilter { account: Some("bank".into()), ..CallbackFilter::default() }, 0),
        (CallbackFilter { account: Some("shop".into()), ..CallbackFilter::default() }, 2),
        (CallbackFilter { target: Some(TARGET.into()), ..CallbackFilter::default() }, 1),
        (CallbackFilter { event: Some(event), ..CallbackFilter::default() }, 2),
        (CallbackFilter { state: Some(CallbackState::Dead), ..CallbackFilter::default() }, 0),
    ];
    for (filter, expected) in filters {
        assert_eq!(store.callbacks(&filter, None, 9).await.unwrap().len(), expected, "{filter:?}");
    }
    let behind = store.callbacks(&CallbackFilter::default(), Some(ids[1]), 9).await.unwrap();
    assert_eq!(behind.iter().map(|callback| callback.id).collect::<Vec<_>>(), ids[..1]);
}
