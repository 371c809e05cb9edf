//! Every client dialect × every upstream dialect × every sample: delivered with equal meaning, or refused naming the
//! member that the upstream's dialect cannot say.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use sabir::dialect::{self, Dialect, Losses, Target, Translation, samples};
use sabir::model::{Content, Message, Request as Sent};

use crate::harness::{Answer, TestApp};

pub const SENDER: &str = "442079460000";
pub const NAMESPACE: &str = "acme_ns";

/// One account for each pair, its key naming the pair, and one upstream for each dialect.
fn configuration() -> String {
    let mut text = String::new();
    for upstream in dialect::all() {
        let name = upstream.name();
        text += &format!(
            "[[upstreams]]\nname = \"{name}\"\nprovider = \"sandbox\"\ndialect = \"{name}\"\nsender = \"{SENDER}\"\n\
             template_namespace = \"{NAMESPACE}\"\n"
        );
        for client in dialect::all() {
            let client = client.name();
            text += &format!(
                "[[accounts]]\nname = \"{client}-{name}\"\nkey = \"{client}-{name}\"\ndialect = \"{client}\"\n\
                 upstream = \"{name}\"\nmode = \"sync\"\n"
            );
        }
    }
    text
}

/// A sample in the upstream's dialect, where that can say it for the client. A dialect may say more for its own clients.
pub fn spoken(client: &dyn Dialect, upstream: &dyn Dialect, sample: &Sent) -> Option<http::Request<Bytes>> {
    let target = Target { sender: Some(SENDER), template_namespace: Some(NAMESPACE), ..Target::default() };
    Translation::new(client, upstream, Losses::Refuse).say(sample, &target).ok()
}

pub async fn post(
    app: &TestApp,
    client: &dyn Dialect,
    upstream: &dyn Dialect,
    request: &http::Request<Bytes>,
) -> Answer {
    let form = client.credential();
    let key = format!("{}-{}", client.name(), upstream.name());
    let request = Request::builder()
        .method(request.method())
        .uri(format!("{}{}", app.url(), request.uri()))
        .header(form.header(), form.value(&key))
        .header("content-type", "application/json")
        .body(request.body().clone());
    app.call(request.unwrap()).await
}

/// What a message means, without what each dialect spells, adds or leaves to the gateway.
fn meaning(mut request: Sent) -> Sent {
    match &mut request {
        Sent::Send(message) => plain(message),
        Sent::Read(mark) => mark.sender = None,
        Sent::Relay(relay) => relay.references = Default::default(),
    }
    request
}

fn plain(message: &mut Message) {
    message.sender = None;
    message.recipient.input = String::new();
    message.references = Default::default();
    message.callbacks = Vec::new();
    if let Content::Template(template) = &mut message.content {
        // The namespace means something On-Premises alone, the policy has one value left.
        template.namespace = None;
        template.policy = None;
    }
}

/// The members that a refusal may name: whatever the client could have written.
fn names_a_member(answer: &Answer) -> bool {
    let text = answer.body.to_string();
    text.contains("cannot say it") || text.contains("no upstream carries")
}

#[tokio::test]
async fn every_message_arrives_with_equal_meaning_or_is_refused_by_name() {
    let app = TestApp::of(&configuration()).await;
    let mut delivered: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for &client in dialect::all() {
        for &upstream in dialect::all() {
            for sample in samples() {
                let sent = sample.request().unwrap();
                let Some(request) = spoken(client, client, &sent) else { continue };
                let cell = format!("{} over {}: {}", client.name(), upstream.name(), sample.name);
                let before = app.received().len();
                let answer = post(&app, client, upstream, &request).await;
                assert_eq!(
                    (200..300).contains(&answer.status),
                    spoken(client, upstream, &sent).is_some(),
                    "{cell}: {answer:?}"
                );
                if (200..300).contains(&answer.status) {
                    let received = app.received();
                    assert_eq!(received.len(), before + 1, "{cell}");
                    let received = received.into_iter().last().unwrap();
                    assert_eq!(received.dialect, upstream.name(), "{cell}");
                    assert_eq!(meaning(received.request), meaning(sent), "{cell}");
                    *delivered.entry((client.name(), upstream.name())).or_default() += 1;
                } else {
                    assert_eq!(answer.status, 400, "{cell}: {answer:?}");
                    assert!(names_a_member(&answer), "{cell}: {answer:?}");
                    assert_eq!(app.received().len(), before, "{cell}");
                    assert_ne!(client.name(), upstream.name(), "{cell}: a dialect refuses its own message");
                }
            }
        }
    }
    assert_eq!(delivered.len(), dialect::all().len().pow(2), "{delivered:?}");
    app.stop().await;
}

#[tokio::test]
async fn the_client_is_given_the_upstreams_id_in_its_own_dialect() {
    let app = TestApp::of(&configuration()).await;
    let text = samples()[0].request().unwrap();
    for &client in dialect::all() {
        for &upstream in dialect::all() {
            let answer = post(&app, client, upstream, &spoken(client, client, &text).unwrap()).await;
            let response = http::Response::builder().status(answer.status);
            let response = response.body(Bytes::from(answer.body.to_string())).unwrap();
            let given = client.decode_outcome(&response).unwrap().message_id.unwrap();
            let transaction = app.find(&given).await.unwrap_or_else(|| panic!("{given} finds nothing"));
            assert_eq!(transaction.summary.account, format!("{}-{}", client.name(), upstream.name()));
            assert_eq!(transaction.summary.message_id, Some(app.received().pop().unwrap().id));
        }
    }
    app.stop().await;
}
