//! The sandbox for programs: what it got, what it is told to do; and the sandbox as a server of its own.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt, TryStreamExt};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::inbox::{self, Alone, Host};
use super::{admin, page, sandbox_routes, send};
use crate::dialect::{self, Call, media as told, media_call};
use crate::model::{Fault, FaultKind};
use crate::net::CallError;
use crate::upstream::{Line, Orders, Sandbox, asked_of_files};

/// The largest message that somebody writes, and the largest request of a send.
const MAX_BODY: usize = 1024 * 1024;

/// A sandbox, for somebody who may look at it, and what is asked of it.
pub struct Opened {
    host: Host,
    request: Request,
}

impl<S: Send + Sync> FromRequest<S> for Opened
where
    Host: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let host = Host::from_ref(state);
        if host.lets_in(&request) { Ok(Self { host, request }) } else { Err(admin::forbidden()) }
    }
}

impl Opened {
    fn sandbox(&self) -> &Sandbox {
        self.host.sandbox()
    }

    /// Reads the body.
    async fn read<T: DeserializeOwned>(self, remedy: &str) -> Result<(Host, T), Response> {
        let body = axum::body::to_bytes(self.request.into_body(), MAX_BODY).await.unwrap_or_default();
        match serde_json::from_slice(&body) {
            Ok(value) => Ok((self.host, value)),
            Err(error) => Err(refuse(&format!("the body cannot be read: {error}; {remedy}"))),
        }
    }
}

/// `GET /sandbox/messages`: what the sandbox got, the latest first.
pub async fn list(opened: Opened) -> Response {
    Json(opened.sandbox().received()).into_response()
}

/// `GET /sandbox/files`: the files that it took, the latest first; what they were, not their bytes.
pub async fn files(opened: Opened) -> Response {
    Json(opened.sandbox().files()).into_response()
}

/// `POST /sandbox/files`: a file for somebody to send, bare, with its type as Content-Type and its name, if it has one, as
/// Content-Disposition.
pub async fn hold(opened: Opened) -> Response {
    let (parts, body) = opened.request.into_parts();
    let mime_type = told::mime_type(parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()), None);
    let (filename, chunks) = (told::filename(&parts.headers), body.into_data_stream().map_err(Into::into).boxed());
    match opened.host.sandbox().take_file_of_somebody(dialect::reference(), mime_type, filename, chunks).await {
        Ok(id) => (StatusCode::CREATED, Json(json!({ "id": id }))).into_response(),
        Err(fault) => refuse(&fault.detail),
    }
}

/// `DELETE /sandbox/messages`: the sandbox forgets both.
pub async fn clear(opened: Opened) -> Response {
    opened.sandbox().clear();
    StatusCode::NO_CONTENT.into_response()
}

/// `POST /sandbox/reset`: it is as if it were just started.
pub async fn reset(opened: Opened) -> Response {
    opened.sandbox().reset();
    StatusCode::NO_CONTENT.into_response()
}

/// `GET /sandbox/orders`: how the next messages fare, and how slowly it tells.
pub async fn orders(opened: Opened) -> Response {
    Json(opened.sandbox().orders()).into_response()
}

/// `PUT /sandbox/orders`
pub async fn order(opened: Opened) -> Response {
    match opened.read::<Orders>("give {\"next\": [\"hang\", {\"refuse\": \"rate_limited\"}], \"delay\": \"2s\"}").await
    {
        Ok((host, orders)) => match host.sandbox().order(orders) {
            Ok(()) => Json(host.sandbox().orders()).into_response(),
            Err(fault) => refuse(&fault.detail),
        },
        Err(refusal) => refusal,
    }
}

/// `GET /sandbox/templates`: the texts that it was given.
pub async fn templates(opened: Opened) -> Response {
    let texts = opened.sandbox().templates().list();
    Json(texts.iter().map(AsRef::as_ref).collect::<Vec<_>>()).into_response()
}

/// `POST /sandbox/templates`: texts of templates, as Meta's API takes and lists them.
pub async fn give_templates(opened: Opened) -> Response {
    match opened.read::<Value>("give a template as Meta's API has it").await {
        Ok((host, texts)) => match host.sandbox().templates().give(texts) {
            Ok(count) => (StatusCode::CREATED, Json(json!({ "templates": count }))).into_response(),
            Err(fault) => refuse(&fault.detail),
        },
        Err(refusal) => refusal,
    }
}

/// Who presses what.
#[derive(Deserialize)]
struct Pressing {
    /// The id of the message.
    message_id: String,
    /// What stands on it, its id, or where it is: `button-0`.
    press: String,
}

/// `POST /sandbox/press`: somebody presses a button, chooses from a list.
pub async fn press(opened: Opened) -> Response {
    match opened.read::<Pressing>("give {\"message_id\": …, \"press\": …}").await {
        Ok((host, Pressing { message_id, press })) => said(host.sandbox().press(&message_id, &press).await),
        Err(refusal) => refusal,
    }
}

/// Who writes to whom; the rest of the body is the message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Writing {
    /// To the number of this upstream; may be left out where there is but one at the sandbox.
    upstream: Option<String>,
    /// In this dialect, where the sandbox is a process of its own.
    dialect: Option<String>,
}

/// `POST /sandbox/inbound?upstream=main`: somebody writes to the business, a message as it stands in Meta's webhooks.
pub async fn write(opened: Opened) -> Response {
    let Query(writing) = Query::<Writing>::try_from_uri(opened.request.uri()).unwrap_or_default();
    let line = match opened.line(&writing) {
        Ok(line) => line,
        Err(remedy) => return refuse(remedy),
    };
    match opened.read("give a message as it stands in Meta's webhooks").await {
        Ok((host, message)) => said(host.sandbox().write(&line, message).await),
        Err(refusal) => refusal,
    }
}

impl Opened {
    fn line(&self, writing: &Writing) -> Result<Line, &'static str> {
        let (name, remedy) = match &self.host {
            Host::Gateway(_) => (
                &writing.upstream,
                "upstream: name one whose provider is the sandbox, as /sandbox/inbound?upstream=main",
            ),
            Host::Alone(_) => (&writing.dialect, "dialect: is none that there is; see sabir dialects"),
        };
        self.host.line(name.as_deref()).ok_or(remedy)
    }
}

fn said(said: Result<String, Fault>) -> Response {
    match said {
        Ok(id) => (StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response(),
        Err(fault) if fault.kind == FaultKind::NotFound => admin::refuse(StatusCode::NOT_FOUND, &fault.detail),
        Err(fault) => refuse(&fault.detail),
    }
}

fn refuse(text: &str) -> Response {
    admin::refuse(StatusCode::BAD_REQUEST, text)
}

/// The sandbox alone: its inbox, and every other path is a provider's.
pub fn router(alone: Alone) -> Router {
    let host = Host::Alone(Arc::new(alone));
    let pages = inbox::pages().layer(from_fn_with_state(host.clone(), admit));
    Router::new()
        .merge(sandbox_routes())
        .merge(page::from_our_pages(pages))
        .route("/assets/{version}/{name}", get(page::asset))
        .fallback(provide)
        .with_state(host)
}

/// The door before the pages of a sandbox alone.
async fn admit(State(host): State<Host>, mut request: Request, next: Next) -> Response {
    if !host.lets_in(&request) {
        let text = "Only a browser on this machine itself is let in, by an address such as http://127.0.0.1:8090/sandbox; or \
                    start the sandbox with --open.";
        return page::trouble(StatusCode::UNAUTHORIZED, "Not from here", text);
    }
    request.extensions_mut().insert(page::Operator::Unasked);
    next.run(request).await
}

/// A server cannot break a connection from within a handler, so "reset" and "absent" end as an empty 502.
async fn provide(State(host): State<Host>, request: Request) -> Response {
    let (sandbox, (parts, body)) = (host.sandbox(), request.into_parts());
    let call = head(&parts);
    let asked = media_call(&call, None).map(|(speaker, asked)| (speaker.dialect(), asked));
    let asked = asked.or_else(|| Some((dialect::reference(), asked_of_files(dialect::reference(), &call)?)));
    if let Some((dialect, asked)) = asked {
        let chunks = body.into_data_stream().map_err(Into::into).boxed();
        return send::into_axum(sandbox.take_media(dialect, Some(asked), chunks).await);
    }
    let Ok(bytes) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match sandbox.take(None, &http::Request::from_parts(parts, bytes)).await {
        Ok(response) => send::into_axum(response),
        Err(CallError::NotSent(_) | CallError::Broken(_) | CallError::TimedOut(_) | CallError::TooLarge(_)) => {
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// A call as far as its head tells it: an upload is not read before it is known to be one.
fn head(parts: &Parts) -> Call {
    let (method, path, headers) = (parts.method.clone(), parts.uri.path().to_owned(), parts.headers.clone());
    Call { method, path, headers, body: Value::Null }
}
