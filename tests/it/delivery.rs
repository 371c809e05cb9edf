//! Delivery over the whole gateway: what clients are told in each dialect, and two gateways on one Postgres.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request};
use sabir::config;
use sabir::dialect::{self, Dialect, Losses, Target, Translation, samples};
use sabir::model::State;
use sabir::secret::Secret;
use sabir::store::{self, Config, Store};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::harness::{Answer, KEY, TestApp};
use crate::postgres::Database;

fn text(to: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "Hi" } })
}

/// The first sample, as a client of the dialect writes it.
fn spoken(client: &'static dyn Dialect) -> Request<Bytes> {
    let target = Target { sender: Some("442079460000"), template_namespace: Some("acme_ns"), ..Target::default() };
    Translation::new(client, client, Losses::Refuse).say(&samples()[0].request().unwrap(), &target).unwrap()
}

async fn post(app: &TestApp, client: &dyn Dialect, request: &Request<Bytes>, key: Option<&str>) -> Answer {
    let form = client.credential();
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}{}", app.url(), request.uri()))
        .header(form.header(), form.value(KEY))
        .header("content-type", "application/json")
        .body(request.body().clone())
        .unwrap();
    if let Some(key) = key {
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    }
    app.call(request).await
}

fn account(more: &str) -> String {
    format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\n{more}")
}

#[tokio::test]
async fn a_queued_request_is_answered_with_our_id_in_every_dialect_and_sent_then() {
    for &client in dialect::all() {
        let app = TestApp::with(&account(&format!("dialect = \"{}\"\nmode = \"queued\"", client.name()))).await;
        let answer = post(&app, client, &spoken(client), None).await;
        assert!((200..300).contains(&answer.status), "{}: {answer:?}", client.name());
        let transaction = answer.headers["sabir-transaction-id"].to_str().unwrap();
        let hexadecimal = transaction.replace('-', "");
        let body = answer.body.to_string();
        assert!(body.contains(transaction) || body.contains(&hexadecimal), "{}: {body}", client.name());
        let sent = app.until(State::Sent).await;
        assert_eq!((sent.summary.id.to_string().as_str(), app.received().len()), (transaction, 1));
        app.stop().await;
    }
}

/// Each waits for the one before it, and for nothing else: the queue is looked through every five seconds at least.
#[tokio::test]
async fn messages_of_a_pair_follow_on_each_other() {
    let app = TestApp::with(&account("mode = \"queued\"")).await;
    let started = Instant::now();
    for _ in 0..4 {
        assert_eq!(app.post("/messages", &text("447700900123")).await.status, 200);
    }
    app.until_all(State::Sent, 4).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    app.stop().await;
}

#[tokio::test]
async fn a_repeat_gets_the_same_answer_and_another_request_under_its_key_none() {
    for &client in dialect::all() {
        let app = TestApp::with(&account(&format!("dialect = \"{}\"\nmode = \"sync\"", client.name()))).await;
        let request = spoken(client);
        let first = post(&app, client, &request, Some("order-1")).await;
        let again = post(&app, client, &request, Some("order-1")).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{}", client.name());
        let id = "sabir-transaction-id";
        assert_eq!(again.headers[id], first.headers[id], "{}", client.name());
        let other = String::from_utf8(request.body().to_vec()).unwrap().replace("447700900123", "447700900124");
        let other = post(&app, client, &request.map(|_| Bytes::from(other)), Some("order-1")).await;
        assert_eq!(other.status, 422, "{}: {other:?}", client.name());
        assert!(other.body.to_string().contains("Idempotency-Key"), "{other:?}");
        assert_eq!(app.received().len(), 1, "{}", client.name());
        app.stop().await;
    }
}

#[tokio::test]
async fn a_repeat_of_what_is_being_answered_is_a_conflict_in_every_dialect() {
    for &client in dialect::all() {
        let options = format!("dialect = \"{}\"\nmode = \"sync\"\ndeadline = \"8s\"", client.name());
        let app = TestApp::with(&account(&options)).await;
        // The sandbox takes its time for this recipient.
        let slow = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap().replace("447700900123", "99900000001");
        let request = spoken(client).map(|bytes| Bytes::from(slow(bytes)));
        let (first, again) = tokio::join!(post(&app, client, &request, Some("k")), async {
            while app.received().is_empty() {
                tokio::task::yield_now().await;
            }
            post(&app, client, &request, Some("k")).await
        });
        assert!((200..300).contains(&first.status), "{}: {first:?}", client.name());
        assert_eq!(again.status, 409, "{}: {again:?}", client.name());
        app.stop().await;
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let app = TestApp::start().await;
    let mut request = app.request(Method::POST, "/messages", &text("447700900123"));
    request.headers_mut().insert("idempotency-key", "k".repeat(256).parse().unwrap());
    let answer = app.call(request).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.to_string().contains("Idempotency-Key: is no key; give 1 to 255"), "{answer:?}");
    app.stop().await;
}

#[tokio::test]
async fn an_upstream_that_is_left_alone_is_told_where_readiness_is() {
    let app = TestApp::start().await;
    assert_eq!(app.post("/messages", &text("99900000401")).await.status, 200);
    let ready = app.get("/readyz").await;
    assert_eq!((ready.status, &ready.body["store"]), (200, &json!("ok")));
    assert_eq!(ready.body["upstreams"]["sandbox"], "left alone after upstream_credential");
    app.stop().await;
}

#[tokio::test]
async fn while_the_store_is_away_sends_are_told_to_try_again_at_once_and_all_resumes() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("sabir.db").display());
    let mut config = config::load_text(&account("")).unwrap().config;
    config.store.url = Secret::new(url.clone());
    let store = store::connect(&config.store).await.unwrap();
    store.migrate().await.unwrap();
    let app = TestApp::over(config, store, folder).await;
    let mut lock = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("begin immediate").execute(&mut lock).await.unwrap();
    let started = Instant::now();
    let away = app.post("/messages", &text("447700900123")).await;
    assert_eq!(away.status, 503, "{away:?}");
    assert_eq!(away.body["error"]["code"], 131_016);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(app.received().is_empty());
    lock.close().await.unwrap();
    while app.post("/messages", &text("447700900123")).await.status != 200 {
        tokio::task::yield_now().await;
    }
    app.until(State::Sent).await;
    app.stop().await;
}

async fn gateway_on(database: &Database) -> TestApp {
    let mut config = config::load_text(&account("mode = \"queued\"")).unwrap().config;
    let options = Config::new(Secret::new(database.url()), 4);
    config.store = options.clone();
    let store: Arc<dyn Store> = store::connect(&options).await.unwrap();
    store.migrate().await.unwrap();
    TestApp::over(config, store, TempDir::new().unwrap()).await
}

#[tokio::test]
async fn while_postgres_is_away_readiness_says_so_and_all_resumes() {
    let database = Database::create().await;
    let app = gateway_on(&database).await;
    database.shut().await;
    let started = Instant::now();
    assert_eq!(app.post("/messages", &text("447700900123")).await.status, 503);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(app.get("/readyz").await.status, 503);
    database.open().await;
    while app.post("/messages", &text("447700900123")).await.status != 200 {
        tokio::task::yield_now().await;
    }
    app.until(State::Sent).await;
    assert_eq!((app.get("/readyz").await.status, app.received().len()), (200, 1));
    app.stop().await;
}

#[tokio::test]
async fn two_gateways_on_one_postgres_share_what_waits_without_a_duplicate() {
    const COUNT: usize = 400;
    let database = Database::create().await;
    let (one, other) = (gateway_on(&database).await, gateway_on(&database).await);
    // Their clocks make ids, which have to differ.
    other.forward(Duration::from_secs(1));
    for nth in 0..COUNT {
        let app = if nth % 2 == 0 { &one } else { &other };
        assert_eq!(app.post("/messages", &text(&format!("4477009{nth:05}"))).await.status, 200);
    }
    let received = || one.received().len() + other.received().len();
    while received() < COUNT {
        tokio::task::yield_now().await;
    }
    one.until_all(State::Sent, COUNT).await;
    let to = |app: &TestApp| app.received().into_iter().map(|got| got.body["to"].to_string()).collect::<Vec<_>>();
    let everybody: HashSet<_> = to(&one).into_iter().chain(to(&other)).collect();
    assert_eq!((received(), everybody.len()), (COUNT, COUNT));
    one.stop().await;
    other.stop().await;
}
