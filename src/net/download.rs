//! Answers whose body is too large to hold: given as it comes.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use tokio::time::{Instant, timeout};

use super::upload::SLOWEST;
use super::{CallError, Chunks, Client, tell_apart};

/// A body on its way.
struct Body {
    answer: reqwest::Response,
    begun: Instant,
    received: u64,
}

impl Client {
    /// Makes one call and gives its answer as soon as the head is there. The limit for the first byte holds from piece to
    /// piece of the body, and that of the whole call counts from the head and grows with what comes.
    ///
    /// # Errors
    /// As [`Client::call`]; a body that breaks off or comes too slowly is an error of its stream.
    pub async fn download(&self, request: Request<Bytes>) -> Result<Response<Chunks>, CallError> {
        let request = reqwest::Request::try_from(request).map_err(|error| CallError::NotSent(error.into()))?;
        let (limit, total) = (self.config.first_byte_timeout, self.config.total_timeout);
        let head = timeout(limit, self.client_for(request.url()).execute(request)).await;
        let mut answer = head.map_err(|_| CallError::TimedOut(limit))?.map_err(tell_apart)?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let body = Body { answer, begun: Instant::now(), received: 0 };
        let chunks = stream::try_unfold(body, move |body| async move { Ok(body.next(limit, total).await?) });
        let mut response = Response::new(chunks.boxed());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl Body {
    async fn next(mut self, limit: Duration, total: Duration) -> Result<Option<(Bytes, Self)>, CallError> {
        let total = total + Duration::from_secs(self.received / SLOWEST);
        if self.begun.elapsed() > total {
            return Err(CallError::TimedOut(total));
        }
        let chunk = timeout(limit, self.answer.chunk()).await.map_err(|_| CallError::TimedOut(limit))?;
        Ok(chunk.map_err(tell_apart)?.map(|chunk| {
            self.received += chunk.len() as u64;
            (chunk, self)
        }))
    }
}
