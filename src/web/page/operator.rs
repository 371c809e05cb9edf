//! The door before operators' pages: who is let in, signing in and out.
//!
//! The admin token is given once; the browser then has a cookie, which is a session of the store like those of clients that
//! log in. So every gateway on one database knows it, it ends when somebody signs out, when its time is over and when the
//! admin token is another, and who reads the database cannot use one.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Form, FromRequestParts, OriginalUri, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use serde::Deserialize;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use uuid::Uuid;

use super::{Frame, Section, show_as, trouble};
use crate::secret::KeyHash;
use crate::store::{Session, StoreError};
use crate::web::address::Visitor;
use crate::web::{AppState, Shared, auth};

/// The cookie's name.
const COOKIE: &str = "sabir_console";
/// What every token in a cookie begins with: those of clients are asked for otherwise, and neither is good for the other.
const TOKEN: &str = "console.";
/// The account of operators' sessions: none that a configuration could have.
const NOBODY: &str = "";
/// How long somebody stays signed in.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// Whoever was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// With the cookie of a session.
    SignedIn,
    /// With the admin token itself, or from this machine where there is none.
    Unasked,
}

impl Operator {
    /// Whether there is a session to end.
    pub fn is_signed_in(self) -> bool {
        self == Self::SignedIn
    }
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Response;

    /// Behind [`for_operators`] it is always there.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().copied().ok_or_else(no_entry)
    }
}

/// Puts the door before routes: only operators get through, and what changes something has to come from a page of ours.
pub fn for_operators(routes: Router<Shared>, state: &Shared) -> Router<Shared> {
    from_our_pages(routes.layer(from_fn_with_state(state.clone(), admit)))
}

/// Browsers say whose page a request comes from; nothing that changes anything is taken from somebody else's.
pub fn from_our_pages<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    let refuse = |_: ProtectionError| {
        let text = "The form came from a page of somebody else. Open the console itself, and try again there.";
        trouble(StatusCode::FORBIDDEN, "Not from here", text)
    };
    routes.layer(CsrfLayer::new().with_rejection_response(refuse))
}

async fn admit(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let operator = if auth::may_operate(&state, &request) {
        Some(Operator::Unasked)
    } else {
        let visitor = state.door.visitor(request.extensions(), request.headers());
        let token = cookie(request.headers()).map(KeyHash::of);
        match signed_in(&state, visitor, token).await {
            Ok(operator) => operator,
            Err(error) => return store_away(&error),
        }
    };
    auth::audit(&state, &request, operator.is_some());
    match operator {
        Some(operator) => {
            request.extensions_mut().insert(operator);
            next.run(request).await
        }
        None if state.admin.token.is_none() => no_entry(),
        None => away(&request),
    }
}

/// Whose session the token of a cookie is. Tokens are looked at no faster than keys.
async fn signed_in(
    state: &AppState,
    visitor: Option<Visitor>,
    token: Option<KeyHash>,
) -> Result<Option<Operator>, StoreError> {
    let (Some(admin), Some(token)) = (&state.admin.token, token) else { return Ok(None) };
    let now = state.clock.now();
    if state.door.try_key(visitor, token, now).is_err() {
        return Ok(None);
    }
    let session = state.store.session(&token).await?;
    let is_good = |session: &Session| {
        session.account == NOBODY && session.expires_at > now && session.binding == Some(token.joined(admin))
    };
    Ok(session.filter(is_good).map(|_| {
        state.door.was_right(visitor, token);
        Operator::SignedIn
    }))
}

/// The token in the cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == COOKIE && value.starts_with(TOKEN)).map(|(_, value)| value)
}

/// Sends somebody to the form, and from there back to what was asked for.
fn away(request: &Request) -> Response {
    if request.method() != Method::GET || request.headers().get(header::ACCEPT).is_some_and(|kind| kind == STREAM) {
        return no_entry();
    }
    let to: String = url::form_urlencoded::byte_serialize(asked(request).as_bytes()).collect();
    Redirect::to(&format!("/console/sign-in?to={to}")).into_response()
}

/// What a browser says that it takes where a script asks for a stream: it cannot use a form.
const STREAM: &str = "text/event-stream";

/// The path and query that were asked for, those of the whole gateway: a nested router sees less.
fn asked(request: &Request) -> String {
    let original = request.extensions().get::<OriginalUri>().map(|uri| &uri.0);
    let uri = original.unwrap_or(request.uri());
    uri.path_and_query().map_or_else(String::new, ToString::to_string)
}

fn no_entry() -> Response {
    let text = "Sign in with the admin token. Where admin.token is not set, only a browser on this machine itself is let \
                in, by an address such as http://127.0.0.1:8080/console, and not through a proxy.";
    trouble(StatusCode::UNAUTHORIZED, "Not signed in", text)
}

/// The page of whoever needs the store while it is away.
pub fn store_away(error: &StoreError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "the record cannot be read or changed");
    trouble(StatusCode::SERVICE_UNAVAILABLE, "The store is away", "Nothing is lost; try again in a moment.")
}

#[derive(Template)]
#[template(path = "page/sign_in.html")]
struct SignIn<'a> {
    frame: Frame,
    problem: &'a str,
    to: &'a str,
    hours: u64,
}

/// Where somebody wanted to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    to: String,
}

/// What the form gives.
#[derive(Deserialize)]
pub struct Credential {
    token: String,
    #[serde(default)]
    to: String,
}

/// `GET /console/sign-in`
pub async fn sign_in_form(Query(wish): Query<Wish>) -> Response {
    form(StatusCode::OK, "", &wish.to)
}

/// `POST /console/sign-in`
pub async fn sign_in(State(state): State<Shared>, head: Parts, Form(credential): Form<Credential>) -> Response {
    let visitor = state.door.visitor(&head.extensions, &head.headers);
    let (now, key) = (state.clock.now(), KeyHash::of(credential.token.trim()));
    let Some(admin) = &state.admin.token else { return Redirect::to("/console").into_response() };
    if let Err(fault) = state.door.try_key(visitor, key, now) {
        return form(StatusCode::TOO_MANY_REQUESTS, &fault.detail, &credential.to);
    }
    let is_right = *admin == key;
    auth::audit_sign_in(&state, &head, is_right);
    if !is_right {
        return form(StatusCode::UNAUTHORIZED, "This is not the admin token.", &credential.to);
    }
    state.door.was_right(visitor, key);
    let token = format!("{TOKEN}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let hash = KeyHash::of(&token);
    let session = Session { account: NOBODY.to_owned(), binding: Some(hash.joined(admin)), expires_at: now + LIFE };
    match state.store.open_session(&hash, &session).await {
        Ok(()) => {
            state.door.know(visitor, hash);
            go(&state, own_path(&credential.to), &token, LIFE)
        }
        Err(error) => store_away(&error),
    }
}

/// `POST /console/sign-out`
pub async fn sign_out(State(state): State<Shared>, headers: HeaderMap) -> Response {
    if let Some(token) = cookie(&headers)
        && let Err(error) = state.store.end_session(&KeyHash::of(token)).await
    {
        return store_away(&error);
    }
    go(&state, "/console/sign-in", "", Duration::ZERO)
}

/// A path of ours, and never an address: `//elsewhere.example` would be one.
fn own_path(to: &str) -> &str {
    let is_own = ["/console", "/sandbox"]
        .iter()
        .any(|section| to.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])));
    if is_own && !to.contains(['\\', '\n', '\r']) { to } else { "/console" }
}

/// Leads on with another cookie. Only over TLS, where clients reach the gateway by it.
fn go(state: &AppState, to: &str, token: &str, life: Duration) -> Response {
    let is_secure = state.config().public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{secure}", life.as_secs());
    ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

fn form(status: StatusCode, problem: &str, to: &str) -> Response {
    let frame = Frame::open("Sign in", Section::Elsewhere);
    show_as(status, &SignIn { frame, problem, to, hours: LIFE.as_secs() / 3600 })
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn whoever_signs_in_is_led_to_pages_of_ours_alone() {
        for own in ["/console", "/console/transactions?state=failed", "/sandbox", "/sandbox?to=1"] {
            assert_eq!(own_path(own), own);
        }
        for foreign in ["", "//evil.example", "https://evil.example", "/consoles", "/console\\@evil.example", "console"]
        {
            assert_eq!(own_path(foreign), "/console", "{foreign}");
        }
    }
}
