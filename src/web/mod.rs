//! The HTTP surface: thin handlers that read, call delivery and answer in the caller's dialect.
//!
//! Every path stands in [`router`], on one screen.

mod address;
mod admin;
mod auth;
mod body;
mod callbacks;
mod console;
mod crowd;
mod door;
mod error;
mod events;
mod form;
mod health;
mod inbox;
mod layers;
mod listing;
mod media;
mod operate;
mod page;
mod recent;
mod reference;
mod rest;
mod sandbox;
mod send;
mod serve;
mod service;
mod state;
mod upload;
mod watch;
mod webhooks;

pub use address::Network;
pub use admin::Page;
use axum::Router;
use axum::extract::{FromRef, Request};
use axum::routing::{MethodFilter, get, on, post, put};
pub use callbacks::{CallbackPage, Replayed};
pub use console::Counted;
pub use door::Door;
pub use events::{Decoded, EventPage, WebhookPage};
pub use inbox::{Alone, Host};
pub use operate::{Changed, Erasure, Rerun};
pub use page::Live;
pub use sandbox::router as sandbox_router;
pub use serve::{Peer, serve};
pub use state::{AdminConfig, AppState, Config, Shared};
use tower::Layer;
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};

/// What clients call with, where the path alone does not tell.
const CALLS: MethodFilter =
    MethodFilter::GET.or(MethodFilter::POST).or(MethodFilter::PUT).or(MethodFilter::PATCH).or(MethodFilter::DELETE);

/// Every path of the gateway.
pub fn router(state: Shared) -> NormalizePath<Router> {
    let routes = Router::new()
        // Clients, each in its own dialect.
        .route("/v1/messages", post(send::send))
        .route("/v1/messages/{id}", put(send::send))
        .route("/messages", post(send::send))
        .route("/{phone_number_id}/messages", post(send::send))
        .route("/{version}/{phone_number_id}/messages", post(send::send))
        .route("/notification", post(send::send))
        .route("/v3/messages", post(send::send))
        .route("/api/messages/send", post(send::send))
        .route("/messages/send", post(send::send))
        // What clients call beside sends.
        .route("/v1/users/login", post(service::serve))
        .route("/v1/users/logout", post(service::serve))
        .route("/v1/contacts", post(service::serve))
        .route("/v1/contacts/{id}/identity", get(service::serve).put(service::serve))
        .route("/v1/contacts/{id}/block", post(service::serve))
        .route("/v1/health", get(service::serve))
        .route("/v1/stats/{of}", get(service::serve))
        .route("/v1/metrics", get(service::serve))
        .route("/v1/support", get(service::serve))
        .route("/v1/services/message/gc", put(service::serve).post(service::serve))
        .route("/v1/settings/{*name}", on(CALLS, service::serve))
        .route("/v1/configs/{*name}", on(CALLS, service::serve))
        .route("/v1/status", get(service::serve))
        .route("/v1/profile", get(service::serve))
        .route("/kingslanding/login", post(service::serve))
        // Their files. Of the last two only digits are ids; everything else is an unknown path still.
        .route("/v1/media", post(media::media))
        .route("/v1/media/{id}", get(media::media).delete(media::media))
        .route("/media", post(media::media))
        .route("/{phone_number_id}/media", post(media::media))
        .route("/{version}/{phone_number_id}/media", post(media::media))
        .route("/media/{id}", get(media::media))
        .route("/files/{token}", get(media::behind))
        .route("/{media_id}", on(CALLS, media::media))
        .route("/{version}/{media_id}", on(CALLS, media::media))
        // What their old server did and the gateway has no part in: refused in their words.
        .route("/v1/users", on(CALLS, service::serve))
        .route("/v1/users/{*name}", on(CALLS, service::serve))
        .route("/v1/account", on(CALLS, service::serve))
        .route("/v1/account/{*of}", on(CALLS, service::serve))
        .route("/v1/certificates/{*of}", on(CALLS, service::serve))
        .route("/v1/stickerpacks", on(CALLS, service::serve))
        .route("/v1/stickerpacks/{*of}", on(CALLS, service::serve))
        .route("/v1/groups", on(CALLS, service::serve))
        .route("/v1/groups/{*of}", on(CALLS, service::serve))
        // Providers.
        .route("/webhooks/{upstream}", get(webhooks::take).post(webhooks::take))
        // Operators.
        .route("/admin/v1/transactions", get(admin::list))
        .route("/admin/v1/transactions/{id}", get(admin::show))
        .route("/admin/v1/callbacks", get(callbacks::list))
        .route("/admin/v1/callbacks/replay", post(callbacks::replay_many))
        .route("/admin/v1/callbacks/{id}/replay", post(callbacks::replay_one))
        .route("/admin/v1/events", get(events::list))
        .route("/admin/v1/events/replay", post(events::replay))
        .route("/admin/v1/webhooks", get(events::webhooks))
        .route("/admin/v1/transactions/{id}/settle", post(operate::settle))
        .route("/admin/v1/transactions/{id}/replay", post(operate::replay))
        .route("/admin/v1/transactions/replay", post(operate::replay_all))
        .route("/admin/v1/erase", post(operate::erase))
        .merge(sandbox_routes())
        // The same for people, whose pages are no API: their paths stand in console/mod.rs and inbox/mod.rs.
        .nest("/console", console::routes(&state))
        .merge(page::for_operators(inbox::pages().with_state(Host::Gateway(state.clone())), &state))
        .route("/assets/{version}/{name}", get(page::asset))
        // Machines that watch.
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        // What all of these are.
        .route("/openapi.json", get(reference::document))
        .route("/docs", get(reference::first))
        .route("/docs/{page}", get(reference::page))
        // Everything else is answered in the caller's dialect too.
        .fallback(error::unknown_path)
        .method_not_allowed_fallback(error::wrong_method)
        .with_state(state.clone());
    let routes = layers::around(routes, state);
    // Outside the router, because it changes the path that is routed: old clients write `/v1/messages/`.
    NormalizePathLayer::trim_trailing_slash().layer(routes)
}

/// What programs call at the sandbox, a gateway's or one of its own.
fn sandbox_routes<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Host: FromRef<S>,
{
    Router::new()
        .route("/sandbox/messages", get(sandbox::list).delete(sandbox::clear))
        .route("/sandbox/files", get(sandbox::files).post(sandbox::hold))
        .route("/sandbox/inbound", post(sandbox::write))
        .route("/sandbox/press", post(sandbox::press))
        .route("/sandbox/orders", get(sandbox::orders).put(sandbox::order))
        .route("/sandbox/templates", get(sandbox::templates).post(sandbox::give_templates))
        .route("/sandbox/reset", post(sandbox::reset))
}

/// The query's parameters of a request, decoded.
fn query(request: &Request) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
    url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
}
