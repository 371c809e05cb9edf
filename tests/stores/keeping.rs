//! What every back end promises of keys that make requests repeatable, and of forgetting.

use std::sync::Arc;

use sabir::model::{Progress, Request, State};
use sabir::store::{
    Bodies, CallbackOutcome, Clue, Filter, NewCallback, NewTransaction, Next, PayloadHash, SettledCallback, Settlement,
    Store, Then, Turn, Written,
};
use serde_json::{Value, json};

use crate::backends::Backend;
use crate::contract::{found, listed};
use crate::events::{callback, heard, held, status};
use crate::fixtures::{
    HOLDER, OTHER, RECIPIENT, accepted, aged, at, failed, keyed, record, refused, sending, sent, settle, text_to, turn,
    turned, waits,
};

pub async fn a_repeated_key_records_nothing(backend: Backend) {
    let store = backend.open().await;
    let first = keyed("a key", 1, sending());
    assert_eq!(store.write(&[record(&first)]).await.unwrap(), [Written::Done]);
    let (same, other) = (keyed("a key", 1, sending()), keyed("a key", 2, sending()));
    let (fresh, plain) = (keyed("another", 1, sending()), sending());
    let elsewhere = NewTransaction { account: "bank".into(), ..keyed("a key", 1, sending()) };
    let batch = [&same, &plain, &other, &fresh, &elsewhere].map(record);
    let repeated = Written::Repeated { transaction: first.id, payload: PayloadHash([1; 32]) };
    let expected = [repeated, Written::Done, repeated, Written::Done, Written::Done];
    assert_eq!(store.write(&batch).await.unwrap(), expected);
    assert_eq!(store.find(&same.id.to_string()).await.unwrap(), None);
    assert_eq!(listed(&store, &Filter::default()).await.len(), 4);
    assert_eq!(store.lapsed(at(60), 10).await.unwrap().len(), 4, "no job either");
}

pub async fn a_key_is_used_once_within_a_batch(backend: Backend) {
    let store = backend.open().await;
    let all = [keyed("a \0 key", 1, sending()), keyed("a \0 key", 2, sending()), keyed("a \0 key", 1, accepted())];
    let repeated = Written::Repeated { transaction: all[0].id, payload: PayloadHash([1; 32]) };
    let expected = [Written::Done, repeated, repeated];
    assert_eq!(store.write(&all.each_ref().map(record)).await.unwrap(), expected);
    assert_eq!(listed(&store, &Filter::default()).await, [all[0].id]);
}

pub async fn an_expired_key_may_be_used_again(backend: Backend) {
    let store = backend.open().await;
    let first = keyed("a key", 1, sending());
    let later = |seconds| keyed("a key", 2, NewTransaction { received_at: at(seconds), ..sending() });
    let (early, again, repeat) = (later(59), later(60), later(61));
    store.write(&[record(&first)]).await.unwrap();
    let repeated = Written::Repeated { transaction: first.id, payload: PayloadHash([1; 32]) };
    assert_eq!(store.write(&[record(&early)]).await.unwrap(), [repeated]);
    assert_eq!(store.write(&[record(&again)]).await.unwrap(), [Written::Done]);
    let repeated = Written::Repeated { transaction: again.id, payload: PayloadHash([2; 32]) };
    assert_eq!(store.write(&[record(&repeat)]).await.unwrap(), [repeated]);

    assert_eq!(store.sweep_idempotency(at(119), 10).await.unwrap(), 0);
    assert_eq!(store.sweep_idempotency(at(120), 10).await.unwrap(), 1);
    assert_eq!(store.write(&[record(&repeat)]).await.unwrap(), [Written::Done]);
}

pub async fn a_refused_request_keeps_its_key(backend: Backend) {
    let store = backend.open().await;
    let (first, again) = (keyed("a key", 1, refused()), keyed("a key", 1, refused()));
    store.write(&[record(&first)]).await.unwrap();
    let repeated = Written::Repeated { transaction: first.id, payload: PayloadHash([1; 32]) };
    assert_eq!(store.write(&[record(&again)]).await.unwrap(), [repeated]);
}

pub async fn old_bodies_are_forgotten_in_small_steps(backend: Backend) {
    let store = backend.open().await;
    let (old, unfinished, recent) = (five_that_are_old(&store).await, aged(1, accepted()), aged(50, refused()));
    store.write(&[record(&unfinished), record(&recent)]).await.unwrap();

    assert_eq!(store.forget_bodies(at(40), 3).await.unwrap(), 3);
    assert_eq!(store.forget_bodies(at(40), 3).await.unwrap(), 2);
    assert_eq!(store.forget_bodies(at(40), 3).await.unwrap(), 0);

    let forgotten = found(&store, old[0].id).await;
    assert_eq!((forgotten.request, forgotten.client_request.is_null()), (None, true));
    assert_eq!((forgotten.attempts[0].body.as_str(), forgotten.attempts[0].answer.as_deref()), ("", None));
    assert_eq!((forgotten.summary.state, forgotten.summary.message_id.is_some()), (State::Sent, true));
    assert!(found(&store, unfinished.id).await.request.is_some());
    assert!(found(&store, recent.id).await.request.is_some());
}

pub async fn old_transactions_are_forgotten_whole(backend: Backend) {
    let store = backend.open().await;
    let (old, unfinished, recent) = (five_that_are_old(&store).await, aged(1, accepted()), aged(50, refused()));
    store.write(&[record(&unfinished), record(&recent)]).await.unwrap();
    store.forget_bodies(at(40), 2).await.unwrap();

    assert_eq!(store.forget_transactions(at(40), 4).await.unwrap(), 4);
    assert_eq!(store.forget_transactions(at(40), 4).await.unwrap(), 1);
    assert_eq!(store.forget_transactions(at(40), 4).await.unwrap(), 0);
    assert_eq!(store.find("wamid.1").await.unwrap(), None);
    assert_eq!(store.find(&old[4].id.to_string()).await.unwrap(), None);
    assert!(store.find(&unfinished.id.to_string()).await.unwrap().is_some());
    assert!(store.find(&recent.id.to_string()).await.unwrap().is_some());
}

pub async fn what_somebody_is_still_to_be_told_of_is_not_forgotten(backend: Backend) {
    let store = backend.open().await;
    let old = five_that_are_old(&store).await;
    let event = held(&*store, 1, status("wamid.1", Progress::Delivered)).await;
    let told = NewCallback { transaction: Some(old[0].id), ..callback(&event, "https://shop.example.net/hook") };
    let id = told.id;
    store.end_hearing(HOLDER, &[heard(&event, Then::Tell(vec![told]))]).await.unwrap();
    assert_eq!(store.forget_transactions(at(40), 10).await.unwrap(), 4);
    assert_eq!(store.forget_transactions(at(40), 10).await.unwrap(), 0);

    store.claim_callbacks(HOLDER, at(41), at(99), 9, &[]).await.unwrap();
    let delivered =
        SettledCallback { id, outcome: CallbackOutcome::Delivered, status: Some(200), error: None, at: at(42) };
    store.settle_callbacks(HOLDER, &[delivered]).await.unwrap();
    assert_eq!(store.forget_transactions(at(40), 10).await.unwrap(), 1);
}

pub async fn a_recipient_is_erased(backend: Backend) {
    let store = backend.open().await;
    let (old, unfinished) = (five_that_are_old(&store).await, accepted());
    store.write(&[record(&unfinished)]).await.unwrap();

    assert_eq!(store.erase_recipient("15550100200", 10).await.unwrap(), 0);
    assert_eq!(store.erase_recipient(RECIPIENT, 3).await.unwrap(), 3);
    assert_eq!(store.erase_recipient(RECIPIENT, 3).await.unwrap(), 2);
    assert_eq!(store.erase_recipient(RECIPIENT, 3).await.unwrap(), 0);
    let filter = Filter { recipient: Some(RECIPIENT.into()), ..Filter::default() };
    assert_eq!(listed(&store, &filter).await, [unfinished.id], "what is to be sent waits for its end");
    for new in &old {
        let erased = serde_json::to_string(&found(&store, new.id).await).unwrap();
        assert!(!erased.contains(RECIPIENT), "{erased}");
    }

    let give_up = turned(&unfinished, &[State::Accepted], State::Failed, sabir::store::Next::Done);
    store.write(&[turn(&give_up)]).await.unwrap();
    assert_eq!(store.erase_recipient(RECIPIENT, 3).await.unwrap(), 1);
    assert_eq!(listed(&store, &filter).await, []);
}

pub async fn redacted_bodies_keep_their_shape_and_go_at_the_end(backend: Backend) {
    let store = backend.open_keeping(Bodies::Redacted).await;
    let (sent_one, failed_one, waiting, refused) = (sending(), sending(), accepted(), refused());
    store.write(&[&sent_one, &failed_one, &waiting, &refused].map(record)).await.unwrap();
    let claimed = store.claim("main", HOLDER, at(0), at(60), 10).await.unwrap();
    assert_eq!(claimed[0].request, *waiting.request, "what is to be sent is whole");

    let no =
        Settlement { answer: Some(r#"{"error":{"code":131026,"to":"447700900123"}}"#.into()), ..failed(&failed_one) };
    store.write(&[settle(&sent(&sent_one, "wamid.1")), settle(&no)]).await.unwrap();
    for new in [&sent_one, &failed_one, &refused] {
        let kept = found(&store, new.id).await;
        assert_eq!(kept.request, None);
        assert_eq!((&kept.warnings, kept.refusal.is_some()), (&new.warnings, new.fault.is_some()));
        assert_eq!((&kept.client_request["type"], &kept.client_request["text"]), (&json!("text"), &json!("***")));
        let text = serde_json::to_string(&(&kept.client_request, &kept.attempts)).unwrap();
        assert!(!text.contains(RECIPIENT) && !text.contains("table"), "{text}");
    }
    let attempt = found(&store, failed_one.id).await.attempts.remove(0);
    let answer: Value = serde_json::from_str(&attempt.answer.unwrap()).unwrap();
    assert_eq!(answer, json!({ "error": { "code": 131_026, "to": "***" } }));
    assert_eq!(found(&store, sent_one.id).await.summary.message_id.as_deref(), Some("wamid.1"));
    assert!(found(&store, waiting.id).await.request.is_some());
}

pub async fn a_turn_gives_a_key_free_where_it_applies(backend: Backend) {
    let store = backend.open().await;
    let first = keyed("a key", 1, sending());
    store.write(&[record(&first)]).await.unwrap();
    let withdrawn = Turn {
        frees: Some("a key".into()),
        holder: Some(OTHER),
        ..turned(&first, &[State::Sending], State::Failed, Next::Done)
    };
    assert_eq!(store.write(&[turn(&withdrawn)]).await.unwrap(), [Written::Stale]);
    let again = keyed("a key", 1, sending());
    let repeated = Written::Repeated { transaction: first.id, payload: PayloadHash([1; 32]) };
    assert_eq!(store.write(&[record(&again)]).await.unwrap(), [repeated]);

    let elsewhere = NewTransaction { account: "bank".into(), ..keyed("a key", 1, sending()) };
    store.write(&[record(&elsewhere)]).await.unwrap();
    let withdrawn = Turn { holder: Some(HOLDER), ..withdrawn };
    assert_eq!(store.write(&[turn(&withdrawn)]).await.unwrap(), [Written::Done]);
    assert_eq!(store.write(&[record(&again)]).await.unwrap(), [Written::Done]);
    let bank = NewTransaction { id: sending().id, ..elsewhere.clone() };
    let repeated = Written::Repeated { transaction: elsewhere.id, payload: PayloadHash([1; 32]) };
    assert_eq!(store.write(&[record(&bank)]).await.unwrap(), [repeated], "another account's is its own");
}

pub async fn what_is_told_of_a_message_outlives_its_request(backend: Backend) {
    for (bodies, id) in [(Bodies::Redacted, "wamid.1"), (Bodies::None, "wamid.2")] {
        let store = backend.open_keeping(bodies).await;
        let mut message = text_to(RECIPIENT, "Your table is free");
        message.callbacks = vec!["https://shop.example.net/hook".into()];
        message.references.client_id = Some("order 7".into());
        let new = NewTransaction { request: Request::Send(message).into(), ..sending() };
        store.write(&[record(&new), settle(&sent(&new, id))]).await.unwrap();
        assert_eq!(found(&store, new.id).await.request, None);
        let clue = Clue::message(id);
        let found = store.correlate(&[clue]).await.unwrap().remove(0).unwrap();
        assert_eq!(found.return_address, new.request.return_address());
    }
}

pub async fn bodies_that_are_not_kept_are_there_as_long_as_they_are_needed(backend: Backend) {
    let store = backend.open_keeping(Bodies::None).await;
    let new = sending();
    store.write(&[record(&new)]).await.unwrap();
    let kept = found(&store, new.id).await;
    assert_eq!((kept.request.as_ref(), kept.client_request.is_null()), (Some(&*new.request), true));
    assert_eq!(kept.attempts[0].body, "");

    store.write(&[settle(&waits(&new, 1, at(3)))]).await.unwrap();
    assert!(found(&store, new.id).await.request.is_some(), "it is tried again");
    let give_up = turned(&new, &[State::Waiting], State::Failed, Next::Done);
    store.write(&[turn(&give_up)]).await.unwrap();
    let kept = found(&store, new.id).await;
    assert_eq!((kept.request, kept.attempts[0].answer.as_deref()), (None, None));
}

pub async fn what_was_forgotten_cannot_be_sent_once_more(backend: Backend) {
    let store = backend.open().await;
    let old = five_that_are_old(&store).await;
    store.forget_bodies(at(40), 10).await.unwrap();
    let again = turned(&old[0], &[State::Sent], State::Waiting, Next::Wait { due_at: at(70), keep: false });
    assert_eq!(store.write(&[turn(&again)]).await.unwrap(), [Written::Stale]);

    let store = backend.open_keeping(Bodies::None).await;
    let new = sending();
    store.write(&[record(&new)]).await.unwrap();
    store.write(&[settle(&sent(&new, "wamid.9"))]).await.unwrap();
    let again = turned(&new, &[State::Sent], State::Waiting, Next::Wait { due_at: at(70), keep: false });
    assert_eq!(store.write(&[turn(&again)]).await.unwrap(), [Written::Stale]);
}

/// Five that were sent.
async fn five_that_are_old(store: &Arc<dyn Store>) -> Vec<NewTransaction> {
    let old: Vec<_> = (0..5).map(|seconds| aged(seconds, sending())).collect();
    store.write(&old.iter().map(record).collect::<Vec<_>>()).await.unwrap();
    let settled = (1..).zip(&old).map(|(number, new)| settle(&sent(new, &format!("wamid.{number}"))));
    store.write(&settled.collect::<Vec<_>>()).await.unwrap();
    old
}
