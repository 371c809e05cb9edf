//! What every back end keeps of webhooks and events. Each test gets an empty database of its own.

use std::collections::BTreeMap;

use sabir::model::{
    Event, EventKind, Fault, FaultKind, Inbound, InboundContent, Progress, Status, System, Unreadable, Written,
};
use sabir::model::{State, TransactionId};
use sabir::store::{
    Bodies, CallbackFilter, Clue, DecodedWebhook, Doomed, EventFilter, Hearing, InboundFile, KeptEvent, NewCallback,
    NewEvent, NewWebhook, Next, Settlement, Store, Then, Turn, WebhookFilter,
};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::backends::Backend;
use crate::fixtures::{
    HOLDER, OTHER, RECIPIENT, abandoned, accepted, at, failed, record, sending, sending_with, sent, settle, turn,
    turned,
};
use crate::inbound::file;

/// A webhook that came so many seconds after the first time.
pub fn webhook(seconds: i64) -> NewWebhook {
    NewWebhook {
        id: id_at(seconds),
        upstream: "main".into(),
        received_at: at(seconds),
        headers: BTreeMap::from([("content-type".into(), "application/json".into())]),
        body: r#"{"statuses":[{"id":"wamid.1","status":"sent"}]}"#.into(),
    }
}

/// A fresh id of that time.
fn id_at(seconds: i64) -> Uuid {
    let millis = u64::try_from(at(seconds).unix_timestamp_nanos() / 1_000_000).unwrap();
    let chance = Uuid::new_v4();
    uuid::Builder::from_unix_timestamp_millis(millis, chance.as_bytes()[..10].try_into().unwrap()).into_uuid()
}

pub fn status(message_id: &str, progress: Progress) -> Event {
    let mut status = Status::new(progress);
    status.message_id = Some(message_id.into());
    status.recipient.wa_id = Some(RECIPIENT.into());
    status.at = Some(at(5));
    Event::Status(status)
}

/// What a webhook told, with an identity of one byte.
pub fn told(webhook: &NewWebhook, identity: u8, event: Event) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        webhook: webhook.id,
        upstream: webhook.upstream.clone(),
        identity: [identity; 32],
        replaces: None,
        received_at: webhook.received_at,
        event,
    }
}

pub fn decoded(webhook: &NewWebhook, events: &[NewEvent]) -> DecodedWebhook {
    DecodedWebhook { webhook: webhook.id, events: events.into(), people: Default::default(), problem: None }
}

/// An event that is kept and held.
pub async fn held(store: &dyn Store, identity: u8, event: Event) -> NewEvent {
    let webhook = webhook(0);
    store.keep_webhooks(std::slice::from_ref(&webhook)).await.unwrap();
    store.claim_webhooks(HOLDER, at(1), at(60), 100).await.unwrap();
    let event = told(&webhook, identity, event);
    store.keep_events(HOLDER, &[decoded(&webhook, std::slice::from_ref(&event))]).await.unwrap();
    store.claim_events(HOLDER, at(1), at(60), 100).await.unwrap();
    event
}

pub fn callback(event: &NewEvent, target: &str) -> NewCallback {
    NewCallback {
        id: Uuid::now_v7(),
        event: event.id,
        account: "shop".into(),
        transaction: None,
        dialect: "aisoule".into(),
        target: target.into(),
        order_key: "wamid.1".into(),
        created_at: at(2),
    }
}

pub fn heard(event: &NewEvent, then: Then) -> Hearing {
    Hearing { event: event.id, transaction: None, learnt: None, then }
}

pub async fn a_webhook_is_kept_until_it_is_decoded_and_stays(backend: Backend) {
    let store = backend.open().await;
    let first = webhook(0);
    store.keep_webhooks(&[first.clone(), webhook(1)]).await.unwrap();
    assert_eq!(store.next_event_due().await.unwrap(), Some(at(0)));
    assert_eq!(store.claim_webhooks(HOLDER, at(0) - time::Duration::SECOND, at(60), 9).await.unwrap(), []);

    let claimed = store.claim_webhooks(HOLDER, at(2), at(60), 1).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].id, &claimed[0].body, claimed[0].tries), (first.id, &first.body, 1));
    assert_eq!((&claimed[0].headers, claimed[0].received_at), (&first.headers, at(0)));
    assert_eq!(store.claim_webhooks(OTHER, at(2), at(60), 9).await.unwrap().len(), 1);
    assert_eq!(store.claim_webhooks(OTHER, at(2), at(60), 9).await.unwrap(), []);

    let unread = DecodedWebhook { problem: Some("is no webhook".into()), ..decoded(&first, &[]) };
    store.keep_events(HOLDER, &[unread]).await.unwrap();
    let listed = store.webhooks(&WebhookFilter::default(), None, 9).await.unwrap();
    assert_eq!(listed.iter().map(|webhook| webhook.due_at).collect::<Vec<_>>(), [Some(at(60)), None]);
    assert_eq!(listed[1].problem.as_deref(), Some("is no webhook"));
    let unread = WebhookFilter { unread: Some(true), ..WebhookFilter::default() };
    assert_eq!(store.webhooks(&unread, None, 9).await.unwrap().len(), 1);
}

pub async fn a_webhook_whose_holder_is_gone_is_decoded_by_another(backend: Backend) {
    let store = backend.open().await;
    let webhook = webhook(0);
    store.keep_webhooks(std::slice::from_ref(&webhook)).await.unwrap();
    store.claim_webhooks(HOLDER, at(1), at(10), 9).await.unwrap();
    assert_eq!(store.claim_webhooks(OTHER, at(10), at(60), 9).await.unwrap()[0].tries, 2);

    // The first one comes back too late to end it, but what it read is what the other reads.
    let event = told(&webhook, 1, status("wamid.1", Progress::Sent));
    store.keep_events(HOLDER, &[decoded(&webhook, std::slice::from_ref(&event))]).await.unwrap();
    assert_eq!(store.webhooks(&WebhookFilter::default(), None, 9).await.unwrap()[0].due_at, Some(at(60)));
    store.keep_events(OTHER, &[decoded(&webhook, &[NewEvent { id: Uuid::now_v7(), ..event }])]).await.unwrap();
    assert_eq!(store.webhooks(&WebhookFilter::default(), None, 9).await.unwrap()[0].due_at, None);
    assert_eq!(store.events(&EventFilter::default(), None, 9).await.unwrap().len(), 1);
}

pub async fn what_is_told_twice_is_kept_once(backend: Backend) {
    let store = backend.open().await;
    let (first, second) = (webhook(0), webhook(1));
    store.keep_webhooks(&[first.clone(), second.clone()]).await.unwrap();
    store.claim_webhooks(HOLDER, at(2), at(60), 9).await.unwrap();
    let sent = |webhook| told(webhook, 1, status("wamid.1", Progress::Sent));
    let twice = decoded(&first, &[sent(&first), sent(&first)]);
    let read = told(&second, 2, status("wamid.1", Progress::Read));
    let again = decoded(&second, &[sent(&second), read.clone()]);
    store.keep_events(HOLDER, &[twice, again]).await.unwrap();

    let claimed = store.claim_events(HOLDER, at(2), at(60), 9).await.unwrap();
    assert_eq!(claimed.len(), 2);
    assert_eq!((claimed[1].id, &claimed[1].event, claimed[1].upstream.as_str()), (read.id, &read.event, "main"));
}

pub async fn what_could_not_be_read_goes_when_it_is(backend: Backend) {
    let store = backend.open().await;
    let webhook = webhook(0);
    let fault = Fault::client(FaultKind::MalformedBody, "is no status");
    let unread = told(&webhook, 7, Event::Unreadable(Unreadable { fault, raw: json!({"id": 1}) }));
    store.keep_webhooks(std::slice::from_ref(&webhook)).await.unwrap();
    store.claim_webhooks(HOLDER, at(2), at(60), 9).await.unwrap();
    store.keep_events(HOLDER, &[decoded(&webhook, &[unread])]).await.unwrap();

    assert_eq!(store.reopen_webhooks(&WebhookFilter::default(), None, at(3), 9).await.unwrap(), [webhook.id]);
    assert_eq!(store.claim_webhooks(HOLDER, at(3), at(60), 9).await.unwrap()[0].tries, 2);
    let read = NewEvent { replaces: Some([7; 32]), ..told(&webhook, 1, status("wamid.1", Progress::Sent)) };
    store.keep_events(HOLDER, &[decoded(&webhook, &[read])]).await.unwrap();
    let kinds = store.events(&EventFilter::default(), None, 9).await.unwrap();
    assert_eq!(kinds.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Sent]);
}

pub async fn webhooks_are_reopened_page_by_page(backend: Backend) {
    let store = backend.open().await;
    let webhooks: Vec<_> = (0..5).map(webhook).collect();
    store.keep_webhooks(&webhooks).await.unwrap();
    store.claim_webhooks(HOLDER, at(9), at(60), 9).await.unwrap();
    let ended: Vec<_> = webhooks.iter().map(|webhook| decoded(webhook, &[])).collect();
    store.keep_events(HOLDER, &ended).await.unwrap();

    let filter = WebhookFilter { since: Some(at(1)), until: Some(at(4)), ..WebhookFilter::default() };
    let first = store.reopen_webhooks(&filter, None, at(9), 2).await.unwrap();
    assert_eq!(first, [webhooks[1].id, webhooks[2].id]);
    let last = store.reopen_webhooks(&filter, first.last().copied(), at(9), 2).await.unwrap();
    assert_eq!(last, [webhooks[3].id]);
    let other = WebhookFilter { upstream: Some("spare".into()), ..WebhookFilter::default() };
    assert!(store.reopen_webhooks(&other, None, at(9), 2).await.unwrap().is_empty());
}

pub async fn a_transaction_is_found_by_every_clue(backend: Backend) {
    let store = backend.open().await;
    let (known, queued) = (sending(), sending());
    store.write(&[record(&known), record(&queued), settle(&sent(&known, "wamid.1"))]).await.unwrap();
    let other = sending_with(|new| new.upstream = Some("spare".into()));
    store.write(&[record(&other), settle(&sent(&other, "wamid.shared"))]).await.unwrap();
    let latest = sending();
    store.write(&[record(&latest), settle(&sent(&latest, "wamid.shared"))]).await.unwrap();
    let clue =
        |transaction: Option<TransactionId>, message_id: Option<String>| Clue { transaction, message_id, over: None };
    let clues = [
        clue(Some(known.id), Some("wamid.other".into())),
        clue(None, Some("wamid.1".into())),
        clue(None, Some(queued.id.to_string())),
        clue(Some(TransactionId(Uuid::now_v7())), Some("wamid.1".into())),
        clue(None, Some("wamid.2".into())),
        clue(None, None),
        Clue::message("wamid.shared"),
        Clue { over: Some("main".into()), ..Clue::message("wamid.shared") },
        Clue { over: Some("spare".into()), ..Clue::message("wamid.shared") },
        Clue { over: Some("spare".into()), ..Clue::message("wamid.1") },
    ];
    let found = store.correlate(&clues).await.unwrap();
    let ids: Vec<_> = found.iter().map(|found| found.as_ref().map(|found| found.id)).collect();
    let one_id = [Some(known.id), Some(known.id), Some(queued.id), Some(known.id), None, None];
    let shared_id = [Some(latest.id), Some(latest.id), Some(other.id), None];
    assert_eq!((&ids[..6], &ids[6..]), (&one_id[..], &shared_id[..]));

    let found = found[0].clone().unwrap();
    assert_eq!((found.account.as_str(), found.dialect.as_str(), found.state), ("shop", "aisoule", State::Sent));
    assert_eq!((found.return_address, found.attempts), (known.request.return_address(), 1));
    assert_eq!((found.message_id.as_deref(), found.given_id.as_deref()), (Some("wamid.1"), Some("wamid.1")));
}

pub async fn a_client_that_was_answered_before_knows_our_id(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    let late = sabir::store::Settlement { told: false, ..sent(&new, "wamid.1") };
    store.write(&[record(&new), settle(&late)]).await.unwrap();
    let found = store.correlate(&[Clue::transaction(new.id)]).await.unwrap();
    let found = found[0].clone().unwrap();
    assert_eq!((found.message_id.as_deref(), found.given_id), (Some("wamid.1"), None));
}

pub async fn an_upstreams_id_that_a_status_told_is_found(backend: Backend) {
    let store = backend.open().await;
    let (new, known) = (sending(), sending());
    store.write(&[record(&new), record(&known), settle(&sent(&known, "wamid.known"))]).await.unwrap();
    store.write(&[turn(&abandoned(&new))]).await.unwrap();
    let event = held(&*store, 1, status("wamid.1", Progress::Sent)).await;
    let learn = |transaction, id: &str| Hearing {
        transaction: Some(transaction),
        learnt: Some(id.into()),
        ..heard(&event, Then::Tell(Vec::new()))
    };
    store.end_hearing(HOLDER, &[learn(new.id, "wamid.1"), learn(known.id, "wamid.2")]).await.unwrap();

    let found = store.find("wamid.1").await.unwrap().unwrap();
    assert_eq!((found.summary.id, found.summary.message_id.as_deref()), (new.id, Some("wamid.1")));
    assert!(store.find("wamid.2").await.unwrap().is_none());
    assert_eq!(store.find("wamid.known").await.unwrap().unwrap().summary.id, known.id);
    let found = store.correlate(&[Clue::transaction(new.id)]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().given_id, None);
}

pub async fn an_outcome_that_comes_after_its_status_is_kept_whole(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new)]).await.unwrap();
    store.write(&[turn(&abandoned(&new))]).await.unwrap();
    let delivered = turned(&new, &[State::Unknown], State::Delivered, Next::Done);
    store.write(&[turn(&delivered)]).await.unwrap();
    let event = held(&*store, 1, status("wamid.1", Progress::Delivered)).await;
    let learnt =
        Hearing { transaction: Some(new.id), learnt: Some("wamid.1".into()), ..heard(&event, Then::Tell(Vec::new())) };
    store.end_hearing(HOLDER, &[learnt]).await.unwrap();

    let outcome = sent(&new, "wamid.1");
    store.write(&[settle(&outcome)]).await.unwrap();
    let found = store.find("wamid.1").await.unwrap().unwrap();
    assert_eq!(found.summary.state, State::Delivered);
    assert_eq!((found.attempts[0].status, &found.attempts[0].answer), (Some(200), &outcome.answer));
    let found = store.correlate(&[Clue::transaction(new.id)]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().given_id.as_deref(), Some("wamid.1"), "the client was given it");
}

pub async fn a_failure_is_told_with_the_commit_that_ends_it(backend: Backend) {
    let store = backend.open().await;
    let (by_outcome, by_turn, went_out) = (sending(), accepted(), sending());
    store.write(&[&by_outcome, &by_turn, &went_out].map(record)).await.unwrap();
    store.write(&[settle(&sent(&went_out, "wamid.1"))]).await.unwrap();
    let tell = |identity| {
        let event = status("wamid.9", Progress::Failed);
        Some(Box::new(NewEvent { webhook: Uuid::nil(), upstream: String::new(), ..told(&webhook(0), identity, event) }))
    };
    let give_up = turned(&by_turn, &[State::Accepted], State::Failed, Next::Done);
    let too_late =
        Turn { holder: Some(OTHER), tell: tell(3), ..turned(&went_out, &[State::Accepted], State::Failed, Next::Done) };
    let batch = [
        settle(&Settlement { tell: tell(1), ..failed(&by_outcome) }),
        turn(&Turn { tell: tell(2), ..give_up }),
        turn(&too_late),
    ];
    store.write(&batch).await.unwrap();
    store.write(&batch[..1]).await.unwrap();
    let events = store.events(&EventFilter::default(), None, 9).await.unwrap();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().all(|event| event.upstream == "main" && event.due_at == Some(at(0))));
}

pub async fn a_transaction_that_does_not_read_back_stops_no_other(backend: Backend) {
    let store = backend.open().await;
    let (bad, good) = (sending(), sending());
    store.write(&[record(&bad)]).await.unwrap();
    backend.spoil("update transactions set state = 'odd'").await;
    store.write(&[record(&good)]).await.unwrap();
    let clues = [&bad, &good].map(|new| Clue::transaction(new.id));
    let found = store.correlate(&clues).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
}

/// Their bodies are sealed with a key that nobody has.
pub async fn a_webhook_that_does_not_open_stops_no_other(backend: Backend) {
    let store = backend.open().await;
    let good = webhook(1);
    store.keep_webhooks(&[webhook(0)]).await.unwrap();
    backend.spoil("update webhooks set body = '\u{1}0000000000000000.AAAA'").await;
    store.keep_webhooks(std::slice::from_ref(&good)).await.unwrap();
    let claimed = store.claim_webhooks(HOLDER, at(2), at(60), 9).await.unwrap();
    assert_eq!(claimed.iter().map(|webhook| webhook.id).collect::<Vec<_>>(), [good.id]);
}

pub async fn an_event_that_does_not_open_stops_no_other_nor_do_its_callbacks(backend: Backend) {
    let store = backend.open().await;
    let webhook = webhook(0);
    store.keep_webhooks(std::slice::from_ref(&webhook)).await.unwrap();
    store.claim_webhooks(HOLDER, at(1), at(60), 9).await.unwrap();
    let events = [1, 2].map(|identity| told(&webhook, identity, status("wamid.1", Progress::Sent)));
    store.keep_events(HOLDER, &[decoded(&webhook, &events)]).await.unwrap();
    let [bad, good] = &events;
    let spoil = "update events set body = '\u{1}0000000000000000.AAAA' \
                 where id = (select id from events order by id limit 1)";
    backend.spoil(spoil).await;
    let claimed = store.claim_events(HOLDER, at(1), at(60), 9).await.unwrap();
    assert_eq!(claimed.iter().map(|event| event.id).collect::<Vec<_>>(), [good.id]);

    let tells = [bad, good].map(|event| NewCallback {
        order_key: event.id.to_string(),
        ..callback(event, "https://shop.example.net/hook")
    });
    let hearings = events.iter().zip(&tells).map(|(event, told)| heard(event, Then::Tell(vec![told.clone()])));
    store.end_hearing(HOLDER, &hearings.collect::<Vec<_>>()).await.unwrap();
    let claimed = store.claim_callbacks(HOLDER, at(2), at(60), 9, &[]).await.unwrap();
    assert_eq!(claimed.iter().map(|callback| callback.id).collect::<Vec<_>>(), [tells[1].id]);
}

pub async fn evidence_by_a_status_ends_the_job(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new)]).await.unwrap();
    store.write(&[turn(&abandoned(&new))]).await.unwrap();
    let delivered = sabir::store::Turn {
        cause: sabir::store::Cause::Status,
        ..crate::fixtures::turned(&new, &[State::Unknown], State::Delivered, Next::Done)
    };
    store.write(&[turn(&delivered)]).await.unwrap();
    let found = store.find(&new.id.to_string()).await.unwrap().unwrap();
    assert_eq!((found.summary.state, found.due_at), (State::Delivered, None));
}

pub async fn an_event_waits_or_ends_with_its_callbacks(backend: Backend) {
    let store = backend.open().await;
    let event = held(&*store, 1, status("wamid.1", Progress::Sent)).await;
    store.end_hearing(HOLDER, &[heard(&event, Then::Wait(at(9)))]).await.unwrap();
    assert_eq!(store.next_event_due().await.unwrap(), Some(at(9)));
    let waiting = |waiting| EventFilter { waiting: Some(waiting), ..EventFilter::default() };
    assert_eq!(store.events(&waiting(true), None, 9).await.unwrap().len(), 1);

    assert_eq!(store.claim_events(HOLDER, at(9), at(60), 9).await.unwrap()[0].tries, 2);
    let tell = heard(&event, Then::Tell(vec![callback(&event, "https://shop.example.net/hook")]));
    // Whoever lost the lease tells nobody.
    store.end_hearing(OTHER, std::slice::from_ref(&tell)).await.unwrap();
    assert_eq!(store.callbacks(&CallbackFilter::default(), None, 9).await.unwrap(), []);
    store.end_hearing(HOLDER, std::slice::from_ref(&tell)).await.unwrap();
    assert_eq!(store.callbacks(&CallbackFilter::default(), None, 9).await.unwrap().len(), 1);
    assert_eq!(store.events(&waiting(true), None, 9).await.unwrap(), []);
    assert_eq!(store.next_event_due().await.unwrap(), None);
}

pub async fn events_are_listed_by_what_they_are(backend: Backend) {
    let store = backend.open().await;
    let mut inbound =
        Inbound::new(InboundContent::Text(Written { body: "Hello \0 there".into(), extra: Default::default() }));
    inbound.sender.wa_id = Some("5511987654321".into());
    let first = held(&*store, 1, status("wamid.1", Progress::Sent)).await;
    let second = held(&*store, 2, Event::Inbound(inbound)).await;
    let of = |event: &NewEvent, transaction| Hearing { transaction, ..heard(event, Then::Tell(Vec::new())) };
    let transaction = TransactionId(Uuid::now_v7());
    store.end_hearing(HOLDER, &[of(&first, Some(transaction)), of(&second, None)]).await.unwrap();

    let filters = [
        (EventFilter::default(), vec![second.id, first.id]),
        (EventFilter { kind: Some(EventKind::Text), ..EventFilter::default() }, vec![second.id]),
        (EventFilter { transaction: Some(transaction), ..EventFilter::default() }, vec![first.id]),
        (EventFilter { person: Some("5511987654321".into()), ..EventFilter::default() }, vec![second.id]),
        (EventFilter { upstream: Some("spare".into()), ..EventFilter::default() }, vec![]),
    ];
    for (filter, expected) in filters {
        let listed = store.events(&filter, None, 9).await.unwrap();
        assert_eq!(listed.iter().map(|event| event.id).collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let behind = store.events(&EventFilter::default(), Some(second.id), 9).await.unwrap();
    assert_eq!((behind[0].id, behind[0].message_id.as_deref()), (first.id, Some("wamid.1")));
    assert_eq!((behind[0].occurred_at, behind[0].person.as_deref()), (Some(at(5)), Some(RECIPIENT)));
    assert_eq!((&behind[0].event, behind[0].transaction), (&first.event, Some(transaction)));
}

pub async fn a_message_leads_to_what_its_recipient_was_called_before(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new), settle(&sent(&new, "wamid.1"))]).await.unwrap();
    let clue = [Clue::transaction(new.id)];
    let alias = |found: Vec<Option<sabir::store::Correlated>>| found[0].clone().unwrap().alias;
    assert_eq!(alias(store.correlate(&clue).await.unwrap()), None);
    store.put_alias("bank", "main", RECIPIENT, "551187654321", at(0)).await.unwrap();
    assert_eq!(alias(store.correlate(&clue).await.unwrap()), None);
    store.put_alias("shop", "main", RECIPIENT, "551187654321", at(0)).await.unwrap();
    assert_eq!(alias(store.correlate(&clue).await.unwrap()).as_deref(), Some("551187654321"));
    store.put_alias("shop", "main", RECIPIENT, RECIPIENT, at(1)).await.unwrap();
    assert_eq!(alias(store.correlate(&clue).await.unwrap()), None);
}

pub async fn people_are_known_by_the_clients_number(backend: Backend) {
    let store = backend.open().await;
    assert_eq!(store.alias("shop", "main", "5511987654321").await.unwrap(), None);
    store.put_alias("shop", "main", "5511987654321", "551187654321", at(0)).await.unwrap();
    store.put_alias("shop", "main", "5511987654321", "55 11 8765 4321", at(1)).await.unwrap();
    store.put_alias("shop", "main", "5511987654321", "55 11 8765 4321", at(2)).await.unwrap();
    assert_eq!(store.alias("shop", "main", "5511987654321").await.unwrap().as_deref(), Some("55 11 8765 4321"));
    assert_eq!(store.alias("shop", "spare", "5511987654321").await.unwrap(), None);
    assert_eq!(store.alias("bank", "main", "5511987654321").await.unwrap(), None);

    // Who calls them as the provider does has no word of its own any more.
    store.put_alias("shop", "main", "5511987654321", "5511987654321", at(3)).await.unwrap();
    assert_eq!(store.alias("shop", "main", "5511987654321").await.unwrap(), None);
}

pub async fn what_was_told_is_not_kept_beyond_its_telling_where_no_body_is(backend: Backend) {
    let store = backend.open_keeping(Bodies::Redacted).await;
    let told = held(&*store, 1, status("wamid.1", Progress::Sent)).await;
    let untold = held(&*store, 2, status("wamid.2", Progress::Sent)).await;
    let unread = webhook(5);
    store.keep_webhooks(std::slice::from_ref(&unread)).await.unwrap();
    store.claim_webhooks(HOLDER, at(5), at(60), 9).await.unwrap();
    let problem = DecodedWebhook { problem: Some("is no webhook".into()), ..decoded(&unread, &[]) };
    store.keep_events(HOLDER, &[problem]).await.unwrap();
    let kept: Vec<_> = store.webhooks(&WebhookFilter::default(), None, 9).await.unwrap();
    let bodies: Vec<_> = kept.iter().map(|webhook| webhook.body.as_str()).collect();
    assert_eq!(bodies, [unread.body.as_str(), "", ""], "what could not be read stays until it can");
    assert_eq!(store.reopen_webhooks(&WebhookFilter::default(), None, at(6), 9).await.unwrap(), [unread.id]);

    let tell = Then::Tell(vec![callback(&told, "https://shop.example.net/hook")]);
    store.end_hearing(HOLDER, &[heard(&told, tell), heard(&untold, Then::Tell(Vec::new()))]).await.unwrap();
    let is_kept = |events: Vec<KeptEvent>| events.iter().map(|kept| kept.event.kind()).collect::<Vec<_>>();
    let events = || async { is_kept(store.events(&EventFilter::default(), None, 9).await.unwrap()) };
    assert_eq!(events().await, [EventKind::Unreadable, EventKind::Sent], "it is still to be told");
    let [claimed] = store.claim_callbacks(HOLDER, at(9), at(60), 9, &[]).await.unwrap().try_into().unwrap();
    assert_eq!(claimed.event, told.event);
    assert_eq!(store.settle_callbacks(HOLDER, &[crate::callbacks::settled(claimed.id)]).await.unwrap(), 1);
    assert_eq!(events().await, [EventKind::Unreadable, EventKind::Unreadable]);
}

/// A time behind all ids of this run.
fn later() -> OffsetDateTime {
    let now = Uuid::now_v7().get_timestamp().unwrap().to_unix().0;
    OffsetDateTime::from_unix_timestamp(i64::try_from(now).unwrap() + 60).unwrap().max(at(99))
}

pub async fn old_events_are_forgotten(backend: Backend) {
    let store = backend.open().await;
    let event = held(&*store, 1, status("wamid.1", Progress::Sent)).await;
    store.keep_webhooks(&[webhook(1)]).await.unwrap();
    // What is not done with stays, whatever its age.
    while store.forget_events(later(), 1).await.unwrap() > 0 {}
    assert_eq!(store.webhooks(&WebhookFilter::default(), None, 9).await.unwrap().len(), 1);
    assert_eq!(store.events(&EventFilter::default(), None, 9).await.unwrap().len(), 1);

    store
        .end_hearing(HOLDER, &[heard(&event, Then::Tell(vec![callback(&event, "https://a.example.net")]))])
        .await
        .unwrap();
    while store.forget_events(later(), 1).await.unwrap() > 0 {}
    assert_eq!(store.events(&EventFilter::default(), None, 9).await.unwrap().len(), 1);
    store.claim_callbacks(HOLDER, at(9), at(60), 9, &[]).await.unwrap();
    let done = crate::callbacks::settled(store.callbacks(&CallbackFilter::default(), None, 9).await.unwrap()[0].id);
    store.settle_callbacks(HOLDER, &[done]).await.unwrap();
    while store.forget_events(later(), 1).await.unwrap() > 0 {}
    assert_eq!(store.events(&EventFilter::default(), None, 9).await.unwrap(), []);
    assert_eq!(store.callbacks(&CallbackFilter::default(), None, 9).await.unwrap(), []);
}

pub async fn what_is_told_of_a_person_is_erased_with_them(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new), settle(&sent(&new, "wamid.1"))]).await.unwrap();
    let event = held(&*store, 1, status("wamid.1", Progress::Delivered)).await;
    let told = NewCallback { transaction: Some(new.id), ..callback(&event, "https://shop.example.net/hook") };
    let hearing = Hearing { transaction: Some(new.id), ..heard(&event, Then::Tell(vec![told])) };
    store.end_hearing(HOLDER, &[hearing]).await.unwrap();
    store.put_alias("shop", "main", "5511987654321", RECIPIENT, at(0)).await.unwrap();

    // What they wrote is theirs under the provider's name; and it told some of it twice, or so that it could not be read.
    let mut inbound = Inbound::new(InboundContent::Text(Written { body: "Hello".into(), extra: Default::default() }));
    inbound.sender.wa_id = Some("5511987654321".into());
    let wrote = held(&*store, 2, Event::Inbound(inbound)).await;
    store.end_hearing(HOLDER, &[heard(&wrote, Then::Tell(Vec::new()))]).await.unwrap();
    let (twice, unread) = (webhook(1), webhook(2));
    store.keep_webhooks(&[twice.clone(), unread.clone()]).await.unwrap();
    store.claim_webhooks(HOLDER, at(2), at(60), 9).await.unwrap();
    let of = |webhook, problem: Option<&str>| DecodedWebhook {
        people: [RECIPIENT.to_owned(), "5511987654321".to_owned(), "447700900999".to_owned()].into(),
        problem: problem.map(str::to_owned),
        ..decoded(webhook, &[])
    };
    store.keep_events(HOLDER, &[of(&twice, None), of(&unread, Some("is no webhook"))]).await.unwrap();

    while store.erase_recipient(RECIPIENT, 1).await.unwrap() > 0 {}
    assert_eq!(store.events(&EventFilter::default(), None, 9).await.unwrap(), []);
    assert_eq!(store.webhooks(&WebhookFilter::default(), None, 9).await.unwrap(), []);
    assert_eq!(store.callbacks(&CallbackFilter::default(), None, 9).await.unwrap(), []);
    // A file that was named meanwhile stands under the provider's name.
    let named = InboundFile { person: Some("5511987654321".into()), ..file("1001", "shop", 9) };
    store.name_inbound(&named).await.unwrap();
    assert_eq!(store.doom_inbound(Doomed::Of(RECIPIENT), 9).await.unwrap(), ["1001"]);
    store.forget_names(RECIPIENT).await.unwrap();
    assert_eq!(store.alias("shop", "main", "5511987654321").await.unwrap(), None);
}

const USER: &str = "GB.1A2B3C4D5E";
const PARENT: &str = "GB.ENT.9Z8Y7X";

/// What somebody wrote who is called so.
fn wrote(number: Option<&str>, user_id: Option<&str>) -> Event {
    let mut inbound = Inbound::new(InboundContent::Text(Written { body: "Hello".into(), extra: Default::default() }));
    (inbound.sender.wa_id, inbound.sender.user_id) = (number.map(str::to_owned), user_id.map(str::to_owned));
    Event::Inbound(inbound)
}

/// What somebody wrote who has all names.
fn wrote_with_all_names() -> Event {
    let Event::Inbound(mut inbound) = wrote(Some(RECIPIENT), Some(USER)) else { unreachable!() };
    inbound.sender.parent_user_id = Some(PARENT.into());
    Event::Inbound(inbound)
}

/// What a group's message came to with one of its people.
fn read_by(group: &str, participant: &str) -> Event {
    let mut read = Status::new(Progress::Read);
    read.message_id = Some("wamid.1".into());
    read.recipient.wa_id = Some(group.into());
    read.participant = Some(participant.into());
    Event::Status(read)
}

/// Keeps what one webhook told, and hears it. Returns the ids in the same order.
async fn heard_together(store: &dyn Store, events: &[Event]) -> Vec<Uuid> {
    let webhook = webhook(0);
    store.keep_webhooks(std::slice::from_ref(&webhook)).await.unwrap();
    store.claim_webhooks(HOLDER, at(1), at(60), 100).await.unwrap();
    let identities = 1..;
    let events: Vec<_> = events.iter().cloned().zip(identities).map(|(event, of)| told(&webhook, of, event)).collect();
    store.keep_events(HOLDER, &[decoded(&webhook, &events)]).await.unwrap();
    store.claim_events(HOLDER, at(1), at(60), 100).await.unwrap();
    let ended: Vec<_> = events.iter().map(|event| heard(event, Then::Tell(Vec::new()))).collect();
    store.end_hearing(HOLDER, &ended).await.unwrap();
    events.iter().map(|event| event.id).collect()
}

async fn listed(store: &dyn Store, filter: &EventFilter) -> Vec<Uuid> {
    store.events(filter, None, 9).await.unwrap().iter().map(|event| event.id).collect()
}

pub async fn an_event_is_found_and_erased_by_each_name_in_it(backend: Backend) {
    let store = backend.open().await;
    let (group, first, second, new) = ("120363025246125486", "447700900201", "447700900202", "447700900203");
    let moved = System { new_wa_id: Some(new.into()), ..System::default() };
    let mut changed = Inbound::new(InboundContent::System(moved));
    changed.sender.wa_id = Some(first.into());
    let events = [
        wrote_with_all_names(),
        wrote(Some(RECIPIENT), None),
        wrote(None, Some(USER)),
        read_by(group, first),
        read_by(group, second),
        Event::Inbound(changed),
    ];
    for (name, of) in [
        (RECIPIENT, vec![0, 1]),
        (USER, vec![0, 2]),
        (PARENT, vec![0]),
        (group, vec![3, 4]),
        (first, vec![3, 5]),
        (second, vec![4]),
        (new, vec![5]),
    ] {
        let ids = heard_together(&*store, &events).await;
        for (id, event) in (1001..).zip(&ids) {
            let file = file(&format!("{id}"), "shop", event.as_u128());
            store.name_inbound(&InboundFile { person: None, ..file }).await.unwrap();
        }
        let (named, others): (Vec<_>, Vec<_>) = (0..ids.len()).rev().partition(|place| of.contains(place));
        let picked = |places: Vec<usize>| places.into_iter().map(|place| ids[place]).collect::<Vec<_>>();
        let theirs = EventFilter { person: Some(name.into()), ..EventFilter::default() };
        assert_eq!(listed(&*store, &theirs).await, picked(named), "{name}");

        while store.erase_recipient(name, 1).await.unwrap() > 0 {}
        assert_eq!(listed(&*store, &EventFilter::default()).await, picked(others), "{name}");
        // The file goes with its event, by whichever name that was found.
        let mut gone = store.doom_inbound(Doomed::Of(name), 9).await.unwrap();
        gone.sort();
        assert_eq!(gone, of.iter().map(|place| format!("{}", 1001 + place)).collect::<Vec<_>>(), "{name}");
        store.forget_inbound(&gone).await.unwrap();

        for name in [RECIPIENT, USER, group, first] {
            while store.erase_recipient(name, 9).await.unwrap() > 0 {}
        }
        let rest = store.doom_inbound(Doomed::Of(name), 9).await.unwrap();
        store.forget_inbound(&rest).await.unwrap();
    }
}

pub async fn what_an_event_names_is_forgotten_with_it(backend: Backend) {
    let store = backend.open().await;
    // Told twice: the second is not kept, so nobody is named in it.
    heard_together(&*store, &[wrote_with_all_names()]).await;
    heard_together(&*store, &[wrote_with_all_names()]).await;
    assert_eq!(backend.kept("event_mentions.person").await, [USER, PARENT]);
    while store.forget_events(later(), 1).await.unwrap() > 0 {}
    assert!(backend.kept("event_mentions.person").await.is_empty());

    // With its transaction.
    let new = sending();
    store.write(&[record(&new), settle(&sent(&new, "wamid.1"))]).await.unwrap();
    let event = held(&*store, 1, read_by(RECIPIENT, "447700900201")).await;
    let hearing = Hearing { transaction: Some(new.id), ..heard(&event, Then::Tell(Vec::new())) };
    store.end_hearing(HOLDER, &[hearing]).await.unwrap();
    assert_eq!(backend.kept("event_mentions.person").await, ["447700900201"]);
    while store.forget_transactions(later(), 1).await.unwrap() > 0 {}
    assert!(backend.kept("event_mentions.person").await.is_empty());
}
