//! Reads the rest of a body that nobody wants any more.
//!
//! Many an answer is given before the body has come: a wrong path, a wrong key, a file that is too large. A client that
//! writes all of its body before it reads would see a broken pipe in place of that answer, were the connection closed.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::Bytes;
use http::header;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::runtime::Handle;

use super::AppState;

/// How long a rest is read: what a large file takes over a slow line.
const LONGEST: Duration = Duration::from_secs(120);

/// Sees to it that the request's body is read to its end, whatever becomes of it.
pub fn read_on(state: &AppState, request: Request) -> Request {
    // Who asked first whether to send has not begun, as long as nobody reads.
    let is_coming = !request.headers().contains_key(header::EXPECT);
    // Twice as much as a file may have, so that most that are too large come to their end.
    let max_bytes = state.config().max_upload.as_u64().saturating_mul(2);
    request.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(ReadOn { body, is_coming, max_bytes }),
    })
}

/// A body whose rest is read in the background once it is dropped.
struct ReadOn {
    body: Body,
    is_coming: bool,
    max_bytes: u64,
}

impl HttpBody for ReadOn {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        this.is_coming = !matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ReadOn {
    fn drop(&mut self) {
        if !self.is_coming || self.body.is_end_stream() {
            return;
        }
        // There is none while the program ends.
        if let Ok(runtime) = Handle::try_current() {
            let rest = std::mem::take(&mut self.body);
            runtime.spawn(tokio::time::timeout(LONGEST, read(rest, self.max_bytes)));
        }
    }
}

async fn read(mut body: Body, max_bytes: u64) {
    let mut left = max_bytes;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len) as u64);
        if left == 0 {
            return;
        }
    }
}
