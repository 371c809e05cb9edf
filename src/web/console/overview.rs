//! How the gateway is doing.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::store::Depth;
use crate::web::Shared;
use crate::web::page::{Frame, Operator, Section, show, store_away};

#[derive(Template)]
#[template(path = "console/overview.html")]
struct Overview {
    frame: Frame,
    queue: Vec<Depth>,
    upstreams: Vec<(String, String)>,
}

/// `GET /console`
pub async fn page(State(state): State<Shared>, operator: Operator) -> Response {
    let queue = match state.store.depth().await {
        Ok(queue) => queue,
        Err(error) => return store_away(&error),
    };
    let frame = Frame::new("Overview", Section::Overview, operator);
    show(&Overview { frame, queue, upstreams: state.delivery.upstreams() })
}
