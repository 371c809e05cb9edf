//! Files that clients uploaded travel to an upstream once, and from then on by the id that it gave.
//!
//! An id of an account's upload means nothing at an upstream, so before a message leaves each such id is replaced. Ids
//! that are not the account's own pass as they are: they are the provider's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use tokio::task::JoinError;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::{Order, store_fault};
use crate::clock::Clock;
use crate::dialect::FileFacts;
use crate::media::{Vault, VaultError};
use crate::model::{Fault, FaultKind, Origin, Request, Verdict};
use crate::store::{Store, StoredMedia, UploadKey, UpstreamMedia};
use crate::upstream::Upstream;

/// An id that its upstream forgets so soon is not used any more: the message may wait before it is sent.
const MARGIN: time::Duration = time::Duration::days(1);

/// When to come back where an upload takes longer than a client waits.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How often ids that upstreams have forgotten are looked for.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// An upload that is under way, for everybody who waits for it.
type Flight = Shared<BoxFuture<'static, Result<String, Fault>>>;

/// Uploads files to upstreams, each once.
pub struct Files {
    store: Arc<dyn Store>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    patience: Duration,
    flights: Mutex<HashMap<UploadKey, Flight>>,
}

/// A request whose ids the upstream knows.
pub struct Placed {
    /// The request.
    pub request: Request,
    /// The uploads that it names.
    pub uploads: Vec<UploadKey>,
}

impl Files {
    /// The files whose facts are in the store and whose bytes are in the vault. A message waits for their uploads as
    /// long as the patience lasts.
    pub fn new(store: Arc<dyn Store>, vault: Vault, clock: Arc<dyn Clock>, patience: Duration) -> Arc<Self> {
        Arc::new(Self { store, vault, clock, patience, flights: Mutex::default() })
    }

    /// The order's request with the upstream's ids in place of the account's own.
    ///
    /// # Errors
    /// Where a file cannot be read or uploaded. Nothing was sent then, so no fault leaves that open.
    pub async fn place(self: &Arc<Self>, order: &Order, upstream: &Arc<Upstream>) -> Result<Placed, Fault> {
        let mut placed = Placed { request: order.request.clone(), uploads: Vec::new() };
        let deadline = Instant::now() + self.patience;
        for file in placed.request.file_ids() {
            let media = self.store.media(&order.account.name, file.id).await.map_err(store_fault)?;
            let Some(media) = media else { continue };
            let key = upload_key(&media, upstream);
            let id = timeout_at(deadline, self.flight(&key, media, upstream)).await;
            let id = id.unwrap_or_else(|_| Err(still_on_its_way(upstream)));
            *file.id = id.map_err(|fault| at_member(fault, order.dialect.spell(&file.member)))?;
            placed.uploads.push(key);
        }
        Ok(placed)
    }

    /// Forgets the ids of a message that was refused for its files: they may be gone at the upstream.
    pub async fn doubt(&self, uploads: &[UploadKey], fault: &Fault) {
        if fault.origin != Origin::Upstream || !may_mean_an_unknown_file(fault.kind) {
            return;
        }
        for key in uploads {
            if let Err(error) = self.store.forget_upstream_media(key).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an upstream's media id could not be forgotten"
                );
            }
        }
    }

    /// The upload of a file that is under way, or a new one. It goes on to its end whether somebody waits or not.
    fn flight(self: &Arc<Self>, key: &UploadKey, media: StoredMedia, upstream: &Arc<Upstream>) -> Flight {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(key) {
            return flight.clone();
        }
        let landing = Landing { files: Arc::clone(self), key: key.clone() };
        let upstream = Arc::clone(upstream);
        let flight = async move { landing.files.known_or_uploaded(&landing.key, &media, &upstream).await };
        let flight = tokio::spawn(flight).map(|ended| ended.unwrap_or_else(|error| Err(ended_abnormally(&error))));
        let flight = flight.boxed().shared();
        flights.insert(key.clone(), flight.clone());
        flight
    }

    async fn known_or_uploaded(
        &self,
        key: &UploadKey,
        media: &StoredMedia,
        upstream: &Upstream,
    ) -> Result<String, Fault> {
        let known = self.store.upstream_media(key).await.map_err(store_fault)?;
        if let Some(known) = known.filter(|known| known.expires_at - MARGIN > self.clock.now()) {
            return Ok(known.media_id);
        }
        let uploaded = self.upload(media, upstream).await?;
        let media_id = uploaded.media_id.clone();
        if let Err(error) = self.store.remember_upstream_media(key, &uploaded).await {
            // The file is there and the message can go; the next one will upload it again.
            tracing::warn!(error = &error as &dyn std::error::Error, "an upstream's media id could not be remembered");
        }
        Ok(media_id)
    }

    async fn upload(&self, media: &StoredMedia, upstream: &Upstream) -> Result<UpstreamMedia, Fault> {
        let Some((size, bytes)) = self.vault.get(&media.id).await.map_err(vault_fault)? else {
            return Err(Fault::client(FaultKind::MediaUnreachable, "the file of this upload is gone; upload it again"));
        };
        let file = FileFacts {
            id: &media.id,
            mime_type: &media.mime_type,
            filename: media.filename.as_deref(),
            size,
            sha256: &media.sha256,
        };
        let now = self.clock.now();
        let uploaded = upstream.upload(&file, bytes.map_err(Into::into).boxed()).await;
        let uploaded = uploaded.map_err(|fault| nothing_was_sent(fault, upstream))?;
        tracing::info!(upstream.name = upstream.name, bytes = size, "file uploaded");
        Ok(UpstreamMedia { media_id: uploaded.id, expires_at: now + uploaded.kept })
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<UploadKey, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sweeps out ids that upstreams have forgotten, for ever; any number of processes may do so at once.
pub async fn watch(store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = store.sweep_upstream_media(clock.now()).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "expired media ids not swept out");
        }
    }
}

/// Takes a flight off the list, however it ends.
struct Landing {
    files: Arc<Files>,
    key: UploadKey,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.files.flights().remove(&self.key);
    }
}

/// An upload belongs to the sender that it was made with.
fn upload_key(media: &StoredMedia, upstream: &Upstream) -> UploadKey {
    UploadKey {
        upstream: upstream.name.clone(),
        sender: upstream.phone_number_id.clone().or_else(|| upstream.sender.clone()).unwrap_or_default(),
        sha256: media.sha256.clone(),
        mime_type: media.mime_type.clone(),
    }
}

/// Clients give up after a while and send again. So before one does, it is told to: a message that went out after its
/// client had given up would reach the person twice.
fn still_on_its_way(upstream: &Upstream) -> Fault {
    let detail = format!("the file is still on its way to upstream {}; nothing was sent, try again", upstream.name);
    Fault::upstream(FaultKind::UpstreamUnavailable, detail).retry_after(Some(RETRY_AFTER))
}

fn ended_abnormally(error: &JoinError) -> Fault {
    // Not the error's own words: they repeat those of a panic, which may hold what a client sent.
    tracing::error!(panicked = error.is_panic(), "an upload ended abnormally");
    Fault::gateway(FaultKind::Internal, "the upload ended abnormally; see the log")
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

/// A fault that another try will not mend lies with the file, so it names the member that names the file.
fn at_member(fault: Fault, member: String) -> Fault {
    if fault.verdict() != Verdict::Permanent {
        return fault;
    }
    Fault { detail: format!("{member}: {}", fault.detail), member: Some(member), ..fault }
}

/// Providers say of an id that they do not know that it cannot be downloaded, or that the parameter is wrong.
fn may_mean_an_unknown_file(kind: FaultKind) -> bool {
    use FaultKind::{InvalidMember, MediaTypeRefused, MediaUnreachable, NotFound, UpstreamRefused};
    matches!(kind, MediaUnreachable | MediaTypeRefused | InvalidMember | NotFound | UpstreamRefused)
}

fn vault_fault(error: VaultError) -> Fault {
    tracing::error!(error = &error as &dyn std::error::Error, "a client's upload could not be read");
    Fault::gateway(FaultKind::StoreUnavailable, "the file of an upload cannot be read at the moment; try again")
}
