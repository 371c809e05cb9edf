//! What clients call beside sends and media, in every dialect that has it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{AppState, Shared, auth, body, error, form, send};
use crate::delivery::Account;
use crate::dialect::{self, Answer, Call, Dialect, Serving, Speaker};
use crate::model::{Fault, Login, Manner, Served, Service};
use crate::secret::KeyHash;

/// Takes a call in whichever dialect has the path and answers in the same.
pub async fn serve(State(state): State<Shared>, request: Request) -> Response {
    let mut answer = send::answer(&state, request.extensions());
    let (parts, stream) = request.into_parts();
    let caller = auth::caller(&state, &parts).await;
    let (pace, leave) = auth::leave(&state, &caller, None);
    answer.pace = pace;
    let (call, readable) = read(&state, &parts, stream, leave.is_ok()).await;
    let setting = caller.as_ref().ok().and_then(|caller| caller.dialect);
    let Some((speaker, service)) = dialect::service(&call, setting) else {
        return error::no_such_service(&state, &parts);
    };
    let account = caller.as_ref().ok().map(|caller| Arc::clone(&caller.account));
    let (_place, caller) = match leave {
        Ok(place) => (Some(place), caller),
        Err(fault) => (None, Err(fault)),
    };
    let asked = match service {
        // What the gateway has no part in may have any body, a photo among them.
        Ok(refused @ Service::Refuse(_)) => Ok(refused),
        asked => readable.and(asked),
    };
    let served = match asked {
        Ok(Service::Login(login)) => log_in(&state, &parts, speaker.dialect(), login).await,
        Ok(service) => state.desk.serve(caller, speaker.dialect(), service).await,
        Err(fault) => Err(fault),
    };
    match served {
        Ok(served) => say(&state, &speaker, answer, account.as_deref(), &served),
        Err(fault) => send::refused(&speaker, &fault, &answer),
    }
}

/// A password is guessed as a key is. The token of a login that was right is no guess.
async fn log_in(state: &AppState, parts: &Parts, dialect: &dyn Dialect, login: Login) -> Result<Served, Fault> {
    let visitor = state.door.visitor(&parts.extensions, &parts.headers);
    let tried = KeyHash::of(&login.user).joined(&KeyHash::of(login.password.expose_secret()));
    state.door.try_key(visitor, tried, state.clock.now())?;
    let served = state.desk.login(dialect, login).await?;
    if let Served::LoggedIn { token, .. } = &served {
        state.door.was_right(visitor, tried);
        state.door.know(visitor, KeyHash::of(token.expose_secret()));
    }
    Ok(served)
}

/// The call, and whether its body could be read; without one it is `null`.
async fn read(state: &AppState, parts: &Parts, stream: Body, is_known: bool) -> (Call, Result<(), Fault>) {
    let body = match body::read(stream, is_known, &state.config()).await {
        Ok(bytes) => form::parse(&parts.headers, bytes).await,
        Err(fault) => Err(fault),
    };
    let (body, readable) = match body {
        Ok(body) => (body, Ok(())),
        Err(fault) => (Value::Null, Err(fault)),
    };
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    (Call { method, path, headers: parts.headers.clone(), body }, readable)
}

fn say(state: &AppState, speaker: &Speaker, answer: Answer, account: Option<&Account>, served: &Served) -> Response {
    let upstream = account.and_then(|account| state.delivery.directory().upstream(&account.upstream));
    let nobody = Manner::default();
    let serving = Serving {
        answer,
        served,
        manner: account.map_or(&nobody, |account| &account.manner),
        sender: upstream.as_deref().and_then(|upstream| upstream.sender.as_deref()),
    };
    send::into_axum(speaker.encode_served(&serving))
}
