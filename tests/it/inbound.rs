//! Files that people send: each client downloads them from us, in its own dialect, whichever provider has them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request as Asked, State};
use axum::response::{IntoResponse, Response as Answered};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use sabir::dialect::{self, Dialect, MediaCall, Target};
use sabir::model::{Event, InboundContent, InboundMedia};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::harness::{KEY, TestApp};
use crate::receiver::{Manner, Receiver};
use crate::roundtrip::{gateway, heard_by, pair, pairs};

const PICTURE: &[u8] = include_bytes!("../fixtures/media/valid/image_rgb8_320x240.png");

/// Nobody's upstream.
const NOWHERE: Target<'_> =
    Target { correlation: None, callback: None, sender: None, phone_number_id: None, template_namespace: None };

fn get(url: &str, key: Option<&str>) -> Request<Bytes> {
    let request = Request::get(url);
    let request = if let Some(key) = key { request.header("authorization", format!("Bearer {key}")) } else { request };
    request.body(Bytes::new()).unwrap()
}

fn media(event: Event) -> InboundMedia {
    match event {
        Event::Inbound(inbound) => match inbound.content {
            InboundContent::Media(media) => media,
            other => panic!("no file: {other:?}"),
        },
        other => panic!("nobody wrote: {other:?}"),
    }
}

/// Downloads a file as a client of that dialect does, from what it was told.
async fn download(app: &TestApp, client: &dyn Dialect, key: &str, told: &InboundMedia) -> Response<Bytes> {
    let Some(id) = &told.id else { return app.fetch(get(told.link.as_ref().unwrap(), None)).await };
    let call = client.file_call(id).expect("whoever is told an id can ask for it");
    let asked = client.encode_media_call(&call, &NOWHERE).unwrap();
    let answer = app.fetch(get(&format!("{}{}", app.url(), asked.uri()), Some(key))).await;
    match call {
        MediaCall::Describe(_) => {
            let described = client.decode_described(&answer).unwrap();
            assert_eq!(described.mime_type.as_deref(), Some("image/png"));
            app.fetch(get(&described.url, Some(key))).await
        }
        _ => answer,
    }
}

#[tokio::test]
async fn every_pair_downloads_the_bytes_that_somebody_sent() {
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let app = gateway(&receiver).await;
    let file = app.request(Method::POST, "/sandbox/files", &Value::Null).map(|_| Bytes::from_static(PICTURE));
    let (mut head, body) = file.into_parts();
    head.headers.insert("content-type", "image/png".parse().unwrap());
    head.headers.insert("content-disposition", "attachment; filename=door.png".parse().unwrap());
    let held = app.call(Request::from_parts(head, body)).await;
    assert_eq!(held.status, 201, "{held:?}");
    for upstream in dialect::all() {
        let message = json!({ "type": "image", "image": { "id": held.body["id"], "caption": "The door" } });
        let written = app.post(&format!("/sandbox/inbound?upstream={}", upstream.name()), &message).await;
        assert_eq!(written.status, 202, "{written:?}");
    }
    receiver.until_taken(25).await;
    for (client, upstream) in pairs() {
        let pair = pair(client, upstream);
        let told = media(heard_by(&receiver, client, upstream).remove(0));
        assert!(told.id.is_some() != told.link.is_some(), "{pair}: one of both: {told:?}");
        assert_ne!(told.id.as_deref(), held.body["id"].as_str(), "{pair}: an id of ours");
        let digits = |id: &str| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_digit());
        assert!(told.id.as_deref().is_none_or(digits), "{pair}: {told:?}");
        let answer = download(&app, client, &pair, &told).await;
        assert_eq!(answer.status(), 200, "{pair}: {answer:?}");
        assert!(answer.body() == PICTURE, "{pair}: the bytes arrive equal");
        assert_eq!(answer.headers()["content-type"], "image/png", "{pair}");
        assert_eq!(answer.headers()["content-length"], PICTURE.len().to_string(), "{pair}");
    }
    app.stop().await;
}

/// What a provider does with calls for files.
#[derive(Clone, Debug, Default)]
enum Mood {
    #[default]
    Gives,
    /// Says that it is elsewhere.
    PointsTo(String),
    Answers(u16, &'static str),
    /// Gives it once it is told to.
    Waits,
}

struct Inner {
    mood: Mutex<Mood>,
    seen: Mutex<Vec<(String, HeaderMap)>>,
    go: Notify,
}

/// A provider that has one file, which is asked for by any id, in the Cloud API's way or the On-Premises API's.
struct Keeper {
    url: String,
    inner: Arc<Inner>,
}

impl Keeper {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner { mood: Mutex::default(), seen: Mutex::default(), go: Notify::new() });
        let router = Router::new().fallback(keep).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner }
    }

    fn feels(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap() = mood;
    }

    /// What it was asked, the first first.
    fn asked(&self) -> Vec<String> {
        self.inner.seen.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    /// What it was shown, of each call.
    fn shown(&self, header: &str) -> Vec<Option<String>> {
        let seen = self.inner.seen.lock().unwrap();
        seen.iter().map(|(_, headers)| headers.get(header).map(|value| value.to_str().unwrap().to_owned())).collect()
    }
}

async fn keep(State(keeper): State<Arc<Inner>>, request: Asked) -> Answered {
    let path = request.uri().to_string();
    let host = request.headers()["host"].to_str().unwrap().to_owned();
    keeper.seen.lock().unwrap().push((path.clone(), request.headers().clone()));
    let mood = keeper.mood.lock().unwrap().clone();
    let described =
        |url: String| axum::Json(json!({ "url": url, "mime_type": "image/png", "id": "1" })).into_response();
    // Ids of the Cloud API are digits.
    let is_asked_about = path[1..].bytes().all(|byte| byte.is_ascii_digit());
    match mood {
        Mood::Answers(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Mood::PointsTo(url) if is_asked_about => described(url),
        _ if is_asked_about => described(format!("http://{host}/bytes?of={path}")),
        Mood::Waits => {
            keeper.go.notified().await;
            PICTURE.into_response()
        }
        _ => ([("content-type", "application/octet-stream")], PICTURE).into_response(),
    }
}

/// A gateway in front of the keeper, whose provider speaks `upstream`; the account `shop` has a client of `client`, and a
/// second one hears nothing.
async fn before(keeper: &Keeper, receiver: &Receiver, (client, upstream): (&str, &str), more: &str) -> TestApp {
    TestApp::of(&format!(
        "{more}\n[[upstreams]]\nname = \"main\"\ndialect = \"{upstream}\"\nbase_url = \"{}\"\nkey = \"upstream-key\"\n\
         credential = \"d360-api-key\"\ninbound = [\"shop\"]\n\
         [[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\ndialect = \"{client}\"\ncallbacks = [\"{}\"]\n\
         [[accounts]]\nname = \"other\"\nkey = \"other-key\"\ndialect = \"{client}\"\n",
        keeper.url, receiver.url,
    ))
    .await
}

const INSIDE: &str = "[net]\nallow_private = [\"127.0.0.1\"]";

/// Somebody sends the file: the provider tells, and the client hears. Gives what it heard.
async fn sent(app: &TestApp, receiver: &Receiver, provider: &str, client: &str) -> InboundMedia {
    let message = json!({ "from": "447700900123", "id": "wamid.IN1", "timestamp": "1790000123", "type": "image",
                          "image": { "id": "4410", "mime_type": "image/png", "sha256": "aa" } });
    let value = json!({ "messaging_product": "whatsapp", "metadata": {}, "messages": [message] });
    let body = match provider {
        "cloud" => {
            json!({ "object": "whatsapp_business_account",
                    "entry": [{ "id": "8", "changes": [{ "field": "messages", "value": value }] }] })
        }
        _ => json!({ "contacts": [], "messages": value["messages"] }),
    };
    assert_eq!(app.post("/webhooks/main", &body).await.status, 200);
    let got = receiver.until_taken(1).await.remove(0);
    let webhook = dialect::Webhook {
        method: Method::POST,
        path: got.path,
        query: String::new(),
        headers: got.headers,
        body: got.bytes,
    };
    media(dialect::named(client).unwrap().decode_webhook(&webhook).unwrap().remove(0).value)
}

/// The path that a client of these dialects asks for a file under, in one step.
fn path_of(client: &str, told: &InboundMedia) -> String {
    let id = told.id.as_deref().unwrap();
    if client == "cloud" { format!("/media/{id}") } else { format!("/v1/media/{id}") }
}

async fn ask(app: &TestApp, path: &str, key: &str) -> Response<Bytes> {
    app.fetch(get(&format!("{}{path}", app.url()), Some(key))).await
}

/// The files in the vault.
fn lying(app: &TestApp) -> usize {
    std::fs::read_dir(app.app.state.config().data_dir.join("media")).unwrap().count()
}

const CLOUD: (&str, &str) = ("cloud", "cloud");

#[tokio::test]
async fn a_file_is_asked_for_with_the_upstreams_credential_and_once() {
    for (provider, asked) in [("cloud", vec!["/4410", "/bytes?of=/4410"]), ("on-premises", vec!["/v1/media/4410"])] {
        let (keeper, receiver) = (Keeper::start().await, Receiver::start(Manner::Answer(200)).await);
        let app = before(&keeper, &receiver, ("on-premises", provider), INSIDE).await;
        let told = sent(&app, &receiver, provider, "on-premises").await;
        assert!(keeper.asked().is_empty(), "nobody wants it yet");
        let path = path_of("on-premises", &told);
        for answer in join_all((0..20).map(|_| ask(&app, &path, KEY))).await {
            assert_eq!((answer.status().as_u16(), answer.body() == PICTURE), (200, true), "{provider}: {answer:?}");
            assert_eq!(answer.headers()["content-type"], "image/png", "as the client was told");
        }
        assert_eq!(keeper.asked(), asked, "{provider}");
        assert!(keeper.shown("d360-api-key").iter().all(|key| key.as_deref() == Some("upstream-key")));
        assert_eq!(ask(&app, &path, "other-key").await.status(), 404, "another account's");
        assert_eq!(ask(&app, &path, "wrong").await.status(), 401);
        app.stop().await;
    }
}

#[tokio::test]
async fn metas_own_host_is_left_to_the_partner_and_other_hosts_see_no_credential() {
    let (keeper, elsewhere) = (Keeper::start().await, Keeper::start().await);
    let cases: BTreeMap<&str, (String, &Keeper, Option<&str>)> = [
        ("/w/a/?mid=1", ("https://lookaside.fbsbx.com/w/a/?mid=1".to_owned(), &keeper, Some("upstream-key"))),
        ("/cdn/1", (format!("{}/cdn/1", elsewhere.url), &elsewhere, None)),
    ]
    .into();
    for (path, (url, asked, shown)) in cases {
        keeper.feels(Mood::PointsTo(url));
        let receiver = Receiver::start(Manner::Answer(200)).await;
        let app = before(&keeper, &receiver, CLOUD, INSIDE).await;
        let told = sent(&app, &receiver, "cloud", "cloud").await;
        let answer = ask(&app, &path_of("cloud", &told), KEY).await;
        assert!(answer.body() == PICTURE, "{path}: {answer:?}");
        assert_eq!(asked.asked().last().unwrap(), path);
        assert_eq!(asked.shown("d360-api-key").last().unwrap().as_deref(), shown, "{path}");
        app.stop().await;
    }
}

#[tokio::test]
async fn a_provider_cannot_send_us_inside() {
    let (keeper, inside) = (Keeper::start().await, Keeper::start().await);
    keeper.feels(Mood::PointsTo(format!("{}/secret", inside.url)));
    let receiver = Receiver::start(Manner::Answer(200)).await;
    // The client's own server is allowed by its port alone.
    let port = receiver.url.rsplit(':').next().unwrap();
    let app = before(&keeper, &receiver, CLOUD, &format!("[net]\nallow_private = [\"127.0.0.1:{port}\"]")).await;
    let told = sent(&app, &receiver, "cloud", "cloud").await;
    assert_eq!(ask(&app, &path_of("cloud", &told), KEY).await.status(), 404);
    assert!(inside.asked().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn what_the_provider_has_not_got_any_more_is_told_and_not_asked_for_again() {
    let unknown = r#"{"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}}"#;
    for (dialect, mood) in [("cloud", Mood::Answers(400, unknown)), ("on-premises", Mood::Answers(404, "{}"))] {
        let (keeper, receiver) = (Keeper::start().await, Receiver::start(Manner::Answer(200)).await);
        keeper.feels(mood);
        let app = before(&keeper, &receiver, (dialect, dialect), INSIDE).await;
        let told = sent(&app, &receiver, dialect, dialect).await;
        for _ in 0..3 {
            let answer = ask(&app, &path_of(dialect, &told), KEY).await;
            assert_eq!(answer.status(), 404, "{dialect}: {answer:?}");
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            let code = if dialect == "cloud" { &body["error"]["code"] } else { &body["errors"][0]["code"] };
            assert_eq!(code, &json!(if dialect == "cloud" { 100 } else { 1006 }));
        }
        assert_eq!(keeper.asked().len(), 1, "{dialect}");
        app.stop().await;
    }
}

#[tokio::test]
async fn a_provider_that_is_away_is_tried_again_later_and_not_hammered() {
    let (keeper, receiver) = (Keeper::start().await, Receiver::start(Manner::Answer(200)).await);
    keeper.feels(Mood::Answers(503, ""));
    let app = before(&keeper, &receiver, CLOUD, INSIDE).await;
    let told = sent(&app, &receiver, "cloud", "cloud").await;
    let path = path_of("cloud", &told);
    for _ in 0..3 {
        let answer = ask(&app, &path, KEY).await;
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"30".parse().unwrap()));
    }
    assert_eq!(keeper.asked().len(), 1);
    keeper.feels(Mood::Gives);
    app.forward(Duration::from_secs(31));
    assert!(ask(&app, &path, KEY).await.body() == PICTURE);
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_takes_longer_than_its_client_waits_is_there_when_it_comes_back() {
    let (keeper, receiver) = (Keeper::start().await, Receiver::start(Manner::Answer(200)).await);
    keeper.feels(Mood::Waits);
    let limits = "[net]\nallow_private = [\"127.0.0.1\"]\ntotal_timeout = \"200ms\"\nfirst_byte_timeout = \"60s\"";
    let app = before(&keeper, &receiver, ("on-premises", "on-premises"), limits).await;
    let told = sent(&app, &receiver, "on-premises", "on-premises").await;
    let path = path_of("on-premises", &told);
    let answer = ask(&app, &path, KEY).await;
    assert_eq!((answer.status().as_u16(), keeper.asked().len()), (503, 1), "{answer:?}");
    keeper.inner.go.notify_one();
    while ask(&app, &path, KEY).await.status() != 200 {}
    assert_eq!(keeper.asked().len(), 1, "it went on meanwhile");
    app.stop().await;
}

#[tokio::test]
async fn a_file_goes_by_its_age_with_its_sender_and_when_its_client_deletes_it() {
    let day = Duration::from_secs(24 * 60 * 60);
    for way in ["age", "sender", "client"] {
        let (keeper, receiver) = (Keeper::start().await, Receiver::start(Manner::Answer(200)).await);
        let app = before(&keeper, &receiver, CLOUD, INSIDE).await;
        let told = sent(&app, &receiver, "cloud", "cloud").await;
        let path = path_of("cloud", &told);
        assert!(ask(&app, &path, KEY).await.body() == PICTURE);
        assert_eq!(lying(&app), 1);
        match way {
            "age" => {
                app.forward(6 * day);
                app.app.forget().await.unwrap();
                assert_eq!(ask(&app, &path, KEY).await.status(), 200, "its copy is kept");
                app.forward(day + Duration::from_secs(1));
                app.app.forget().await.unwrap();
            }
            "sender" => {
                let erased = app.post("/admin/v1/erase", &json!({ "recipient": "447700900123" })).await;
                assert_eq!(erased.status, 200, "{erased:?}");
            }
            _ => {
                let id = told.id.as_deref().unwrap();
                let deleted = app.call(app.request(Method::DELETE, &format!("/{id}"), &Value::Null)).await;
                assert_eq!(deleted.body, json!({ "success": true }));
            }
        }
        assert_eq!(lying(&app), 0, "{way}");
        assert_eq!(ask(&app, &path, KEY).await.status(), 404, "{way}");
        assert_eq!(keeper.asked().len(), 2, "{way}: it is not asked for again");
        app.stop().await;
    }
}

#[tokio::test]
async fn a_file_that_the_provider_keeps_no_longer_is_not_asked_for() {
    let (keeper, receiver) = (Keeper::start().await, Receiver::start(Manner::Answer(200)).await);
    let app = before(&keeper, &receiver, CLOUD, &format!("{INSIDE}\n[media]\ninbound_for = \"30d\"")).await;
    let told = sent(&app, &receiver, "cloud", "cloud").await;
    app.forward(Duration::from_secs(8 * 24 * 60 * 60));
    assert_eq!(ask(&app, &path_of("cloud", &told), KEY).await.status(), 404);
    assert!(keeper.asked().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_somebody_sent_can_be_sent_on_by_its_id() {
    let (keeper, receiver) = (Keeper::start().await, Receiver::start(Manner::Answer(200)).await);
    let app = before(&keeper, &receiver, CLOUD, INSIDE).await;
    let told = sent(&app, &receiver, "cloud", "cloud").await;
    let message = json!({ "messaging_product": "whatsapp", "to": "447700900999", "type": "image",
                          "image": { "id": told.id } });
    let report = app.post("/messages?dry_run=true", &message).await;
    assert_eq!((report.status, &report.body["media"][0]["facts"]["mime"]), (200, &json!("image/png")), "{report:?}");
    assert_eq!(keeper.asked(), ["/4410", "/bytes?of=/4410"]);
    app.stop().await;
}

#[tokio::test]
async fn a_link_opens_to_whoever_has_it_and_a_guess_does_not() {
    let (keeper, receiver) = (Keeper::start().await, Receiver::start(Manner::Answer(200)).await);
    let more = format!("{INSIDE}\n[server]\npublic_url = \"https://gateway.example.net/wa/\"");
    let app = before(&keeper, &receiver, ("aisoule", "cloud"), &more).await;
    let told = sent(&app, &receiver, "cloud", "aisoule").await;
    let token = told.link.as_deref().unwrap().strip_prefix("https://gateway.example.net/wa/files/").unwrap().to_owned();
    assert!(token.len() == 32 && told.id.is_none(), "{told:?}");
    assert!(ask(&app, &format!("/files/{token}"), "wrong").await.body() == PICTURE, "no key is asked for");
    let guess = token.chars().rev().collect::<String>();
    assert_eq!(ask(&app, &format!("/files/{guess}"), KEY).await.status(), 404);
    let gone = Mood::Answers(404, "");
    keeper.feels(gone);
    app.forward(Duration::from_secs(8 * 24 * 60 * 60));
    app.app.forget().await.unwrap();
    assert_eq!(ask(&app, &format!("/files/{token}"), KEY).await.status(), 404);
    app.stop().await;
}
