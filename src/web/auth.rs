//! Who is asking: key → account, token → operator.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use http::uri::Authority;
use http::{HeaderMap, header, request::Parts};

use super::{AppState, Peer};
use crate::delivery::Account;
use crate::dialect::CredentialForm;
use crate::model::{Fault, FaultKind};

/// The account whose key came in any of the forms that are accepted on every dialect's path.
///
/// # Errors
/// [`FaultKind::Unauthenticated`] without a key of ours.
pub fn account(state: &AppState, headers: &HeaderMap) -> Result<Arc<Account>, Fault> {
    let mut keys = CredentialForm::ALL.iter().filter_map(|form| form.read(headers)).peekable();
    if keys.peek().is_none() {
        let detail = "no key came with the request; send Authorization: Bearer, D360-API-KEY or X-API-Key";
        return Err(Fault::client(FaultKind::Unauthenticated, detail));
    }
    let directory = state.delivery.directory();
    keys.find_map(|key| directory.account(key)).ok_or_else(|| {
        Fault::client(FaultKind::Unauthenticated, "the key is not one of this gateway's; check it with the operator")
    })
}

/// Whether the request may see the record: with the admin token, or, where none is set, from this machine itself.
pub fn is_operator(state: &AppState, request: &Request) -> bool {
    let headers = request.headers();
    match &state.admin.token {
        Some(token) => CredentialForm::Bearer.read(headers).is_some_and(|key| token.matches(key)),
        None => is_local(headers, request.extensions().get::<Peer>()) && is_asked_for_by_address(request),
    }
}

/// A reverse proxy on this machine makes everybody look local, so what it forwarded does not count.
fn is_local(headers: &HeaderMap, peer: Option<&Peer>) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name));
    !forwarded && peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
}

/// A web page can have its own name point to this machine and then read what a browser here may read; it cannot do so
/// under an address or the name `localhost`.
fn is_asked_for_by_address(request: &Request) -> bool {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    let authority = request.uri().authority().cloned().or(header);
    let host = authority.as_ref().map(Authority::host).unwrap_or_default();
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// The account of a request whose body does not matter, for choosing the dialect of an error.
pub fn known_account(state: &AppState, parts: &Parts) -> Option<Arc<Account>> {
    account(state, &parts.headers).ok()
}
