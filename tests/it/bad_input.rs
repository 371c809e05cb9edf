//! Bad input, one table for each dialect: the dialect's own error shape and status, the member and the remedy named,
//! and the right record, or none.

use bytes::Bytes;
use http::{Method, Request};
use sabir::model::State;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Answer, KEY, TestApp};

const LINK: &str = "https://files.example.net/p/bay.jpg";

/// How a client of one dialect calls.
pub struct Client {
    pub dialect: &'static str,
    pub path: &'static str,
    header: &'static str,
    /// The path of a member: `to` → `request.to`.
    member: fn(&str) -> String,
    /// A request with the given recipient, type and further members.
    body: fn(to: &str, kind: &str, more: Value) -> Value,
    /// The member that holds a media's address.
    link: &'static str,
    /// What an error's text is, once its shape was checked.
    text: fn(&Value) -> String,
}

pub fn clients() -> [Client; 5] {
    [
        Client {
            dialect: "aisoule",
            path: "/v1/messages",
            header: "authorization",
            member: str::to_owned,
            body: |to, kind, more| merge(json!({ "to": to, "type": kind }), more),
            link: "link",
            text: aisoule_text,
        },
        Client {
            dialect: "aisoule-app",
            path: "/api/messages/send",
            header: "x-api-key",
            member: str::to_owned,
            body: |to, kind, more| merge(json!({ "to": to, "type": kind }), more),
            link: "url",
            text: aisoule_app_text,
        },
        Client {
            dialect: "on-premises",
            path: "/v1/messages",
            header: "authorization",
            member: str::to_owned,
            body: |to, kind, more| merge(json!({ "to": to, "type": kind, "recipient_type": "individual" }), more),
            link: "link",
            text: on_premises_text,
        },
        Client {
            dialect: "cloud",
            path: "/messages",
            header: "d360-api-key",
            member: str::to_owned,
            body: |to, kind, more| merge(json!({ "to": to, "type": kind, "messaging_product": "whatsapp" }), more),
            link: "link",
            text: cloud_text,
        },
        Client {
            dialect: "channel-request",
            path: "/notification",
            header: "authorization",
            member: |name| format!("request.{name}"),
            body: channel_request_body,
            link: "message",
            text: channel_request_text,
        },
    ]
}

fn merge(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Content stands beside the type there, the media's address as `message`.
fn channel_request_body(to: &str, kind: &str, more: Value) -> Value {
    let mut request = json!({ "from": "442079460000", "to": to, "type": kind });
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Object(content) => content.iter().for_each(|(name, value)| request[name] = value.clone()),
            value => request[name] = value.clone(),
        }
    }
    json!({ "channel": "WHATSAPP", "request": request })
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn aisoule_text(body: &Value) -> String {
    assert_eq!(body["success"], false, "{body}");
    string(&body["error"]["code"]);
    string(&body["error"]["message"])
}

fn aisoule_app_text(body: &Value) -> String {
    assert_eq!(body["status"], "error", "{body}");
    string(&body["message"])
}

fn on_premises_text(body: &Value) -> String {
    let error = &body["errors"][0];
    assert!(error["code"].is_i64(), "{body}");
    string(&error["title"]);
    assert_eq!(body["meta"]["api_status"], "stable", "{body}");
    assert!(body.get("messages").is_none(), "{body}");
    string(&error["details"])
}

fn cloud_text(body: &Value) -> String {
    let error = &body["error"];
    assert!(error["code"].is_i64() && error["error_data"].is_object(), "{body}");
    assert_eq!(error["type"], "OAuthException", "{body}");
    string(&error["message"]);
    string(&error["fbtrace_id"]);
    string(&error["error_data"]["details"])
}

fn channel_request_text(body: &Value) -> String {
    assert!(body["meta"]["timestamp"].is_i64(), "{body}");
    string(&body["meta"]["transactionId"]);
    string(&body["errors"]["reason"])
}

impl Client {
    fn url(&self, app: &TestApp, path: &str) -> String {
        format!("{}{path}", app.url())
    }

    fn key(&self, key: &str) -> String {
        if self.header == "authorization" { format!("Bearer {key}") } else { key.to_owned() }
    }

    pub fn text_to(&self, to: &str) -> Value {
        let content = match self.dialect {
            "channel-request" => json!({ "message": "Hi" }),
            "aisoule-app" => json!({ "text": "Hi" }),
            _ => json!({ "text": { "body": "Hi" } }),
        };
        (self.body)(to, "text", content)
    }

    fn image(&self, image: Value) -> Value {
        (self.body)("447700900123", "image", json!({ "image": image }))
    }

    /// A text that lacks a member at the level of `type`.
    fn without(&self, member: &str) -> Value {
        let mut body = self.text_to("447700900123");
        let level = if self.dialect == "channel-request" { &mut body["request"] } else { &mut body };
        level.as_object_mut().unwrap().remove(member);
        body
    }

    pub async fn send(&self, app: &TestApp, body: impl Into<Bytes>) -> Answer {
        let request = Request::post(self.url(app, self.path))
            .header(self.header, self.key(KEY))
            .header("content-type", "application/json");
        app.call(request.body(body.into()).unwrap()).await
    }

    /// Checks shape, status and words of an error.
    pub fn assert_refused(&self, case: &str, answer: &Answer, status: u16, words: &[&str]) {
        let case = format!("{} {case}: {answer:?}", self.dialect);
        assert_eq!(answer.status, status, "{case}");
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/json"), "{case}");
        let text = (self.text)(&answer.body);
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text:?}: {case}");
        }
    }
}

async fn app_for(client: &Client) -> TestApp {
    let dialect = client.dialect;
    TestApp::with(&format!(
        "[server]\nmax_body = \"4 KiB\"\n[net]\nfirst_byte_timeout = \"200ms\"\ntotal_timeout = \"200ms\"\n\
         [[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\ndialect = \"{dialect}\"\n"
    ))
    .await
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_leaves_no_record() {
    for client in clients() {
        let app = app_for(&client).await;
        let refused = [
            ("invalid JSON", "{\"to\": }", 400, "line 1 column 8"),
            ("trailing comma", "{\"to\": \"447700900123\",}", 400, "trailing comma at line 1"),
            ("empty body", "", 400, "empty"),
            ("not an object", "[1, 2]", 400, "list"),
            ("not an object", "\"text\"", 400, "text"),
            ("too deep to parse", &"[".repeat(2000), 400, "64 levels"),
            ("too deep to keep", &format!("{{\"x\":{}{}}}", "[".repeat(80), "]".repeat(80)), 400, "64 levels"),
        ];
        for (case, body, status, words) in refused {
            client.assert_refused(case, &client.send(&app, body.to_owned()).await, status, &[words]);
        }
        let large = client.send(&app, vec![b' '; 5000]).await;
        client.assert_refused("body over the limit", &large, 413, &["4.0 KiB"]);
        assert!(app.recorded().await.is_empty() && app.received().is_empty(), "{}", client.dialect);
        app.stop().await;
    }
}

#[tokio::test]
async fn the_mark_that_windows_puts_before_a_text_is_no_fault() {
    for client in clients() {
        let app = app_for(&client).await;
        let marked = format!("\u{feff}{}", client.text_to("447700900123"));
        let answer = client.send(&app, marked).await;
        assert_eq!(answer.status / 100, 2, "{}: {answer:?}", client.dialect);
        assert!(app.only().await.client_request.is_object(), "{}", client.dialect);
        app.stop().await;
    }
}

#[tokio::test]
async fn what_no_handler_takes_is_refused_in_the_callers_dialect() {
    for client in clients() {
        let app = app_for(&client).await;
        let body = Bytes::from(client.text_to("447700900123").to_string());
        let json = "application/json";
        let request = |method: Method, path: &str, kind: &str, key: Option<&str>| {
            let mut request =
                Request::builder().method(method).uri(client.url(&app, path)).header("content-type", kind);
            if let Some(key) = key {
                request = request.header(client.header, client.key(key));
            }
            request.body(body.clone()).unwrap()
        };
        let wrong_type = app.call(request(Method::POST, client.path, "text/csv", Some(KEY))).await;
        let status = if client.dialect.starts_with("aisoule") { 415 } else { 400 };
        client.assert_refused("wrong content type", &wrong_type, status, &["text/csv", "application/json"]);
        let mut compressed = request(Method::POST, client.path, json, Some(KEY));
        compressed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        client.assert_refused("compressed", &app.call(compressed).await, status, &["Content-Encoding", "plain"]);
        let wrong_key = app.call(request(Method::POST, client.path, json, Some("wrong"))).await;
        client.assert_refused("wrong key", &wrong_key, 401, &["key"]);
        let no_key = app.call(request(Method::POST, client.path, json, None)).await;
        client.assert_refused("no key", &no_key, 401, &["Authorization"]);
        let path = format!("{}/unknown/path", client.path.trim_end_matches("/messages"));
        let unknown = app.call(request(Method::POST, &path, json, Some(KEY))).await;
        client.assert_refused("unknown path", &unknown, 404, &["path"]);
        let wrong_method = app.call(request(Method::DELETE, client.path, json, Some(KEY))).await;
        client.assert_refused("wrong method", &wrong_method, 405, &["DELETE"]);
        assert!(wrong_method.headers.contains_key("sabir-transaction-id"), "{}", client.dialect);
        assert!(app.recorded().await.is_empty() && app.received().is_empty(), "{}", client.dialect);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_member_that_is_wrong_is_named_with_its_remedy_and_leaves_no_record() {
    for client in clients() {
        let app = app_for(&client).await;
        let at = |member: &str| (client.member)(member);
        let link = |prefix: &str| match client.dialect {
            "channel-request" => at("message"),
            _ => format!("{prefix}.{}", client.link),
        };
        let caption = if client.dialect == "channel-request" { at("caption") } else { "image.caption".to_owned() };
        let long = json!({ client.link: LINK, "caption": "x".repeat(1025) });
        let mut refused = vec![
            ("unknown type", (client.body)("447700900123", "hologram", json!({})), at("type"), "text"),
            ("ftp link", client.image(json!({ client.link: "ftp://files.example.net/a.jpg" })), link("image"), "http"),
            ("neither id nor link", client.image(json!({})), link("image"), "give"),
            ("caption too long", client.image(long), caption, "1024"),
            ("bad number", client.text_to("0770 900123"), at("to"), "country code"),
            ("number with letters", client.text_to("call me"), at("to"), "digits"),
            ("no recipient", client.without("to"), at("to"), "give"),
            ("type of the wrong kind", merge_type(&client), at("type"), "text"),
        ];
        if client.dialect != "channel-request" {
            let both = client.image(json!({ client.link: LINK, "id": "4410099887766" }));
            refused.push(("both id and link", both, "image".to_owned(), "link"));
        }
        // The Cloud API and On-Premises take a missing type for text.
        if !matches!(client.dialect, "cloud" | "on-premises") {
            refused.push(("no type", client.without("type"), at("type"), "give"));
        }
        if client.dialect == "channel-request" {
            let mut fax = client.text_to("447700900123");
            fax["channel"] = json!("FAX");
            refused.push(("unknown channel", fax, "channel".to_owned(), "WHATSAPP"));
        }
        for (case, body, member, remedy) in refused {
            let answer = client.send(&app, body.to_string()).await;
            client.assert_refused(case, &answer, 400, &[&member, remedy]);
        }
        assert!(app.recorded().await.is_empty() && app.received().is_empty(), "{}", client.dialect);
        app.stop().await;
    }
}

fn merge_type(client: &Client) -> Value {
    let mut body = client.text_to("447700900123");
    let level = if client.dialect == "channel-request" { &mut body["request"] } else { &mut body };
    level["type"] = json!(["text"]);
    body
}

#[tokio::test]
async fn a_message_to_an_upstream_that_is_down_is_accepted_and_waits() {
    for client in clients() {
        let app = app_for(&client).await;
        let answer = client.send(&app, client.text_to("99900000111").to_string()).await;
        assert!((200..300).contains(&answer.status), "{}: {answer:?}", client.dialect);
        let transaction = app.until(State::Waiting).await;
        assert_eq!(transaction.summary.fault.as_deref(), Some("upstream_unreachable"));
        app.stop().await;
    }
}

#[tokio::test]
async fn an_upstream_that_may_have_taken_the_message_is_answered_as_accepted_and_recorded_as_unknown() {
    let cases = [
        ("99900000408", "upstream_timeout"),
        ("99900000200", "upstream_unreadable"),
        ("99900000104", "upstream_reset"),
    ];
    for client in clients() {
        for (number, fault) in cases {
            let app = app_for(&client).await;
            let answer = client.send(&app, client.text_to(number).to_string()).await;
            assert!((200..300).contains(&answer.status), "{} {fault}: {answer:?}", client.dialect);
            let transaction = app.until(State::Unknown).await;
            assert_eq!(transaction.summary.fault.as_deref(), Some(fault), "{}", client.dialect);
            assert_eq!(app.received().len(), 1, "sent once, never again");
            app.stop().await;
        }
    }
}

#[tokio::test]
async fn a_channel_without_an_upstream_is_refused_by_name() {
    let [.., client] = clients();
    let app = app_for(&client).await;
    for channel in ["SMS", "EMAIL", "PUSH", "RCS"] {
        let body =
            json!({ "channel": channel, "request": { "from": "DEPOT", "to": "+447700900123", "message": "Hi" } });
        let answer = client.send(&app, body.to_string()).await;
        client.assert_refused("channel", &answer, 400, &["channel", channel, "route"]);
    }
    assert_eq!(app.recorded().await.len(), 4, "understood, so somebody may ask what became of them");
    app.stop().await;
}

/// A client that writes all of its body before it reads anything, answered before the body has come.
#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_writing() {
    let app = TestApp::start().await;
    let body = vec![b'x'; 3_000_000];
    for (target, key, status) in [
        ("POST /v23.0/5512000/nothing", KEY, "404"),
        ("PATCH /v1/messages", KEY, "405"),
        ("POST /v1/messages", KEY, "413"),
        ("POST /v1/messages", "wrong", "401"),
        ("POST /v1/contacts", KEY, "413"),
        ("DELETE /v1/media/1", KEY, "404"),
    ] {
        let mut stream = TcpStream::connect(app.url().trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "{target} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // As much as is read before the answer: more than a body may have, or nothing.
        let (first, rest) = body.split_at(if matches!(status, "404" | "405") { 1 } else { 2_000_000 });
        stream.write_all(first).await.unwrap();
        stream.readable().await.unwrap();
        stream.write_all(rest).await.unwrap_or_else(|error| panic!("{target}: {error}"));
        // The connection is as good as new.
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap_or_else(|error| panic!("{target}: {error}"));
        assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {answers}");
        assert!(answers.contains("HTTP/1.1 200 OK"), "{target}: {answers}");
    }
    app.stop().await;
}

#[tokio::test]
async fn of_somebody_without_a_key_only_as_much_is_read_as_tells_a_dialect() {
    let app = TestApp::start().await;
    let refused = async |blanks: usize| {
        let body = format!("{{\"messaging_product\":\"whatsapp\"{}}}", " ".repeat(blanks));
        let request = Request::post(format!("{}/v1/messages", app.url())).header("authorization", "Bearer wrong");
        app.call(request.body(Bytes::from(body)).unwrap()).await
    };
    let small = refused(60_000).await;
    assert_eq!((small.status, &small.body["error"]["code"]), (401, &json!(190)), "its body told the Cloud API");
    let large = refused(70_000).await;
    assert_eq!((large.status, &large.body["error"]["code"]), (401, &json!("unauthorized")), "its path alone told");
    app.stop().await;
}
