//! Privacy, with canaries: whatever is said to the real program, by clients, providers, operators and strangers, nothing of
//! it is in what the program says of itself, and no credential goes where it does not belong.
//!
//! The program runs in a process of its own and logs all that it can, its libraries too. Everything that is said carries
//! one of the canaries below: texts, names, files, parameters, links, ids, keys, and the numbers.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request as Called, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use sabir::dialect::{self, Dialect, Signing, Wire, golden_sends};
use sabir::net::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::net::TcpListener;

use crate::golden::fixtures;
use crate::harness::patient;
use crate::program::Gateway;
use crate::receiver::{Manner, Receiver};

/// Stands in all that is said.
const CANARY: &str = "zqx";
/// Every telephone number begins so, and so do those in base64, as in Meta's ids of messages.
const NUMBERS: [&str; 2] = ["44770098", "NDQ3NzAwOT"];
const PROVIDER_KEY: &str = "zqx-provider-key";
const HOOK_SECRET: &str = "zqx-hook-secret";
const CALLBACK_SECRET: &str = "zqx-callback-secret";
const ADMIN_TOKEN: &str = "zqx-admin-token";

/// A number that nobody has used yet, so that no message waits for another of its pair.
fn number() -> String {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    format!("44770098{:04}", GIVEN.fetch_add(1, Ordering::SeqCst))
}

fn client_key(account: &str) -> String {
    format!("zqx-client-key-{account}")
}

/// Other people's servers: a provider that takes one message, refuses the next in the message's own words, answers
/// nonsense to the third; a host with files; a client's address for callbacks.
#[derive(Clone, Default)]
struct Others {
    calls: Arc<AtomicUsize>,
    /// Everything that the gateway sent there: the path, the headers and the body as one text.
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Others {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().unwrap().clone()
    }
}

async fn answer(State(others): State<Others>, called: Called) -> Response {
    let (head, body) = called.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let said = String::from_utf8_lossy(&body).into_owned();
    let path = head.uri.path().to_owned();
    others.heard.lock().unwrap().push((path.clone(), format!("{} {:?} {said}", head.uri, head.headers)));
    let turn = others.calls.fetch_add(1, Ordering::SeqCst);
    if path.starts_with("/files/") {
        return ([("content-type", "image/zqx")], "zqx is no picture").into_response();
    }
    if path.starts_with("/callback/") {
        let status = [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR][turn % 2];
        return (status, format!("zqx {said}")).into_response();
    }
    match turn % 4 {
        0 | 2 => taken(turn).into_response(),
        1 => (StatusCode::BAD_REQUEST, refused(&said)).into_response(),
        _ => (StatusCode::FOUND, [("location", "http://zqx.example.net/zqx")], format!("zqx {said}")).into_response(),
    }
}

/// The answers of all vendors in one; each dialect reads its own.
fn taken(turn: usize) -> axum::Json<Value> {
    let id = format!("wamid.zqx-{turn}");
    axum::Json(json!({
        "messages": [{ "id": id }], "contacts": [{ "input": number(), "wa_id": number() }], "message_id": id, "id": id,
        "success": true, "status": "accepted", "data": { "id": id, "messageId": id },
    }))
}

fn refused(said: &str) -> axum::Json<Value> {
    axum::Json(json!({
        "error": { "code": 131026, "message": said, "error_data": { "details": said }, "fbtrace_id": "zqx-trace" },
        "errors": [{ "code": 1013, "title": said, "details": said, "href": "https://zqx.example.net" }],
        "message": said, "success": false,
    }))
}

/// An account and an upstream for each dialect, and one account whose links are fetched.
fn configuration(others: &str, collector: &str) -> String {
    let mut text = format!(
        "[admin]\ntoken = \"{ADMIN_TOKEN}\"\n[server]\nwrong_key_rate = \"100000/min\"\nmax_body = \"64 KiB\"\n\
         [net]\nallow_private = [\"127.0.0.1\"]\n[delivery]\ndeadline = \"300ms\"\n[callbacks]\nfirst_retry = \"1s\"\n\
         [telemetry]\notlp = \"{collector}\"\nsample = 1.0\n"
    );
    for (name, dialect, media) in
        dialect::all().iter().map(|it| (it.name(), it.name(), "unchecked")).chain([("links", "cloud", "upload")])
    {
        let key = client_key(name);
        text += &format!(
            "[[upstreams]]\nname = \"{name}\"\ndialect = \"{dialect}\"\nbase_url = \"{others}/provider\"\n\
             key = \"{PROVIDER_KEY}\"\nsender = \"442079460000\"\ntemplate_namespace = \"acme\"\nmedia = \"{media}\"\n\
             webhook_secret = \"{HOOK_SECRET}\"\n\
             [[accounts]]\nname = \"{name}\"\nkey = \"{key}\"\ndialect = \"{dialect}\"\nupstream = \"{name}\"\n\
             losses = \"warn\"\nmode = \"sync\"\ncallback_secret = \"{CALLBACK_SECRET}\"\n\
             callbacks = [\"{others}/callback/zqx-{name}?token=zqx-callback-token\"]\n"
        );
    }
    text
}

/// The body with this number in the place of the golden files', and a canary behind every text that says something.
fn marked(body: &Value, number: &str) -> Value {
    let mut body = serde_json::from_str(&body.to_string().replace("447700900123", number)).unwrap();
    for place in texts(&body, String::new()) {
        let value = body.pointer_mut(&place).unwrap();
        let text = value.as_str().unwrap().to_owned();
        // Words of the vendor's have no blank, capitals or dots.
        if text.contains([' ', '.', '/']) && !text.contains(number) {
            *value = format!("{text} {CANARY}").into();
        }
    }
    body
}

/// The pointers to every text of a document.
fn texts(value: &Value, place: String) -> Vec<String> {
    match value {
        Value::String(_) => vec![place],
        Value::Object(members) => members.iter().flat_map(|(name, it)| texts(it, format!("{place}/{name}"))).collect(),
        Value::Array(entries) => {
            entries.iter().enumerate().flat_map(|(at, it)| texts(it, format!("{place}/{at}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// Who talks to the program, and everything that it was answered.
struct Talk {
    url: String,
    client: Client,
    answers: Mutex<Vec<String>>,
}

impl Talk {
    async fn call(&self, key: &str, method: Method, path: &str, content_type: &str, body: impl Into<Bytes>) -> u16 {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Bearer {key}")).header("content-type", content_type);
        self.say(request.header("idempotency-key", format!("zqx-{}", number())).body(body.into()).unwrap()).await
    }

    async fn say(&self, request: Request<Bytes>) -> u16 {
        let (head, body) = self.client.call(request).await.unwrap().into_parts();
        self.answers.lock().unwrap().push(format!(
            "{} {:?} {}",
            head.status,
            head.headers,
            String::from_utf8_lossy(&body)
        ));
        head.status.as_u16()
    }

    async fn json(&self, key: &str, method: Method, path: &str, body: &Value) -> u16 {
        self.call(key, method, path, "application/json", body.to_string()).await
    }
}

/// Every golden request, whole and bent; then in pieces.
async fn sends(talk: &Talk, dialect: &'static dyn Dialect) {
    let key = client_key(dialect.name());
    let goldens = golden_sends(dialect);
    let taken = join_all(goldens.iter().map(|golden| send(talk, &key, &golden.request))).await;
    assert!(taken.contains(&true), "{}: the provider took {taken:?}", dialect.name());
    let (path, number) = (dialect.send_path(), number());
    for body in [format!("{{\"zqx\": \"{number}\",,}}"), format!("to={number}&text=zqx"), "zqx".repeat(30_000)] {
        for content_type in ["application/json", "application/x-www-form-urlencoded", "text/zqx"] {
            talk.call(&key, Method::POST, path, content_type, body.clone()).await;
        }
    }
    let text = marked(&goldens[0].request.body, &number);
    talk.json(&key, Method::POST, &format!("{path}?dry_run=true&access_token=zqx-query"), &text).await;
    talk.json("zqx-wrong-key", Method::POST, path, &text).await;
    talk.json(&key, Method::DELETE, &format!("{path}/zqx/{number}"), &text).await;
}

/// One request whole, then with one text after another exchanged for a canary and a number. Whether it was taken whole.
async fn send(talk: &Talk, key: &str, wire: &Wire) -> bool {
    let method: Method = wire.method.parse().unwrap();
    let body = marked(&wire.body, &number());
    let is_taken = talk.json(key, method.clone(), &wire.path, &body).await < 300;
    for place in texts(&body, String::new()) {
        let mut bent = marked(&wire.body, &number());
        *bent.pointer_mut(&place).unwrap() = format!("{CANARY} +{}", number()).into();
        bent["zqx_member"] = number().into();
        talk.json(key, method.clone(), &wire.path, &bent).await;
    }
    is_taken
}

/// Files that come, by name and by type, and files behind links.
async fn files(talk: &Talk) {
    let (cloud, premises) = (client_key("cloud"), client_key("on-premises"));
    let form = "--zqx\r\ncontent-disposition: form-data; name=\"file\"; filename=\"zqx.pdf\"\r\n\
                content-type: application/pdf\r\n\r\n%PDF-1.4 zqx\r\n%%EOF\r\n--zqx\r\n\
                content-disposition: form-data; name=\"type\"\r\n\r\napplication/zqx\r\n--zqx--\r\n";
    for body in [form, &form[..90], "zqx"] {
        let content_type = "multipart/form-data; boundary=zqx";
        talk.call(&cloud, Method::POST, "/v23.0/5512000/media", content_type, body).await;
        talk.call(&premises, Method::POST, "/v1/media", content_type, body).await;
    }
    talk.call(&premises, Method::POST, "/v1/media", "application/pdf", "zqx").await;
    for method in [Method::GET, Method::DELETE] {
        talk.call(&premises, method.clone(), "/v1/media/zqx-media-id", "text/plain", "").await;
        talk.call(&cloud, method, &format!("/v23.0/{}", number()), "text/plain", "").await;
    }
    let host = talk.url.to_owned();
    for link in [
        format!("{host}/zqx.png"),
        "https://zqx.invalid/zqx.png?signature=zqx".to_owned(),
        "https://zqx:zqx@127.0.0.1/zqx".to_owned(),
        "http://10.0.0.1/zqx.png".to_owned(),
        "zqx".to_owned(),
    ] {
        let image = json!({ "link": link, "caption": "zqx" });
        let body = json!({ "messaging_product": "whatsapp", "to": number(), "type": "image", "image": image });
        talk.json(&client_key("links"), Method::POST, "/messages", &body).await;
    }
}

/// What clients call beside sends: logins, contacts, settings, and paths that are not there.
async fn services(talk: &Talk) {
    let key = client_key("on-premises");
    for (password, body) in
        [(&*key, "{\"new_password\": \"Zqx-Days-4\"}"), ("zqx-wrong", ""), ("Zqx-Days-4", "{zqx"), ("Zqx-Days-4", "")]
    {
        let credentials = STANDARD.encode(format!("zqx-admin:{password}"));
        let request = Request::post(format!("{}/v1/users/login", talk.url));
        let request = request.header("authorization", format!("Basic {credentials}"));
        talk.say(request.body(Bytes::from_static(body.as_bytes())).unwrap()).await;
    }
    let calls = [
        (Method::POST, "/v1/contacts", json!({ "contacts": [number(), "zqx"] })),
        (Method::PATCH, "/v1/settings/application", json!({ "webhooks": { "url": "https://zqx.example.net/zqx" } })),
        (Method::PATCH, "/v1/settings/application", json!({ "zqx": "zqx" })),
        (Method::PATCH, "/v1/settings/profile/about", json!({ "text": "zqx" })),
        (Method::POST, "/v1/settings/business/profile", json!({ "address": "zqx", "email": "zqx@example.net" })),
        (Method::PUT, "/v1/messages/wamid.zqx", json!({ "status": "read" })),
        (Method::GET, "/v1/health", Value::Null),
        (Method::GET, "/v1/stats/zqx", Value::Null),
        (Method::GET, "/zqx/zqx?access_token=zqx", Value::Null),
    ];
    for (method, path, body) in calls {
        talk.json(&key, method, path, &body).await;
    }
    let login = json!({ "username": "zqx", "password": client_key("channel-request") });
    talk.json("zqx", Method::POST, "/kingslanding/login", &login).await;
}

/// What providers tell, signed and not, whole and in pieces.
async fn webhooks(talk: &Talk, dialect: &'static dyn Dialect) {
    let path = format!("/webhooks/{}", dialect.name());
    let files = fixtures(dialect, "event.").into_iter().chain(fixtures(dialect, "webhook."));
    let bodies = files.flat_map(|(_, file)| {
        let whole = marked(&file["body"], &number());
        let mut bent = whole.clone();
        for place in texts(&whole, String::new()) {
            *bent.pointer_mut(&place).unwrap() = format!("{CANARY} {}", number()).into();
        }
        [whole.to_string(), bent.to_string()]
    });
    for body in bodies.chain(["{zqx".to_owned()]) {
        let mut request = Request::post(format!("{}{path}", talk.url)).body(Bytes::from(body)).unwrap();
        request.headers_mut().insert("x-zqx", "zqx".parse().unwrap());
        let at = OffsetDateTime::now_utc();
        dialect.sign_callback(&mut request, &Signing { secret: HOOK_SECRET, id: "zqx", at });
        assert!([200, 400].contains(&talk.say(request).await), "{}", dialect.name());
    }
    let tell =
        |path: String| talk.call("zqx-wrong-secret", Method::POST, path.leak(), "application/json", "{\"zqx\": 1}");
    tell(path.clone()).await;
    tell(format!("{path}?token=zqx-wrong")).await;
    tell("/webhooks/zqx".to_owned()).await;
    let question = format!("{path}?hub.mode=subscribe&hub.verify_token=zqx-wrong&hub.challenge=zqx");
    talk.call("zqx", Method::GET, &question, "text/plain", "").await;
}

/// What operators ask for and change.
async fn operators(talk: &Talk) {
    let number = number();
    for token in [ADMIN_TOKEN, "zqx-wrong-token"] {
        for path in [
            format!("transactions?recipient={number}"),
            "transactions?limit=500".to_owned(),
            "transactions?zqx=zqx".to_owned(),
            "transactions/wamid.zqx-0".to_owned(),
            "events?limit=100".to_owned(),
            format!("callbacks?account=zqx&limit={number}"),
            "webhooks/zqx".to_owned(),
        ] {
            talk.call(token, Method::GET, &format!("/admin/v1/{path}"), "text/plain", "").await;
        }
        for (path, body) in [
            ("transactions/zqx/replay", json!({ "zqx": "zqx" })),
            ("transactions/replay", json!({ "filter": { "recipient": number, "account": "zqx" }, "confirm": true })),
            ("erase", json!({ "recipient": number })),
            ("erase", json!({ "recipient": "zqx" })),
        ] {
            talk.json(token, Method::POST, &format!("/admin/v1/{path}"), &body).await;
        }
    }
}

/// Waits until the last callback that was due came, and everything recorded is settled.
async fn all_told(talk: &Talk, others: &Others) {
    let told = || others.heard().iter().filter(|(path, _)| path.starts_with("/callback/")).count();
    // Every second callback is refused, so some are told more than once.
    while told() < 40 {
        talk.call(ADMIN_TOKEN, Method::GET, "/readyz", "text/plain", "").await;
    }
}

fn assert_says_nothing(what: &str, said: &str) {
    let lower = said.to_lowercase();
    for canary in [CANARY, NUMBERS[0], &NUMBERS[1].to_lowercase()] {
        if let Some(at) = lower.find(canary) {
            let line = said[..at].rfind('\n').map_or(0, |end| end + 1);
            let end = said[at..].find('\n').map_or(said.len(), |end| at + end);
            panic!("{canary} is in {what}: {}", &said[line..end]);
        }
    }
}

/// No credential of one is with another.
fn assert_each_has_its_own(talk: &Talk, others: &Others) {
    for answer in talk.answers.lock().unwrap().iter() {
        for secret in [PROVIDER_KEY, HOOK_SECRET, CALLBACK_SECRET, ADMIN_TOKEN, "zqx-client-key"] {
            assert!(!answer.contains(secret), "{secret} is in an answer: {answer}");
        }
    }
    for (path, heard) in others.heard() {
        let is_provider = path.starts_with("/provider");
        for secret in [HOOK_SECRET, CALLBACK_SECRET, ADMIN_TOKEN, "zqx-client-key", "Zqx-Days-4"] {
            assert!(!heard.contains(secret), "{secret} went to {path}: {heard}");
        }
        assert!(is_provider || !heard.contains(PROVIDER_KEY), "the provider's key went to {path}: {heard}");
    }
}

/// All words of the spans that a collector got. Not their bytes: ids by chance may spell anything.
fn words_of_spans(collector: &Receiver) -> String {
    let requests = collector.got().into_iter().map(|got| ExportTraceServiceRequest::decode(got.bytes).unwrap());
    let of_resources = requests.flat_map(|request| request.resource_spans);
    let words = of_resources.flat_map(|of_resource| {
        let resource = format!("{:?}\n", of_resource.resource.map(|resource| resource.attributes));
        let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        let spans = spans.map(|span| {
            let events: Vec<_> = span.events.into_iter().map(|event| (event.name, event.attributes)).collect();
            format!("{} {} {:?} {events:?} {:?}\n", span.name, span.trace_state, span.attributes, span.status)
        });
        [resource].into_iter().chain(spans).collect::<Vec<_>>()
    });
    words.collect()
}

/// Ends as operators do, so that the last spans are sent.
fn end(mut gateway: Gateway) {
    Command::new("kill").args(["-TERM", &gateway.process.id().to_string()]).status().unwrap();
    gateway.process.wait().unwrap();
}

fn start(folder: &Path, others: &str, collector: &str, log: &Path) -> Gateway {
    std::fs::write(folder.join("canary.toml"), configuration(others, collector)).unwrap();
    Gateway::logging(folder, &["--config", "canary.toml"], log)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_anybody_says_is_in_logs_traces_or_measurements_and_no_credential_goes_astray() {
    let (folder, others) = (TempDir::new().unwrap(), Others::default());
    let collector = Receiver::start(Manner::Answer(200)).await;
    let log = folder.path().join("log");
    let gateway = start(folder.path(), &others.start().await, &collector.url, &log);
    let talk = Talk { url: gateway.url.clone(), client: Client::new(&patient()).unwrap(), answers: Mutex::default() };
    let dialects =
        dialect::all().iter().map(|&dialect| async { tokio::join!(sends(&talk, dialect), webhooks(&talk, dialect)) });
    join_all(dialects).await;
    files(&talk).await;
    services(&talk).await;
    operators(&talk).await;
    all_told(&talk, &others).await;
    talk.call("zqx", Method::GET, "/metrics", "text/plain", "").await;
    let measured = talk.answers.lock().unwrap().last().unwrap().clone();
    assert!(measured.contains("sabir_transactions_total"), "{measured}");
    end(gateway);
    let traced = words_of_spans(&collector);
    for name in ["send", "call", "commit", "callback", "webhook"] {
        assert!(traced.contains(&format!("\n{name} ")), "nothing was traced of {name}");
    }
    let logged = std::fs::read_to_string(log).unwrap();
    for line in ["state=\"sent\"", "state=\"failed\"", "state=\"unknown\"", "callback", "webhook", "sabir::audit"] {
        assert!(logged.contains(line), "nothing was logged of {line}");
    }
    assert_says_nothing("the log", &logged);
    assert_says_nothing("the measurements", &measured);
    assert_says_nothing("the traces", &traced);
    assert_each_has_its_own(&talk, &others);
}
