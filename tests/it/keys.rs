//! Keys of an account: several at once, what each may do, until when; and what ends with them.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use sabir::config::{self, Config};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{Answer, TestApp};

/// An account `shop` with this written beside its name.
fn shop(keys: &str) -> String {
    format!("[[accounts]]\nname = \"shop\"\ndialect = \"on-premises\"\n{keys}\n")
}

/// The configuration that is loaded while the gateway runs.
fn again(keys: &str) -> Config {
    config::load_text(&shop(keys)).unwrap().config
}

async fn call(app: &TestApp, key: &str, method: Method, path: &str, body: Value) -> Answer {
    let mut request = app.request(method, path, &body);
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    app.call(request).await
}

async fn send(app: &TestApp, key: &str) -> u16 {
    let text = json!({ "to": "447700900123", "type": "text", "text": { "body": "Hi" } });
    call(app, key, Method::POST, "/v1/messages", text).await.status
}

async fn login(app: &TestApp, password: &str, body: &str) -> Answer {
    let credentials = STANDARD.encode(format!("admin:{password}"));
    let request = Request::post(format!("{}/v1/users/login", app.url()));
    let request = request.header("authorization", format!("Basic {credentials}"));
    app.call(request.body(Bytes::from(body.to_owned())).unwrap()).await
}

async fn token(app: &TestApp, password: &str) -> String {
    login(app, password, "").await.body["users"][0]["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn two_keys_are_good_at_once_and_the_old_one_ends_when_it_is_taken_away() {
    let app = TestApp::with(&shop("key = \"old\"\nkeys = [{ key = \"new\" }]")).await;
    assert_eq!([send(&app, "old").await, send(&app, "new").await], [201, 201]);
    app.app.reload(&again("keys = [{ key = \"new\" }]")).unwrap();
    assert_eq!([send(&app, "old").await, send(&app, "new").await], [401, 201]);
    app.stop().await;
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    let scopes = ["send", "media", "read", "admin"];
    let keys = scopes.map(|scope| format!("{{ key = \"{scope}-key\", scopes = [\"{scope}\"] }}"));
    let app = TestApp::with(&shop(&format!("key = \"all\"\nkeys = [{}]", keys.join(", ")))).await;
    let text = json!({ "to": "447700900123", "type": "text", "text": { "body": "Hi" } });
    let calls = [
        ("send", Method::POST, "/v1/messages", text.clone(), 201),
        ("send", Method::POST, "/v1/messages?dry_run=true", text, 200),
        ("media", Method::GET, "/v1/media/1790000000000000", Value::Null, 404),
        ("media", Method::DELETE, "/v1/media/1790000000000000", Value::Null, 404),
        ("read", Method::GET, "/v1/health", Value::Null, 200),
        ("read", Method::GET, "/v1/settings/application", Value::Null, 200),
        ("read", Method::POST, "/v1/contacts", json!({ "contacts": ["+447700900123"] }), 200),
        ("admin", Method::PATCH, "/v1/settings/application", json!({ "sent_status": true }), 200),
        ("admin", Method::DELETE, "/v1/settings/application", Value::Null, 200),
    ];
    for (scope, method, path, body, status) in calls {
        for key in scopes {
            let answer = call(&app, &format!("{key}-key"), method.clone(), path, body.clone()).await;
            let expected = if key == scope { status } else { 403 };
            assert_eq!(answer.status, expected, "{key}: {method} {path}: {answer:?}");
            if key != scope {
                assert!(answer.body.to_string().contains(&format!("scope {scope}")), "{answer:?}");
            }
        }
        assert_eq!(call(&app, "all", method, path, body).await.status, status, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_key_ends_at_the_moment_that_it_was_given() {
    // The clock stands at 13:35:23.
    let app = TestApp::with(&shop(
        "keys = [{ key = \"over\", expires = \"2026-09-21T13:35:23Z\" }, { key = \"good\", expires = 2026-09-21T15:35:24+02:00 }]",
    ))
    .await;
    assert_eq!([send(&app, "over").await, send(&app, "good").await], [401, 201]);
    assert_eq!(login(&app, "over", "").await.status, 401);
    app.stop().await;
}

#[tokio::test]
async fn a_token_ends_with_the_key_that_gave_it() {
    let app = TestApp::with(&shop("key = \"old\"\nkeys = [{ key = \"new\" }]")).await;
    let (of_old, of_new) = (token(&app, "old").await, token(&app, "new").await);
    assert_eq!([send(&app, &of_old).await, send(&app, &of_new).await], [201, 201]);
    app.app.reload(&again("key = \"new\"")).unwrap();
    assert_eq!([send(&app, &of_old).await, send(&app, &of_new).await], [401, 201], "wherever the new one stands");
    app.app.reload(&again("key = \"other\"")).unwrap();
    assert_eq!(send(&app, &of_new).await, 401);
    app.stop().await;
}

#[tokio::test]
async fn a_password_ends_with_the_key_that_it_was_set_with() {
    let app = TestApp::with(&shop("key = \"old\"")).await;
    assert_eq!(login(&app, "old", "{\"new_password\": \"Sunny-Days-4\"}").await.status, 200);
    let of_password = token(&app, "Sunny-Days-4").await;
    app.app.reload(&again("key = \"new\"")).unwrap();
    assert_eq!(login(&app, "Sunny-Days-4", "").await.status, 401);
    assert_eq!(send(&app, &of_password).await, 401);
    assert_eq!(login(&app, "new", "{\"new_password\": \"Sunny-Days-4\"}").await.status, 200, "it can be set again");
    app.stop().await;
}

#[tokio::test]
async fn a_token_may_do_what_its_key_may() {
    let app = TestApp::with(&shop("keys = [{ key = \"reader\", scopes = [\"read\"] }]")).await;
    let token = token(&app, "reader").await;
    assert_eq!(send(&app, &token).await, 403);
    assert_eq!(call(&app, &token, Method::GET, "/v1/health", Value::Null).await.status, 200);
    assert_eq!(login(&app, "reader", "{\"new_password\": \"Sunny-Days-4\"}").await.status, 403);
    app.stop().await;
}

#[test]
fn keys_that_cannot_be_are_told_with_their_place() {
    for (keys, expected) in [
        ("", "accounts[0].key: is missing"),
        ("key = \"a\"\nkeys = [{ key = \"a\" }]", "accounts[0].keys[0]: is the key of another account"),
        ("keys = [{ key = \"a\", scopes = [] }]", "accounts[0].keys[0].scopes: is empty"),
        ("keys = [{ key = \"a\", scopes = [\"hunter2\"] }]", "accounts[0].keys[0].scopes[0]: "),
        ("keys = [{ key = \"a\", scope = [\"read\"] }]", "accounts[0].keys[0]"),
        ("keys = [{ key = \"a\", expires = \"hunter2\" }]", "accounts[0].keys[0].expires: is no time"),
        ("key = \"a\"\nconcurrency = 0", "accounts[0].concurrency: is 0"),
        ("key = \"a\"\nrate = \"hunter2\"", "accounts[0].rate: is no rate"),
    ] {
        let told = config::load_text(&shop(keys)).unwrap_err().to_string();
        assert!(told.starts_with(expected) && !told.contains("hunter2"), "{keys}: {told}");
    }
}

#[test]
fn what_is_needed_longer_than_it_is_kept_is_told() {
    let kept = "[store]\ntransactions_for = \"2h\"\n[callbacks]\ngive_up_after = \"1h\"\n";
    for (more, needed) in [
        ("", "delivery.keep_keys"),
        ("[delivery]\nkeep_keys = \"3h\"\n", "delivery.keep_keys"),
        (
            "[delivery]\nkeep_keys = \"2h\"\n[[accounts]]\nname = \"shop\"\nkey = \"a\"\ndedupe_window = \"3h\"\n",
            "accounts[0].dedupe_window",
        ),
    ] {
        let told = config::load_text(&format!("{kept}{more}")).unwrap_err().to_string();
        assert_eq!(
            told.trim_end(),
            format!(
                "store.transactions_for: is shorter than {needed}, for which transactions are needed; give at least that"
            )
        );
    }
    assert!(config::load_text(&format!("{kept}[delivery]\nkeep_keys = \"2h\"\n")).is_ok());
}

/// What is logged, gathered.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of the audit log.
    pub fn audit(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &Value| line["target"] == "sabir::audit").collect()
    }
}

/// A runtime of one thread, so that what the gateway logs is gathered here.
#[tokio::test]
async fn what_operators_and_accounts_change_is_on_the_audit_log_without_a_secret() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::with(&format!("[admin]\ntoken = \"canary-admin\"\n{}", shop("key = \"canary-key\""))).await;
    let id = "0199c0de-7a11-7000-8000-2b7e1c905d44";
    for (key, path) in [
        ("canary-admin", format!("/admin/v1/transactions/{id}")),
        ("canary-wrong", "/admin/v1/transactions?recipient=447700900123".to_owned()),
        ("canary-admin", "/admin/v1/transactions/wamid.NDQ3NzAwOTAwMTIz".to_owned()),
    ] {
        call(&app, key, Method::GET, &path, Value::Null).await;
    }
    call(&app, "canary-key", Method::PATCH, "/v1/settings/application", json!({ "sent_status": true })).await;
    assert_eq!(login(&app, "canary-key", "{\"new_password\": \"Canary-Days-4\"}").await.status, 200);
    app.stop().await;
    let audit = lines.audit();
    let told = |at: usize, name: &str| audit[at][name].clone();
    assert_eq!(audit.len(), 5, "{audit:?}");
    assert_eq!((told(0, "allowed"), told(0, "transaction.id")), (json!(true), json!(id)));
    assert_eq!((told(0, "method"), told(0, "address")), (json!("GET"), json!("127.0.0.1")));
    assert_eq!((told(1, "allowed"), told(1, "route")), (json!(false), json!("/admin/v1/transactions")));
    assert_eq!((told(2, "route"), told(2, "transaction.id")), (json!("/admin/v1/transactions/{id}"), Value::Null));
    assert_eq!((told(3, "action"), told(3, "account.name")), (json!("change setting"), json!("shop")));
    assert_eq!(told(4, "action"), "set password");
    let all = lines.text().to_lowercase();
    for secret in ["canary", "447700900123", "ndq3nza"] {
        assert!(!all.contains(secret), "{secret} is in the log: {all}");
    }
}
