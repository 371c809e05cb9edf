//! Files travel to an upstream once, and from then on by the id that it gave.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};

use super::flights::Flights;
use super::judged::Held;
use crate::clock::Clock;
use crate::delivery::store_fault;
use crate::dialect::FileFacts;
use crate::media::repair::Source;
use crate::media::{Vault, VaultError};
use crate::model::{Fault, FaultKind, MediaFormat, Verdict};
use crate::store::{Store, StoreError, UploadKey, UpstreamMedia};
use crate::upstream::Upstream;

/// An id that its upstream forgets so soon is not used any more: the message may wait before it is sent.
const MARGIN: time::Duration = time::Duration::days(1);

/// Uploads files to upstreams, each once.
pub struct Uploads {
    pub store: Arc<dyn Store>,
    pub vault: Vault,
    pub clock: Arc<dyn Clock>,
    pub flights: Flights<UploadKey, Given>,
}

/// The id that an upstream gave for a file.
#[derive(Clone, Debug)]
pub struct Given {
    /// The id.
    pub id: String,
    /// Whether it was uploaded for an earlier message: the upstream may have lost it since.
    pub is_remembered: bool,
}

impl Uploads {
    /// The upstream's id for a file: a known one, or that of an upload, which everybody who needs it at once shares.
    pub async fn place(self: &Arc<Self>, key: UploadKey, held: Held, upstream: &Arc<Upstream>) -> Result<Given, Fault> {
        let (this, upstream) = (Arc::clone(self), Arc::clone(upstream));
        let work = || {
            let key = key.clone();
            async move { this.known_or_uploaded(&key, &held, &upstream).await }
        };
        self.flights.join(key.clone(), work).await
    }

    /// Forgets an id. One that was given since stays.
    pub async fn forget(&self, key: &UploadKey, id: &str) {
        if let Err(error) = self.store.forget_upstream_media(key, id).await {
            warn(&error, "an upstream's media id could not be forgotten");
        }
    }

    async fn known_or_uploaded(&self, key: &UploadKey, held: &Held, upstream: &Upstream) -> Result<Given, Fault> {
        let known = self.store.upstream_media(key).await.map_err(store_fault)?;
        if let Some(known) = known.filter(|known| known.expires_at - MARGIN > self.clock.now()) {
            return Ok(Given { id: known.media_id, is_remembered: true });
        }
        let uploaded = self.upload(key, held, upstream).await?;
        if let Err(error) = self.store.remember_upstream_media(key, &uploaded).await {
            // The file is there and the message can go; the next one will upload it again.
            warn(&error, "an upstream's media id could not be remembered");
        }
        Ok(Given { id: uploaded.media_id, is_remembered: false })
    }

    async fn upload(&self, key: &UploadKey, held: &Held, upstream: &Upstream) -> Result<UpstreamMedia, Fault> {
        let (size, bytes) = self.open(held).await?;
        let name = neutral_name(&key.mime_type);
        let file = FileFacts { id: "", mime_type: &key.mime_type, filename: Some(&name), size, sha256: &key.sha256 };
        let now = self.clock.now();
        let uploaded = upstream.upload(&file, bytes).await;
        let uploaded = uploaded.map_err(|fault| nothing_was_sent(fault, upstream))?;
        tracing::info!(upstream.name = upstream.name, bytes = size, "file uploaded");
        Ok(UpstreamMedia { media_id: uploaded.id, expires_at: now + uploaded.kept })
    }

    /// A file's length and its bytes.
    pub async fn open(&self, held: &Held) -> Result<(u64, Source), Fault> {
        match held {
            Held::Vault(media) => {
                let file = self.vault.get(&media.id).await.map_err(vault_fault)?;
                let (size, bytes) = file.ok_or_else(gone)?;
                Ok((size, bytes.map_err(Into::into).boxed()))
            }
            Held::Spooled { size, file, .. } => {
                let bytes = file.open().await.map_err(|error| vault_fault(VaultError::Unavailable(error.into())))?;
                Ok((*size, bytes.map_err(Into::into).boxed()))
            }
        }
    }
}

/// What an upload is known by. It belongs to the sender that it was made with.
pub fn upload_key(sha256: &str, format: MediaFormat, upstream: &Upstream) -> UploadKey {
    UploadKey {
        upstream: upstream.name.clone(),
        sender: upstream.phone_number_id.clone().or_else(|| upstream.sender.clone()).unwrap_or_default(),
        sha256: sha256.to_owned(),
        mime_type: format.mime().to_owned(),
    }
}

/// A name of our own, whose extension fits the type: an upload called `.mp4` with other bytes was classed by its name. The
/// name that a person sees stands in the message.
fn neutral_name(mime_type: &str) -> String {
    let format = MediaFormat::ALL.iter().find(|format| format.mime() == mime_type);
    let extension = format.and_then(|format| format.extensions().first()).unwrap_or(&"bin");
    format!("file.{extension}")
}

/// An upload is never ambiguous for the message that waits for it.
fn nothing_was_sent(fault: Fault, upstream: &Upstream) -> Fault {
    if fault.verdict() != Verdict::Ambiguous {
        return fault;
    }
    let detail =
        format!("upstream {} did not take the file ({}); nothing was sent, try again", upstream.name, fault.kind);
    Fault { kind: FaultKind::UpstreamUnavailable, detail, ..fault }
}

/// The row of an upload is there and its bytes are not.
pub fn gone() -> Fault {
    Fault::client(FaultKind::MediaUnreachable, "the file of this upload is gone; upload it again")
}

pub fn vault_fault(error: VaultError) -> Fault {
    tracing::error!(error = &error as &dyn std::error::Error, "a file could not be read");
    Fault::gateway(FaultKind::StoreUnavailable, "the file cannot be read at the moment; try again")
}

fn warn(error: &StoreError, what: &'static str) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
