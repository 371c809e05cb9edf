//! The console: the record and the state of the gateway, for people. Written here, shown without a script, and kept up to
//! date by one where there is one.

mod overview;

use axum::Router;
use axum::routing::{get, post};

use super::{Shared, page};

/// The console's pages, below `/console`.
pub fn routes(state: &Shared) -> Router<Shared> {
    let pages = Router::new().route("/", get(overview::page));
    let door = Router::new()
        .route("/sign-in", get(page::sign_in_form).post(page::sign_in))
        .route("/sign-out", post(page::sign_out));
    page::for_operators(pages, state).merge(page::from_our_pages(door))
}
