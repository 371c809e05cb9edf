//! Sees when nothing happens on a connection any more.
//!
//! The server's own time-outs begin with the first bytes of a head and end with its last. They do not see who connects and
//! says nothing, nor who asks for a large file and never reads it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What happens on one connection.
#[derive(Clone, Default)]
pub struct Activity(Arc<Counters>);

#[derive(Default)]
struct Counters {
    /// How often bytes moved, either way, or a request began or ended.
    moves: AtomicUsize,
    under_way: AtomicUsize,
}

/// A request that is being served.
struct UnderWay(Activity);

impl Activity {
    /// A request is under way for as long as its answer is awaited.
    pub fn during<F: Future>(&self, answer: F) -> impl Future<Output = F::Output> + use<F> {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay(self.clone());
        async move {
            let answered = answer.await;
            drop(under_way);
            answered
        }
    }

    fn moved(&self) {
        self.0.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// Resolves when nothing has moved and no request was under way for this long, or up to twice as long.
    pub async fn stopped(&self, limit: Duration) {
        loop {
            let before = self.0.moves.load(Ordering::Relaxed);
            tokio::time::sleep(limit).await;
            let is_idle = self.0.under_way.load(Ordering::Relaxed) == 0;
            if is_idle && self.0.moves.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.moved();
        self.0.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream whose bytes are seen to move.
pub struct Watched<T> {
    stream: T,
    activity: Activity,
}

impl<T> Watched<T> {
    /// Watches a stream.
    pub fn new(stream: T, activity: Activity) -> Self {
        Self { stream, activity }
    }

    fn seen<R>(&self, polled: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if let Poll::Ready(Ok(_)) = polled {
            self.activity.moved();
        }
        polled
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        self.seen(polled)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.seen(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.seen(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
