//! Clients of partners, with a key that does not change: 360dialog v1, Turn and the like.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{Client, error, only, template, text};
use crate::harness::{KEY, TestApp};

/// Chatwoot sets its webhook, fetches the templates, sends, and reads the first id.
#[tokio::test]
async fn chatwoot_sets_its_webhook_fetches_templates_and_sends() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    let url = "https://chat.example.net/webhooks/whatsapp/442079460000";
    let set = client.done(200, "POST", "/v1/configs/webhook", json!({ "url": url })).await;
    assert_eq!(set["url"], url);
    let templates = client.done(200, "GET", "/v1/configs/templates", Value::Null).await;
    assert!(templates["waba_templates"].is_array());
    client.send(text("447700900123")).await;
    client.send(template("447700900123")).await;
    let read = client.done(200, "GET", "/v1/configs/webhook", Value::Null).await;
    assert_eq!(read, json!({ "url": url, "headers": {} }));
    app.stop().await;
}

/// RapidPro at 360dialog, and the 360dialog client of version 2 on the path that it kept.
#[tokio::test]
async fn rapidpro_d3_sets_its_webhook_whatever_dialect_the_account_speaks() {
    for dialect in ["on-premises", "cloud"] {
        let account = format!("[[accounts]]\nname = \"a\"\nkey = \"{KEY}\"\ndialect = \"{dialect}\"");
        let app = TestApp::with(&account).await;
        let client = Client::of_360dialog(&app);
        let webhook = json!({ "url": "https://rapidpro.example.net/c/d3/1/receive", "headers": { "X-Token": "abc" } });
        let set = client.done(200, "POST", "/v1/configs/webhook", webhook.clone()).await;
        assert_eq!(set, webhook, "{dialect}");
        let page = client
            .done(200, "GET", "/v1/configs/templates?limit=1000&offset=0&sort=business_templates.name", Value::Null)
            .await;
        assert_eq!(page["waba_templates"], json!([]));
        app.stop().await;
    }
}

/// vumi-whatsapp checks the contact only after a 404, drops a message at other 4xx and requeues above 499.
#[tokio::test]
async fn vumi_sends_first_and_checks_contacts_when_asked() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    client.send(json!({ "to": "27831230044", "text": { "body": "Molo" } })).await;
    let (status, _) = client.refused(text_of("99900131026")).await;
    assert!((400..404).contains(&status), "{status}");
    // What the provider cannot take now waits at the gateway: nothing to requeue.
    client.send(text_of("99900000111")).await;
    let checked =
        client.done(200, "POST", "/v1/contacts", json!({ "contacts": ["+27 83 123 0044"], "blocking": "wait" })).await;
    assert_eq!(only(&checked["contacts"])["status"], "valid");
    app.stop().await;
}

fn text_of(to: &str) -> Value {
    json!({ "to": to, "text": { "body": "Molo" } })
}

/// seed-message-sender and rp-sidekick write texts without a type and templates of before 2.39.
#[tokio::test]
async fn praekelts_senders_write_texts_without_a_type_and_old_templates() {
    // The Cloud API behind has no time to live for a message, so the account allows its loss.
    let account = format!("[[accounts]]\nname = \"a\"\nkey = \"{KEY}\"\nlosses = \"warn\"");
    let app = TestApp::with(&account).await;
    let client = Client::with_key(&app);
    let sent = client.send(text_of("27831230044")).await;
    assert_eq!(only(&sent["contacts"])["wa_id"], "27831230044");
    let params = json!([{ "default": "Thandi" }, { "default": "14 May" }]);
    let hsm = json!({ "namespace": "acme_ns_91c2", "element_name": "visit_reminder", "localizable_params": params });
    client.send(json!({ "to": "27831230044", "type": "hsm", "ttl": 86400, "hsm": hsm })).await;
    let received = app.received();
    assert_eq!(received.len(), 2);
    let refused = client.call("POST", "/v1/messages", text_of("99900131026")).await;
    let whole = refused.body.to_string();
    assert!(!whole.contains("1006") && !whole.contains("unknown contact"), "{whole}");
    app.stop().await;
}

/// ndoh-hub turns to SMS at 1013.
#[tokio::test]
async fn ndoh_hub_is_told_1013() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    assert!(client.send(template("27831230044")).await["messages"].is_array());
    let (status, error) = client.refused(template("99900131026")).await;
    assert_eq!((status, &error["code"], &error["title"]), (400, &json!(1013), &json!("User is not valid")));
    app.stop().await;
}

/// WABA360Dialog.NET writes one card where a list belongs and null for every member that it does not use.
#[tokio::test]
async fn the_dotnet_library_writes_null_for_what_it_does_not_use() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    let card =
        json!({ "name": { "formatted_name": "Ada Byron", "first_name": "Ada", "last_name": null }, "phones": null });
    client
        .send(json!({ "to": "447700900123", "type": "contacts", "contacts": card, "text": null, "image": null }))
        .await;
    let text = json!({ "recipient_type": "individual", "to": "447700900123", "type": "text", "text": { "body": "Hi" },
        "image": null, "template": null, "context": null });
    client.send(text).await;
    client.done(200, "GET", "/v1/configs/phone_number", Value::Null).await;
    client.done(200, "GET", "/v1/settings/business/profile", Value::Null).await;
    client.done(200, "PUT", "/v1/messages/ABGHR3AJASPvAhDEMOzz", json!({ "status": "read" })).await;
    let answer =
        client.call("POST", "/v1/messages", json!({ "to": "12", "type": "text", "text": { "body": "Hi" } })).await;
    assert_eq!((answer.status, &error(&answer)["code"]), (400, &json!(1009)));
    app.stop().await;
}

/// Rocket.Chat marks as read, also with a slash behind the id, and without a content type.
#[tokio::test]
async fn rocket_chat_sets_its_webhook_sends_and_marks_as_read() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    client.done(200, "POST", "/v1/configs/webhook", json!({ "url": "https://rocket.example.net/api/apps/1" })).await;
    client.send(text("447700900123")).await;
    for path in ["/v1/messages/ABGHR3AJASPvAhDEMOzz", "/v1/messages/ABGHR3AJASPvAhDEMOzz/"] {
        client.done(200, "PUT", path, json!({ "status": "read" })).await;
    }
    let url = format!("{}/v1/messages/ABGHR3AJASPvAhDEMOzz", app.url());
    let untyped = Request::put(url).header("D360-Api-Key", KEY).body(Bytes::from(r#"{"status":"read"}"#)).unwrap();
    assert_eq!(app.call(untyped).await.status, 200);
    app.stop().await;
}

/// Inbenta's connector reads the address back from the answer.
#[tokio::test]
async fn inbenta_reads_its_address_back() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    let url = "https://inbenta.example.net/360";
    assert_eq!(client.done(200, "POST", "/v1/configs/webhook", json!({ "url": url })).await["url"], url);
    client.send(text("447700900123")).await;
    app.stop().await;
}

/// A chat hub of Node, with slashes behind its paths.
#[tokio::test]
async fn a_chat_hub_puts_slashes_behind_its_paths() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    let body = json!({ "blocking": "wait", "contacts": ["+44 7700 900123", "12"], "force_check": true });
    let checked = client.done(200, "POST", "/v1/contacts/", body).await;
    let row = |at: usize| (checked["contacts"][at]["status"].clone(), checked["contacts"][at]["wa_id"].clone());
    assert_eq!(row(0), (json!("valid"), json!("447700900123")));
    assert_eq!(row(1), (json!("invalid"), Value::Null));
    let sent = client.done(201, "POST", "/v1/messages/?retry=1", text("447700900123")).await;
    assert!(only(&sent["messages"])["id"].is_string());
    app.stop().await;
}

/// Digits, a plugin of WordPress, posts its contact check as a form and sends to the number that it is given.
#[tokio::test]
async fn digits_checks_the_contact_with_a_form_and_sends_to_the_number_given() {
    let app = TestApp::start().await;
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"blocking\"\r\n\r\nwait\r\n\
                     --x\r\nContent-Disposition: form-data; name=\"contacts[]\"\r\n\r\n+447700900123\r\n--x--\r\n";
    for (content_type, body) in [
        ("multipart/form-data; boundary=x", multipart),
        ("application/x-www-form-urlencoded", "blocking=wait&contacts[]=%2B447700900123"),
    ] {
        let request = Request::post(format!("{}/v1/contacts", app.url()))
            .header("D360-API-KEY", KEY)
            .header("content-type", content_type);
        let answer = app.call(request.body(Bytes::from(body)).unwrap()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let row = json!({ "input": "+447700900123", "status": "valid", "wa_id": "447700900123" });
        assert_eq!(only(&answer.body["contacts"]), &row);
        let number = row["wa_id"].as_str().unwrap();
        Client::of_360dialog(&app).send(template(number)).await;
    }
    app.stop().await;
}

/// Courier's Turn channel uploads first and checks no contacts. It repeats at any 5xx, and otherwise takes `errors` and
/// `error` for failures, with whole numbers as codes.
#[tokio::test]
async fn courier_turn_uploads_sends_by_id_and_reads_the_first_error() {
    let account = format!("[[accounts]]\nname = \"a\"\nkey = \"{KEY}\"\ndialect = \"on-premises\"");
    let app = TestApp::with(&account).await;
    let client = Client::with_key(&app);
    let id = client.upload("application/pdf", b"%PDF-1.4").await;
    let document = json!({ "id": id, "caption": "Your bill", "filename": "bill.pdf" });
    client.send(json!({ "to": "27831230044", "type": "document", "document": document })).await;
    let text = json!({ "body": "See https://example.net/bay" });
    client.send(json!({ "to": "27831230044", "type": "text", "preview_url": true, "text": text })).await;
    let rows = json!([{ "id": "0", "title": "Bay 1" }, { "id": "1", "title": "Bay 2", "description": "Open" }]);
    let action = json!({ "button": "Menu", "sections": [{ "rows": rows }] });
    let list = json!({ "type": "list", "body": { "text": "Which bay?" }, "action": action });
    client.send(json!({ "to": "27831230044", "type": "interactive", "interactive": list })).await;
    // Turn itself passes on the Cloud API's codes, 130429 for one; here they are those of this dialect.
    for (to, status, code) in [("99900131026", 400, 1013), ("99900131047", 400, 470)] {
        let answer = client.call("POST", "/v1/messages", super::text(to)).await;
        assert_eq!((answer.status, &error(&answer)["code"]), (status, &json!(code)), "{to}");
        assert!(answer.body.get("error").is_none(), "{answer:?}");
    }
    app.stop().await;
}

/// The check that the small clients of 360dialog make before each message.
async fn check(client: &Client<'_>, number: &str) -> Value {
    let body = json!({ "blocking": "wait", "contacts": [number], "force_check": true });
    let checked = client.done(200, "POST", "/v1/contacts", body).await;
    only(&checked["contacts"]).clone()
}

/// api360degree, a gem, raises unless the check is a 200 or 201, and the message that or a 400 with its `errors`.
#[tokio::test]
async fn api360degree_checks_the_contact_and_reads_the_errors_under_400() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    check(&client, "+447700900123").await;
    let mut message = template("447700900123");
    let parameters = json!([{ "type": "text", "text": "Bay 2" }]);
    let components = message["template"]["components"].as_array_mut().unwrap();
    components.insert(0, json!({ "type": "header", "parameters": parameters }));
    components.push(json!({ "type": "button", "sub_type": "url", "index": 0, "parameters": parameters }));
    client.send(message).await;
    check(&client, "+99900132000").await;
    let (status, error) = client.refused(template("99900132000")).await;
    assert_eq!((status, &error["code"]), (400, &json!(2000)));
    app.stop().await;
}

/// Chatwith, in PHP, asks no more of an answer than that it has a body.
#[tokio::test]
async fn chatwith_gets_a_body_with_every_answer() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    for (to, status) in [("447700900123", 201), ("99900131026", 400), ("99900000111", 201), ("99900000500", 201)] {
        check(&client, &format!("+{to}")).await;
        let answer = client.call("POST", "/v1/messages", template(to)).await;
        assert_eq!(answer.status, status, "{to}: {answer:?}");
        assert!(answer.body["meta"].is_object(), "{to}: {answer:?}");
    }
    app.stop().await;
}

/// osmo-x hands on the whole answer, of which it knows `contacts`, `messages` and `meta`; anything but a 2xx is thrown.
#[tokio::test]
async fn osmo_x_hands_on_contacts_messages_and_meta() {
    let app = TestApp::start().await;
    let client = Client::of_360dialog(&app);
    for message in [template("447700900123"), text("447700900123")] {
        let sent = client.send(message).await;
        assert_eq!(only(&sent["contacts"]), &json!({ "input": "447700900123", "wa_id": "447700900123" }));
        assert!(sent["meta"]["api_status"].is_string() && sent["meta"]["version"].is_string(), "{sent}");
    }
    let (status, _) = client.refused(template("99900131026")).await;
    assert_eq!(status, 400);
    app.stop().await;
}
