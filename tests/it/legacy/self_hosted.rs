//! Clients of a server that stood in the same house: they log in first.

use serde_json::{Value, json};

use super::{Client, error, login, only, template, text};
use crate::harness::{KEY, TestApp};

/// RapidPro's activation of a WhatsApp channel: anything but 200 ends it.
#[tokio::test]
async fn rapidpro_activates_a_channel() {
    let app = TestApp::start().await;
    let answer = login(&app, "admin", KEY, "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body["meta"]["version"].is_string());
    let client = Client::logged_in(&app).await;
    let webhook = json!({ "webhooks": { "url": "https://rapidpro.example.net/c/wa/1/receive" } });
    client.done(200, "PATCH", "/v1/settings/application", webhook).await;
    let limits = json!({ "messaging_api_rate_limit": ["15", "54600", "1000000"], "contacts_api_rate_limit": ["15", "54600", "1000000"] });
    client.done(200, "PATCH", "/v1/settings/application", limits).await;
    let health = client.done(200, "GET", "/v1/health", Value::Null).await;
    let version = health["meta"]["version"].as_str().unwrap();
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(parts >= vec![2, 45, 0], "courier sends interactive messages from 2.35.2 on: {version}");
    let numbers: Vec<_> = (0..1000).map(|n| format!("+44770090{n:04}")).collect();
    let body = json!({ "blocking": "wait", "contacts": numbers, "force_check": false });
    let checked = client.done(200, "POST", "/v1/contacts", body).await;
    let contacts = checked["contacts"].as_array().unwrap();
    assert_eq!(contacts.len(), 1000);
    assert!(contacts.iter().zip(&numbers).all(|(contact, number)| contact["input"] == number.as_str()));
    client.done(200, "DELETE", "/v1/settings/application", Value::Null).await;
    let settings = client.done(200, "GET", "/v1/settings/application", Value::Null).await;
    assert_eq!(settings["settings"]["application"]["webhooks"]["url"], "");
    app.stop().await;
}

/// Courier checks a contact, sends, and takes the number that it is given for the contact's.
#[tokio::test]
async fn courier_checks_the_contact_and_sends() {
    let app = TestApp::start().await;
    for client in [Client::logged_in(&app).await, Client::of_360dialog(&app)] {
        let body = json!({ "blocking": "wait", "contacts": ["+447700900123"], "force_check": true });
        let checked = client.done(200, "POST", "/v1/contacts", body).await;
        let contact = only(&checked["contacts"]);
        assert_eq!((&contact["status"], &contact["wa_id"]), (&json!("valid"), &json!("447700900123")));
        let sent = client.send(text("447700900123")).await;
        assert_eq!(only(&sent["contacts"])["wa_id"], "447700900123");
    }
    app.stop().await;
}

/// Courier waits at 429 and 503 and sends again, which it need not: the gateway does. At 1006 it would check the contact,
/// at 471 stop for a day.
#[tokio::test]
async fn courier_need_not_wait_and_is_never_told_to_stop() {
    let app = TestApp::start().await;
    let client = Client::logged_in(&app).await;
    for (to, status, code) in [("99900131026", 400, 1013), ("99900131047", 400, 470), ("99900131048", 400, 1000)] {
        let (found, error) = client.refused(text(to)).await;
        assert_eq!((found, &error["code"]), (status, &json!(code)), "{to}");
        assert!(!error["details"].as_str().unwrap().contains("unknown contact"), "{to}");
    }
    for to in ["99900000429", "99900000111", "99900000401"] {
        client.send(text(to)).await;
    }
    app.stop().await;
}

/// Postman.gov.sg logs in, sends, and looks for 400 with 1013.
#[tokio::test]
async fn postman_logs_in_sends_and_hears_of_recipients_who_are_not_there() {
    let app = TestApp::start().await;
    let client = Client::logged_in(&app).await;
    let mut message = template("447700900123");
    message["recipient_type"] = json!("individual");
    client.send(message).await;
    let (status, error) = client.refused(template("99900131026")).await;
    assert_eq!((status, &error["code"]), (400, &json!(1013)));
    let stale = Client { app: &app, header: ("authorization", "Bearer sabir.on-premises.0000".to_owned()) };
    assert_eq!(stale.refused(template("447700900123")).await.0, 401);
    app.stop().await;
}

/// Whatever the provider behind speaks, the client is answered as its old server answered.
#[tokio::test]
async fn postman_is_served_over_every_upstream() {
    for dialect in sabir::dialect::all() {
        let name = dialect.name();
        let upstream = format!("name = \"{name}\"\ndialect = \"{name}\"\nbase_url = \"sandbox://in-process\"");
        let app = TestApp::with(&format!("[[upstreams]]\n{upstream}\nsender = \"442079460000\"")).await;
        let client = Client::logged_in(&app).await;
        let sent = client.send(text("447700900123")).await;
        assert_eq!(only(&sent["contacts"])["wa_id"], "447700900123", "{name}");
        let (status, error) = client.refused(text("99900131026")).await;
        assert_eq!((status, &error["code"]), (400, &json!(1013)), "{name}");
        app.stop().await;
    }
}

/// Wax decodes every body, and tries four times in all where it cannot.
#[tokio::test]
async fn wax_decodes_every_body() {
    let app = TestApp::start().await;
    let client = Client::logged_in(&app).await;
    let body = json!({ "blocking": "wait", "contacts": ["+447700900123"] });
    client.done(200, "POST", "/v1/contacts", body).await;
    client.send(text("447700900123")).await;
    client.done(200, "GET", "/v1/health", Value::Null).await;
    client.done(200, "GET", "/v1/settings/application", Value::Null).await;
    let patch = json!({ "callback_persist": true, "webhooks": { "url": "https://wax.example.net/hook" } });
    client.done(200, "PATCH", "/v1/settings/application", patch).await;
    client.done(200, "POST", "/v1/users/logout", Value::Null).await;
    let answer = client.call("GET", "/v1/health", Value::Null).await;
    assert_eq!((answer.status, &error(&answer)["code"]), (401, &json!(1005)));
    app.stop().await;
}

/// Wabclient walks nearly the whole catalogue and parses every 2xx.
#[tokio::test]
async fn wabclient_walks_the_catalogue() {
    let app = TestApp::start().await;
    walk(Client::logged_in(&app).await).await;
    walk(Client::of_360dialog(&app)).await;
    app.stop().await;
}

async fn walk(client: Client<'_>) {
    let profile = json!({ "address": "1 Wharf Rd", "description": "Depot", "email": "hi@example.net", "vertical": "Retail",
        "websites": ["https://example.net"] });
    client.done(200, "POST", "/v1/settings/business/profile", profile.clone()).await;
    let read = client.done(200, "GET", "/v1/settings/business/profile", Value::Null).await;
    assert_eq!(read["settings"]["business"]["profile"], profile);
    client.done(200, "PATCH", "/v1/settings/profile/about", json!({ "text": "Open all night" })).await;
    let read = client.done(200, "GET", "/v1/settings/profile/about", Value::Null).await;
    assert_eq!(read["settings"]["profile"]["about"]["text"], "Open all night");
    let body = json!({ "blocking": "no_wait", "contacts": ["27831230044"] });
    let checked = client.done(200, "POST", "/v1/contacts", body).await;
    assert_eq!(only(&checked["contacts"])["wa_id"], "27831230044");
    client.send(text("27831230044")).await;
    client.done(200, "GET", "/v1/health", Value::Null).await;
    let (photo, groups) = (
        client.call("GET", "/v1/settings/profile/photo?format=link", Value::Null).await,
        client.call("POST", "/v1/groups", json!({ "subject": "Depot" })).await,
    );
    assert_eq!((photo.status, &error(&photo)["code"]), (404, &json!(1006)));
    let photo = http::Request::post(format!("{}/v1/settings/profile/photo", client.app.url()))
        .header(client.header.0, &client.header.1)
        .header("content-type", "image/jpeg");
    let photo = client.app.call(photo.body(bytes::Bytes::from_static(b"\xff\xd8\xff\xe0")).unwrap()).await;
    assert_eq!((photo.status, &error(&photo)["code"]), (403, &json!(1005)));
    assert_eq!((groups.status, &error(&groups)["code"]), (400, &json!(1002)));
}

/// LoyJoy's keep-alive restarts the machine unless every call is a 2xx with JSON and the gateway connected.
#[tokio::test]
async fn loyjoys_keep_alive_does_not_restart_the_machine() {
    let app = TestApp::start().await;
    let client = Client::logged_in(&app).await;
    for path in ["stats/app", "stats/db", "settings/application", "settings/business/profile", "settings/profile/about"]
    {
        client.done(200, "GET", &format!("/v1/{path}"), Value::Null).await;
    }
    client.done(200, "PUT", "/v1/services/message/gc", Value::Null).await;
    let health = client.done(200, "GET", "/v1/health", Value::Null).await;
    assert_eq!(health["health"]["gateway_status"], "connected");
    app.stop().await;
}

/// A dashboard that looks at each node, and a client that compares versions with their `v`.
#[tokio::test]
async fn an_account_may_ask_for_another_form_of_health_and_another_version() {
    let account = format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\nhealth = \"nodes\"\nversion = \"v2.41.1\"");
    let app = TestApp::with(&account).await;
    let client = Client { app: &app, header: ("authorization", format!("Apikey {KEY}")) };
    let health = client.done(200, "GET", "/v1/health", Value::Null).await;
    let nodes = health["health"].as_object().unwrap();
    assert!(nodes.values().all(|node| node["gateway_status"] == "connected" && node["role"] == "coreapp"), "{health}");
    assert_eq!(health["meta"]["version"], "v2.41.1");
    app.stop().await;
}

/// The oldest clients name no language: their server had one for all.
#[tokio::test]
async fn an_account_may_say_which_language_an_hsm_is_in() {
    let account = format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\nhsm_language = \"pt_BR\"");
    let app = TestApp::with(&account).await;
    let client = Client::with_key(&app);
    for (language, expected) in [(Value::Null, "pt_BR"), (json!({ "code": "es" }), "es")] {
        let hsm = json!({ "element_name": "ready", "namespace": "acme", "language": language });
        client.send(json!({ "to": "447700900123", "type": "hsm", "hsm": hsm })).await;
        let sent = &app.received().pop().unwrap().body;
        assert_eq!(sent["template"]["language"]["code"], expected, "{sent}");
    }
    for summary in app.recorded().await {
        let found = app.find(&summary.id.to_string()).await.unwrap();
        assert!(found.warnings.iter().all(|warning| warning.member != "hsm.language"), "what is said is no guess");
    }
    app.stop().await;
}
