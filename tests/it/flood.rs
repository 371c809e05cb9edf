//! Many events at once: twice, in any order, ahead of their messages.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use sabir::model::{State, TransactionId};
use sabir::store::{EventFilter, NewAttempt, NewJob, NewTransaction, Next, Settlement, Store, Write};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::harness::TestApp;

const MESSAGES: usize = 3000;
const DUPLICATES: usize = 1000;
const AT: OffsetDateTime = datetime!(2026-09-21 13:35:23 UTC);

/// What is told of the messages, by turns, and where that leads.
const FATES: [(&[&str], State); 5] = [
    (&["sent", "delivered", "read"], State::Read),
    (&["sent", "delivered", "read"], State::Read),
    (&["sent", "delivered", "warning"], State::Delivered),
    (&["accepted", "sent", "failed"], State::Failed),
    (&["sending", "sent", "deleted"], State::Sent),
];

fn message_id(nth: usize) -> String {
    format!("wamid.FLOOD{nth:06}")
}

/// A message that is under way: its outcome is not on the record yet.
fn under_way(nth: usize, request: &sabir::model::Request) -> NewTransaction {
    let attempt = NewAttempt {
        number: 1,
        upstream: "sandbox".into(),
        method: "POST".into(),
        url: "sandbox://in-process/messages".into(),
        body: "{}".into(),
        started_at: AT,
    };
    NewTransaction {
        id: TransactionId(Uuid::from_u128(0x01a0_c42d_ad78_7000_9000_0000_0000_0000 + nth as u128)),
        account: "shop".into(),
        dialect: "cloud".into(),
        upstream: Some("sandbox".into()),
        state: State::Sending,
        fault: None,
        received_at: AT,
        client_request: "{}".into(),
        request: request.clone().into(),
        warnings: Vec::new(),
        idempotency: None,
        job: Some(NewJob { pair: None, due_at: AT + time::Duration::DAY, holder: Some(Uuid::from_u128(1)) }),
        attempt: Some(attempt),
        at_once: false,
    }
}

fn outcome(nth: usize, new: &NewTransaction) -> Settlement {
    Settlement {
        transaction: new.id,
        pair: None,
        attempt: 1,
        at_once: None,
        state: State::Sent,
        message_id: Some(message_id(nth)),
        told: true,
        status: Some(200),
        answer: None,
        fault: None,
        finished_at: AT,
        tell: None,
        next: Next::Done,
    }
}

async fn write(store: &dyn Store, writes: Vec<Write>) {
    for batch in writes.chunks(500) {
        store.write(batch).await.unwrap();
    }
}

/// Numbers in an order that looks like chance, the same in each run.
struct Shuffled(u64);

impl Shuffled {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.next(last + 1));
        }
    }
}

/// Everything that is told, one in ten twice.
fn told() -> Vec<Value> {
    let mut chance = Shuffled(7);
    let steps = |nth: usize| FATES[nth % FATES.len()].0.iter().map(move |step| (nth, *step));
    let mut told: Vec<_> = (0..MESSAGES).flat_map(steps).collect();
    for _ in 0..DUPLICATES {
        told.push(told[chance.next(MESSAGES * 3)]);
    }
    chance.shuffle(&mut told);
    told.into_iter().map(status).collect()
}

fn status((nth, step): (usize, &str)) -> Value {
    let mut status =
        json!({ "id": message_id(nth), "status": step, "timestamp": "1790000123", "recipient_id": "447700900123" });
    if step == "failed" {
        status["errors"] = json!([{ "code": 131026, "title": "Message undeliverable" }]);
    }
    status
}

/// Posts them in webhooks of ten, and says how long each took to be answered.
async fn tell(app: &TestApp, told: &[Value]) -> Vec<Duration> {
    let mut took = Vec::new();
    let webhooks: Vec<_> = told.chunks(10).collect();
    for burst in webhooks.chunks(50) {
        took.extend(join_all(burst.iter().map(|statuses| post(app, statuses))).await);
    }
    took
}

async fn post(app: &TestApp, statuses: &[Value]) -> Duration {
    let value = json!({ "messaging_product": "whatsapp", "metadata": {}, "statuses": statuses });
    let entry = json!({ "id": "883310042217", "changes": [{ "field": "messages", "value": value }] });
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry] });
    let request = Request::post(format!("{}/webhooks/sandbox", app.url())).body(Bytes::from(body.to_string()));
    let started = Instant::now();
    assert_eq!(app.call(request.unwrap()).await.status, 200);
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_events_in_any_order_end_in_the_right_states() {
    let app = TestApp::start().await;
    let text =
        json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": { "body": "Hi" } });
    app.post("/messages", &text).await;
    let first = app.only().await;
    let store = &app.app.state.store;
    let new: Vec<_> = (0..MESSAGES).map(|nth| under_way(nth, first.request.as_ref().unwrap())).collect();
    let (early, late) = new.split_at(MESSAGES / 3);
    write(&**store, early.iter().map(|new| Write::Record(Box::new(new.clone()))).collect()).await;
    let outcomes = early.iter().enumerate().map(|(nth, new)| Write::Settle(Box::new(outcome(nth, new))));
    write(&**store, outcomes.collect()).await;

    let told = told();
    assert_eq!(told.len(), 10_000);
    let (ahead, behind) = told.split_at(told.len() / 2);
    tell(&app, ahead).await;
    // These are sent after half of what becomes of them was told, and their outcomes are recorded later still.
    write(&**store, late.iter().map(|new| Write::Record(Box::new(new.clone()))).collect()).await;
    let mut took = tell(&app, behind).await;
    let outcomes = late.iter().enumerate();
    let outcomes = outcomes.map(|(nth, new)| Write::Settle(Box::new(outcome(MESSAGES / 3 + nth, new))));
    write(&**store, outcomes.collect()).await;
    while store.next_event_due().await.unwrap().is_some() {
        app.forward_a_little().await;
    }

    let mut states = HashMap::new();
    for (nth, new) in new.iter().enumerate() {
        let found = store.find(&new.id.to_string()).await.unwrap().unwrap();
        assert_eq!(found.summary.state, FATES[nth % FATES.len()].1, "{nth}: {:?}", found.turns);
        assert_eq!(found.due_at, None);
        *states.entry(found.summary.state).or_insert(0) += 1;
    }
    let waiting = EventFilter { waiting: Some(true), ..EventFilter::default() };
    assert!(store.events(&waiting, None, 1).await.unwrap().is_empty());
    took.sort();
    println!(
        "{states:?}; answered after {:?} at the median, {:?} at the 99th",
        took[took.len() / 2],
        took[took.len() * 99 / 100]
    );
    app.stop().await;
}
