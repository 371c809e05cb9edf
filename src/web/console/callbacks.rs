//! What clients are told: above all what they were not, and telling it again.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::words::{Count, Moment};
use crate::measure;
use crate::model::TransactionId;
use crate::store::{CallbackFilter, CallbackState, KeptCallback};
use crate::web::Shared;
use crate::web::callbacks::{fitting, replay};
use crate::web::page::{Frame, Operator, Section, show, store_away};

/// Callbacks on a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "console/callbacks.html")]
struct Page {
    frame: Frame,
    state: CallbackState,
    rows: Vec<Row>,
    more: Option<Uuid>,
    replayed: Option<Count>,
}

struct Row {
    id: Uuid,
    made: Moment,
    state: CallbackState,
    account: String,
    target: String,
    transaction: Option<TransactionId>,
    attempts: u32,
    status: Option<u16>,
    error: Option<String>,
}

/// A page for all dead letters before they are told again.
#[derive(Template)]
#[template(path = "console/callbacks_all.html")]
struct All {
    frame: Frame,
    count: Count,
}

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    state: Option<CallbackState>,
    after: Option<Uuid>,
    replayed: Option<u64>,
}

impl From<KeptCallback> for Row {
    fn from(kept: KeptCallback) -> Self {
        Self {
            id: kept.id,
            made: kept.created_at.into(),
            state: kept.state,
            account: kept.account,
            target: address(&kept.target),
            transaction: kept.transaction,
            attempts: kept.attempts,
            status: kept.last_status,
            error: kept.last_error,
        }
    }
}

/// An address without what may be a secret in it.
pub fn address(text: &str) -> String {
    let Ok(url) = Url::parse(text) else { return "***".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = if url.query().is_some() { "?***" } else { "" };
    format!("{}://{}{port}{}{query}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// `GET /console/callbacks`: the dead ones, where nothing else is asked for.
pub async fn list(State(state): State<Shared>, operator: Operator, Query(asked): Query<Asked>) -> Response {
    let wanted = asked.state.unwrap_or(CallbackState::Dead);
    let filter = CallbackFilter { state: Some(wanted), ..CallbackFilter::default() };
    match state.store.callbacks(&filter, asked.after, PAGE).await {
        Ok(found) => {
            let more = found.last().map(|last| last.id).filter(|_| found.len() == PAGE as usize);
            let frame = Frame::new("Callbacks", Section::Callbacks, operator);
            let rows = found.into_iter().map(Row::from).collect();
            show(&Page { frame, state: wanted, rows, more, replayed: asked.replayed.map(Count) })
        }
        Err(error) => store_away(&error),
    }
}

/// `POST /console/callbacks/{id}/replay`
pub async fn replay_one(State(state): State<Shared>, Path(id): Path<Uuid>) -> Response {
    tell_again(&state, &[id]).await
}

/// `GET /console/callbacks/replay`: how many it would be.
pub async fn ask_all(State(state): State<Shared>, operator: Operator) -> Response {
    match state.store.callback_depth().await {
        Ok(depth) => {
            let dead = depth.into_iter().find(|(state, _)| *state == CallbackState::Dead).map_or(0, |(_, count)| count);
            let frame = Frame::new("Send all dead letters again", Section::Callbacks, operator);
            show(&All { frame, count: Count(dead) })
        }
        Err(error) => store_away(&error),
    }
}

/// `POST /console/callbacks/replay`
pub async fn replay_all(State(state): State<Shared>) -> Response {
    match fitting(&state, CallbackFilter::default()).await {
        Ok(ids) => tell_again(&state, &ids).await,
        Err(error) => store_away(&error),
    }
}

async fn tell_again(state: &Shared, ids: &[Uuid]) -> Response {
    match replay(state, ids).await {
        Ok(count) => {
            measure::operated("replay_callback", count);
            tracing::info!(target: "sabir::audit", action = "replay callback", count, "operator");
            Redirect::to(&format!("/console/callbacks?replayed={count}")).into_response()
        }
        Err(error) => store_away(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_shown_without_user_password_and_query() {
        let shown = address("https://user:secret@shop.example:8443/hook?token=secret#here");
        assert_eq!(shown, "https://shop.example:8443/hook?***");
        assert_eq!(address("https://shop.example/hook"), "https://shop.example/hook");
        assert_eq!(address("no address"), "***");
    }
}
