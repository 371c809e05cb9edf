//! Odd calls that old servers forgave, and what they did not.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use super::{Client, error, login};
use crate::harness::{KEY, TestApp};

#[tokio::test]
async fn the_key_may_stand_in_the_query() {
    let app = TestApp::start().await;
    let message =
        json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": { "body": "Hi" } });
    let post = |query: &str| {
        Request::post(format!("{}/v23.0/5512000/messages?{query}", app.url()))
            .header("content-type", "application/json")
            .body(Bytes::from(message.to_string()))
            .unwrap()
    };
    assert_eq!(app.call(post(&format!("access_token={KEY}"))).await.status, 200);
    let wrong = app.call(post("access_token=wrong")).await;
    assert_eq!((wrong.status, &wrong.body["error"]["code"]), (401, &json!(190)));
    let transaction = app.only().await;
    assert!(!serde_json::to_string(&transaction).unwrap().contains(KEY), "the key is on the record");
    app.stop().await;
}

#[tokio::test]
async fn every_service_wants_a_key() {
    let app = TestApp::start().await;
    for (method, path) in [
        ("POST", "/v1/contacts"),
        ("GET", "/v1/health"),
        ("POST", "/v1/users/logout"),
        ("GET", "/v1/settings/application"),
        ("DELETE", "/v1/settings/application"),
        ("GET", "/v1/configs/webhook"),
        ("GET", "/v1/configs/templates"),
        ("GET", "/v1/stats/app"),
        ("POST", "/v1/users"),
        ("POST", "/v1/account"),
        ("GET", "/v1/stickerpacks"),
    ] {
        for key in ["", "Bearer ", "Bearer wrong", "Bearer sabir.on-premises.wrong", "Apikey wrong", "Basic YWRtaW46"] {
            let request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap());
            let request = request.uri(format!("{}{path}", app.url())).header("authorization", key);
            let answer = app.call(request.body(Bytes::from(r#"{"contacts":["12"]}"#)).unwrap()).await;
            assert_eq!((answer.status, &error(&answer)["code"]), (401, &json!(1005)), "{method} {path} {key}");
            assert!(!answer.body.to_string().contains("wrong"), "{answer:?}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn settings_are_kept_for_each_account() {
    let account = |name: &str| format!("[[accounts]]\nname = \"{name}\"\nkey = \"{name}-key\"\n");
    let app = TestApp::with(&format!("{}{}", account("shop"), account("depot"))).await;
    let of = |key: &str| Client { app: &app, header: ("authorization", format!("Bearer {key}")) };
    of("shop-key").done(200, "PATCH", "/v1/settings/profile/about", json!({ "text": "Shop" })).await;
    let read = of("depot-key").done(200, "GET", "/v1/settings/profile/about", Value::Null).await;
    assert_eq!(read["settings"]["profile"]["about"]["text"], "");
    app.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    for (method, path, body, status, code, detail) in [
        ("POST", "/v1/contacts", json!({}), 400, 1008, "contacts"),
        ("POST", "/v1/contacts", json!([]), 400, 1025, "object"),
        ("PATCH", "/v1/settings/application", json!({ "webhooks": { "url": "hooks" } }), 400, 1009, "webhooks.url"),
        ("POST", "/v1/configs/webhook", json!({ "url": 5 }), 400, 1009, "url"),
        ("POST", "/v1/users", json!({ "username": "ada" }), 403, 1005, "operator"),
        ("POST", "/v1/health", json!({}), 405, 1025, "POST"),
        ("GET", "/v1/configs", Value::Null, 404, 1006, "path"),
        ("DELETE", "/v1/configs/templates/visit", Value::Null, 403, 1005, "provider"),
        ("PUT", "/v1/messages/ABGH", Value::Null, 400, 1025, "empty"),
    ] {
        let answer = client.call(method, path, body).await;
        let error = error(&answer);
        assert_eq!((answer.status, &error["code"]), (status, &json!(code)), "{method} {path}: {error}");
        assert!(error["details"].as_str().unwrap().contains(detail), "{method} {path}: {error}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_or_breaks_off_is_told_so() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::start().await;
    let contacts: Vec<_> = (0..120_000).map(|_| "447700900").collect();
    let answer = Client::with_key(&app).call("POST", "/v1/contacts", json!({ "contacts": contacts })).await;
    assert_eq!((answer.status, &error(&answer)["code"]), (413, &json!(1025)));
    let mut stream = tokio::net::TcpStream::connect(app.url().trim_start_matches("http://")).await.unwrap();
    let head = format!("POST /v1/contacts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: 100");
    stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{{\"contacts\"").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 400") && text.contains("1025"), "{text}");
    drop(stream);
    app.stop().await;
}

#[tokio::test]
async fn without_its_store_the_gateway_says_try_again_and_not_wrong_key() {
    let app = TestApp::start().await;
    let client = Client::logged_in(&app).await;
    app.app.state.store.close().await;
    let answer = client.call("GET", "/v1/settings/application", Value::Null).await;
    assert_eq!((answer.status, &error(&answer)["code"]), (503, &json!(1016)));
    let answer = login(&app, "admin", KEY, "").await;
    assert_eq!((answer.status, &error(&answer)["code"]), (503, &json!(1016)));
    let health = Client::with_key(&app).done(200, "GET", "/v1/health", Value::Null).await;
    assert_eq!(health["health"]["gateway_status"], "connected", "a restart would not bring the store back");
}

#[tokio::test]
async fn aisoules_probe_and_profile_say_how_fast_to_go() {
    let app = TestApp::start().await;
    let client = Client::with_key(&app);
    for (path, member) in [("/v1/status", "status"), ("/v1/profile", "name")] {
        let answer = client.call("GET", path, Value::Null).await;
        assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)), "{answer:?}");
        assert!(answer.body[member].is_string());
        for header in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
            answer.headers[header].to_str().unwrap().parse::<u64>().unwrap();
        }
    }
    let app_surface = client.call("POST", "/api/messages/send", json!({})).await;
    assert_eq!((app_surface.status, &app_surface.headers["x-ratelimit-limit"]), (400, &"100".parse().unwrap()));
    app.stop().await;
}
