//! What pages are shown with: style, script and icon, compiled in. Their addresses change with their bytes, so browsers may
//! keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

use super::trouble;

/// Name, type and bytes of each.
const ASSETS: [(&str, &str, &str); 5] = [
    ("style.css", "text/css; charset=utf-8", include_str!("style.css")),
    ("live.js", "text/javascript; charset=utf-8", include_str!("live.js")),
    ("inbox.css", "text/css; charset=utf-8", include_str!("../inbox/inbox.css")),
    ("inbox.js", "text/javascript; charset=utf-8", include_str!("../inbox/inbox.js")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// One version for all of them, made of their bytes.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let hash = ASSETS.iter().fold(Sha256::new(), |hash, (_, _, text)| hash.chain_update(text));
    let digits = hex::encode(hash.finalize());
    digits.chars().take(12).collect()
});

/// The address of an asset.
pub fn path(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// `GET /assets/{version}/{name}`. A page of the version before may still ask for its own: it gets what there is, and is not
/// to keep it.
pub async fn asset(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some((_, kind, text)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return trouble(StatusCode::NOT_FOUND, "Not here", "Nothing of this name belongs to a page.");
    };
    let tag = format!("\"{}\"", *VERSION);
    let caching = if version == *VERSION { FOR_EVER } else { "no-cache" };
    let head = [(header::CACHE_CONTROL, caching), (header::ETAG, &tag), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(header::CONTENT_TYPE, *kind)], *text).into_response()
}
