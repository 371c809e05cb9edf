//! Clients of the Cloud API, at Meta's paths and at 360dialog's.
//!
//! heyoo, pywa, whatsapp-api-js and Kapso's library run themselves in `scripts/clients` and are not repeated here, but for
//! what Kapso's makes of a throttle.

use serde_json::{Value, json};

use super::{Client, only};
use crate::harness::{Answer, TestApp};
use crate::provider;

impl Client<'_> {
    /// Sends a message: 200, one id, and no `error`, which is a failure to clients whatever the status.
    async fn send_to(&self, path: &str, message: Value) -> Value {
        let sent = self.done(200, "POST", path, message).await;
        assert!(!only(&sent["messages"])["id"].as_str().unwrap().is_empty(), "{sent}");
        assert!(sent.get("error").is_none(), "{sent}");
        sent
    }

    /// Sends a message that is refused; gives the status and the code.
    async fn refused_at(&self, path: &str, message: Value) -> (u16, i64) {
        refusal(&self.call("POST", path, message).await)
    }
}

/// Status and code of a refusal with everything that clients read of it.
fn refusal(answer: &Answer) -> (u16, i64) {
    let error = &answer.body["error"];
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer:?}");
    assert!(answer.body.get("messages").is_none(), "{answer:?}");
    (answer.status, error["code"].as_i64().unwrap())
}

/// A message of one kind, with the content of that kind.
fn message(to: &str, kind: &str, content: &Value) -> Value {
    json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": kind, kind: content })
}

fn text(to: &str) -> Value {
    message(to, "text", &json!({ "body": "Bay 2 is open", "preview_url": false }))
}

/// A gateway whose provider gives this answer to everything.
async fn in_front_of(answer: &'static str) -> TestApp {
    let base_url = provider::hasty(answer).await;
    let upstream = format!("name = \"main\"\nprovider = \"360dialog\"\nkey = \"k\"\nbase_url = \"{base_url}\"");
    TestApp::with(&format!("[[upstreams]]\n{upstream}")).await
}

/// Chatwoot writes null where it quotes nothing, and the action of buttons and lists as JSON in a text.
#[tokio::test]
async fn chatwoot_writes_its_action_as_text_and_its_context_as_null() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    let path = "/v13.0/5512000/messages";
    let body = json!({ "messaging_product": "whatsapp", "context": null, "to": "447700900123", "type": "text",
        "text": { "body": "Hi" } });
    client.send_to(path, body).await;
    let image = json!({ "link": "https://chat.example.net/a.jpg", "caption": null });
    let body = json!({ "messaging_product": "whatsapp", "context": { "message_id": "wamid.EXAMPLE" },
        "to": "447700900123", "type": "image", "image": image });
    client.send_to(path, body).await;
    let buttons = json!({ "buttons": [{ "type": "reply", "reply": { "id": "yes", "title": "Yes" } }] });
    let rows = json!([{ "id": "1", "title": "Bay 1" }, { "id": "2", "title": "Bay 2", "description": "Open" }]);
    let list = json!({ "button": "Choose an item", "sections": [{ "rows": rows }] });
    for (kind, action) in [("button", buttons), ("list", list)] {
        let interactive = json!({ "type": kind, "body": { "text": "Well?" }, "action": action.to_string() });
        let body = json!({ "messaging_product": "whatsapp", "to": "447700900123", "interactive": interactive,
            "type": "interactive" });
        client.send_to(path, body).await;
        assert_eq!(app.received().last().unwrap().body["interactive"]["action"], action);
    }
    app.stop().await;
}

/// At 401 Chatwoot has its owner log in again.
#[tokio::test]
async fn chatwoot_is_told_401_of_a_wrong_key_alone() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    for to in ["99900131026", "99900131047", "12"] {
        let (status, code) = client.refused_at("/v13.0/5512000/messages", text(to)).await;
        assert!(status != 401 && code != 190, "{to}: {status} {code}");
    }
    // Trouble between the gateway and the provider is the gateway's: these wait.
    for to in ["99900000403", "99900000111", "99900131042", "99900131031", "99900000401"] {
        client.send_to("/v13.0/5512000/messages", text(to)).await;
    }
    let media = "/v13.0/4410099887766554?phone_number_id=5512000";
    assert_eq!(refusal(&client.call("GET", media, Value::Null).await).0, 404);
    let stranger = Client { app: &app, header: ("authorization", "Bearer wrong".to_owned()) };
    assert_eq!(stranger.refused_at("/v13.0/5512000/messages", text("447700900123")).await, (401, 190));
    assert_eq!(refusal(&stranger.call("GET", media, Value::Null).await), (401, 190));
    app.stop().await;
}

/// Courier's channel at Meta keeps the user id that it is given, looks for `success` and need not wait at throttles: the
/// gateway does.
#[tokio::test]
async fn courier_wac_sends_marks_as_read_and_need_not_wait_at_throttles() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    let path = "/5512000/messages";
    client.send_to(path, text("447700900123")).await;
    let language = json!({ "policy": "deterministic", "code": "en" });
    let body = json!({ "type": "body", "parameters": [{ "type": "text", "text": "Thandi" }] });
    let template = json!({ "name": "visit_reminder", "language": language, "components": [body] });
    client.send_to(path, message("447700900123", "template", &template)).await;
    let mut to_user = text("");
    to_user["recipient"] = json!("GB.13491208655302741918");
    let sent = client.send_to(path, to_user).await;
    assert_eq!(only(&sent["contacts"])["user_id"], "GB.13491208655302741918");
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.EXAMPLE",
        "typing_indicator": { "type": "text" } });
    assert_eq!(client.done(200, "POST", path, read).await, json!({ "success": true }));
    assert_eq!(client.refused_at(path, text("99900131026")).await, (400, 131_026));
    for throttled in ["99900131056", "99900000429"] {
        client.send_to(path, text(throttled)).await;
        assert_eq!(app.recorded().await[0].state.as_str(), "waiting", "{throttled}");
    }
    app.stop().await;
}

/// Courier's channel at 360dialog puts its own address in the place of Meta's where the `url` of a file has that.
#[tokio::test]
async fn courier_d3c_sends_at_the_root_and_fetches_a_file_in_two_steps() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    client.send_to("/messages", text("447700900123")).await;
    let link = json!({ "link": "https://media.example.net/bill.pdf", "filename": "bill.pdf" });
    client.send_to("/messages", message("447700900123", "document", &link)).await;
    assert_eq!(client.refused_at("/messages", text("99900131047")).await, (400, 131_047));
    let id = client.upload("text/plain", b"Bay 2 is open").await;
    let described = client.done(200, "GET", &format!("/{id}"), Value::Null).await;
    let url = described["url"].as_str().unwrap().replace("https://lookaside.fbsbx.com", &app.url());
    let fetched = client.call("GET", url.strip_prefix(&app.url()).unwrap(), Value::Null).await;
    assert_eq!((fetched.status, &fetched.body), (200, &json!("Bay 2 is open")));
    app.stop().await;
}

/// Courier repeats at any 5xx, so it is told none of what is on the record.
#[tokio::test]
async fn courier_is_told_no_5xx_of_what_waits_or_may_have_gone_out() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    client.send_to("/5512000/messages", text("99900000111")).await;
    assert!(app.received().is_empty());
    for to in ["99900000500", "99900000503", "99900000104", "99900000200"] {
        client.send_to("/5512000/messages", text(to)).await;
        assert_eq!(app.recorded().await[0].state.as_str(), "unknown", "{to}");
    }
    app.stop().await;
    for answer in [
        "HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 13\r\n\r\n<html></html>",
    ] {
        let app = in_front_of(answer).await;
        Client::of_360dialog(&app).send_to("/messages", text("447700900123")).await;
        app.stop().await;
    }
}

/// Kapso's library waits as long as it is told, which it need not: the gateway does.
#[tokio::test]
async fn kapso_need_not_wait_where_the_provider_is_slow() {
    let throttled = "HTTP/1.1 429 No\r\nretry-after: 7\r\ncontent-length: 21\r\n\r\n{\"error\":\"slow down\"}";
    let silent = "HTTP/1.1 429 No\r\ncontent-length: 21\r\n\r\n{\"error\":\"slow down\"}";
    for provider in [throttled, silent] {
        let app = in_front_of(provider).await;
        Client::with_key(&app).send_to("/v23.0/5512000/messages", text("447700900123")).await;
        assert_eq!(app.recorded().await[0].state.as_str(), "waiting");
        app.stop().await;
    }
}

/// Typebot reads nothing of a success, and asks for a file at its own address with the path and query of the `url`.
#[tokio::test]
async fn typebot_sends_and_fetches_at_v17() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    let buttons = json!([{ "type": "reply", "reply": { "id": "b1", "title": "Yes" } }]);
    let buttons = json!({ "type": "button", "body": { "text": "Well?" }, "action": { "buttons": buttons } });
    for (kind, content) in [
        ("text", json!({ "body": "See https://example.net", "preview_url": true })),
        ("image", json!({ "link": "https://bot.example.net/a.jpg" })),
        ("interactive", buttons),
    ] {
        let body = json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": kind, kind: content });
        client.send_to("/v17.0/5512000/messages", body).await;
    }
    let id = client.upload("text/plain", b"Bay 2 is open").await;
    let described = client.done(200, "GET", &format!("/v17.0/{id}"), Value::Null).await;
    assert_eq!(described["mime_type"], "text/plain");
    let url: http::Uri = described["url"].as_str().unwrap().parse().unwrap();
    let fetched = client.call("GET", url.path_and_query().unwrap().as_str(), Value::Null).await;
    assert_eq!((fetched.status, &fetched.body), (200, &json!("Bay 2 is open")));
    app.stop().await;
}

/// Meta's library for Node has a setting for the host and hands every JSON answer on as it is.
#[tokio::test]
async fn metas_node_library_hands_on_what_it_gets() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    let path = "/v16.0/5512000/messages";
    let place = json!({ "longitude": -0.1276, "latitude": 51.5072, "name": "Depot", "address": "1 Wharf Rd" });
    for body in [text("447700900123"), message("447700900123", "location", &place)] {
        let kind = body["type"].as_str().unwrap();
        let sent = client.send_to(path, body.clone()).await;
        assert_eq!(sent["messaging_product"], "whatsapp");
        assert_eq!(only(&sent["contacts"]), &json!({ "input": "447700900123", "wa_id": "447700900123" }));
        assert_eq!(app.received().last().unwrap().body[kind], body[kind]);
    }
    assert_eq!(client.refused_at(path, text("99900132001")).await, (404, 132_001));
    app.stop().await;
}
