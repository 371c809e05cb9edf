//! The sandbox alone, in a process of its own: a provider over real HTTP for every dialect.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use http::Request;
use sabir::dialect::{self, Dialect, Losses, Sample, Target, Translation, samples};
use sabir::net::Client;
use sabir::store::Summary;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{TestApp, patient};
use crate::program::sabir;
use crate::receiver::{Manner, Receiver};

const SENDER: &str = "442079460000";
const NAMESPACE: &str = "acme_ns";

/// `sabir sandbox`, killed when the test ends.
pub struct Sandbox {
    process: Child,
    pub url: String,
}

impl Sandbox {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With more arguments.
    pub fn with(more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = sabir(folder.path());
        let process = command.args(["sandbox", "--listen", "127.0.0.1:0"]).args(more).stdout(Stdio::piped());
        let mut process = process.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("the sandbox listens on ").expect(&line).to_owned();
        Self { process, url }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// For each dialect an upstream at the sandbox, and an account over it whose client speaks the Cloud API's.
async fn gateway(sandbox: &Sandbox) -> TestApp {
    let entries = dialect::all().iter().map(|dialect| {
        let (name, url) = (dialect.name(), &sandbox.url);
        format!(
            "[[upstreams]]\nname = \"{name}\"\ndialect = \"{name}\"\nbase_url = \"{url}\"\nkey = \"upstream-key\"\n\
             sender = \"{SENDER}\"\nphone_number_id = \"551200034477\"\ntemplate_namespace = \"{NAMESPACE}\"\n\
             [[accounts]]\nname = \"{name}\"\nkey = \"{name}\"\nupstream = \"{name}\"\nlosses = \"warn\"\n"
        )
    });
    TestApp::of(&entries.collect::<String>()).await
}

/// Sends a message over the account of a dialect; gives back what was recorded.
async fn send(app: &TestApp, account: &dyn Dialect, message: &Value) -> Summary {
    let request = Request::post(format!("{}/messages", app.url()))
        .header("d360-api-key", account.name())
        .body(bytes::Bytes::from(message.to_string()));
    app.call(request.unwrap()).await;
    app.recorded().await.swap_remove(0)
}

/// The samples as a client of the Cloud API writes them.
fn messages() -> Vec<Value> {
    let cloud = dialect::named("cloud").unwrap();
    let target = Target::default();
    let said = |sample: &Sample| {
        let request = Translation::new(cloud, cloud, Losses::Refuse).say(&sample.request().unwrap(), &target).ok()?;
        Some(serde_json::from_slice(request.body()).unwrap())
    };
    samples().iter().filter_map(said).collect()
}

/// What the sandbox got, over HTTP.
async fn received(app: &TestApp, sandbox: &Sandbox) -> Vec<Value> {
    let request = Request::get(format!("{}/sandbox/messages", sandbox.url)).body(bytes::Bytes::new()).unwrap();
    app.call(request).await.body.as_array().unwrap().clone()
}

#[tokio::test]
async fn every_dialect_delivers_over_http() {
    let sandbox = Sandbox::start();
    let app = gateway(&sandbox).await;
    for &dialect in dialect::all() {
        let name = dialect.name();
        let mut sent = 0;
        for message in messages() {
            let recorded = send(&app, dialect, &message).await;
            if recorded.upstream.is_none() {
                continue; // The dialect cannot say it.
            }
            assert_eq!(recorded.state.as_str(), "sent", "{name}: {message}");
            let got = received(&app, &sandbox).await.swap_remove(0);
            assert_eq!(got["dialect"], name, "{message}");
            // A read mark is no message and has no id.
            assert!(recorded.message_id.is_none_or(|id| got["id"] == id), "{name}: {message}");
            sent += 1;
        }
        assert!(sent >= 10, "{name} says only {sent} of the samples");
    }
    let forget = Request::delete(format!("{}/sandbox/messages", sandbox.url)).body(bytes::Bytes::new()).unwrap();
    assert_eq!(app.call(forget).await.status, 204);
    assert_eq!(received(&app, &sandbox).await, Vec::<Value>::new());
    app.stop().await;
}

#[tokio::test]
async fn a_recipient_that_stands_for_a_fault_brings_it_in_every_dialect() {
    let sandbox = Sandbox::start();
    let app = gateway(&sandbox).await;
    for &dialect in dialect::all() {
        for (number, state) in [("99900131026", "failed"), ("99900000500", "unknown")] {
            let message = json!({ "messaging_product": "whatsapp", "to": number, "text": { "body": "Hi" } });
            let recorded = send(&app, dialect, &message).await;
            assert_eq!(recorded.state.as_str(), state, "{} {number}: {recorded:?}", dialect.name());
        }
    }
    // All upstreams send from one number, so the first of these waits and the others wait for it.
    for (&dialect, state) in dialect::all().iter().zip(["waiting", "accepted", "accepted", "accepted", "accepted"]) {
        let message = json!({ "messaging_product": "whatsapp", "to": "99900000429", "text": { "body": "Hi" } });
        assert_eq!(send(&app, dialect, &message).await.state.as_str(), state, "{}", dialect.name());
    }
    // The Cloud API has one code for every trouble with a file; its words tell them apart.
    let message = json!({ "messaging_product": "whatsapp", "to": "99900131052", "text": { "body": "Hi" } });
    let recorded = send(&app, dialect::named("cloud").unwrap(), &message).await;
    assert_eq!(recorded.fault.as_deref(), Some("media_unreachable"));
    app.stop().await;
}

#[tokio::test]
async fn alone_it_tells_over_http_and_lets_people_write() {
    let gateway = Receiver::start(Manner::Answer(200)).await;
    let address = format!("{}/webhooks/main", gateway.url);
    let sandbox = Sandbox::with(&["--webhook", &address, "--webhook-secret", "a secret"]);
    let client = Client::new(&patient()).unwrap();
    let post = async |path: &str, body: Value| {
        let request = Request::post(format!("{}{path}", sandbox.url)).header("content-type", "application/json");
        client.call(request.body(bytes::Bytes::from(body.to_string())).unwrap()).await.unwrap().status().as_u16()
    };
    let text =
        json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": { "body": "Hi" } });
    assert_eq!(post("/551200034477/messages", text).await, 200);
    assert_eq!(post("/sandbox/inbound", json!({ "type": "text", "text": { "body": "Hello" } })).await, 202);
    assert_eq!(post("/sandbox/inbound", json!({ "type": "text", "text": 7 })).await, 400);
    for got in gateway.until_taken(4).await {
        assert_eq!(got.path, "/webhooks/main");
        assert!(got.header("x-hub-signature-256").is_some(), "{got:?}");
    }
}

#[tokio::test]
async fn alone_it_has_an_inbox_which_this_machine_alone_looks_into() {
    let (sandbox, client) = (Sandbox::start(), Client::new(&patient()).unwrap());
    let call = async |request: http::request::Builder, body: &str| {
        let answer = client.call(request.body(bytes::Bytes::from(body.to_owned())).unwrap()).await.unwrap();
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    };
    let url = |path: &str| format!("{}{path}", sandbox.url);
    let text = r#"{"messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": {"body": "*Hi*"}}"#;
    let sent = Request::post(url("/v23.0/551200034477/messages")).header("content-type", "application/json");
    assert_eq!(call(sent, text).await.0, 200);
    let talk = "/sandbox/talks/cloud%3A551200034477/447700900123";
    let (_, home) = call(Request::get(url("/sandbox")), "").await;
    assert!(home.contains(talk) && !home.contains("/console"), "{home}");
    let (_, shown) = call(Request::get(url(talk)), "").await;
    assert!(shown.contains("<strong>Hi</strong>"), "{shown}");
    let style = shown.split_once("href=\"/assets/").unwrap().1.split_once('"').unwrap().0;
    assert_eq!(call(Request::get(url(&format!("/assets/{style}"))), "").await.0, 200);
    let form = || Request::post(url(talk)).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(call(form(), "text=Hello").await.0, 303);
    let (_, shown) = call(Request::get(url(talk)), "").await;
    assert!(shown.contains("Hello") && shown.contains("nobody takes the webhook"), "{shown}");
    assert_eq!(call(form().header("origin", "https://evil.example"), "text=Bye").await.0, 403);
    for path in ["/sandbox", talk, "/sandbox/messages", "/sandbox/orders"] {
        assert_eq!(call(Request::get(url(path)).header("host", "evil.example"), "").await.0, 401, "{path}");
        assert_eq!(call(Request::get(url(path)).header("x-forwarded-for", "192.0.2.7"), "").await.0, 401, "{path}");
    }
    let open = Sandbox::with(&["--open"]);
    let foreign = Request::get(format!("{}/sandbox", open.url)).header("host", "sandbox.example.net");
    assert_eq!(call(foreign, "").await.0, 200);
}

#[test]
fn a_sandbox_that_is_told_to_end_ends() {
    let mut sandbox = Sandbox::start();
    let kill = Command::new("kill").args(["-TERM", &sandbox.process.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(sandbox.process.wait().unwrap().code(), Some(0));
}
