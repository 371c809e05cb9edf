//! Traces, as a collector gets them: which spans there are, whose children they are, whom else is told of them, and what
//! is not in them.

use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Held;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Gateway, sabir};
use crate::provider::Provider;
use crate::receiver::{Manner, Receiver};

/// What no span may hold.
const CANARIES: [&str; 5] = ["447700900123", "a canary sings", "key-of-shop", "key-of-main", "secret-of-main"];
/// A client's own trace, and its span that calls us.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A gateway in a process of its own, its provider, and a client's address for callbacks.
struct Scene {
    gateway: Gateway,
    provider: Provider,
    client: Receiver,
    _folder: TempDir,
}

impl Scene {
    async fn set(more: &str) -> Self {
        let (provider, client, folder) =
            (Provider::start().await, Receiver::start(Manner::Answer(200)).await, TempDir::new().unwrap());
        let callbacks = &client.url;
        let address = callbacks.trim_start_matches("http://");
        let config = format!(
            "[net]\nallow_private = [\"{address}\"]\n\
             [[accounts]]\nname = \"shop\"\nkey = \"key-of-shop\"\ncallbacks = [\"{callbacks}/hook\"]\n\
             [[accounts]]\nname = \"depot\"\nkey = \"key-of-depot\"\nmode = \"queued\"\n\
             [[upstreams]]\nname = \"main\"\ndialect = \"cloud\"\nbase_url = \"{}\"\nkey = \"key-of-main\"\n\
             webhook_secret = \"secret-of-main\"\n{more}",
            provider.url
        );
        std::fs::write(folder.path().join("sabir.toml"), config).unwrap();
        let mut command = sabir(folder.path());
        let gateway = Gateway::spawn(command.args(["--config", "sabir.toml"]).stderr(Stdio::null()), folder.path());
        Self { gateway, provider, client, _folder: folder }
    }

    /// Sends a text as an account; the id of its transaction.
    fn send(&self, account: &str, headers: &[&str]) -> String {
        let body =
            json!({ "messaging_product": "whatsapp", "to": "447700900123", "text": { "body": "a canary sings" } });
        let key = format!("authorization: Bearer key-of-{account}");
        let answer = self.post("/messages", &body, &[&[key.as_str()], headers].concat());
        let id = answer.lines().find_map(|line| line.strip_prefix("sabir-transaction-id: ")).unwrap();
        id.trim().to_owned()
    }

    fn post(&self, path: &str, body: &Value, headers: &[&str]) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--header", "content-type: application/json"]);
        curl.args(["--silent", "--include", "--data", &body.to_string(), &format!("{}{path}", self.gateway.url)]);
        for header in headers {
            curl.args(["--header", header]);
        }
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    }

    /// The provider tells that its message was delivered.
    fn deliver(&self) {
        let status = json!({ "id": "wamid.EXAMPLE0001", "status": "delivered", "timestamp": "1790000123", "recipient_id": "447700900123" });
        let value = json!({ "messaging_product": "whatsapp", "metadata": {}, "statuses": [status] });
        let entry = json!({ "id": "1", "changes": [{ "field": "messages", "value": value }] });
        let answer = self.post(
            "/webhooks/main?token=secret-of-main",
            &json!({ "object": "whatsapp_business_account", "entry": [entry] }),
            &[],
        );
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Has the gateway end as operators do, and waits for that.
    fn end(&mut self) {
        let process = &mut self.gateway.process;
        Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
        assert!(process.wait().unwrap().success());
    }
}

/// The spans that a collector got; nothing in any of it may be a canary.
fn spans(collector: &Receiver) -> Vec<Span> {
    let mut spans = Vec::new();
    for got in collector.got() {
        assert_eq!(got.path, "/v1/traces");
        assert_eq!(got.header("x-collector-key"), Some("open"));
        let words = String::from_utf8_lossy(&got.bytes).into_owned();
        CANARIES.iter().for_each(|canary| assert!(!words.contains(canary), "{canary} in {words}"));
        for of_resource in ExportTraceServiceRequest::decode(got.bytes).unwrap().resource_spans {
            let resource = of_resource.resource.unwrap();
            assert_eq!(said(&resource.attributes, "service.name"), json!("gateway"));
            spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    spans
}

fn said(attributes: &[KeyValue], key: &str) -> Value {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()) {
        Some(AnyValue { value: Some(Held::StringValue(text)) }) => json!(text),
        Some(AnyValue { value: Some(Held::IntValue(number)) }) => json!(number),
        other => json!(format!("{other:?}")),
    }
}

fn assert_says(span: &Span, expected: &[(&str, Value)]) {
    for (key, value) in expected {
        assert_eq!(said(&span.attributes, key), *value, "{key} of {}: {:?}", span.name, span.attributes);
    }
}

/// The span of that name in a trace, which has one.
fn span<'a>(spans: &'a [Span], trace: &str, name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name && hex::encode(&span.trace_id) == trace);
    let span = found.next().unwrap_or_else(|| panic!("no {name} in {trace}: {spans:#?}"));
    assert_eq!(found.count(), 0, "{name} in {trace}");
    span
}

/// What whoever is called in a span is told of it.
fn traceparent(span: &Span) -> String {
    format!("00-{}-{}-01", hex::encode(&span.trace_id), hex::encode(&span.span_id))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_from_the_client_over_the_upstream_and_the_queue_to_the_callback() {
    let collector = Receiver::start(Manner::Answer(200)).await;
    let headers = "headers = { x-collector-key = \"open\" }";
    let options = format!("[telemetry]\notlp = \"{}\"\nservice = \"gateway\"\n{headers}\n", collector.url);
    let mut scene = Scene::set(&options).await;

    let traced = scene.send("shop", &[&format!("traceparent: 00-{TRACE}-{SPAN}-01"), "tracestate: vendor=7"]);
    scene.deliver();
    scene.client.until_taken(1).await;
    let queued = scene.send("depot", &[]);
    while scene.provider.messages().len() < 2 {
        tokio::task::yield_now().await;
    }
    scene.post("/messages", &json!({}), &[]);
    scene.end();

    let spans = spans(&collector);
    let sent = span(&spans, TRACE, "send");
    assert_eq!(hex::encode(&sent.parent_span_id), SPAN);
    assert_says(
        sent,
        &[
            ("transaction.id", json!(traced)),
            ("dialect", json!("cloud")),
            ("account.name", json!("shop")),
            ("kind", json!("text")),
            ("outcome", json!("sent")),
            ("http.response.status_code", json!(200)),
        ],
    );
    let called = span(&spans, TRACE, "call");
    assert_says(
        called,
        &[("upstream.name", json!("main")), ("attempt", json!(1)), ("http.response.status_code", json!(200))],
    );
    for child in [called, span(&spans, TRACE, "commit")] {
        assert_eq!(child.parent_span_id, sent.span_id, "{}", child.name);
    }
    let told = scene.provider.messages();
    assert_eq!(told[0].headers["traceparent"], traceparent(called));
    assert_eq!(told[0].headers["tracestate"], "vendor=7");

    // Who knows the transaction knows the trace.
    let callback = span(&spans, &traced.replace('-', ""), "callback");
    assert_says(
        callback,
        &[("account.name", json!("shop")), ("outcome", json!("delivered")), ("transaction.id", json!(traced))],
    );
    assert_eq!(scene.client.got()[0].header("traceparent"), Some(traceparent(callback).as_str()));

    let trace = queued.replace('-', "");
    let (asked, carried) = (span(&spans, &trace, "send"), span(&spans, &trace, "deliver"));
    assert_says(asked, &[("outcome", json!("later"))]);
    assert_says(carried, &[("outcome", json!("sent")), ("account.name", json!("depot"))]);
    assert_eq!((asked.parent_span_id.len(), &carried.parent_span_id), (0, &asked.span_id));
    let called = span(&spans, &trace, "call");
    assert_eq!(called.parent_span_id, carried.span_id);
    assert_eq!(told[1].headers["traceparent"], traceparent(called));

    let webhook = spans.iter().find(|span| span.name == "webhook").unwrap();
    assert_says(webhook, &[("upstream.name", json!("main")), ("http.response.status_code", json!(200))]);
    let refused = spans.iter().find(|span| said(&span.attributes, "outcome") == "refused").unwrap();
    assert_says(refused, &[("fault.kind", json!("unauthenticated")), ("http.response.status_code", json!(401))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_keeps_no_trace_has_none_kept_and_without_a_collector_nothing_is_passed_on() {
    let collector = Receiver::start(Manner::Answer(200)).await;
    let mut scene = Scene::set(&format!("[telemetry]\notlp = \"{}\"\n", collector.url)).await;
    scene.send("shop", &[&format!("traceparent: 00-{TRACE}-{SPAN}-00")]);
    let told = scene.provider.messages()[0].headers["traceparent"].to_str().unwrap().to_owned();
    assert!(told.starts_with(&format!("00-{TRACE}-")) && told.ends_with("-00"), "{told}");
    scene.end();
    assert!(collector.got().is_empty(), "{:?}", collector.got());

    let scene = Scene::set("").await;
    scene.send("shop", &[&format!("traceparent: 00-{TRACE}-{SPAN}-01")]);
    assert!(!scene.provider.messages()[0].headers.contains_key("traceparent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_delays_nobody() {
    let options = "[telemetry]\notlp = \"http://127.0.0.1:1\"\n";
    let mut scene = Scene::set(options).await;
    scene.send("shop", &[]);
    assert_eq!(scene.provider.messages().len(), 1);
    scene.end();
}
