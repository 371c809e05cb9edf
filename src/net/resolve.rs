//! Names to addresses. The fetcher asks here and judges what comes, and the HTTP client connects to exactly that: it
//! never resolves a name itself, so between judgement and connection nothing can change.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

/// Names that are resolved at once at most: the system's call cannot be called off and holds a thread.
const AT_ONCE: usize = 32;

/// Resolves names.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Every address of a host; none, where it has none.
    ///
    /// # Errors
    /// Where that cannot be found out.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
pub fn system_resolver() -> Arc<dyn Resolve> {
    Arc::new(System { slots: Arc::new(Semaphore::new(AT_ONCE)) })
}

struct System {
    slots: Arc<Semaphore>,
}

#[async_trait]
impl Resolve for System {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        // A task of its own, so that the slot is held as long as the thread, also where nobody waits any more.
        let asked = tokio::spawn(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await.map(|found| found.collect::<Vec<_>>());
            drop(slot);
            found
        });
        Ok(asked.await.map_err(io::Error::other)??.iter().map(SocketAddr::ip).collect())
    }
}

tokio::task_local! {
    /// The addresses that were judged for the call that this task makes.
    static JUDGED: Arc<[SocketAddr]>;
}

/// Makes a call with exactly these addresses.
pub(super) async fn with_addresses<T>(judged: Arc<[SocketAddr]>, call: impl Future<Output = T>) -> T {
    JUDGED.scope(judged, call).await
}

/// What the HTTP client takes for a resolver.
pub(super) struct Judged;

impl reqwest::dns::Resolve for Judged {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let judged = JUDGED.try_with(|judged| judged.to_vec());
        Box::pin(async move { Ok(Box::new(judged?.into_iter()) as reqwest::dns::Addrs) })
    }
}
