//! What the gate does after a message was recorded: in the queue, and when it is tried again.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use sabir::model::State;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::origin::corpus;
use super::{Origin, configuration, gateway, named, send, send_link};
use crate::harness::TestApp;
use crate::provider::{Mood, Provider};

#[tokio::test]
async fn a_repair_of_a_queued_message_is_noted_on_its_transaction() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = TestApp::of(&configuration(&provider.url, "cloud", "media = \"upload\"", "mode = \"queued\"")).await;
    let link = origin.has("/a.webp", "image/webp", corpus("invalid/image_webp_as_image.webp"));
    let answer = send_link(&app, "aisoule", "image", &link).await;
    assert!((200..300).contains(&answer.status), "{answer:?}");
    let sent = app.until(State::Sent).await;
    let noted = sent.warnings.iter().filter(|warning| warning.member == "image.link").count();
    assert_eq!(noted, 1, "{:?}", sent.warnings);
    assert_eq!(provider.uploads().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_remembered_id_that_the_upstream_has_lost_is_uploaded_again_and_sent_once() {
    const LOST: &str = r#"{"error":{"message":"(#131053) Media upload error","type":"OAuthException","code":131053,
        "error_data":{"messaging_product":"whatsapp","details":"Media id is not known"},"fbtrace_id":"A"}}"#;
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let link = origin.has("/a.jpg", "image/jpeg", corpus("valid/image_rgb_640x480.jpg"));
    assert_eq!(send_link(&app, "cloud", "image", &link).await.status, 200);
    assert_eq!((provider.uploads().len(), provider.messages().len()), (1, 1));

    provider.feels(Mood::RefusesId("given-1", LOST));
    let answer = send_link(&app, "cloud", "image", &link).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    app.until_all(State::Sent, 2).await;
    let ids: Vec<_> = provider.messages().iter().map(|message| message.json()["image"]["id"].clone()).collect();
    assert_eq!(ids, [json!("given-1"), json!("given-1"), json!("given-2")]);
    assert_eq!(provider.uploads().len(), 2);
    app.stop().await;
}

/// A message to somebody.
async fn send_to_one(app: &TestApp, last_digit: usize, content: Value) {
    let mut body = json!({ "messaging_product": "whatsapp", "to": format!("44770090012{last_digit}") });
    body.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
    let request = Request::post("/messages").body(Bytes::from(body.to_string())).unwrap();
    let answer = send(app, named("cloud"), &request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// More messages than the upstream has hands, whose files come from a host that is not heard of: a text that came behind them
/// goes all the same.
#[tokio::test]
async fn a_slow_media_host_does_not_hold_up_messages_without_its_files() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let limits = "media = \"upload\"\nconcurrency = 2";
    let configured = configuration(&provider.url, "cloud", limits, "mode = \"queued\"");
    let app = TestApp::of(&configured.replace("deadline = \"20s\"", "deadline = \"100ms\"")).await;
    origin.takes(Duration::from_secs(600));
    for at in 0..6 {
        let link = origin.has(&format!("/{at}.jpg"), "image/jpeg", corpus("valid/image_rgb_640x480.jpg"));
        send_to_one(&app, at, json!({ "type": "image", "image": { "link": link } })).await;
    }
    send_to_one(&app, 9, json!({ "type": "text", "text": { "body": "Hi" } })).await;
    // A file is waited for longer than this.
    let sent = timeout(Duration::from_secs(6), app.until(State::Sent)).await;
    assert_eq!(sent.unwrap().summary.kind.as_str(), "text");
    app.stop().await;
}
