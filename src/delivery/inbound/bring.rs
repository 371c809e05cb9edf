//! A file on its way from the provider into the vault.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, TryStreamExt};
use moka::sync::Cache;
use time::OffsetDateTime;
use tokio::time::timeout;
use url::Url;

use super::Inbound;
use crate::delivery::store_fault;
use crate::dialect::media;
use crate::media::check::Route;
use crate::media::links::{Ask, Credentials, LinkFault, Redirects};
use crate::media::{Bytestream, Stored, VaultError};
use crate::model::{Fault, FaultKind, MediaKind, Verdict};
use crate::store::{InboundFile, StoredMedia};
use crate::upstream::{Coming, FileName, Found};

/// When to come back where a file takes longer than a client waits.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long a file that did not come is not asked for again: providers lock out who keeps asking in vain.
const PAUSE: Duration = Duration::from_secs(30);
/// Files that are known not to come at the moment at most.
const PAUSED: u64 = 4096;

/// What did not come, until when it is left alone, and why.
pub struct Pauses(Cache<String, (OffsetDateTime, Fault)>);

impl Default for Pauses {
    fn default() -> Self {
        Self(Cache::new(PAUSED))
    }
}

impl Pauses {
    fn of(&self, id: &str, now: OffsetDateTime) -> Option<Fault> {
        let (until, fault) = self.0.get(id).filter(|(until, _)| *until > now)?;
        Some(fault.retry_after((until - now).try_into().ok()))
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Inbound {
    /// Fetches a file, once for all who want it. Where that takes longer than a client waits it goes on, and the client is
    /// told to come back.
    pub(super) async fn bring(self: &Arc<Self>, file: InboundFile) -> Result<StoredMedia, Fault> {
        let now = self.clock.now();
        if file.gone_at.is_some_and(|at| at <= now) {
            return Err(gone());
        }
        if let Some(fault) = self.pauses.of(&file.id, now) {
            return Err(fault);
        }
        let id = file.id.clone();
        let work = || {
            let this = Arc::clone(self);
            async move { this.fetch(&file).await }
        };
        let flight = self.flights.join(id, work);
        timeout(self.limits.patience, flight).await.unwrap_or_else(|_| Err(on_its_way()))
    }

    /// A file's length and bytes, where they lie here.
    pub(super) async fn bytes(&self, id: &str) -> Result<Option<(u64, Bytestream)>, Fault> {
        self.vault.get(id).await.map_err(vault_fault)
    }

    async fn fetch(&self, file: &InboundFile) -> Result<StoredMedia, Fault> {
        match self.fetch_now(file).await {
            Ok(media) => {
                tracing::info!(
                    media.id = file.id,
                    upstream.name = file.upstream,
                    account.name = file.account,
                    bytes = media.size,
                    "a file that somebody sent was fetched"
                );
                Ok(media)
            }
            Err(fault) => Err(self.failed(file, fault).await),
        }
    }

    /// What a client hears of a failure. What the provider has not got is not asked for again.
    async fn failed(&self, file: &InboundFile, fault: Fault) -> Fault {
        tracing::warn!(media.id = file.id, upstream.name = file.upstream, fault.kind = %fault.kind, "a file that somebody sent did not come");
        let now = self.clock.now();
        match (fault.kind, fault.verdict()) {
            (FaultKind::NotFound, _) => {
                if let Err(error) = self.store.end_inbound(&file.id, now).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "that a file is gone is not noted");
                }
                gone()
            }
            (FaultKind::StoreUnavailable, _) => fault,
            (_, verdict) => {
                let fault = if verdict == Verdict::Permanent { fault } else { away(&file.upstream) };
                self.pauses.0.insert(file.id.clone(), (now + PAUSE, fault.clone()));
                fault.retry_after(Some(PAUSE))
            }
        }
    }

    async fn fetch_now(&self, file: &InboundFile) -> Result<StoredMedia, Fault> {
        let upstream = self.directory.load().upstream(&file.upstream).ok_or_else(|| away(&file.upstream))?;
        let name = FileName { id: file.source_id.as_deref(), link: file.link.as_deref() };
        let (stored, told) = match upstream.find_file(name).await? {
            Found::Here(Coming { mime_type, chunks }) => (self.put(file, chunks).await?, mime_type),
            Found::Behind { link, credentials } => self.put_linked(file, &link, credentials.as_ref()).await?,
        };
        let told = media::mime_type(file.mime_type.as_deref(), told.as_deref());
        let media = StoredMedia {
            id: file.id.clone(),
            account: file.account.clone(),
            mime_type: told,
            filename: file.filename.clone(),
            size: stored.size,
            sha256: stored.sha256,
            created_at: self.clock.now(),
        };
        if self.store.keep_inbound(&media).await.map_err(store_fault)? {
            return Ok(media);
        }
        // It went while it came.
        self.vault.delete(&file.id).await.map_err(vault_fault)?;
        Err(gone())
    }

    async fn put<S, E>(&self, file: &InboundFile, bytes: S) -> Result<Stored, Fault>
    where
        S: Stream<Item = Result<bytes::Bytes, E>>,
        E: Into<Cause>,
    {
        self.vault.put(&file.id, bytes, self.limits.max_bytes).await.map_err(vault_fault)
    }

    /// What is behind a link of somebody else's comes by the rules of clients' links.
    async fn put_linked(
        &self,
        file: &InboundFile,
        link: &Url,
        credentials: Option<&Credentials>,
    ) -> Result<(Stored, Option<String>), Fault> {
        let ask = Ask {
            account: &file.account,
            url: link.as_str(),
            kind: MediaKind::Document,
            credentials,
            redirects: Redirects::Follow,
            max_bytes: self.limits.max_bytes,
            route: Route::Upload,
        };
        let fetched = self.links.fetch(&ask).await.map_err(|fault| link_fault(&fault))?;
        let bytes = fetched.bytes.open().await;
        let bytes = bytes.map_err(|error| vault_fault(VaultError::Unavailable(error.into())))?;
        Ok((self.put(file, bytes.map_err(Cause::from)).await?, fetched.seen.content_type))
    }
}

fn vault_fault(error: VaultError) -> Fault {
    match error {
        VaultError::TooLarge { max_bytes } => {
            let detail = format!("the file has more than {max_bytes} bytes, which is more than is fetched");
            Fault::upstream(FaultKind::MediaTooLarge, detail)
        }
        VaultError::Broken(cause) => {
            tracing::debug!(error = &*cause as &dyn std::error::Error, "a file broke off");
            Fault::upstream(FaultKind::UpstreamUnavailable, "the file broke off")
        }
        VaultError::Unavailable(_) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the vault failed");
            let fault = Fault::gateway(FaultKind::StoreUnavailable, "the file cannot be kept or read now; try again");
            fault.retry_after(Some(Duration::from_secs(1)))
        }
    }
}

fn link_fault(fault: &LinkFault) -> Fault {
    let kind = if fault.retry { FaultKind::UpstreamUnavailable } else { FaultKind::NotFound };
    Fault::upstream(kind, fault.text.clone())
}

fn gone() -> Fault {
    Fault::client(FaultKind::NotFound, "the provider has not got the file any more, and it was not fetched before")
}

fn away(upstream: &str) -> Fault {
    let detail = format!("upstream {upstream} does not give the file now; try again later");
    Fault::upstream(FaultKind::UpstreamUnavailable, detail)
}

fn on_its_way() -> Fault {
    let detail = "the file is still on its way from the provider; try again";
    Fault::upstream(FaultKind::UpstreamUnavailable, detail).retry_after(Some(RETRY_AFTER))
}
