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
    /// The account's file of this id, fetched where it is not here yet, once for all who want it; none where nobody sent
    /// such a file. Where that takes longer than a client waits it goes on, and the client is told to come back.
    pub async fn file(self: &Arc<Self>, account: &str, id: &str) -> Result<Option<StoredMedia>, Fault> {
        let key = (account.to_owned(), id.to_owned());
        let work = || {
            let (this, (account, id)) = (Arc::clone(self), key.clone());
            async move { this.here_or_fetched(&account, &id).await }
        };
        let flight = self.flights.join(key.clone(), work);
        timeout(self.limits.patience, flight).await.unwrap_or_else(|_| Err(on_its_way()))
    }

    /// Looks where nobody else fetches: whoever looked first and flew then would fetch again what came in between.
    async fn here_or_fetched(&self, account: &str, id: &str) -> Result<Option<StoredMedia>, Fault> {
        let Some(file) = self.store.inbound(account, id).await.map_err(store_fault)? else { return Ok(None) };
        if let Some(here) = self.here(&file).await? {
            return Ok(Some(here));
        }
        let now = self.clock.now();
        if file.gone_at.is_some_and(|at| at <= now) {
            return Err(gone());
        }
        match self.pauses.of(&file.id, now) {
            Some(fault) => Err(fault),
            None => self.fetch(&file).await.map(Some),
        }
    }

    /// What is known of a file whose bytes lie here.
    async fn here(&self, file: &InboundFile) -> Result<Option<StoredMedia>, Fault> {
        let known = self.store.media(&file.account, &file.id).await.map_err(store_fault)?;
        let Some(known) = known else { return Ok(None) };
        Ok(self.bytes(&file.id).await?.map(|_| known))
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

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use arc_swap::ArcSwap;
    use bytes::Bytes;
    use futures_util::stream;
    use serde_json::json;
    use tempfile::TempDir;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::clock::FixedClock;
    use crate::delivery::directory::{Directory, Parts};
    use crate::delivery::inbound::Limits;
    use crate::media::Vault;
    use crate::media::links::Links;
    use crate::secret::Secret;
    use crate::store;

    const NOW: OffsetDateTime = datetime!(2026-09-21 13:35:23 UTC);

    /// Files over a folder, of upstreams that are all away.
    async fn inbound(folder: &TempDir) -> Arc<Inbound> {
        let url = format!("sqlite://{}", folder.path().join("sabir.db").display());
        let store = store::connect(&store::Config::new(Secret::new(url), 4)).await.unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(FixedClock::at(NOW));
        let links = json!({
            "connect_timeout": "1s", "first_byte_timeout": "1s", "total_timeout": "1s", "min_speed": "1 KiB",
            "fetches_per_host": 1, "fetches_per_account": 1, "cache_size": "1 KiB", "cache_entries": 1,
        });
        let links = serde_json::from_value(links).unwrap();
        let nobody = Parts { accounts: Vec::new(), upstreams: Vec::new(), routes: Vec::new() };
        let day = Duration::from_secs(24 * 60 * 60);
        Arc::new(Inbound {
            store,
            vault: Vault::open(folder.path()).unwrap(),
            links: Links::open(&links, &[], folder.path(), Arc::clone(&clock) as _).unwrap(),
            clock,
            directory: Arc::new(ArcSwap::from_pointee(Directory::new(nobody))),
            limits: Limits { kept_for: day, max_bytes: 99, patience: day, public_url: None },
            origin: OnceLock::new(),
            flights: Default::default(),
            pauses: Pauses::default(),
        })
    }

    fn file() -> InboundFile {
        InboundFile {
            id: "4410".into(),
            account: "shop".into(),
            event: Uuid::nil(),
            token: "token".into(),
            dialect: "cloud".into(),
            upstream: "main".into(),
            source_id: Some("1".into()),
            link: None,
            mime_type: None,
            filename: None,
            person: None,
            received_at: NOW,
            gone_at: None,
        }
    }

    #[tokio::test]
    async fn a_file_that_came_since_it_was_looked_for_is_not_fetched_again() {
        let folder = TempDir::new().unwrap();
        let inbound = inbound(&folder).await;
        inbound.store.name_inbound(&file()).await.unwrap();
        let away = inbound.file("shop", "4410").await.unwrap_err();
        assert_eq!(away.kind, FaultKind::UpstreamUnavailable, "it would be fetched: {away:?}");

        let bytes = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"bytes"))]);
        let Stored { size, sha256 } = inbound.vault.put("4410", bytes, 99).await.unwrap();
        let (id, account, mime_type) = ("4410".into(), "shop".into(), "image/png".into());
        let media = StoredMedia { id, account, mime_type, filename: None, size, sha256, created_at: NOW };
        assert!(inbound.store.keep_inbound(&media).await.unwrap());
        assert_eq!(inbound.file("shop", "4410").await.unwrap().map(|file| file.size), Some(5));

        inbound.vault.delete("4410").await.unwrap();
        assert!(inbound.file("shop", "4410").await.is_err(), "known without its bytes it is fetched again");
        assert_eq!(inbound.file("other", "4410").await.unwrap().map(|file| file.id), None, "another account's");
    }
}
