//! What stands on the record, and how it is found.

use serde_json::{Value, json};

use crate::harness::{KEY, TestApp};

fn text(to: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "Hi" } })
}

#[tokio::test]
async fn one_transaction_shows_request_model_upstream_request_and_answer() {
    let app = TestApp::start().await;
    let answer = app.post("/messages", &text("+44 7700 900123")).await;
    let transaction = answer.headers["sabir-transaction-id"].to_str().unwrap();
    let upstream_id = answer.body["messages"][0]["id"].as_str().unwrap();
    app.recorded().await;
    for id in [transaction, upstream_id] {
        let shown = app.get(&format!("/admin/v1/transactions/{id}")).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        let shown = shown.body;
        assert_eq!(shown["id"], transaction);
        assert_eq!(shown["state"], "sent");
        assert_eq!(shown["recipient"], "447700900123");
        assert_eq!(shown["client_request"], text("+44 7700 900123"));
        assert_eq!(shown["request"]["send"]["content"]["text"]["body"], "Hi");
        let attempt = &shown["attempts"][0];
        assert_eq!(attempt["url"], "sandbox://in-process/messages");
        let sent: Value = serde_json::from_str(attempt["body"].as_str().unwrap()).unwrap();
        assert_eq!(sent["to"], "+447700900123");
        assert_eq!(sent["biz_opaque_callback_data"], transaction);
        assert_eq!(attempt["status"], 200);
        assert!(attempt["answer"].as_str().unwrap().contains(upstream_id));
    }
    assert_eq!(app.get("/admin/v1/transactions/nothing").await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn the_list_is_filtered_and_paged_from_the_latest() {
    let app = TestApp::start().await;
    for to in ["447700900001", "447700900002", "447700900003", "99900131047"] {
        app.post("/messages", &text(to)).await;
    }
    app.recorded().await;
    let page = app.get("/admin/v1/transactions?limit=3").await.body;
    let recipients: Vec<_> = page["transactions"].as_array().unwrap().iter().map(|t| t["recipient"].clone()).collect();
    assert_eq!(recipients, ["99900131047", "447700900003", "447700900002"]);
    let next = app.get(&format!("/admin/v1/transactions?limit=3&after={}", page["next"].as_str().unwrap())).await.body;
    assert_eq!(next["transactions"][0]["recipient"], "447700900001");
    assert_eq!(next["next"], Value::Null);
    for (filter, count) in [
        ("state=failed", 1),
        ("state=sent", 3),
        ("fault=window_closed", 1),
        ("recipient=447700900002", 1),
        ("recipient=%2B44%207700%20900-002", 1),
        ("account=shop&kind=text&upstream=sandbox", 4),
        ("account=other", 0),
        ("since=2026-09-22T00:00:00Z", 0),
        ("until=2026-09-22T00:00:00Z", 4),
    ] {
        let page = app.get(&format!("/admin/v1/transactions?{filter}")).await;
        assert_eq!(page.body["transactions"].as_array().map(Vec::len), Some(count), "{filter}: {page:?}");
    }
    for wrong in ["state=lost", "limit=many", "since=yesterday", "acount=shop", "recipient=447700900002&until_=2026"] {
        assert_eq!(app.get(&format!("/admin/v1/transactions?{wrong}")).await.status, 400, "{wrong}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_admin_api_opens_to_its_token_and_without_one_to_a_trusted_machine_alone() {
    let open = TestApp::start().await;
    let list = |app: &TestApp| http::Request::get(format!("{}/admin/v1/transactions", app.url()));
    let nothing = bytes::Bytes::new;
    assert_eq!(open.call(list(&open).body(nothing()).unwrap()).await.status, 200);
    let forwarded = list(&open).header("x-forwarded-for", "203.0.113.7").body(nothing()).unwrap();
    assert_eq!(open.call(forwarded).await.status, 401);
    // A page in a browser here, whose own name its owner has pointed to this machine.
    let rebound = list(&open).header("host", "pages.example.net:8080").body(nothing()).unwrap();
    assert_eq!(open.call(rebound).await.status, 401);
    let by_name = list(&open).header("host", "localhost:8080").body(nothing()).unwrap();
    assert_eq!(open.call(by_name).await.status, 200);
    open.stop().await;
    // Where there are clients, this machine has to be trusted: a proxy need not say that it is one.
    let unsaid = TestApp::with("[server]\ntrust_local = false").await;
    assert_eq!(unsaid.call(list(&unsaid).body(nothing()).unwrap()).await.status, 401);
    assert_eq!(unsaid.get("/sandbox/messages").await.status, 401);
    unsaid.stop().await;
    let closed = TestApp::with("[admin]\ntoken = \"operator\"").await;
    for (key, status) in [("operator", 200), (KEY, 401), ("", 401)] {
        let request = list(&closed).header("authorization", format!("Bearer {key}")).body(nothing()).unwrap();
        assert_eq!(closed.call(request).await.status, status, "{key}");
    }
    assert_eq!(closed.get("/sandbox/messages").await.status, 401);
    closed.stop().await;
}

#[tokio::test]
async fn what_was_understood_and_cannot_be_sent_is_recorded_with_its_reason() {
    let app = TestApp::with("[[upstreams]]\nname = \"a\"\nprovider = \"sandbox\"\ndialect = \"aisoule\"").await;
    let location = json!({ "latitude": 51.5, "longitude": -0.12 });
    let body =
        json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "location", "location": location });
    let answer = app.post("/messages", &body).await;
    assert_eq!(answer.status, 400);
    let transaction = app.only().await;
    assert_eq!(transaction.summary.state.as_str(), "failed");
    assert_eq!(transaction.refusal.unwrap().member.as_deref(), Some("type"));
    assert!(transaction.attempts.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_loss_that_the_account_allows_is_a_warning_on_the_transaction() {
    let app = TestApp::with(&format!(
        "[[upstreams]]\nname = \"a\"\nprovider = \"sandbox\"\ndialect = \"aisoule\"\n\
         [[accounts]]\nname = \"strict\"\nkey = \"strict\"\n[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\nlosses = \"warn\""
    ))
    .await;
    let mut body = text("447700900123");
    body["text"]["preview_url"] = json!(true);
    body["novelty"] = json!({ "x": 1 });
    assert_eq!(app.post("/messages", &body).await.status, 200);
    let transaction = app.only().await;
    let members: Vec<_> = transaction.warnings.iter().map(|warning| warning.member.as_str()).collect();
    assert_eq!(members, ["text.preview_url", "novelty"]);
    let strict = http::Request::post(format!("{}/messages", app.url()))
        .header("authorization", "Bearer strict")
        .body(bytes::Bytes::from(body.to_string()));
    let refused = app.call(strict.unwrap()).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body["error"]["error_data"]["details"].as_str().unwrap().contains("text.preview_url"));
    app.stop().await;
}

#[tokio::test]
async fn a_rehearsal_reports_everything_and_sends_nothing() {
    let app = TestApp::with(
        "[[upstreams]]\nname = \"main\"\nprovider = \"360dialog\"\nkey = \"secret-of-the-upstream\"\n\
         base_url = \"http://127.0.0.1:1\"",
    )
    .await;
    let answer = app.post("/messages?dry_run=true", &text("447700900123")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["would_send"], true);
    assert_eq!(answer.body["upstream"], "main");
    assert_eq!(answer.body["upstream_request"]["url"], "http://127.0.0.1:1/messages");
    assert_eq!(answer.body["upstream_request"]["body"]["to"], "+447700900123");
    assert!(answer.body.to_string().contains("***"));
    assert!(!answer.body.to_string().contains("secret-of-the-upstream"));
    assert!(app.recorded().await.is_empty());
    app.stop().await;
}
