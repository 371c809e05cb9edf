//! Clients of the On-Premises and the Cloud API as they are: the requests that each makes, in its order, and the members
//! that it reads.
//!
//! A test stands for a row of what such clients depend on. What they do with media is shown elsewhere, but for those that
//! send what they uploaded. Clients that can be had as packages run as they are in `scripts/clients`.

mod cloud;
mod odd_calls;
mod partners;
mod self_hosted;
mod sessions;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::harness::{Answer, KEY, TestApp};

/// A small file that people can open.
const PDF: &[u8] = include_bytes!("../../fixtures/media/valid/doc_report.pdf");

/// A client with the credential that it sends along.
pub struct Client<'a> {
    app: &'a TestApp,
    header: (&'static str, String),
}

impl<'a> Client<'a> {
    /// A client of a partner that takes a fixed key.
    pub fn with_key(app: &'a TestApp) -> Self {
        Self { app, header: ("authorization", format!("Bearer {KEY}")) }
    }

    /// A client of 360dialog.
    pub fn of_360dialog(app: &'a TestApp) -> Self {
        Self { app, header: ("D360-API-KEY", KEY.to_owned()) }
    }

    /// A client of a self-hosted server: logs in, then sends the token.
    pub async fn logged_in(app: &'a TestApp) -> Self {
        let answer = login(app, "admin", KEY, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = only(&answer.body["users"])["token"].as_str().unwrap();
        Self { app, header: ("authorization", format!("Bearer {token}")) }
    }

    /// A call with a JSON body, or with none where it is null.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("{}{path}", self.app.url()))
            .header(self.header.0, &self.header.1)
            .header("content-type", "application/json");
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        self.app.call(request.body(body).unwrap()).await
    }

    /// A call that must succeed with exactly this status and a JSON object: several clients parse every body.
    pub async fn done(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(answer.body.is_object(), "{method} {path}: {answer:?}");
        assert!(answer.body.get("errors").is_none(), "{method} {path}: {answer:?}");
        answer.body
    }

    /// Uploads a file as the bare body; gives the id.
    pub async fn upload(&self, content_type: &str, file: &'static [u8]) -> String {
        let request = Request::post(format!("{}/v1/media", self.app.url()))
            .header(self.header.0, &self.header.1)
            .header("content-type", content_type);
        let answer = self.app.call(request.body(Bytes::from_static(file)).unwrap()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        only(&answer.body["media"])["id"].as_str().unwrap().to_owned()
    }

    /// Sends a message: 201, one id.
    pub async fn send(&self, message: Value) -> Value {
        let sent = self.done(201, "POST", "/v1/messages", message).await;
        assert!(!only(&sent["messages"])["id"].as_str().unwrap().is_empty(), "{sent}");
        sent
    }

    /// Sends a message that is refused; gives the status and the first of its errors.
    pub async fn refused(&self, message: Value) -> (u16, Value) {
        let answer = self.call("POST", "/v1/messages", message).await;
        (answer.status, error(&answer))
    }
}

/// Logs in as clients do: name and password in the header, a body in one of its forms.
pub async fn login(app: &TestApp, user: &str, password: &str, body: &'static str) -> Answer {
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let request =
        Request::post(format!("{}/v1/users/login", app.url())).header("authorization", format!("Basic {basic}"));
    app.call(request.body(Bytes::from(body)).unwrap()).await
}

/// The one entry of a list: clients take lists apart that have exactly one.
pub fn only(list: &Value) -> &Value {
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    &list[0]
}

/// The first error of an answer, with everything that clients read of it.
pub fn error(answer: &Answer) -> Value {
    let error = &answer.body["errors"][0];
    assert!(error["code"].is_i64() && error["title"].is_string() && error["details"].is_string(), "{answer:?}");
    assert!(answer.body.get("messages").is_none(), "{answer:?}");
    error.clone()
}

/// A text as most clients write it.
pub fn text(to: &str) -> Value {
    json!({ "to": to, "type": "text", "text": { "body": "Bay 2 is open" } })
}

/// A template, with the namespace that this dialect asks for.
pub fn template(to: &str) -> Value {
    let body = json!({ "type": "body", "parameters": [{ "type": "text", "text": "Thandi" }] });
    let language = json!({ "policy": "deterministic", "code": "en" });
    let template = json!({ "namespace": "acme", "name": "visit_reminder", "language": language, "components": [body] });
    json!({ "to": to, "type": "template", "template": template })
}
