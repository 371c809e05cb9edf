//! Fetches that outlive the try that asked for them: its client is told that the message was accepted, and what was asked for
//! goes on for the message's next try.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use super::flights::Flights;
use crate::media::check::Route;
use crate::media::links::{Ask, Credentials, Fetched, LinkFault, Links, Redirects};
use crate::model::{Fault, MediaKind};

/// How long a file that came too late is kept for the message's next try, whatever its origin says of keeping it.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);
/// How many such files are kept at most.
const KEPT: u64 = 64;

/// What tells fetches apart: the account, the link, the credential, and how the file is taken.
type Key = (String, String, Option<[u8; 32]>, Redirects, u64);

/// Fetches files for messages that may not wait for them.
pub struct Fetches {
    /// Where files come from.
    pub links: Arc<Links>,
    patience: Duration,
    flights: Flights<Key, Result<Fetched, LinkFault>>,
    late: Cache<Key, Fetched>,
}

/// An [`Ask`] that is nobody's.
struct Wanted {
    account: String,
    url: String,
    kind: MediaKind,
    credentials: Option<Credentials>,
    redirects: Redirects,
    max_bytes: u64,
}

impl Fetches {
    /// Fetches for messages that wait so long.
    pub fn new(links: Arc<Links>, patience: Duration) -> Self {
        let late = Cache::builder().max_capacity(KEPT).time_to_live(KEPT_FOR).build();
        Self { links, patience, flights: Flights::default(), late }
    }

    /// The file behind a link. Where the fetch takes longer than any message waits, its file is kept for the next try.
    pub async fn fetch(&self, ask: &Ask<'_>) -> Result<Result<Fetched, LinkFault>, Fault> {
        let wanted = Wanted::of(ask);
        let key = wanted.key();
        let work = || {
            let (links, late, patience, key) = (Arc::clone(&self.links), self.late.clone(), self.patience, key.clone());
            async move {
                if let Some(late) = late.get(&key) {
                    return Ok(Ok(late));
                }
                let begun = Instant::now();
                let fetched = links.fetch(&wanted.ask()).await;
                if let Ok(fetched) = &fetched
                    && begun.elapsed() > patience
                {
                    late.insert(key, fetched.clone());
                }
                Ok(fetched)
            }
        };
        self.flights.join(key.clone(), work).await
    }
}

impl Wanted {
    fn of(ask: &Ask<'_>) -> Self {
        Self {
            account: ask.account.to_owned(),
            url: ask.url.to_owned(),
            kind: ask.kind,
            credentials: ask.credentials.cloned(),
            redirects: ask.redirects,
            max_bytes: ask.max_bytes,
        }
    }

    fn ask(&self) -> Ask<'_> {
        Ask {
            account: &self.account,
            url: &self.url,
            kind: self.kind,
            credentials: self.credentials.as_ref(),
            redirects: self.redirects,
            max_bytes: self.max_bytes,
            route: Route::Upload,
        }
    }

    fn key(&self) -> Key {
        let credentials = self.credentials.as_ref().map(Credentials::fingerprint);
        (self.account.clone(), self.url.clone(), credentials, self.redirects, self.max_bytes)
    }
}
