//! Who is asking: key → account, token → operator.

use std::net::IpAddr;

use axum::extract::Request;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, header};

use super::{AppState, Peer};
use crate::dialect::CredentialForm;
use crate::model::{Fault, FaultKind};
use crate::service::Caller;

/// Who calls: with an account's key or the token of a login, in any of the forms that are accepted on every dialect's
/// path.
///
/// # Errors
/// [`FaultKind::Unauthenticated`] without a key of ours, [`FaultKind::StoreUnavailable`] where a token cannot be looked
/// up.
pub async fn caller(state: &AppState, parts: &Parts) -> Result<Caller, Fault> {
    let keys = keys(parts);
    if keys.is_empty() {
        let detail = "no key came with the request; send Authorization: Bearer, D360-API-KEY or X-API-Key";
        return Err(Fault::client(FaultKind::Unauthenticated, detail));
    }
    for key in keys {
        if let Some(caller) = state.desk.caller(&key).await? {
            return Ok(caller);
        }
    }
    let detail = "the key is not one of this gateway's, or no longer; log in again, or check it with the operator";
    Err(Fault::client(FaultKind::Unauthenticated, detail))
}

/// Every key that came along. Monitoring of the On-Premises API writes `Apikey` for `Bearer`; clients of Meta's Graph API
/// put the key into the query, which is why no log has one.
fn keys(parts: &Parts) -> Vec<String> {
    let forms = CredentialForm::ALL.iter().filter_map(|form| form.read(&parts.headers)).map(str::to_owned);
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let in_query = query.filter(|(name, value)| name == "access_token" && !value.is_empty());
    forms.chain(api_key(&parts.headers)).chain(in_query.map(|(_, value)| value.into_owned())).collect()
}

fn api_key(headers: &HeaderMap) -> Option<String> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("apikey").then(|| key.trim().to_owned())
}

/// Whether the request may see the record: with the admin token, or, where none is set, from this machine itself.
pub fn is_operator(state: &AppState, request: &Request) -> bool {
    let headers = request.headers();
    match &state.admin.token {
        Some(token) => CredentialForm::Bearer.read(headers).is_some_and(|key| token.matches(key)),
        None => is_on_this_machine(request),
    }
}

/// Whether the request comes from this machine itself.
pub fn is_on_this_machine(request: &Request) -> bool {
    is_local(request.headers(), request.extensions().get::<Peer>()) && is_asked_for_by_address(request)
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
