//! Lists of the admin API: what is asked for, which page of it, and that nothing else is.

use axum::extract::{Query, Request};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::admin::{forbidden, refuse};
use super::{AppState, auth};
use crate::store::{CallbackFilter, EventFilter, Filter, WebhookFilter};

/// Entries on a page where the caller does not say.
const DEFAULT_LIMIT: u32 = 50;

/// Entries on a page at most.
const MAX_LIMIT: u32 = 500;

/// The parameters of every list.
const PAGING: [&str; 2] = ["limit", "after"];

/// A filter that comes as the parameters of a query.
pub trait Parameters: DeserializeOwned {
    /// Their names. Another one is a misspelt one, and a filter that does not filter lets everything pass.
    const NAMES: &'static [&'static str];
}

impl Parameters for Filter {
    const NAMES: &'static [&'static str] =
        &["account", "upstream", "state", "kind", "recipient", "fault", "since", "until"];
}

impl Parameters for CallbackFilter {
    const NAMES: &'static [&'static str] = &["state", "account", "target", "transaction", "event", "since", "until"];
}

impl Parameters for EventFilter {
    const NAMES: &'static [&'static str] = &["upstream", "kind", "transaction", "person", "waiting", "since", "until"];
}

impl Parameters for WebhookFilter {
    const NAMES: &'static [&'static str] = &["upstream", "unread", "since", "until"];
}

/// What an operator asks for.
pub struct Asked<F> {
    /// Which entries.
    pub filter: F,
    /// Behind this one.
    pub after: Option<Uuid>,
    /// So many at most.
    pub limit: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Paging {
    limit: Option<u32>,
    after: Option<Uuid>,
}

impl<F> Asked<F> {
    /// What to give as `after` for the next page, which begins behind the last of this one; none where this is the last.
    pub fn next<T, I>(&self, page: &[T], id: impl Fn(&T) -> I) -> Option<I> {
        page.last().map(id).filter(|_| page.len() == self.limit as usize)
    }
}

/// Reads what is asked for.
///
/// # Errors
/// The answer to who is no operator, and to what cannot be read.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
pub fn asked<F: Parameters>(state: &AppState, request: &Request) -> Result<Asked<F>, Response> {
    if !auth::is_operator(state, request) {
        return Err(forbidden());
    }
    let uri = request.uri();
    if let Some(name) = unknown::<F>(uri) {
        let known = [F::NAMES, &PAGING].concat().join(", ");
        return Err(refuse(StatusCode::BAD_REQUEST, &format!("{name:?} is no parameter here; there are {known}")));
    }
    let unread = |error: axum::extract::rejection::QueryRejection| refuse(StatusCode::BAD_REQUEST, &error.body_text());
    let Query(filter) = Query::<F>::try_from_uri(uri).map_err(unread)?;
    let Query(paging) = Query::<Paging>::try_from_uri(uri).map_err(unread)?;
    Ok(Asked { filter, after: paging.after, limit: paging.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) })
}

fn unknown<F: Parameters>(uri: &Uri) -> Option<String> {
    let mut names = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).map(|(name, _)| name);
    let is_known = |name: &str| F::NAMES.contains(&name) || PAGING.contains(&name);
    names.find(|name| !is_known(name)).map(|name| name.chars().take(40).collect())
}
