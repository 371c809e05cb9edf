//! Files that people sent: clients are told an id or a link of ours, and get the bytes from the provider through us.
//!
//! A file is fetched when it is first wanted (`bring.rs`), once for all who want it at once, and from then on it lies in the
//! vault as the account's own: it can be downloaded, described, sent on and deleted like an upload. It goes by its age, with
//! the person who sent it, or when its client deletes it.

mod bring;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use url::Url;

use super::files::Flights;
use super::{Account, Delivery, Directory, store_fault};
use crate::clock::Clock;
use crate::dialect::{self, Dialect};
use crate::media::links::Links;
use crate::media::{Bytestream, Vault};
use crate::model::{Fault, FaultKind, InboundMedia};
use crate::store::{ClaimedCallback, Doomed, InboundFile, Store, StoreError, StoredMedia};
use crate::upstream::FileName;
use bring::Pauses;

/// Files that go in one step.
const STEP: u32 = 100;

/// What such files are fetched with, and for how long they are there.
pub struct Inbound {
    pub store: Arc<dyn Store>,
    pub vault: Vault,
    pub links: Arc<Links>,
    pub clock: Arc<dyn Clock>,
    pub directory: Arc<ArcSwap<Directory>>,
    pub limits: Limits,
    /// Where the gateway is for clients, where that is known.
    pub origin: OnceLock<String>,
    /// What is on its way, by its account and id.
    pub flights: Flights<(String, String), Option<StoredMedia>>,
    pub pauses: Pauses,
}

/// Limits of such files.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long they can be had, from the day on which they came.
    pub kept_for: Duration,
    /// The largest, in bytes.
    pub max_bytes: u64,
    /// How long a client waits for one.
    pub patience: Duration,
    /// The gateway's address as clients see it, where it is configured.
    pub public_url: Option<Url>,
}

/// A file that may be read.
pub struct Opened {
    /// What is known of it.
    pub media: StoredMedia,
    /// How many bytes it has.
    pub size: u64,
    /// The bytes.
    pub bytes: Bytestream,
}

/// What a link of ours leads to.
pub struct Behind {
    /// Whose file it is.
    pub account: Arc<Account>,
    /// What its client speaks.
    pub dialect: &'static dyn Dialect,
    /// The file.
    pub id: String,
}

impl Inbound {
    /// Puts what the client can ask us for in the place of the provider's id and address.
    pub async fn tell(
        &self,
        callback: &ClaimedCallback,
        client: &dyn Dialect,
        person: Option<String>,
        media: &mut InboundMedia,
    ) -> Result<(), StoreError> {
        let upstream = self.directory.load().upstream(&callback.upstream);
        let name = FileName { id: media.id.as_deref(), link: media.link.as_deref() };
        let Some(upstream) = upstream.filter(|upstream| upstream.can_find(name)) else { return Ok(()) };
        let file = InboundFile {
            id: self.clock.media_id(),
            account: callback.account.clone(),
            event: callback.event_id,
            token: self.clock.token(),
            dialect: client.name().to_owned(),
            upstream: callback.upstream.clone(),
            source_id: media.id.clone(),
            link: media.link.clone(),
            mime_type: media.mime_type.clone(),
            filename: media.filename.clone(),
            person,
            received_at: callback.received_at,
            gone_at: upstream.dialect.keeps_files_for().map(|kept| callback.received_at + kept),
        };
        let file = self.store.name_inbound(&file).await?;
        let is_asked_by_id = client.file_call(&file.id).is_some();
        media.link = if is_asked_by_id { None } else { self.link(&file) };
        media.id = is_asked_by_id.then_some(file.id);
        Ok(())
    }

    fn link(&self, file: &InboundFile) -> Option<String> {
        let origin = self.origin.get();
        if origin.is_none() {
            tracing::warn!(
                account.name = file.account,
                "a client is told of a file without its link: set server.public_url"
            );
        }
        origin.map(|origin| format!("{origin}/files/{}", file.token))
    }

    /// Removes files for good, each whole: its bytes, then what is known of it.
    pub async fn remove(&self, which: Doomed<'_>) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let doomed = self.store.doom_inbound(which, STEP).await?;
            if doomed.is_empty() {
                return Ok(removed);
            }
            for id in &doomed {
                // A vault that is away is as bad as a store that is: what is left is found by nobody and goes in the next round.
                self.vault.delete(id).await.map_err(|error| StoreError::Unreachable(Arc::new(error)))?;
            }
            self.store.forget_inbound(&doomed).await?;
            removed += doomed.len() as u64;
        }
    }

    /// Removes those that came too long ago.
    pub async fn remove_old(&self) -> Result<u64, StoreError> {
        self.remove(Doomed::Before(self.clock.now() - self.limits.kept_for)).await
    }
}

impl Delivery {
    /// Says where the gateway listens: links for clients lead there where no public address is configured. An address that
    /// means every interface leads nowhere.
    pub fn listens_on(&self, address: SocketAddr) {
        if !address.ip().is_unspecified() {
            // The configured one was there first.
            let _ = self.inbound.origin.set(format!("http://{address}"));
        }
    }

    /// The account's file of this id: uploaded here, or sent by somebody and fetched where it is not here yet.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] where there is none; what keeps it from coming now.
    pub async fn file(&self, account: &str, id: &str) -> Result<StoredMedia, Fault> {
        if let Some(media) = self.store.media(account, id).await.map_err(store_fault)? {
            return Ok(media);
        }
        self.inbound.file(account, id).await?.ok_or_else(unknown)
    }

    /// The same with its bytes. Those of a file that somebody sent are fetched once more where this machine has not got them.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub async fn open_file(&self, account: &str, id: &str) -> Result<Opened, Fault> {
        let media = self.file(account, id).await?;
        if let Some((size, bytes)) = self.inbound.bytes(id).await? {
            return Ok(Opened { media, size, bytes });
        }
        tracing::warn!(media.id = id, "the file is on the record, but not in server.data_dir");
        let media = self.inbound.file(account, id).await?.ok_or_else(unknown)?;
        let (size, bytes) = self.inbound.bytes(id).await?.ok_or_else(unknown)?;
        Ok(Opened { media, size, bytes })
    }

    /// What a link of ours leads to; none where it leads nowhere, or not any more.
    ///
    /// # Errors
    /// Where the store is away.
    pub async fn behind_link(&self, token: &str) -> Result<Option<Behind>, Fault> {
        let Some(file) = self.store.inbound_behind(token).await.map_err(store_fault)? else { return Ok(None) };
        let account = self.directory().account_named(&file.account);
        let dialect = dialect::named(&file.dialect).unwrap_or_else(dialect::reference);
        Ok(account.map(|account| Behind { account, dialect, id: file.id }))
    }

    /// Removes a file that somebody sent, as its client wants it; false where the account has none of this id.
    ///
    /// # Errors
    /// Where it cannot be removed now.
    pub async fn remove_file(&self, account: &str, id: &str) -> Result<bool, Fault> {
        Ok(self.inbound.remove(Doomed::One { account, id }).await.map_err(store_fault)? > 0)
    }
}

fn unknown() -> Fault {
    let detail = "no media of this account has the id; it was deleted, grew too old, or was never here";
    Fault::client(FaultKind::NotFound, detail)
}
