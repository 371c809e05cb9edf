//! What every back end promises of sealed bodies.

use std::collections::BTreeMap;
use std::sync::Arc;

use sabir::model::{Event, Fault, FaultKind, Inbound, InboundContent, State, Written};
use sabir::store::{
    self, Config, EventFilter, NewTransaction, Next, SealingKey, Store, StoreError, Turn, WebhookFilter, Write,
};
use serde_json::json;

use crate::backends::{Backend, key};
use crate::contract::found;
use crate::events::{decoded, told, webhook};
use crate::fixtures::{
    HOLDER, RECIPIENT, at, attempt, begun, record, refused, sending, sent, settle, text_to, turn, turned, waits,
};

/// Stands in everything that is to be sealed; no base64 holds it by chance.
const CANARY: &str = "zq-x";

/// The columns that hold bodies.
const COLUMNS: [&str; 13] = [
    "bodies.client_request",
    "bodies.request",
    "bodies.return_address",
    "bodies.warnings",
    "bodies.refusal",
    "bodies.first_body",
    "attempts.body",
    "outcomes.answer",
    "outcomes.fault",
    "turns.fault",
    "webhooks.body",
    "events.body",
    "settings.value",
];

async fn open(backend: &Backend, keys: &[SealingKey], encrypt: bool) -> Arc<dyn Store> {
    let config = Config { encryption_keys: keys.to_vec(), encrypt, ..backend.config() };
    let store = store::connect(&config).await.unwrap();
    store.migrate().await.unwrap();
    store.take_keys(at(0)).await.unwrap();
    store
}

/// A canary in every body that there is: of a message with two attempts, one that was refused, an event and a setting.
async fn fill(store: &dyn Store) -> NewTransaction {
    let fault = || Fault::upstream(FaultKind::NotOnWhatsapp, CANARY);
    let new = NewTransaction {
        client_request: json!({ "text": CANARY }).to_string(),
        request: sabir::model::Request::Send(text_to(RECIPIENT, CANARY)).into(),
        attempt: Some(sabir::store::NewAttempt { body: CANARY.into(), ..attempt(1) }),
        ..sending()
    };
    let failed = sabir::store::Settlement {
        state: State::Failed,
        answer: Some(CANARY.into()),
        fault: Some(fault()),
        ..sent(&new, "wamid.1")
    };
    let again = Next::Wait { due_at: at(80), keep: false };
    let again = Turn { fault: Some(fault()), ..turned(&new, &[State::Failed], State::Waiting, again) };
    let refused = NewTransaction { fault: Some(fault()), ..refused() };
    store.write(&[record(&new), record(&refused), settle(&failed), turn(&again)]).await.unwrap();
    store.claim("main", HOLDER, at(80), at(85), 10).await.unwrap();
    let attempt = sabir::store::NewAttempt { body: CANARY.into(), ..attempt(2) };
    let second = sabir::store::Begin { attempt, ..begun(&new) };
    store.write(&[Write::Begin(Box::new(second)), settle(&waits(&new, 2, at(80)))]).await.unwrap();

    let webhook = sabir::store::NewWebhook { headers: BTreeMap::new(), body: CANARY.into(), ..webhook(0) };
    store.keep_webhooks(std::slice::from_ref(&webhook)).await.unwrap();
    store.claim_webhooks(HOLDER, at(1), at(60), 100).await.unwrap();
    let text = InboundContent::Text(Written { body: CANARY.into(), extra: Default::default() });
    let event = told(&webhook, 1, Event::Inbound(Inbound::new(text)));
    store.keep_events(HOLDER, &[decoded(&webhook, &[event])]).await.unwrap();
    store.set("shop", "about", &json!(CANARY)).await.unwrap();
    new
}

/// Everything that was filled in, read back.
async fn read(store: &dyn Store, new: &NewTransaction) -> String {
    let transaction = store.find(&new.id.to_string()).await.unwrap().unwrap();
    let webhooks = store.webhooks(&WebhookFilter::default(), None, 10).await.unwrap();
    let events = store.events(&EventFilter::default(), None, 10).await.unwrap();
    let setting = store.setting("shop", "about").await.unwrap().unwrap();
    let claimed = store.claim("main", HOLDER, at(90), at(91), 10).await.unwrap();
    assert_eq!((webhooks.len(), events.len(), claimed.len()), (1, 1, 1));
    format!("{transaction:?} {webhooks:?} {events:?} {setting} {claimed:?}")
}

/// The beginnings of all that is kept in all columns: nothing where it stands in the clear, else its key.
async fn sealed_with(backend: &Backend) -> Vec<Option<String>> {
    let mut found = Vec::new();
    for column in COLUMNS {
        let kept = backend.kept(column).await;
        assert!(!kept.is_empty(), "{column}");
        for text in kept {
            assert_eq!(
                text.starts_with('\u{1}'),
                !text.contains(CANARY) && !text.starts_with(['[', '{']),
                "{column}: {text}"
            );
            found.push(text.strip_prefix('\u{1}').map(|sealed| sealed.split_once('.').unwrap().0.to_owned()));
        }
    }
    found.sort();
    found.dedup();
    found
}

async fn rewrap(store: &dyn Store) -> u64 {
    let (mut step, mut changed) = (None, 0);
    while let Some(done) = store.rewrap(step, 1).await.unwrap() {
        changed += done.changed;
        step = Some(done);
    }
    store.forget_keys().await.unwrap();
    changed
}

pub async fn what_is_kept_of_bodies_is_sealed_in_every_column(backend: Backend) {
    let key = key('b');
    let store = open(&backend, std::slice::from_ref(&key), true).await;
    let new = fill(&*store).await;
    assert_eq!(sealed_with(&backend).await, [Some(key.id().to_owned())]);
    assert_eq!(read(&*store, &new).await.matches(CANARY).count(), 11);
    assert_eq!(rewrap(&*store).await, 0, "all of it is as it would be written");
}

pub async fn a_store_without_its_keys_says_which_it_lacks(backend: Backend) {
    let (old, other) = (key('b'), key('c'));
    let store = open(&backend, std::slice::from_ref(&old), true).await;
    let new = fill(&*store).await;
    for keys in [vec![], vec![other]] {
        let config = Config { encryption_keys: keys, ..backend.config() };
        let without = store::connect(&config).await.unwrap();
        let refused = without.take_keys(at(0)).await;
        assert!(matches!(&refused, Err(StoreError::Keys(ids)) if ids == &[old.id().to_owned()]), "{refused:?}");
        // Who goes on all the same is told the same of each body.
        let refused = without.find(&new.id.to_string()).await.unwrap_err();
        let cause = std::error::Error::source(&refused).unwrap().to_string();
        assert!(cause.contains(old.id()) && !cause.contains(CANARY), "{cause}");
    }
}

pub async fn a_new_key_takes_over_step_by_step(backend: Backend) {
    let (old, new) = (key('b'), key('c'));
    let first = open(&backend, std::slice::from_ref(&old), true).await;
    let earlier = fill(&*first).await;
    let both = open(&backend, &[new.clone(), old], true).await;
    let told = read(&*both, &earlier).await;
    let later = sending();
    both.write(&[record(&later)]).await.unwrap();
    assert_eq!(sealed_with(&backend).await.len(), 2);
    assert!(rewrap(&*both).await > 10);
    assert_eq!(sealed_with(&backend).await, [Some(new.id().to_owned())]);
    let alone = open(&backend, &[new], true).await;
    assert_eq!(found(&alone, later.id).await.request, Some(std::sync::Arc::unwrap_or_clone(later.request)));
    assert!(
        alone
            .find(&earlier.id.to_string())
            .await
            .unwrap()
            .is_some_and(|found| told.contains(&format!("{:?}", found.request)))
    );
}

pub async fn what_was_written_in_the_clear_is_sealed_later_and_opened_for_good(backend: Backend) {
    let clear = open(&backend, &[], true).await;
    let new = fill(&*clear).await;
    assert_eq!(sealed_with(&backend).await, [None]);
    let key = key('b');
    let sealing = open(&backend, std::slice::from_ref(&key), true).await;
    let told = format!("{:?}", sealing.find(&new.id.to_string()).await.unwrap());
    rewrap(&*sealing).await;
    assert_eq!(sealed_with(&backend).await, [Some(key.id().to_owned())]);
    let opening = open(&backend, &[key], false).await;
    rewrap(&*opening).await;
    assert_eq!(sealed_with(&backend).await, [None]);
    assert_eq!(format!("{:?}", open(&backend, &[], true).await.find(&new.id.to_string()).await.unwrap()), told);
}
