//! Who is asking: key → account, token → operator.

use std::net::IpAddr;

use axum::extract::{MatchedPath, Request};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, header};

use super::{AppState, Peer};
use crate::delivery::{Place, Scope};
use crate::dialect::{CredentialForm, Dialect};
use crate::model::{Fault, FaultKind, Pace, TransactionId};
use crate::secret::KeyHash;
use crate::service::{Caller, spoken_in};

/// Who calls: with an account's key or the token of a login, in any of the forms that are accepted on every dialect's
/// path.
///
/// # Errors
/// [`FaultKind::Unauthenticated`] without a key of ours, [`FaultKind::RateLimited`] where too many wrong ones came from the
/// address, [`FaultKind::StoreUnavailable`] where a token cannot be looked up.
pub async fn caller(state: &AppState, parts: &Parts) -> Result<Caller, Fault> {
    let keys = keys(parts);
    if keys.is_empty() {
        let detail = "no key came with the request; send Authorization: Bearer, D360-API-KEY or X-API-Key";
        return Err(Fault::client(FaultKind::Unauthenticated, detail));
    }
    let visitor = state.door.visitor(&parts.extensions, &parts.headers);
    for key in keys {
        let hash = KeyHash::of(&key);
        state.door.try_key(visitor, hash, state.clock.now())?;
        if let Some(caller) = state.desk.caller(&key, hash).await? {
            state.door.was_right(visitor, hash);
            return Ok(caller);
        }
    }
    let detail = "the key is not one of this gateway's, or no longer; log in again, or check it with the operator";
    Err(Fault::client(FaultKind::Unauthenticated, detail))
}

/// The dialect of whoever calls, as far as it is known without asking the store. A key that is looked at is tried, so that the
/// form of a refusal tells no more of it than an answer would.
pub fn dialect(state: &AppState, parts: &Parts) -> Option<&'static dyn Dialect> {
    let visitor = state.door.visitor(&parts.extensions, &parts.headers);
    keys(parts).iter().find_map(|key| {
        let (hash, now) = (KeyHash::of(key), state.clock.now());
        let holder = match state.door.try_key(visitor, hash, now) {
            Ok(()) => state.delivery.directory().holder(&hash, now),
            Err(_) => None,
        };
        let Some(holder) = holder else { return spoken_in(key) };
        state.door.was_right(visitor, hash);
        holder.account.dialect
    })
}

/// A caller's leave to go on, and where it stands with its rate, which is told whatever comes of it. Without a scope, what is
/// asked for is not known yet, and whoever knows sees to it.
///
/// # Errors
/// [`FaultKind::Forbidden`] where its key has not the scope, [`FaultKind::RateLimited`] where it goes too fast, and
/// whatever kept the caller out.
pub fn leave(
    state: &AppState,
    caller: &Result<Caller, Fault>,
    scope: Option<Scope>,
) -> (Option<Pace>, Result<Place, Fault>) {
    let caller = match caller {
        Ok(caller) => caller,
        Err(fault) => return (None, Err(fault.clone())),
    };
    if let Some(Err(fault)) = scope.map(|scope| caller.key.allow(scope)) {
        return (None, Err(fault));
    }
    let access = &caller.account.access;
    let (pace, counted) = access.count(scope == Some(Scope::Send), state.clock.now());
    (pace, counted.and_then(|()| access.place()))
}

/// Every key that came along, one in each form: a request is to try a few keys, not thousands. Monitoring of the On-Premises
/// API writes `Apikey` for `Bearer`; clients of Meta's Graph API put the key into the query, which is why no log has one.
fn keys(parts: &Parts) -> Vec<String> {
    let forms = CredentialForm::ALL.iter().filter_map(|form| form.read(&parts.headers)).map(str::to_owned);
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let mut in_query = query.filter(|(name, value)| name == "access_token" && !value.is_empty());
    let in_query = in_query.next().map(|(_, value)| value.into_owned());
    forms.chain(api_key(&parts.headers)).chain(in_query).collect()
}

fn api_key(headers: &HeaderMap) -> Option<String> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("apikey").then(|| key.trim().to_owned())
}

/// Whether the request may see the record. Whoever asks is written down, let in or not.
pub fn is_operator(state: &AppState, request: &Request) -> bool {
    let is_operator = may_operate(state, request);
    audit(state, request, is_operator);
    is_operator
}

/// Whether the request comes with the admin token, or, where none is set, from this machine itself where that is trusted.
pub fn may_operate(state: &AppState, request: &Request) -> bool {
    match &state.admin.token {
        Some(token) => {
            CredentialForm::Bearer.read(request.headers()).is_some_and(|key| is_token(state, token, key, request))
        }
        None => is_trusted(state, request) && !is_from_elsewhere(request.headers()),
    }
}

/// Whether it comes from this machine itself, and from no page of somebody else in a browser here.
pub fn is_local_operator(request: &Request) -> bool {
    is_on_this_machine(request) && !is_from_elsewhere(request.headers())
}

/// An address that tried too many keys is refused unseen.
fn is_token(state: &AppState, token: &KeyHash, key: &str, request: &Request) -> bool {
    let (visitor, key) = (state.door.visitor(request.extensions(), request.headers()), KeyHash::of(key));
    let is_token = state.door.try_key(visitor, key, state.clock.now()).is_ok() && *token == key;
    if is_token {
        state.door.was_right(visitor, key);
    }
    is_token
}

/// What an operator did: the route and, of what it names, a transaction's own id. A query may hold a telephone number, and
/// an id of a provider may be made of one.
pub fn audit(state: &AppState, request: &Request, is_allowed: bool) {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let mut segments = request.uri().path().split('/');
    let transaction = segments.find_map(|segment| segment.parse::<TransactionId>().ok());
    tracing::info!(
        target: "sabir::audit",
        allowed = is_allowed,
        method = request.method().as_str(),
        route,
        transaction.id = transaction.map(|id| id.to_string()),
        address = state.door.address(request.extensions(), request.headers()).map(|address| address.to_string()),
        "admin"
    );
}

/// Somebody signs in to the console, or tries to.
pub fn audit_sign_in(state: &AppState, head: &Parts, is_allowed: bool) {
    let address = state.door.address(&head.extensions, &head.headers).map(|address| address.to_string());
    tracing::info!(target: "sabir::audit", allowed = is_allowed, address, "sign in");
}

/// Whether the request comes from this machine itself, and that is enough. A proxy on this machine that does not say what
/// it is, as nginx as it comes, is not told from its own user; so where there are clients it has to be asked for.
pub fn is_trusted(state: &AppState, request: &Request) -> bool {
    state.config().trust_local && is_on_this_machine(request)
}

fn is_on_this_machine(request: &Request) -> bool {
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

/// A page of somebody else in a browser here may not read what is answered, and could yet have things changed: browsers say
/// in `Origin` whose page it is.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return headers.contains_key(header::ORIGIN) };
    let own = text(header::HOST).map(|host| format!("http://{host}"));
    own.as_deref() != Some(origin)
}
