//! What is made at once: it has no job, and is `sent` by its outcome alone.

use std::sync::Arc;

use sabir::model::{State, TransactionId};
use sabir::store::{Beat, Bodies, Cause, Clue, Filter, Lapsed, NewTransaction, Next, Settlement, Store, Turn, Written};
use time::Duration;

use crate::backends::Backend;
use crate::contract::{found, listed};
use crate::fixtures::{
    HOLDER, OTHER, RECIPIENT, abandoned, accepted, aged, at, beat, begin, failed, made_at_once, of_pair, record,
    sending, sent, settle, turn, waits,
};

const PAIR: &str = "442079460000>447700900123";

pub async fn what_is_made_at_once_is_sent_by_its_outcome(backend: Backend) {
    let store = backend.open().await;
    store.beat(&beat(HOLDER, at(0))).await.unwrap();
    let new = made_at_once();
    assert_eq!(store.write(&[record(&new)]).await.unwrap(), [Written::Done]);

    let under_way = found(&store, new.id).await;
    assert_eq!((under_way.summary.state, under_way.due_at), (State::Sending, None));
    assert_eq!((under_way.attempts.len(), under_way.attempts[0].finished_at), (1, None));
    assert_eq!(store.claim("main", OTHER, at(99), at(120), 9).await.unwrap(), []);
    assert_eq!(listed(&store, &in_state(State::Sending)).await, [new.id]);

    assert_eq!(store.write(&[settle(&sent(&new, "wamid.1"))]).await.unwrap(), [Written::Done]);
    let done = store.find("wamid.1").await.unwrap().unwrap();
    assert_eq!((done.summary.id, done.summary.state, done.summary.fault), (new.id, State::Sent, None));
    assert_eq!((done.summary.updated_at, done.attempts[0].state), (at(2), Some(State::Sent)));
    assert_eq!(listed(&store, &in_state(State::Sent)).await, [new.id]);
    assert_eq!(listed(&store, &in_state(State::Sending)).await, []);
    let [known] = store.correlate(&[Clue::message("wamid.1")]).await.unwrap().try_into().unwrap();
    let known = known.unwrap();
    assert_eq!((known.id, known.state, known.attempts), (new.id, State::Sent, 1));

    let again = Settlement { at_once: None, ..failed(&new) };
    assert_eq!(store.write(&[settle(&again)]).await.unwrap(), [Written::Done]);
    assert_eq!(found(&store, new.id).await.summary.state, State::Sent, "the first outcome stands");
}

pub async fn what_fails_at_once_is_as_what_had_a_job(backend: Backend) {
    let store = backend.open().await;
    let [ends, waits_for_anybody, stays, unknown] = [(); 4].map(|()| made_at_once());
    store.write(&[&ends, &waits_for_anybody, &stays, &unknown].map(record)).await.unwrap();
    let kept = Next::Wait { due_at: at(30), keep: true };
    let held = Next::Hold { resend_at: None };
    let settlements = [
        failed(&ends),
        waits(&waits_for_anybody, 1, at(5)),
        Settlement { next: kept, ..waits(&stays, 1, at(30)) },
        Settlement { state: State::Unknown, next: held, ..failed(&unknown) },
    ];
    assert_eq!(store.write(&settlements.each_ref().map(settle)).await.unwrap(), [Written::Done; 4]);

    let ended = found(&store, ends.id).await;
    assert_eq!((ended.summary.state, ended.summary.fault.as_deref()), (State::Failed, Some("not_on_whatsapp")));
    let [due] = store.claim("main", OTHER, at(6), at(60), 9).await.unwrap().try_into().unwrap();
    assert_eq!((due.id, due.state, due.attempts), (waits_for_anybody.id, State::Waiting, 1));
    assert_eq!((due.upstream.as_str(), &due.request), ("main", &*waits_for_anybody.request));

    assert_eq!(store.write(&[begin(&stays, OTHER, 2)]).await.unwrap(), [Written::Stale]);
    assert_eq!(store.write(&[begin(&stays, HOLDER, 2)]).await.unwrap(), [Written::Done]);
    let second = Settlement { at_once: None, attempt: 2, ..sent(&stays, "wamid.2") };
    store.write(&[settle(&second)]).await.unwrap();
    assert_eq!(found(&store, stays.id).await.summary.state, State::Sent);

    assert_eq!(found(&store, unknown.id).await.summary.state, State::Unknown);
    let known = Turn::new(unknown.id, State::Unknown, State::Sent, Cause::Operator, Next::Done, at(9));
    assert_eq!(store.write(&[turn(&known)]).await.unwrap(), [Written::Done]);
}

pub async fn what_is_made_at_once_waits_behind_a_job_of_its_pair(backend: Backend) {
    let store = backend.open().await;
    let (first, second) = (of_pair(PAIR, accepted()), of_pair(PAIR, made_at_once()));
    assert_eq!(store.write(&[record(&first), record(&second)]).await.unwrap(), [Written::Done, Written::Queued]);
    let behind = found(&store, second.id).await;
    assert_eq!((behind.summary.state, behind.attempts.len()), (State::Accepted, 0));
    let [claimed] = store.claim("main", HOLDER, at(1), at(60), 9).await.unwrap().try_into().unwrap();
    assert_eq!(claimed.id, first.id);
}

pub async fn what_is_to_be_tried_again_is_waited_for_in_the_same_batch(backend: Backend) {
    let store = backend.open().await;
    let (first, second) = (of_pair(PAIR, made_at_once()), of_pair(PAIR, made_at_once()));
    store.write(&[record(&first)]).await.unwrap();
    let batch = [settle(&waits(&first, 1, at(5))), record(&second)];
    assert_eq!(store.write(&batch).await.unwrap(), [Written::Done, Written::Queued]);
}

pub async fn what_is_under_way_for_long_gets_a_job(backend: Backend) {
    let store = backend.open().await;
    let (first, second) = (of_pair(PAIR, made_at_once()), of_pair(PAIR, made_at_once()));
    let next = Next::Call { lease_until: at(40) };
    let given = Turn::new(first.id, State::Sending, State::Sending, Cause::Pace, next, at(9));
    let given = Turn { holder: Some(HOLDER), ..given };
    store.write(&[record(&first)]).await.unwrap();
    assert_eq!(store.write(&[turn(&given)]).await.unwrap(), [Written::Done]);
    assert_eq!(store.write(&[record(&second)]).await.unwrap(), [Written::Queued]);
    let under_way = found(&store, first.id).await;
    assert_eq!((under_way.summary.state, under_way.due_at), (State::Sending, Some(at(40))));
    assert_eq!((under_way.turns.len(), under_way.attempts.len()), (0, 1));
    assert_eq!(store.lapsed(at(39), 9).await.unwrap(), []);
    assert_eq!(store.lapsed(at(40), 9).await.unwrap().len(), 1);
    assert_eq!(store.claim("main", OTHER, at(20), at(60), 9).await.unwrap(), [], "its pair is busy");

    let ends = Settlement { at_once: None, finished_at: at(21), ..sent(&first, "wamid.1") };
    store.write(&[settle(&ends)]).await.unwrap();
    assert_eq!(found(&store, first.id).await.summary.state, State::Sent);
    let [next] = store.claim("main", OTHER, at(21), at(60), 9).await.unwrap().try_into().unwrap();
    assert_eq!(next.id, second.id);
}

pub async fn what_its_process_left_behind_is_found_by_others(backend: Backend) {
    let store = backend.open().await;
    store.beat(&beat(HOLDER, at(0))).await.unwrap();
    let (left, settled) = (made_at_once(), made_at_once());
    store.write(&[record(&left), record(&settled), settle(&sent(&settled, "wamid.1"))]).await.unwrap();
    store.beat(&beat(OTHER, at(7000))).await.unwrap();
    assert_eq!(store.deserted(at(0), 9).await.unwrap(), [], "it began later");
    let [lapsed] = store.deserted(at(1), 9).await.unwrap().try_into().unwrap();
    let (account, dialect, upstream) = ("shop".into(), "aisoule".into(), "main".into());
    let kind = left.request.kind();
    assert_eq!(
        lapsed,
        Lapsed { transaction: left.id, account, dialect, kind, state: State::Sending, attempt: 1, upstream }
    );

    assert_eq!(store.write(&[turn(&abandoned(&left))]).await.unwrap(), [Written::Done]);
    assert_eq!(store.deserted(at(1), 9).await.unwrap(), []);
    let unknown = found(&store, left.id).await;
    assert_eq!((unknown.summary.state, unknown.attempts[0].finished_at), (State::Unknown, None));
    assert_eq!(store.write(&[turn(&abandoned(&settled))]).await.unwrap(), [Written::Stale], "it has its outcome");

    let late = sent(&left, "wamid.2");
    assert_eq!(store.write(&[settle(&late)]).await.unwrap(), [Written::Stale], "it is not at once any more");
    let late = Settlement { at_once: None, ..late };
    assert_eq!(store.write(&[settle(&late)]).await.unwrap(), [Written::Done]);
    let known = store.find("wamid.2").await.unwrap().unwrap();
    assert_eq!((known.summary.state, known.attempts[0].status), (State::Sent, Some(200)));
}

pub async fn nobody_looks_further_back_than_somebody_may_have_left_something(backend: Backend) {
    let store = backend.open().await;
    let [old, mine] = [aged(0, made_at_once()), aged(500, made_at_once())];
    store.write(&[record(&old), record(&mine)]).await.unwrap();
    let deserted = async || {
        let deserted = store.deserted(at(9000), 9).await.unwrap();
        deserted.into_iter().map(|lapsed| lapsed.transaction).collect::<Vec<TransactionId>>()
    };
    assert_eq!(deserted().await, [], "nobody has any");
    store.beat(&Beat { open: Some(old.id), ..beat(HOLDER, at(600)) }).await.unwrap();
    assert_eq!(deserted().await, [old.id, mine.id]);

    store.beat(&beat(OTHER, at(5000))).await.unwrap();
    assert_eq!(deserted().await, [old.id, mine.id], "who was not heard of for an hour left them");
    store.beat(&Beat { looked_after: Some(at(400)), ..beat(OTHER, at(5001)) }).await.unwrap();
    assert_eq!(deserted().await, [mine.id]);
    store.beat(&Beat { looked_after: Some(at(4970)), ..beat(OTHER, at(5002)) }).await.unwrap();
    assert_eq!(deserted().await, []);
}

pub async fn nothing_is_made_at_once_beside_a_version_that_cannot_read_it(backend: Backend) {
    let store = backend.open().await;
    let living = async |now| store.beat(&beat(HOLDER, now)).await.unwrap();
    assert!(living(at(0)).await.know_at_once);
    let seen = "update processes set open_from = null";
    backend.spoil(seen).await;
    let both = store.beat(&beat(OTHER, at(1))).await.unwrap();
    assert_eq!((both.processes, both.know_at_once), (2, false));
    let later = store.beat(&beat(OTHER, at(1) + Duration::seconds(16))).await.unwrap();
    assert_eq!((later.processes, later.know_at_once), (1, true));
}

pub async fn what_is_made_at_once_is_not_forgotten_while_it_is_under_way(backend: Backend) {
    let store = backend.open().await;
    store.beat(&Beat { open: None, ..beat(HOLDER, at(0)) }).await.unwrap();
    let [new, other] = [made_at_once(), made_at_once()];
    store.write(&[record(&new), record(&other)]).await.unwrap();
    assert_eq!(store.erase_recipient(RECIPIENT, 9).await.unwrap(), 0);
    assert_eq!(store.forget_bodies(at(9), 9).await.unwrap(), 0);
    assert_eq!(store.forget_transactions(at(9), 9).await.unwrap(), 0);

    store.write(&[settle(&sent(&new, "wamid.1"))]).await.unwrap();
    assert_eq!(store.erase_recipient(RECIPIENT, 9).await.unwrap(), 1);
    assert_eq!(found(&store, new.id).await.summary.state, State::Sent);
    assert_eq!(store.forget_transactions(at(9), 9).await.unwrap(), 0, "somebody may have it under way");
    store.write(&[settle(&sent(&other, "wamid.2"))]).await.unwrap();
    store.beat(&beat(HOLDER, at(60))).await.unwrap();
    assert_eq!(store.forget_bodies(at(9), 9).await.unwrap(), 1);
    assert_eq!(store.forget_transactions(at(9), 9).await.unwrap(), 2);
    assert_eq!(store.find("wamid.2").await.unwrap(), None);
}

pub async fn the_request_of_what_is_made_at_once_is_kept_until_its_end(backend: Backend) {
    let store = backend.open_keeping(Bodies::None).await;
    let [ends, goes_on] = [made_at_once(), made_at_once()];
    store.write(&[record(&ends), record(&goes_on)]).await.unwrap();
    assert!(found(&store, ends.id).await.request.is_some());
    store.write(&[settle(&sent(&ends, "wamid.1")), settle(&waits(&goes_on, 1, at(5)))]).await.unwrap();
    assert_eq!(found(&store, ends.id).await.request, None);
    assert!(found(&store, goes_on.id).await.request.is_some());
}

pub async fn an_outcome_and_an_end_from_outside_never_both_count(backend: Backend) {
    let store = backend.open().await;
    for nth in 0..40 {
        let new: NewTransaction = made_at_once();
        store.write(&[record(&new)]).await.unwrap();
        let (outcome, left) = ([settle(&sent(&new, &format!("wamid.{nth}")))], [turn(&abandoned(&new))]);
        let (outcome, left) = tokio::join!(write(&store, &outcome), write(&store, &left));
        let expected = if outcome == Written::Done { State::Sent } else { State::Unknown };
        assert_ne!(outcome, left);
        assert_eq!(found(&store, new.id).await.summary.state, expected);
    }
}

pub async fn what_is_sent_at_once_can_be_told_of_and_sent_once_more(backend: Backend) {
    let store = backend.open().await;
    let [new, plain] = [made_at_once(), sending()];
    store.write(&[&new, &plain].map(record)).await.unwrap();
    store.write(&[settle(&sent(&new, "wamid.1")), settle(&sent(&plain, "wamid.2"))]).await.unwrap();
    for id in [new.id, plain.id] {
        let read = Turn::new(id, State::Sent, State::Read, Cause::Status, Next::Done, at(3));
        let again = Next::Wait { due_at: at(4), keep: false };
        let again = Turn::new(id, State::Read, State::Waiting, Cause::Operator, again, at(4));
        assert_eq!(store.write(&[turn(&read), turn(&again)]).await.unwrap(), [Written::Done; 2]);
        let [due] = store.claim("main", HOLDER, at(5), at(60), 1).await.unwrap().try_into().unwrap();
        assert_eq!((due.id, due.attempts), (id, 1));
    }
    assert_eq!(store.write(&[begin(&new, HOLDER, 2)]).await.unwrap(), [Written::Done]);
    assert_eq!(found(&store, new.id).await.summary.state, State::Sending, "whatever the first came to");
}

/// With the statement that the documents have people run.
pub async fn for_a_version_before_it_stands_as_what_it_is(backend: Backend) {
    let store = backend.open().await;
    let [sent_one, under_way, failed_one] = [made_at_once(), made_at_once(), made_at_once()];
    store.write(&[&sent_one, &under_way, &failed_one].map(record)).await.unwrap();
    store.write(&[settle(&sent(&sent_one, "wamid.1")), settle(&failed(&failed_one))]).await.unwrap();
    let documents = include_str!("../../docs/maintaining.md");
    let statement = documents.split('`').find(|code| code.starts_with("update transactions")).unwrap();
    backend.spoil(statement).await;
    let mut states = backend.kept("transactions.state").await;
    states.sort();
    assert_eq!(states, ["failed", "sent", "unknown"]);
}

fn in_state(state: State) -> Filter {
    Filter { state: Some(state), ..Filter::default() }
}

async fn write(store: &Arc<dyn Store>, batch: &[sabir::store::Write]) -> Written {
    store.write(batch).await.unwrap()[0]
}
