//! What may be called here, told by the gateway itself: `/openapi.json` for programs, `/docs` for people.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::header;

use super::{Shared, error};
use crate::openapi;

/// Nothing runs, nothing comes from elsewhere, and nobody frames it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /openapi.json`
pub async fn document() -> Response {
    Json(openapi::document()).into_response()
}

/// `GET /docs`
pub async fn first() -> Response {
    html(openapi::page(None).unwrap_or_default())
}

/// `GET /docs/{page}`: a dialect's, or that of operators or machines; or their style.
pub async fn page(State(state): State<Shared>, Path(name): Path<String>, request: Request) -> Response {
    if name == "style.css" {
        return ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], openapi::STYLE).into_response();
    }
    match openapi::page(Some(&name)) {
        Some(page) => html(page),
        None => error::unknown_path(State(state), request).await,
    }
}

fn html(page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, page).into_response()
}
