//! `/v1/messages` is spoken in three dialects: each caller is answered in its own.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::harness::{Answer, KEY, TestApp};

async fn call(app: &TestApp, header: (&str, &str), body: &Value) -> Answer {
    let request = Request::post(format!("{}/v1/messages", app.url()))
        .header(header.0, header.1)
        .header("content-type", "application/json");
    app.call(request.body(Bytes::from(body.to_string())).unwrap()).await
}

fn text() -> Value {
    json!({ "to": "447700900123", "type": "text", "text": { "body": "Hi" } })
}

#[tokio::test]
async fn a_body_that_is_good_in_two_dialects_is_answered_in_both_forms() {
    let app = TestApp::start().await;
    let answer = call(&app, ("authorization", &format!("Bearer {KEY}")), &text()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["success"], true);
    assert_eq!(answer.body["message_id"], answer.body["messages"][0]["id"]);
    assert_eq!(answer.body["meta"]["api_status"], "stable");
    let fault = call(&app, ("authorization", "Bearer wrong"), &text()).await;
    assert_eq!(fault.status, 401);
    assert_eq!(fault.body["error"]["code"], "unauthorized");
    assert_eq!(fault.body["errors"][0]["code"], 1005);
    app.stop().await;
}

#[tokio::test]
async fn both_forms_name_a_message_that_waits_alike() {
    let app = TestApp::with(&format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\nmode = \"queued\"")).await;
    let answer = call(&app, ("authorization", &format!("Bearer {KEY}")), &text()).await;
    assert!(answer.body["message_id"].as_str().unwrap().starts_with("msg_"), "{answer:?}");
    assert_eq!(answer.body["message_id"], answer.body["messages"][0]["id"]);
    app.stop().await;
}

#[tokio::test]
async fn header_and_body_tell_the_dialect() {
    let account = format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\nlosses = \"warn\"");
    let app = TestApp::with(&account).await;
    let bearer = format!("Bearer {KEY}");
    let bearer = ("authorization", bearer.as_str());
    let mut typed = text();
    typed["recipient_type"] = json!("individual");
    let named = json!({ "to": "447700900123", "type": "image",
        "image": { "link": "erp-store/https://files.example.net/7.jpg" } });
    let mut cloud = text();
    cloud["messaging_product"] = json!("whatsapp");
    let dialects = [
        (call(&app, ("d360-api-key", KEY), &text()).await, 201, "meta"),
        (call(&app, bearer, &typed).await, 201, "meta"),
        (call(&app, bearer, &named).await, 201, "meta"),
        (call(&app, bearer, &cloud).await, 200, "messaging_product"),
        (call(&app, ("d360-api-key", KEY), &cloud).await, 200, "messaging_product"),
    ];
    for (answer, status, member) in dialects {
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.get(member).is_some(), "{answer:?}");
        assert!(answer.body.get("success").is_none(), "{answer:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_accounts_own_setting_wins_where_the_dialect_has_the_path() {
    let account = |dialect: &str| format!("[[accounts]]\nname = \"a\"\nkey = \"{KEY}\"\ndialect = \"{dialect}\"");
    for (dialect, status, member) in [("aisoule", 200, "message_id"), ("on-premises", 201, "meta")] {
        let app = TestApp::with(&account(dialect)).await;
        let answer = call(&app, ("authorization", &format!("Bearer {KEY}")), &text()).await;
        assert_eq!(answer.status, status);
        assert!(answer.body.get(member).is_some(), "{answer:?}");
        assert!(answer.body.get("message_id").is_none() || answer.body.get("messages").is_none(), "{answer:?}");
        let notification = json!({ "channel": "WHATSAPP", "request": {
            "from": "442079460000", "to": "+447700900123", "type": "text", "message": "Hi" } });
        assert_eq!(app.post("/notification", &notification).await.body["meta"]["explain"], "Send Notification");
        app.stop().await;
    }
}

#[tokio::test]
async fn a_slash_at_the_end_and_an_unknown_query_change_nothing() {
    let app = TestApp::start().await;
    for path in [
        "/v1/messages/",
        "/v1/messages?retry=1",
        "/v23.0/551200034477/messages/",
        "/551200034477/messages",
        "/v23.0/551200034477/marketing_messages",
    ] {
        let mut body = text();
        body["messaging_product"] = json!("whatsapp");
        assert_eq!(app.post(path, &body).await.status, 200, "{path}");
    }
    app.stop().await;
}
