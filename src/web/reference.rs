//! What may be called here, told by the gateway itself: `/openapi.json` for programs, `/docs` for people.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};

use super::page::{Frame, Section, show};
use super::{Shared, error};
use crate::openapi;

#[derive(Template)]
#[template(path = "page/reference.html")]
struct Reference<'a> {
    frame: Frame,
    pages: Vec<&'static str>,
    current: &'a str,
    content: String,
}

/// `GET /openapi.json`
pub async fn document() -> Response {
    Json(openapi::document()).into_response()
}

/// `GET /docs`
pub async fn first() -> Response {
    html("", openapi::page(None).unwrap_or_default())
}

/// `GET /docs/{page}`: a dialect's, or that of providers, operators or machines.
pub async fn page(State(state): State<Shared>, Path(name): Path<String>, request: Request) -> Response {
    match openapi::page(Some(&name)) {
        Some(content) => html(&name, content),
        None => error::unknown_path(State(state), request).await,
    }
}

/// The document is the code's own, so its pages are safe as they are; what it quotes was escaped there.
fn html(current: &str, content: String) -> Response {
    let title = if current.is_empty() { "Reference" } else { current };
    let frame = Frame::open(title, Section::Reference);
    show(&Reference { frame, pages: openapi::pages().collect(), current, content })
}
