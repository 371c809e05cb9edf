//! The vendors' own samples, with values of ours, answered as their documents say.

use bytes::Bytes;
use http::Request;
use sabir::model::{Content, MediaSource, Request as Message, State};
use serde_json::{Value, json};

use crate::harness::{Answer, KEY, TestApp};

async fn with_d360_key(app: &TestApp, path: &str, body: &Value) -> Answer {
    let request = Request::post(format!("{}{path}", app.url()))
        .header("d360-api-key", KEY)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()));
    app.call(request.unwrap()).await
}

/// What the sandbox understood of the media message it got last.
fn received_media(app: &TestApp) -> sabir::model::Media {
    match app.received().pop().unwrap().request {
        Message::Send(sabir::model::Message { content: Content::Media(media), .. }) => media,
        other => panic!("no media message: {other:?}"),
    }
}

#[tokio::test]
async fn an_aisoule_image_is_answered_with_success_and_message_id() {
    let app = TestApp::start().await;
    let image = json!({ "link": "https://files.example.net/p/bay.webp", "caption": "Front view" });
    let answer = app.post("/v1/messages", &json!({ "to": "447700900123", "type": "image", "image": image })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["success"], true);
    assert_eq!(answer.body["status"], "queued");
    assert_eq!(answer.body["recipient"], "447700900123");
    assert_eq!(answer.body["message_id"], app.received()[0].id);
    assert_eq!(received_media(&app).caption.as_deref(), Some("Front view"));
    app.stop().await;
}

#[tokio::test]
async fn a_360dialog_image_by_id_and_by_link_is_answered_as_the_cloud_api_does() {
    let app = TestApp::start().await;
    let images = [
        json!({ "id": "4410099887766", "caption": "Front view" }),
        json!({ "link": "https://files.example.net/p/bay.jpg" }),
    ];
    for image in images {
        let body = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+44 7700 900123",
            "type": "image", "image": image,
        });
        let answer = with_d360_key(&app, "/messages", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["messaging_product"], "whatsapp");
        assert_eq!(answer.body["contacts"], json!([{ "input": "+44 7700 900123", "wa_id": "447700900123" }]));
        assert_eq!(answer.body["messages"][0]["id"], app.received().pop().unwrap().id);
    }
    assert_eq!(app.received().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn each_kind_of_sandeshlive_s_sample_is_answered_201_with_an_id_and_meta() {
    let app = TestApp::with("[[upstreams]]\nname = \"s\"\nprovider = \"sandbox\"\ndialect = \"on-premises\"").await;
    let link = |name: &str| format!("https://files.example.net/{name}");
    let provider = json!({ "name": "erp-store" });
    let cases = [
        json!({ "type": "document", "document": { "id": "a1", "caption": "Invoice", "filename": "invoice.pdf" } }),
        json!({ "type": "document", "document": {
            "link": link("i.pdf"), "provider": provider, "caption": "Invoice", "filename": "invoice.pdf" } }),
        json!({ "type": "image", "image": { "link": link("b.jpg"), "provider": provider, "caption": "Bay" } }),
        json!({ "type": "video", "video": { "id": "a2", "caption": "Unloading" } }),
        json!({ "type": "sticker", "sticker": { "id": "a3" } }),
        json!({ "type": "sticker", "sticker": { "link": link("s.webp"), "provider": provider } }),
        json!({ "type": "audio", "audio": { "id": "a4" } }),
    ];
    for case in cases {
        let mut body = case.clone();
        body["to"] = json!("447700900123");
        body["recipient_type"] = json!("individual");
        let answer = app.post("/v1/messages", &body).await;
        assert_eq!(answer.status, 201, "{case} {answer:?}");
        assert_eq!(answer.body["messages"][0]["id"], app.received().pop().unwrap().id, "{case}");
        assert_eq!(answer.body["meta"]["api_status"], "stable", "{case}");
        let media = received_media(&app);
        let sent = &case[media.kind.as_str()];
        match media.source {
            MediaSource::Id(id) => assert_eq!(sent["id"], id),
            MediaSource::Link(link) => assert_eq!(sent["link"], link),
        }
        assert_eq!(media.caption.as_deref(), sent["caption"].as_str());
        assert_eq!(media.filename.as_deref(), sent["filename"].as_str());
        assert_eq!(media.provider.as_ref().map(|provider| provider.name.as_str()), sent["provider"]["name"].as_str());
    }
    app.stop().await;
}

#[tokio::test]
async fn the_notification_image_is_answered_with_meta_alone() {
    let app = TestApp::start().await;
    let request = json!({
        "from": "442079460000", "to": "447700900123", "type": "image",
        "message": "https://files.example.net/p/bay.jpg", "caption": "Front view",
    });
    let answer = app.post("/notification", &json!({ "channel": "WHATSAPP", "request": request })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let transaction = answer.headers["sabir-transaction-id"].to_str().unwrap();
    let meta =
        json!({ "timestamp": 1_789_997_723_000_i64, "transactionId": transaction, "explain": "Send Notification" });
    assert_eq!(answer.body, json!({ "meta": meta }));
    app.until(State::Sent).await;
    assert_eq!(received_media(&app).caption.as_deref(), Some("Front view"));
    app.stop().await;
}

#[tokio::test]
async fn the_notification_image_as_printed_is_refused_for_its_trailing_comma_and_where_it_is() {
    let app = TestApp::start().await;
    let printed = "{\n  \"channel\": \"WHATSAPP\",\n  \"request\": {\n    \"from\": \"442079460000\",\n    \
        \"to\": \"447700900123\",\n    \"type\": \"image\",\n    \
        \"message\": \"https://files.example.net/p/bay.jpg\",\n    \"caption\": \"Front view\",\n  }\n}";
    let request = Request::post(format!("{}/notification", app.url()))
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/json")
        .body(Bytes::from_static(printed.as_bytes()));
    let answer = app.call(request.unwrap()).await;
    assert_eq!(answer.status, 400);
    let reason = answer.body["errors"]["reason"].as_str().unwrap();
    assert!(reason.contains("trailing comma at line 9"), "{reason}");
    assert!(app.recorded().await.is_empty());
    app.stop().await;
}
