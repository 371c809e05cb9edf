//! The console: the record and the state of the gateway, for people. Each page is a handler beside its template. All of it
//! works without a script; where there is one, the overview and the tail are kept up to date.
//!
//! To add a page: a handler with a template that extends `page/layout.html`, a line in [`routes`], and a test in
//! `tests/browser`, which looks at every page.

mod callbacks;
mod chart;
mod decide;
mod json;
mod overview;
mod search;
mod setup;
mod timeline;
mod transaction;
mod transactions;
mod translator;
mod words;

use axum::Router;
use axum::routing::{any, get, post};
pub use overview::Counted;

use super::{Shared, page};

/// The console's pages, below `/console`.
pub fn routes(state: &Shared) -> Router<Shared> {
    let pages = Router::new()
        .route("/", get(overview::page))
        .route("/pulse", get(overview::follow))
        .route("/transactions", get(transactions::search))
        .route("/transactions/{id}", get(transaction::page))
        .route("/transactions/{id}/record", get(transaction::record))
        .route("/transactions/{id}/{decision}", get(decide::ask).post(decide::act))
        .route("/live", get(transactions::tail))
        .route("/live/stream", get(transactions::follow))
        .route("/callbacks", get(callbacks::list))
        .route("/callbacks/replay", get(callbacks::ask_all).post(callbacks::replay_all))
        .route("/callbacks/{id}/replay", post(callbacks::replay_one))
        .route("/setup", get(setup::page))
        .route("/translator", get(translator::page).post(translator::translate))
        // Not the fallback: clients' `/{version}/{media_id}` would come before it.
        .route("/{*elsewhere}", any(transaction::no_page));
    let door = Router::new()
        .route("/sign-in", get(page::sign_in_form).post(page::sign_in))
        .route("/sign-out", post(page::sign_out));
    page::for_operators(pages, state).merge(page::from_our_pages(door))
}
