//! What the gate does after a message was recorded: in the queue, and when it is tried again.

use sabir::model::State;
use serde_json::json;

use super::origin::corpus;
use super::{Origin, configuration, gateway, send_link};
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
