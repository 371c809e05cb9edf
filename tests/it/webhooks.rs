//! What providers tell: who may, what is kept of it, what it does to transactions, and who is told.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use sabir::clock::{Clock, FixedClock};
use sabir::dialect::{self, Dialect, EventContext, Signing, Telling};
use sabir::model::{Business, Event, EventKind, Progress, State, Status, Tastes, TransactionId};
use sabir::store::{
    CallbackFilter, Cause, DecodedWebhook, EventFilter, KeptCallback, KeptEvent, KeptWebhook, NewWebhook, WebhookFilter,
};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use time::macros::datetime;

use crate::harness::{Answer, TestApp};
use crate::receiver::{Manner, Receiver};

const SECRET: &str = "demo-secret-42";
const NUMBER: &str = "442079460000";
/// Nobody may be called there, so nobody is: callbacks are looked at, not awaited.
const HOOK: &str = "https://192.0.2.7/hook";

/// A gateway whose sandbox speaks a dialect and signs its webhooks.
async fn gateway(dialect: &str, more: &str) -> TestApp {
    TestApp::of(&format!(
        "[server]\nmax_webhook = \"64 KiB\"\n\
         [[accounts]]\nname = \"shop\"\nkey = \"{key}\"\ncallbacks = [\"{HOOK}\"]\n{more}\n\
         [[upstreams]]\nname = \"main\"\ndialect = \"{dialect}\"\nbase_url = \"sandbox://in-process\"\nkey = \"k\"\n\
         sender = \"{NUMBER}\"\nwebhook_secret = \"{SECRET}\"\nwebhook_token = \"demo-token\"\n",
        key = crate::harness::KEY,
    ))
    .await
}

/// A step of a message, as the Cloud API tells it.
fn step(id: &str, step: &str) -> Value {
    json!({ "id": id, "status": step, "timestamp": "1790000123", "recipient_id": "447700900123" })
}

/// A webhook of the Cloud API with these statuses.
fn statuses(statuses: &[Value]) -> Value {
    of_cloud(json!({ "statuses": statuses }))
}

fn of_cloud(mut told: Value) -> Value {
    told["messaging_product"] = json!("whatsapp");
    told["metadata"] = json!({ "display_phone_number": NUMBER, "phone_number_id": "551200034477" });
    let change = json!({ "field": "messages", "value": told });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "883310042217", "changes": [change] }] })
}

/// Somebody writes, as the Cloud API tells it.
fn written(id: &str, from: &str) -> Value {
    let message =
        json!({ "from": from, "id": id, "timestamp": "1790000123", "type": "text", "text": { "body": "Hello" } });
    of_cloud(json!({ "contacts": [{ "profile": { "name": "Noor A." }, "wa_id": from }], "messages": [message] }))
}

/// Posts a webhook with the signature that Meta would give it.
async fn tell(app: &TestApp, body: &Value) -> Answer {
    let mut request = Request::new(Bytes::from(body.to_string()));
    sign(dialect::named("cloud").unwrap(), &mut request);
    post(app, "/webhooks/main", request).await
}

fn sign(dialect: &dyn Dialect, request: &mut Request<Bytes>) {
    let at = datetime!(2026-09-21 13:35:23 UTC);
    dialect.sign_callback(request, &Signing { secret: SECRET, id: "evt_1", at });
}

async fn post(app: &TestApp, path: &str, mut request: Request<Bytes>) -> Answer {
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("{}{path}", app.url()).parse().unwrap();
    app.call(request).await
}

async fn kept(app: &TestApp) -> Vec<KeptWebhook> {
    app.app.state.store.webhooks(&WebhookFilter::default(), None, 100).await.unwrap()
}

async fn events(app: &TestApp) -> Vec<KeptEvent> {
    app.app.state.store.events(&EventFilter::default(), None, 100).await.unwrap()
}

async fn callbacks(app: &TestApp) -> Vec<KeptCallback> {
    app.app.state.store.callbacks(&CallbackFilter::default(), None, 100).await.unwrap()
}

/// Waits until everything that was told is done with.
async fn all_heard(app: &TestApp) {
    while app.app.state.store.next_event_due().await.unwrap().is_some() {
        app.forward_a_little().await;
    }
}

/// Sends a text and returns the id that the client was given.
async fn sent(app: &TestApp, to: &str) -> String {
    let text = json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "Hi" } });
    let answer = app.post("/messages", &text).await;
    answer.body["messages"][0]["id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

#[tokio::test]
async fn the_door_opens_to_each_dialects_signature_alone() {
    for &dialect in dialect::all() {
        let app = gateway(dialect.name(), "").await;
        let body = webhook_of(dialect);
        let unsigned = post(&app, "/webhooks/main", Request::new(body.clone())).await;
        assert_eq!(unsigned.status, 401, "{}: {unsigned:?}", dialect.name());
        let mut signed = Request::new(body.clone());
        sign(dialect, &mut signed);
        let mut bent = signed.clone();
        *bent.body_mut() = Bytes::from([body.as_ref(), b" "].concat());
        assert_eq!(post(&app, "/webhooks/main", bent).await.status, 403, "{}", dialect.name());
        assert!(kept(&app).await.is_empty(), "{}", dialect.name());

        assert_eq!(post(&app, "/webhooks/main", signed).await.status, 200, "{}", dialect.name());
        let by_address = format!("/webhooks/main?token={SECRET}");
        assert_eq!(post(&app, &by_address, Request::new(body)).await.status, 200, "{}", dialect.name());
        all_heard_but_orphans(&app, 1).await;
        assert!(!format!("{:?}", kept(&app).await).contains(SECRET), "the store holds no credential");
        app.stop().await;
    }
}

/// What a provider that speaks the dialect posts of a message that was delivered.
fn webhook_of(dialect: &dyn Dialect) -> Bytes {
    let mut status = Status::new(Progress::Delivered);
    status.message_id = Some("wamid.EXAMPLE01".into());
    status.recipient.wa_id = Some("447700900123".into());
    let business = Business { number: Some(NUMBER.into()), ..Business::default() };
    let (tastes, at) = (Tastes::default(), datetime!(2026-09-21 13:35:23 UTC));
    let context = EventContext { business: &business, tastes: &tastes, at };
    let mut told = Telling::new(dialect, dialect).tell(&Event::Status(status), &context);
    told.pop().unwrap().into_body()
}

async fn all_heard_but_orphans(app: &TestApp, orphans: usize) {
    while events(app).await.len() < orphans {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_told_is_heard_and_passed_on_where_no_body_is_kept() {
    for bodies in ["redacted", "none"] {
        let app = gateway("cloud", &format!("\n[store]\nbodies = \"{bodies}\"\n")).await;
        let id = sent(&app, "447700900123").await;
        app.until(State::Sent).await;
        assert_eq!(tell(&app, &statuses(&[step(&id, "delivered")])).await.status, 200);
        assert_eq!(tell(&app, &written("wamid.IN1", "447700900124")).await.status, 200);
        all_heard(&app).await;
        app.until(State::Delivered).await;
        // Both are said; that nobody may be called there is the end of them.
        while !matches!(callbacks(&app).await.as_slice(), [a, b] if a.attempts + b.attempts == 2) {
            app.forward_a_little().await;
        }
        app.stop().await;
    }
}

#[tokio::test]
async fn the_providers_question_is_answered_to_who_knows_the_token() {
    let app = gateway("cloud", "").await;
    let ask =
        |token: &str| format!("/webhooks/main?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
    let answer = app.get(&ask("demo-token")).await;
    assert_eq!((answer.status, &answer.body), (200, &json!(1158201444)));
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(app.get(&ask("another")).await.status, 403);
    assert_eq!(app.get(&ask(SECRET)).await.status, 403);
    assert_eq!(app.get("/webhooks/main").await.status, 405);
    app.stop().await;
}

#[tokio::test]
async fn what_is_not_right_is_refused_and_nothing_of_it_kept() {
    let app = gateway("cloud", "").await;
    let signed = |body: &str| {
        let mut request = Request::new(Bytes::from(body.to_owned()));
        sign(dialect::named("cloud").unwrap(), &mut request);
        request
    };
    assert_eq!(post(&app, "/webhooks/nowhere", signed("{}")).await.status, 404);
    assert_eq!(post(&app, "/webhooks/nowhere", signed(&"x".repeat(100_000))).await.status, 404);
    assert_eq!(post(&app, "/webhooks/main", signed(&"x".repeat(100_000))).await.status, 413);
    assert_eq!(post(&app, "/webhooks/main", signed("{\"statuses\":")).await.status, 400);
    assert!(kept(&app).await.is_empty());
    app.stop().await;

    // Without a secret only this machine itself is listened to.
    let app = TestApp::start().await;
    let body = Bytes::from(statuses(&[step("wamid.1", "sent")]).to_string());
    let mut forwarded = Request::new(body.clone());
    forwarded.headers_mut().insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
    assert_eq!(post(&app, "/webhooks/sandbox", forwarded).await.status, 401);
    assert!(kept(&app).await.is_empty());
    assert_eq!(post(&app, "/webhooks/sandbox", Request::new(body)).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_message_comes_as_far_as_its_statuses_say_in_whatever_order() {
    let app = gateway("cloud", "").await;
    let id = sent(&app, "447700900123").await;
    for progress in ["read", "sent", "delivered", "sent"] {
        assert_eq!(tell(&app, &statuses(&[step(&id, progress)])).await.status, 200);
    }
    all_heard(&app).await;
    let found = app.find(&id).await.unwrap();
    assert_eq!(found.summary.state, State::Read);
    assert!(found.turns.iter().all(|turn| turn.cause == Cause::Status && turn.to != State::Sent), "{:?}", found.turns);
    assert_eq!(events(&app).await.len(), 3, "what is told twice is kept once");
    let told = callbacks(&app).await;
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|callback| callback.target == HOOK && callback.transaction == Some(found.summary.id)));
    app.stop().await;
}

#[tokio::test]
async fn a_failure_has_its_fault() {
    let app = gateway("cloud", "").await;
    let id = sent(&app, "447700900123").await;
    let mut failed = step(&id, "failed");
    failed["errors"] = json!([{ "code": 131026, "title": "Message undeliverable" }]);
    tell(&app, &statuses(&[failed, step(&id, "sent")])).await;
    all_heard(&app).await;
    let found = app.find(&id).await.unwrap();
    assert_eq!((found.summary.state, found.summary.fault.as_deref()), (State::Failed, Some("not_on_whatsapp")));
    app.stop().await;
}

#[tokio::test]
async fn a_status_settles_what_is_unknown_and_brings_the_upstreams_id() {
    let app = gateway("cloud", "").await;
    let id = sent(&app, "99900000104").await;
    let found = app.until(State::Unknown).await;
    assert_eq!(found.summary.id.to_string(), id, "the client knows it by our id");
    let mut delivered = step("wamid.LEARNT01", "delivered");
    delivered["biz_opaque_callback_data"] = json!(id);
    tell(&app, &statuses(&[delivered])).await;
    all_heard(&app).await;
    let found = app.find("wamid.LEARNT01").await.unwrap();
    assert_eq!((found.summary.id.to_string(), found.summary.state, found.due_at), (id, State::Delivered, None));
    assert_eq!(found.summary.message_id.as_deref(), Some("wamid.LEARNT01"));

    // From now on it is known by the upstream's id alone.
    tell(&app, &statuses(&[step("wamid.LEARNT01", "read")])).await;
    all_heard(&app).await;
    assert_eq!(app.find("wamid.LEARNT01").await.unwrap().summary.state, State::Read);
    app.stop().await;
}

#[tokio::test]
async fn a_provider_without_ids_of_messages_settles_what_is_unknown_by_the_id_that_went_along() {
    let app = gateway("channel-request", "").await;
    sent(&app, "99900000104").await;
    let found = app.until(State::Unknown).await;
    let along = app.received()[0].body["request"]["clientId"].clone();
    let told = json!({ "transactionId": "2b7e1c90-5d44-4f0b-9a31-7c6d0f2e8a15", "to": "+99900000104",
        "clientId": along, "status": "DELIVERED" });
    let mut request = Request::new(Bytes::from(told.to_string()));
    sign(dialect::named("channel-request").unwrap(), &mut request);
    assert_eq!(post(&app, "/webhooks/main", request).await.status, 200);
    all_heard(&app).await;
    let found = app.find(&found.summary.id.to_string()).await.unwrap();
    assert_eq!((found.summary.state, found.due_at), (State::Delivered, None));
    app.stop().await;
}

#[tokio::test]
async fn a_provider_is_given_the_gateways_own_address_and_no_record_shows_its_secret() {
    let app = TestApp::of(&format!(
        "[server]\npublic_url = \"https://gateway.example.net\"\n\
         [[accounts]]\nname = \"shop\"\nkey = \"{key}\"\n\
         [[upstreams]]\nname = \"main\"\ndialect = \"channel-request\"\nbase_url = \"sandbox://in-process\"\n\
         sender = \"{NUMBER}\"\nwebhook_secret = \"{SECRET}\"\n",
        key = crate::harness::KEY,
    ))
    .await;
    let message = json!({ "channel": "WHATSAPP", "callbacks": HOOK, "request": {
        "from": NUMBER, "to": "+447700900123", "type": "text", "message": "Hi" } });
    assert_eq!(app.post("/notification", &message).await.status, 200);
    app.until(State::Sent).await;
    let told = format!("https://gateway.example.net/webhooks/main?token={SECRET}");
    assert_eq!(app.received()[0].body["callbacks"], told);
    let recorded = format!("{:?}", app.only().await);
    assert!(recorded.contains("webhooks/main?token=***") && !recorded.contains(SECRET), "{recorded}");
    app.stop().await;
}

#[tokio::test]
async fn a_bad_entry_spoils_no_other() {
    let app = gateway("cloud", "").await;
    let id = sent(&app, "447700900123").await;
    let bad = json!({ "status": { "of": "nothing" } });
    tell(&app, &statuses(&[json!(7), bad, step(&id, "delivered"), json!(null)])).await;
    all_heard(&app).await;
    assert_eq!(app.find(&id).await.unwrap().summary.state, State::Delivered);
    let kinds: Vec<_> = events(&app).await.iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&EventKind::Unreadable) && kinds.contains(&EventKind::Delivered), "{kinds:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_moved_keeps_no_other_from_being_told_of() {
    let app = gateway("cloud", "").await;
    let (stuck, other) = (sent(&app, "447700900123").await, sent(&app, "447700900124").await);
    let file = app.app.state.config().data_dir.join("sabir.db");
    let mut store = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let trigger = "create trigger played before update of state on transactions \
                   when new.state = 'delivered' and new.recipient = '447700900123' \
                   begin select raise(abort, 'played'); end";
    sqlx::raw_sql(trigger).execute(&mut store).await.unwrap();
    tell(&app, &statuses(&[step(&stuck, "delivered"), step(&other, "delivered")])).await;
    while callbacks(&app).await.is_empty() {
        app.forward_a_little().await;
    }
    let told: Vec<_> = callbacks(&app).await.into_iter().map(|callback| callback.transaction).collect();
    assert_eq!(told, [Some(app.find(&other).await.unwrap().summary.id)]);

    sqlx::raw_sql("drop trigger played").execute(&mut store).await.unwrap();
    all_heard(&app).await;
    assert_eq!(app.find(&stuck).await.unwrap().summary.state, State::Delivered);
    assert_eq!(callbacks(&app).await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_stays_and_can_be_read_again() {
    let app = gateway("cloud", "").await;
    let id = sent(&app, "447700900123").await;
    tell(&app, &json!(["no", "webhook"])).await;
    tell(&app, &statuses(&[step(&id, "delivered")])).await;
    all_heard(&app).await;
    let unread = app.get("/admin/v1/webhooks?unread=true").await;
    assert_eq!(unread.body["webhooks"].as_array().unwrap().len(), 1, "{unread:?}");
    assert!(unread.body["webhooks"][0]["problem"].is_string());

    let before = (events(&app).await, callbacks(&app).await.len());
    let replayed = app.call(Request::post(format!("{}/admin/v1/events/replay", app.url())).body(Bytes::new()).unwrap());
    assert_eq!(replayed.await.body, json!({ "replayed": 2 }));
    all_heard(&app).await;
    assert_eq!((events(&app).await, callbacks(&app).await.len()), before, "what was told is not told again");
    app.stop().await;
}

#[tokio::test]
async fn a_status_that_is_ahead_of_its_message_waits_for_it() {
    let app = gateway("cloud", "").await;
    tell(&app, &statuses(&[step("wamid.NOBODYS", "delivered")])).await;
    all_heard_but_orphans(&app, 1).await;
    // It belongs to nobody, and is given up after an hour.
    while app.app.state.store.next_event_due().await.unwrap().is_some() {
        app.forward(std::time::Duration::from_secs(60));
        app.get("/healthz").await;
    }
    let orphan = events(&app).await.pop().unwrap();
    assert_eq!((orphan.transaction, orphan.due_at), (None, None));
    assert!(callbacks(&app).await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn what_people_write_goes_to_those_who_listen() {
    let other = "[[accounts]]\nname = \"bank\"\nkey = \"bank-key\"\ndialect = \"aisoule\"\n\
                 callbacks = [\"https://192.0.2.8/hook\"]\nsuppress = [\"reaction\"]";
    let app = gateway("cloud", other).await;
    tell(&app, &written("wamid.IN01", "447700900123")).await;
    tell(&app, &written("wamid.IN01", "447700900123")).await;
    all_heard(&app).await;
    let mut told: Vec<_> = callbacks(&app).await.into_iter().map(|told| (told.account, told.dialect)).collect();
    told.sort();
    assert_eq!(told, [("bank".into(), "aisoule".into()), ("shop".into(), "cloud".into())] as [(String, String); 2]);
    app.stop().await;
}

#[tokio::test]
async fn the_address_that_a_client_set_itself_is_told_where_the_operator_gave_none() {
    let app = TestApp::start().await;
    let webhook = json!({ "url": "https://192.0.2.9/hook" });
    assert!(app.post("/v1/configs/webhook", &webhook).await.status < 300);
    let body = Bytes::from(written("wamid.IN01", "447700900123").to_string());
    post(&app, "/webhooks/sandbox", Request::new(body)).await;
    all_heard(&app).await;
    let told = callbacks(&app).await.pop().unwrap();
    assert_eq!((told.account.as_str(), told.target.as_str()), ("shop", "https://192.0.2.9/hook"));
    app.stop().await;
}

#[tokio::test]
async fn a_number_that_the_provider_writes_otherwise_is_remembered() {
    let app = gateway("cloud", "").await;
    let id = sent(&app, "5511987654321").await;
    let mut delivered = step(&id, "delivered");
    delivered["recipient_id"] = json!("551187654321");
    tell(&app, &statuses(&[delivered])).await;
    all_heard(&app).await;
    let known = app.app.state.store.alias("shop", "main", "551187654321").await.unwrap();
    assert_eq!(known.as_deref(), Some("5511987654321"));
    app.stop().await;
}

#[tokio::test]
async fn whoever_is_told_of_under_another_name_too_is_erased_by_it() {
    let app = gateway("cloud", "").await;
    let mut both = written("wamid.IN01", "447700900123");
    both["entry"][0]["changes"][0]["value"]["contacts"][0]["user_id"] = json!("GB.1A2B3C4D5E");
    both["entry"][0]["changes"][0]["value"]["messages"][0]["from_user_id"] = json!("GB.1A2B3C4D5E");
    tell(&app, &both).await;
    tell(&app, &written("wamid.IN02", "447700900999")).await;
    let read_by = |participant: &str| {
        let mut read = step("wamid.G1", "read");
        read["recipient_id"] = json!("120363025246125486");
        read["recipient_type"] = json!("group");
        read["recipient_participant_id"] = json!(participant);
        read
    };
    tell(&app, &statuses(&[read_by("447700900201"), read_by("447700900202")])).await;
    all_heard_but_orphans(&app, 4).await;

    for (name, webhooks, left) in [("GB.1A2B3C4D5E", 2, 3), ("447700900201", 1, 2)] {
        let erased = app.post("/admin/v1/erase", &json!({ "recipient": name })).await;
        assert_eq!(erased.status, 200, "{erased:?}");
        assert_eq!((kept(&app).await.len(), events(&app).await.len()), (webhooks, left), "{name}");
    }
    let told = format!("{:?}{:?}{:?}", kept(&app).await, events(&app).await, callbacks(&app).await);
    for gone in ["447700900123", "GB.1A2B3C4D5E", "447700900201"] {
        assert!(!told.contains(gone), "{gone}: {told}");
    }
    assert!(told.contains("447700900202") && told.contains("447700900999"), "{told}");
    app.stop().await;
}

#[tokio::test]
async fn a_client_may_name_its_messages_by_the_ids_that_it_was_given() {
    let app = gateway("cloud", "mode = \"queued\"").await;
    let given = sent(&app, "447700900123").await;
    app.until(State::Sent).await;
    let upstreams = app.received()[0].id.clone();
    assert_ne!(given, upstreams);
    let to = "447700900123";
    let reply = json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "Hi" },
        "context": { "message_id": given } });
    let reaction = json!({ "messaging_product": "whatsapp", "to": to, "type": "reaction",
        "reaction": { "message_id": given, "emoji": "👍" } });
    let mark = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": given });
    for (body, place) in [(reply, "/context/message_id"), (reaction, "/reaction/message_id"), (mark, "/message_id")] {
        let before = app.received().len();
        assert_eq!(app.post("/messages", &body).await.status, 200, "{body}");
        app.until_all(State::Sent, before + 1).await;
        assert_eq!(app.received()[before].body.pointer(place), Some(&json!(upstreams)), "{place}");
        let rehearsed = app.post("/messages?dry_run=true", &body).await;
        assert_eq!(rehearsed.body["upstream_request"]["body"].pointer(place), Some(&json!(upstreams)), "{rehearsed:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn another_accounts_message_cannot_be_named() {
    let other = "mode = \"queued\"\n[[accounts]]\nname = \"bank\"\nkey = \"bank-key\"";
    let app = gateway("cloud", other).await;
    let given = sent(&app, "447700900123").await;
    app.until(State::Sent).await;
    let reply = json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text",
        "text": { "body": "Hi" }, "context": { "message_id": given } });
    let mut request = app.request(Method::POST, "/messages", &reply);
    request.headers_mut().insert("authorization", "Bearer bank-key".parse().unwrap());
    assert_eq!(app.call(request).await.status, 200);
    assert_eq!(app.received()[1].body.pointer("/context/message_id"), Some(&json!(given)));
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_takes_the_providers_number_over_is_told_it() {
    let app = gateway("cloud", "").await;
    for to in ["5511987654321", "551187654321"] {
        let id = sent(&app, to).await;
        let mut delivered = step(&id, "delivered");
        delivered["recipient_id"] = json!("551187654321");
        tell(&app, &statuses(&[delivered])).await;
        all_heard(&app).await;
        let known = app.app.state.store.alias("shop", "main", "551187654321").await.unwrap();
        assert_eq!(known.as_deref(), Some("5511987654321").filter(|known| *known == to));
    }
    app.stop().await;
}

#[tokio::test]
async fn steps_that_an_old_client_turned_off_are_kept_and_not_told() {
    let app = gateway("cloud", "").await;
    let options = json!({ "sent_status": true, "webhooks": { "message": { "sent": false, "delivered": false } } });
    assert_eq!(app.call(app.request(Method::PATCH, "/v1/settings/application", &options)).await.status, 200);
    let read = app.call(app.request(Method::GET, "/v1/settings/application", &Value::Null)).await.body;
    let said = &read["settings"]["application"];
    assert_eq!((&said["sent_status"], &said["webhooks"]["message"]["read"]), (&json!(false), &json!(true)), "{read}");
    let id = sent(&app, "447700900123").await;
    tell(&app, &statuses(&["sent", "delivered", "read"].map(|progress| step(&id, progress)))).await;
    all_heard(&app).await;
    assert_eq!((events(&app).await.len(), callbacks(&app).await.len()), (3, 1));
    app.stop().await;
}

#[tokio::test]
async fn what_a_gateway_kept_before_it_ended_is_heard_by_the_next() {
    let app = gateway("cloud", "").await;
    let id = sent(&app, "447700900123").await;
    let transaction: TransactionId = app.find(&id).await.unwrap().summary.id;
    // Another process answered the provider, took the webhook up, and is gone.
    let store = &app.app.state.store;
    let gone = uuid::Uuid::now_v7();
    let webhook = sabir::store::NewWebhook {
        id: uuid::Uuid::now_v7(),
        upstream: "main".into(),
        received_at: datetime!(2026-09-21 13:35:23 UTC),
        headers: std::collections::BTreeMap::new(),
        body: statuses(&[step(&id, "read")]).to_string(),
    };
    store.keep_webhooks(&[webhook]).await.unwrap();
    let now = datetime!(2026-09-21 13:35:24 UTC);
    store.claim_webhooks(gone, now, now + time::Duration::MINUTE, 9).await.unwrap();
    all_heard(&app).await;
    assert_eq!(app.find(&transaction.to_string()).await.unwrap().summary.state, State::Read);
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_was_answered_first_is_told_of_a_failure_that_no_provider_tells() {
    let app = gateway("cloud", "mode = \"queued\"").await;
    let id = sent(&app, "99900131026").await;
    app.until(State::Failed).await;
    all_heard(&app).await;
    while callbacks(&app).await.is_empty() {
        app.forward_a_little().await;
    }
    let told = callbacks(&app).await.pop().unwrap();
    assert_eq!(told.transaction.map(|id| id.to_string()), Some(id));
    let event = events(&app).await.pop().unwrap();
    let Event::Status(status) = event.event else { panic!("{event:?}") };
    assert_eq!(status.problems[0].fault.kind, sabir::model::FaultKind::NotOnWhatsapp);
    app.stop().await;
}

/// What was told, and what clients were told of it, goes by its age; as old as transactions may grow where nothing is said.
#[tokio::test]
async fn what_was_told_is_forgotten_by_its_age() {
    for (age, days) in [("events_for", 31), ("transactions_for", 31), ("events_for", 1)] {
        let receiver = Receiver::start(Manner::Answer(200)).await;
        let app = TestApp::of(&format!(
            "[net]\nallow_private = [\"127.0.0.1\"]\n[store]\n{age} = \"30d\"\n\
             [[accounts]]\nname = \"shop\"\nkey = \"{key}\"\ncallbacks = [\"{url}\"]\n",
            key = crate::harness::KEY,
            url = receiver.url,
        ))
        .await;
        let body = Bytes::from(written("wamid.IN01", "447700900123").to_string());
        assert_eq!(post(&app, "/webhooks/sandbox", Request::new(body)).await.status, 200);
        while callbacks(&app).await.iter().all(|callback| callback.finished_at.is_none()) {
            tokio::task::yield_now().await;
        }
        app.forward(Duration::from_secs(days * 24 * 60 * 60));
        app.app.forget().await.unwrap();
        let left = (kept(&app).await.len(), events(&app).await.len(), callbacks(&app).await.len());
        assert_eq!(left, if days > 30 { (0, 0, 0) } else { (1, 1, 1) }, "{age}, {days} days");
        app.stop().await;
    }
}

/// Nobody calls for it: a gateway that runs forgets by itself.
#[tokio::test]
async fn a_gateway_that_runs_forgets_what_is_too_old_by_itself() {
    let folder = tempfile::TempDir::new().unwrap();
    let text = "[store]\nevents_for = \"30d\"\n[[accounts]]\nname = \"shop\"\nkey = \"k\"";
    let mut config = sabir::config::load_text(text).unwrap().config;
    config.store.url = sabir::secret::Secret::new(format!("sqlite://{}", folder.path().join("sabir.db").display()));
    let store = sabir::store::connect(&config.store).await.unwrap();
    store.migrate().await.unwrap();
    let then = FixedClock::at(datetime!(2026-09-21 13:35:23 UTC));
    let (id, holder, at) = (then.record_id(), uuid::Uuid::now_v7(), then.now());
    let (upstream, headers, body) = ("main".into(), std::collections::BTreeMap::new(), "[]".into());
    store.keep_webhooks(&[NewWebhook { id, upstream, received_at: at, headers, body }]).await.unwrap();
    store.claim_webhooks(holder, at, at + time::Duration::MINUTE, 1).await.unwrap();
    let read = DecodedWebhook { webhook: id, events: Vec::new(), people: Default::default(), problem: None };
    store.keep_events(holder, &[read]).await.unwrap();

    let now = std::sync::Arc::new(FixedClock::at(at + time::Duration::days(31)));
    let app = TestApp::at(now, config, store, folder).await;
    while !kept(&app).await.is_empty() {
        tokio::task::yield_now().await;
    }
    app.stop().await;
}
