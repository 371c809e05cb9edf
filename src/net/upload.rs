//! Calls whose body is too large to hold: read while it is sent, its length known beforehand.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::{Request, Response, header};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{CallError, Client, tell_apart};

/// What goes slower is given up, in bytes per second.
pub(super) const SLOWEST: u64 = 64 * 1024;

/// A body's bytes, as they are read.
pub type Chunks = BoxStream<'static, Result<Bytes, Box<dyn Error + Send + Sync>>>;

/// A body that is read while it is sent.
pub struct Streamed {
    /// How many bytes it has.
    pub length: u64,
    /// The bytes.
    pub chunks: Chunks,
}

impl Client {
    /// Makes one call with a streamed body and reads the whole answer. While the body is being taken, the limit for
    /// the first byte of the answer holds from chunk to chunk; the limit of the whole call grows with the body.
    ///
    /// # Errors
    /// As [`Client::call`]; a body that ends early breaks the call.
    pub async fn upload(&self, request: Request<Streamed>) -> Result<Response<Bytes>, CallError> {
        let limit = self.config.total_timeout + Duration::from_secs(request.body().length / SLOWEST);
        timeout(limit, self.upload_unlimited(request)).await.unwrap_or(Err(CallError::TimedOut(limit)))
    }

    async fn upload_unlimited(&self, request: Request<Streamed>) -> Result<Response<Bytes>, CallError> {
        let limit = self.config.first_byte_timeout;
        let (progress, watched) = watch::channel(());
        let (mut head, body) = request.into_parts();
        // Said before, as some servers take no chunked uploads.
        head.headers.insert(header::CONTENT_LENGTH, body.length.into());
        let chunks = body.chunks.inspect(move |_| progress.send_replace(()));
        let request = Request::from_parts(head, reqwest::Body::wrap_stream(chunks));
        let request = reqwest::Request::try_from(request).map_err(|error| CallError::NotSent(error.into()))?;
        tokio::select! {
            answer = self.client_for(request.url()).execute(request) => self.read(answer.map_err(tell_apart)?.into()).await,
            () = stalled(watched, limit) => Err(CallError::TimedOut(limit)),
        }
    }
}

/// Returns once nothing went on for so long, neither before nor after the last chunk.
async fn stalled(mut progress: watch::Receiver<()>, limit: Duration) {
    loop {
        match timeout(limit, progress.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return sleep(limit).await,
            Err(_) => return,
        }
    }
}
