//! The gate: files of messages, by link and by id, are looked at before anything leaves.

mod later;
mod memory;
mod origin;
mod places;
mod providers;
mod routes;
mod shared;
mod words;

use bytes::Bytes;
use http::Request;
use sabir::dialect::{self, Dialect, Losses, Target, Translation};
use sabir::model::Request as Message;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp};
use crate::provider::Provider;
use origin::Origin;

/// The links of these tests lead to this machine.
const NET: &str = "[net]\nallow_private = [\"127.0.0.1\"]\n";

/// A dialect by its name.
fn named(name: &str) -> &'static dyn Dialect {
    dialect::named(name).unwrap()
}

/// A gateway in front of the provider, with an account for each dialect, its key the dialect's name.
async fn gateway(provider: &Provider, more: &str) -> TestApp {
    TestApp::of(&configuration(&provider.url, "cloud", "media = \"upload\"", more)).await
}

/// For tests that look at the provider as soon as the client is answered.
const SYNC: &str = "mode = \"sync\"";

/// More of an account stands behind `more`, as a line of each entry.
fn configuration(base_url: &str, upstream: &str, media: &str, more: &str) -> String {
    let mut text = format!(
        "{NET}[[upstreams]]\nname = \"main\"\ndialect = \"{upstream}\"\nbase_url = \"{base_url}\"\nkey = \"upstream-key\"\n\
         sender = \"442079460000\"\n{media}\n"
    );
    for dialect in dialect::all() {
        let name = dialect.name();
        // Files take their time on a busy machine.
        text += &format!(
            "[[accounts]]\nname = \"{name}\"\nkey = \"{name}\"\ndialect = \"{name}\"\ndeadline = \"20s\"\n{more}\n"
        );
    }
    text
}

/// A message in the model's words.
fn message(content: Value) -> Message {
    let recipient = json!({ "address": { "phone": "447700900123" }, "input": "447700900123" });
    serde_json::from_value(json!({ "send": { "recipient": recipient, "content": content } })).unwrap()
}

/// A file that stands alone.
fn media(kind: &str, link: &str) -> Value {
    json!({ "media": { "kind": kind, "source": { "link": link } } })
}

/// A message as a client of the dialect writes it; none where the dialect cannot say it.
fn spoken(client: &dyn Dialect, message: &Message) -> Option<Request<Bytes>> {
    let target = Target { sender: Some("442079460000"), template_namespace: Some("acme_ns"), ..Target::default() };
    Translation::new(client, client, Losses::Refuse).say(message, &target).ok()
}

/// Sends it over the account of the dialect.
async fn send(app: &TestApp, client: &dyn Dialect, request: &Request<Bytes>) -> Answer {
    send_to(app, client, request, "").await
}

/// The same with a query.
async fn send_to(app: &TestApp, client: &dyn Dialect, request: &Request<Bytes>, query: &str) -> Answer {
    let form = client.credential();
    let request = Request::builder()
        .method(request.method())
        .uri(format!("{}{}{query}", app.url(), request.uri()))
        .header(form.header(), form.value(client.name()))
        .header("content-type", "application/json")
        .body(request.body().clone());
    app.call(request.unwrap()).await
}

/// Sends a file by link in the dialect.
async fn send_link(app: &TestApp, client: &str, kind: &str, link: &str) -> Answer {
    let client = named(client);
    send(app, client, &spoken(client, &message(media(kind, link))).unwrap()).await
}
