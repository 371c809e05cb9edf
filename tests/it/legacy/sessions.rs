//! Logins: what they take, how long they last, and what ends them.

use bytes::Bytes;
use http::Request;
use sabir::secret::KeyHash;
use sabir::store::Session;
use serde_json::{Value, json};
use time::macros::datetime;

use super::{Client, error, login, only, text};
use crate::harness::{KEY, TestApp};

#[tokio::test]
async fn a_login_takes_every_form_of_an_empty_body() {
    let app = TestApp::start().await;
    for body in ["", "{}", "null", " ", "{\"new_password\": null}"] {
        let answer = login(&app, "admin", KEY, body).await;
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
        assert_eq!(only(&answer.body["users"])["expires_after"], "2026-09-28 13:35:23+00:00");
        assert_eq!(answer.headers["www-authenticate"], "Basic realm=\"Secured\"");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_bad_login_is_told_what_is_wrong_with_it() {
    let app = TestApp::start().await;
    for (password, body, status, code) in [
        ("wrong", "", 401, 1005),
        (KEY, "{\"new_password\": \"short\"}", 400, 1009),
        (KEY, "{\"new_password\"", 400, 1025),
        (KEY, "[]", 400, 1025),
    ] {
        let answer = login(&app, "admin", password, body).await;
        assert_eq!((answer.status, &error(&answer)["code"]), (status, &json!(code)), "{body}");
    }
    let bare = Request::post(format!("{}/v1/users/login", app.url())).body(Bytes::new()).unwrap();
    let answer = app.call(bare).await;
    assert_eq!((answer.status, &error(&answer)["code"]), (401, &json!(1005)));
    let get = app.get("/v1/users/login").await;
    assert_eq!((get.status, &error(&get)["code"]), (405, &json!(1025)));
    app.stop().await;
}

#[tokio::test]
async fn a_new_password_stands_beside_the_key_and_takes_the_place_of_the_one_before() {
    let app = TestApp::start().await;
    let first = login(&app, "admin", KEY, "{\"new_password\": \"Sunny-Days-4\"}").await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(login(&app, "admin", "Sunny-Days-4", "{\"new_password\": \"Rainy-Days-5\"}").await.status, 200);
    for (user, password, status) in [
        ("admin", "Rainy-Days-5", 200),
        ("admin", "Sunny-Days-4", 401),
        ("other", "Rainy-Days-5", 401),
        ("whoever", KEY, 200),
    ] {
        assert_eq!(login(&app, user, password, "").await.status, status, "{user} {password}");
    }
    let bearer = Client { app: &app, header: ("authorization", "Bearer Rainy-Days-5".to_owned()) };
    assert_eq!(bearer.call("GET", "/v1/health", Value::Null).await.status, 401, "a password is no token");
    app.stop().await;
}

#[tokio::test]
async fn one_accounts_password_never_becomes_anothers() {
    let account = |name: &str| format!("[[accounts]]\nname = \"{name}\"\nkey = \"{name}-key\"\n");
    let app = TestApp::with(&format!("{}{}", account("shop"), account("depot"))).await;
    let body = "{\"new_password\": \"Sunny-Days-4\"}";
    assert_eq!(login(&app, "admin", "shop-key", body).await.status, 200);
    let taken = login(&app, "admin", "depot-key", body).await;
    assert_eq!((taken.status, &error(&taken)["code"]), (400, &json!(1009)));
    app.stop().await;
}

#[tokio::test]
async fn a_token_is_good_until_it_expires_or_is_given_back() {
    let app = TestApp::start().await;
    let (first, second) = (Client::logged_in(&app).await, Client::logged_in(&app).await);
    first.done(200, "POST", "/v1/users/logout", Value::Null).await;
    assert_eq!(first.refused(text("447700900123")).await.0, 401);
    second.send(text("447700900123")).await;
    let token = second.header.1.trim_start_matches("Bearer ");
    let (store, token) = (&app.app.state.store, KeyHash::of(token));
    let session = store.session(&token).await.unwrap().unwrap();
    let stale = Session { expires_at: datetime!(2026-09-21 13:35:23 UTC), ..session };
    store.open_session(&token, &stale).await.unwrap();
    let (status, error) = second.refused(text("447700900123")).await;
    assert_eq!((status, &error["code"]), (401, &json!(1005)));
    app.stop().await;
}

#[tokio::test]
async fn a_token_tells_the_dialect_that_it_was_asked_for_in() {
    let app = TestApp::start().await;
    // The same words with the account's key are as good in another dialect, which answers 200.
    let answer = Client::logged_in(&app).await.call("POST", "/v1/messages", text("447700900123")).await;
    assert_eq!(answer.status, 201);
    assert!(answer.body.get("success").is_none(), "{answer:?}");
    app.stop().await;
}

#[tokio::test]
async fn notification_clients_log_in_and_send_the_key_back_as_it_came() {
    let app = TestApp::start().await;
    let request = |password: &str| {
        let body = json!({ "username": "ada", "password": password }).to_string();
        let request =
            Request::post(format!("{}/kingslanding/login", app.url())).header("content-type", "application/json");
        request.body(Bytes::from(body)).unwrap()
    };
    let answer = app.call(request(KEY)).await;
    assert_eq!((answer.status, &answer.body), (200, &json!("")), "{answer:?}");
    let key = answer.headers["authorization"].to_str().unwrap().to_owned();
    let client = Client { app: &app, header: ("authorization", key) };
    let inner = json!({ "from": "442079460000", "to": "+447700900123", "type": "text", "message": "Hi" });
    for path in ["/notification", "/v3/messages"] {
        let body = json!({ "channel": "WHATSAPP", "request": inner });
        let sent = client.call("POST", path, body).await;
        assert_eq!(sent.status, 200, "{sent:?}");
        assert_eq!(sent.headers["ratelimit-remaining"], "300");
        assert_eq!(sent.headers["ratelimit-policy"], "300;w= 60");
    }
    assert_eq!(app.call(request("wrong")).await.status, 403);
    app.stop().await;
}
