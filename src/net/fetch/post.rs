//! Callbacks: POSTs to addresses that clients chose.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use tokio::time::timeout;

use super::{FetchError, Fetcher, Link};
use crate::trace;

/// What a callback was answered. The body is not read: nobody would know what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The status. A redirect is one like any other, and not followed: a redirected POST loses its body or its meaning.
    pub status: StatusCode,
    /// How long the answer asks to wait.
    pub retry_after: Option<Duration>,
}

impl Fetcher {
    /// Posts to a link, by the rules of every other call. The request's address counts for nothing. How many go on at
    /// once is the caller's affair: a target that hangs may not hold up its neighbours on the same host.
    ///
    /// # Errors
    /// As [`FetchError`] tells apart; an answer of any status is none.
    pub async fn post(&self, link: &Link, request: Request<Bytes>) -> Result<Posted, FetchError> {
        let (head, body) = request.into_parts();
        let mut request = reqwest::Request::new(head.method, link.url().clone());
        *request.headers_mut() = head.headers;
        trace::pass_on(request.headers_mut());
        *request.body_mut() = Some(body.into());
        let posted = timeout(self.limits.total, self.execute(link, request)).await;
        let answer = posted.map_err(|_| FetchError::TimedOut)??;
        Ok(Posted { status: answer.status(), retry_after: retry_after(&answer) })
    }
}

/// In seconds; its other form, a date, is left to our own backoff.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let value = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
