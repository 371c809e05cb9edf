//! There and back, for every client dialect over every upstream dialect: a message goes out, the sandbox tells what became
//! of it, and the client's own server hears of it in the client's dialect, signed, with the ids that it knows.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Response};
use sabir::dialect::{self, Dialect, EventContext, Telling, Webhook, samples};
use sabir::model::{
    Business, Event, FaultKind, InboundContent, PhoneNumber, Progress, RecipientAddress, Request as Sent, State,
    Status, Tastes,
};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::harness::{KEY, TestApp};
use crate::matrix::{NAMESPACE, SENDER, post, spoken};
use crate::receiver::{Got, Manner, Receiver};

const CLIENTS_SECRET: &str = "the client's secret";
const PROVIDERS_SECRET: &str = "the provider's secret";

/// One upstream for each dialect, and for each pair an account that is told at a path of its own.
pub async fn gateway(receiver: &Receiver) -> TestApp {
    gateway_with(receiver, "").await
}

/// The same, with more options of each account.
async fn gateway_with(receiver: &Receiver, more: &str) -> TestApp {
    let mut text = "[net]\nallow_private = [\"127.0.0.1\"]\n[sandbox]\ndelay = \"5ms\"\n".to_owned();
    for upstream in dialect::all() {
        let name = upstream.name();
        text += &format!(
            "[[upstreams]]\nname = \"{name}\"\nprovider = \"sandbox\"\ndialect = \"{name}\"\nsender = \"{SENDER}\"\n\
             template_namespace = \"{NAMESPACE}\"\nwebhook_secret = \"{PROVIDERS_SECRET}\"\n"
        );
        for client in dialect::all() {
            let pair = pair(*client, *upstream);
            text += &format!(
                "[[accounts]]\nname = \"{pair}\"\nkey = \"{pair}\"\ndialect = \"{client}\"\nupstream = \"{name}\"\n\
                 callbacks = [\"{url}/{pair}\"]\ncallback_secret = \"{CLIENTS_SECRET}\"\nlosses = \"warn\"\n{more}\n",
                client = client.name(),
                url = receiver.url,
            );
        }
    }
    TestApp::of(&text).await
}

pub fn pair(client: &dyn Dialect, upstream: &dyn Dialect) -> String {
    format!("{}-{}", client.name(), upstream.name())
}

pub fn pairs() -> impl Iterator<Item = (&'static dyn Dialect, &'static dyn Dialect)> {
    dialect::all().iter().flat_map(|client| dialect::all().iter().map(|upstream| (*client, *upstream)))
}

/// The first sample, to a number.
fn text_to(number: &str) -> Sent {
    let mut sent = samples()[0].request().unwrap();
    if let Sent::Send(message) = &mut sent {
        message.recipient.address = RecipientAddress::Phone(PhoneNumber::parse(number).unwrap());
        message.recipient.input = number.to_owned();
    }
    sent
}

/// Sends over a pair; gives the id that the client reads in the answer.
async fn send(app: &TestApp, client: &dyn Dialect, upstream: &dyn Dialect, number: &str) -> String {
    let request = spoken(client, client, &text_to(number)).unwrap();
    let answer = post(app, client, upstream, &request).await;
    let response = Response::builder().status(answer.status).body(Bytes::from(answer.body.to_string())).unwrap();
    client.decode_outcome(&response).unwrap().message_id.unwrap()
}

/// What a client reads in a callback, once it found that it is signed.
fn heard(client: &dyn Dialect, got: &Got) -> Event {
    assert_eq!(got.header("content-type"), Some("application/json"), "{got:?}");
    let webhook = Webhook {
        method: Method::POST,
        path: got.path.clone(),
        query: String::new(),
        headers: got.headers.clone(),
        body: got.bytes.clone(),
    };
    client.verify_webhook(&webhook, CLIENTS_SECRET, datetime!(2026-09-21 13:35:23 UTC)).unwrap();
    let mut events = client.decode_webhook(&webhook).unwrap();
    assert_eq!(events.len(), 1, "one event for each callback: {got:?}");
    events.remove(0).value
}

/// What the clients of a pair heard.
pub fn heard_by(receiver: &Receiver, client: &dyn Dialect, upstream: &dyn Dialect) -> Vec<Event> {
    let path = format!("/{}", pair(client, upstream));
    receiver.taken().iter().filter(|got| got.path == path).map(|got| heard(client, got)).collect()
}

fn status(event: &Event) -> &Status {
    match event {
        Event::Status(status) => status,
        other => panic!("no status: {other:?}"),
    }
}

/// What is left of a failure in the words of a dialect: some have one code for several.
fn in_its_words(client: &dyn Dialect, kind: FaultKind) -> Option<FaultKind> {
    let mut failed = Status::new(Progress::Failed);
    failed.message_id = Some("wamid.A".to_owned());
    failed.problems = vec![sabir::model::Fault::upstream(kind, "").into()];
    let (business, tastes) = (Business::default(), Tastes::default());
    let context = EventContext { business: &business, tastes: &tastes, at: datetime!(2026-09-21 13:35:23 UTC) };
    let said = Telling::new(client, client).tell(&Event::Status(failed), &context);
    let (parts, body) = said.into_iter().next()?.into_parts();
    let webhook =
        Webhook { method: parts.method, path: String::new(), query: String::new(), headers: parts.headers, body };
    let event = client.decode_webhook(&webhook).ok()?.remove(0).value;
    Some(status(&event).problems.first()?.fault.kind)
}

#[tokio::test]
async fn every_pair_hears_how_far_its_message_came() {
    every_pair_hears_how_far("mode = \"sync\"").await;
}

#[tokio::test]
async fn every_pair_that_was_answered_first_hears_how_far_its_message_came() {
    every_pair_hears_how_far("mode = \"queued\"").await;
}

async fn every_pair_hears_how_far(mode: &str) {
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let app = gateway_with(&receiver, mode).await;
    let mut given = BTreeMap::new();
    // To each a number of its own: messages of one sender to one person go one after the other.
    for (nth, (client, upstream)) in pairs().enumerate() {
        let number = format!("4477009001{nth:02}");
        let id = send(&app, client, upstream, &number).await;
        given.insert(pair(client, upstream), (id, number));
    }
    receiver.until_taken(3 * given.len()).await;
    for (client, upstream) in pairs() {
        let pair = pair(client, upstream);
        let (id, number) = &given[&pair];
        let events = heard_by(&receiver, client, upstream);
        let steps: Vec<_> = events.iter().map(|event| status(event).progress.clone()).collect();
        assert_eq!(steps, [Progress::Sent, Progress::Delivered, Progress::Read], "{pair}");
        for event in &events {
            let status = status(event);
            assert_eq!(status.message_id.as_ref(), Some(id), "{pair}: {status:?}");
            assert!(status.recipient.wa_id.as_ref().is_none_or(|heard| heard == number), "{pair}");
        }
        assert_eq!(app.find(id).await.unwrap().summary.state, State::Read, "{pair}");
    }
    assert_eq!(receiver.got().len(), 3 * given.len(), "each once");
    app.stop().await;
}

#[tokio::test]
async fn every_pair_hears_of_a_failure_with_its_code() {
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let app = gateway(&receiver).await;
    for (client, upstream) in pairs() {
        for number in ["99901131026", "99901131047"] {
            send(&app, client, upstream, number).await;
        }
    }
    receiver.until_taken(2 * 25).await;
    for (client, upstream) in pairs() {
        let pair = pair(client, upstream);
        let told = heard_by(&receiver, client, upstream);
        let mut kinds: Vec<_> = told.iter().map(|event| Some(status(event).problems.first()?.fault.kind)).collect();
        let through = |kind| in_its_words(upstream, kind).and_then(|kind| in_its_words(client, kind));
        let mut expected: Vec<_> = [FaultKind::NotOnWhatsapp, FaultKind::WindowClosed].map(through).into();
        kinds.sort_by_key(|kind| kind.map(FaultKind::code));
        expected.sort_by_key(|kind| kind.map(FaultKind::code));
        assert_eq!(kinds, expected, "{pair}");
        assert!(told.iter().all(|event| status(event).progress == Progress::Failed), "{pair}");
    }
    app.stop().await;
}

/// What a person writes: as the control API takes it, and what of it every client must read.
fn written() -> [(Value, &'static str); 3] {
    [
        (json!({ "type": "text", "text": { "body": "Hello there" }, "name": "Noor A." }), "Hello there"),
        (
            json!({ "type": "image", "image": { "id": "4410", "mime_type": "image/jpeg", "caption": "The door" } }),
            "The door",
        ),
        (
            json!({ "type": "interactive", "interactive": {
                "type": "button_reply", "button_reply": { "id": "yes", "title": "Yes please" } } }),
            "Yes please",
        ),
    ]
}

#[tokio::test]
async fn every_pair_hears_what_people_write() {
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let app = gateway(&receiver).await;
    for upstream in dialect::all() {
        for (message, _) in written() {
            let path = format!("/sandbox/inbound?upstream={}", upstream.name());
            let answer = app.post(&path, &message).await;
            assert_eq!(answer.status, 202, "{answer:?}");
        }
    }
    receiver.until_taken(3 * 25).await;
    for (client, upstream) in pairs() {
        let pair = pair(client, upstream);
        let mut words = Vec::new();
        for event in heard_by(&receiver, client, upstream) {
            let Event::Inbound(inbound) = event else { panic!("{pair}: {event:?}") };
            assert_eq!(inbound.sender.wa_id.as_deref(), Some("447700900123"), "{pair}");
            assert!(inbound.message_id.is_some(), "{pair}");
            if let InboundContent::ButtonReply(reply) = &inbound.content {
                assert_eq!(reply.id, "yes", "{pair}");
            }
            words.push(inbound.content.words().unwrap_or_default().to_owned());
        }
        words.sort();
        assert_eq!(words, ["Hello there", "The door", "Yes please"], "{pair}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_status_that_comes_twice_is_told_once_and_disorder_ends_the_same() {
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let app = gateway(&receiver).await;
    let cloud = dialect::named("cloud").unwrap();
    let twice = send(&app, cloud, cloud, "99901000002").await;
    receiver.until_taken(3).await;
    let shuffled = send(&app, cloud, cloud, "99901000004").await;
    receiver.until_taken(6).await;
    assert_eq!(receiver.got().len(), 6);
    for id in [twice, shuffled] {
        assert_eq!(app.find(&id).await.unwrap().summary.state, State::Read);
    }
    app.stop().await;
}

/// The client of ten years ago says itself where it listens.
#[tokio::test]
async fn an_old_client_is_told_at_the_address_that_it_set_itself() {
    let receiver = Receiver::start(Manner::Answer(503)).await;
    let app = TestApp::of(&format!(
        "[net]\nallow_private = [\"127.0.0.1\"]\n[sandbox]\ndelay = \"5ms\"\n[callbacks]\ntimeout = \"6h\"\n\
         [[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\ndialect = \"on-premises\"\n"
    ))
    .await;
    let settings = json!({ "webhooks": { "url": format!("{}/coreapp", receiver.url), "max_concurrent_requests": 6 } });
    let set = app.call(app.request(Method::PATCH, "/v1/settings/application", &settings)).await;
    assert_eq!(set.status, 200, "{set:?}");
    let message =
        json!({ "to": "447700900123", "type": "text", "recipient_type": "individual", "text": { "body": "Hi" } });
    let sent = app.post("/v1/messages", &message).await;
    let id = sent.body["messages"][0]["id"].clone();
    receiver.until(|receiver| !receiver.got().is_empty()).await;
    receiver.turn(Manner::Answer(200));
    app.until(State::Read).await;
    // No faster than calls take: a clock that runs ahead of them ends the lease of one, and it is made again.
    while receiver.taken().len() < 3 {
        app.forward_a_little().await;
    }
    let steps: Vec<_> = receiver
        .until_taken(3)
        .await
        .iter()
        .map(|got| {
            assert_eq!((got.path.as_str(), &got.json()["statuses"][0]["id"]), ("/coreapp", &id));
            got.json()["statuses"][0]["status"].clone()
        })
        .collect();
    assert_eq!(steps, ["sent", "delivered", "read"]);
    app.stop().await;
}
