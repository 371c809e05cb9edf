//! The gate: every file of a message is looked at before the message leaves, and goes the way that its upstream takes.
//!
//! A file that WhatsApp would refuse minutes later is refused at once, in the client's words. One that may go is uploaded
//! once and named by the upstream's id, or its link is passed on. Ids that are not the account's own pass as they are:
//! they are the provider's.

mod fetches;
mod flights;
mod gate;
mod judged;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
pub use flights::Flights;
use judged::Judged;
pub use judged::{FileReport, refusal};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::inbound::{Inbound, Limits};
use super::{Directory, Order};
use crate::clock::Clock;
use crate::measure;
use crate::media::check::{DialectLimits, Route, document_name};
use crate::media::links::Links;
use crate::media::repair::Workshop;
use crate::media::{Known, Vault};
use crate::model::{Fault, FaultKind, MediaSource, Origin, Request, Verdict, Warning};
use crate::store::{Store, UploadKey};
use crate::upstream::{MediaWay, Upstream};
use fetches::Fetches;
use gate::{Gate, Look, way};
use uploads::{Given, Uploads, upload_key};

/// When to come back where a file takes longer than a client waits.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Files that were mended and are kept for the next message at most.
const KEPT_MENDED: u64 = 16;
/// Stands for the id of a file that is not uploaded yet.
const TO_BE_UPLOADED: &str = "<id of the upload>";
/// How often ids that upstreams have forgotten are looked for.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// What files are looked at with, and how long a message waits for them.
pub struct Tools {
    /// Where the facts of clients' uploads are.
    pub store: Arc<dyn Store>,
    /// Where their bytes are.
    pub vault: Vault,
    /// What is known of their bytes.
    pub known: Known,
    /// Where files behind links come from.
    pub links: Arc<Links>,
    /// Where files are mended.
    pub workshop: Workshop,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether a dialect's narrower promises count.
    pub dialect_limits: DialectLimits,
    /// How long a message waits.
    pub patience: Duration,
    /// Limits of files that people sent.
    pub inbound: Limits,
}

/// The gate.
pub struct Files {
    gate: Arc<Gate>,
    patience: Duration,
    inbound: Limits,
}

/// A request that may go, its files as the upstream knows them.
pub struct Placed {
    /// The request.
    pub request: Request,
    /// The uploads that it names.
    pub uploads: Vec<Used>,
    /// What is to be said of its files.
    pub warnings: Vec<Warning>,
}

/// An upload that a request names.
#[derive(Clone, Debug)]
pub struct Used {
    key: UploadKey,
    given: Given,
}

/// A file that may go: what was found of it, and the upload that it is named by, where it was uploaded.
type Passed = (Judged, Option<Used>);

impl Files {
    /// The gate over these tools.
    pub fn new(tools: Tools) -> Arc<Self> {
        let Tools { store, vault, known, links, workshop, clock, dialect_limits, patience, inbound } = tools;
        let uploads = Arc::new(Uploads { store, vault, clock, flights: Default::default() });
        let (repairs, mended) = (Default::default(), moka::sync::Cache::new(KEPT_MENDED));
        let fetches = Fetches::new(links, patience);
        let gate = Gate { fetches, workshop, known, uploads, dialect_limits, repairs, mended };
        Arc::new(Self { gate: Arc::new(gate), patience, inbound })
    }

    /// The files that people sent to the upstreams of a directory, with the same tools.
    pub fn inbound(&self, directory: Arc<ArcSwap<Directory>>) -> Arc<Inbound> {
        let Uploads { store, vault, clock, .. } = &*self.gate.uploads;
        let configured = self.inbound.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        Arc::new(Inbound {
            store: Arc::clone(store),
            vault: vault.clone(),
            links: Arc::clone(&self.gate.fetches.links),
            clock: Arc::clone(clock),
            directory,
            limits: self.inbound.clone(),
            origin: configured.map(Into::into).unwrap_or_default(),
            flights: Flights::default(),
            pauses: Default::default(),
        })
    }

    /// The order's request with its files as the upstream takes them, until then at most; as long as files may take where
    /// nobody waits.
    ///
    /// # Errors
    /// Where a file forbids sending, or cannot be read or uploaded. Nothing was sent then, so no fault leaves that open.
    pub async fn place(
        &self,
        order: &Order,
        upstream: &Arc<Upstream>,
        inbound: &Arc<Inbound>,
        until: Option<Instant>,
    ) -> Result<Placed, Fault> {
        let mut request = Request::clone(&order.request);
        let (mut uploads, mut warnings) = (Vec::new(), Vec::new());
        let deadline = until.unwrap_or_else(|| Instant::now() + self.patience);
        for mut file in request.files() {
            let look = Look { gate: &self.gate, inbound, order, upstream, file: &file };
            // On the heap: a message without files shall not carry 10 KB of space for the work on them.
            let passed = timeout_at(deadline, Box::pin(self.pass(&look, upstream))).await;
            let Some((judged, upload)) = passed.unwrap_or_else(|_| Err(still_on_its_way(upstream)))? else { continue };
            warnings.extend(judged.warnings());
            let format = judged.report.format;
            let in_link = file.name_in_link().filter(|_| upload.is_some()).map(|name| document_name(&name, format));
            if let Some(name) = judged.report.filename.or(in_link) {
                file.rename(name);
            }
            if let Some(used) = upload {
                file.put_id(used.given.id.clone());
                uploads.push(used);
            }
        }
        Ok(Placed { request, uploads, warnings })
    }

    /// What there is to say of each file that came until then, and the first fault among them; nothing is uploaded.
    pub async fn look(
        &self,
        order: &Order,
        upstream: &Arc<Upstream>,
        inbound: &Arc<Inbound>,
        until: Instant,
    ) -> (Vec<FileReport>, Option<Fault>) {
        let mut request = Request::clone(&order.request);
        let (mut reports, mut fault) = (Vec::new(), None);
        for file in request.files() {
            let look = Look { gate: &self.gate, inbound, order, upstream, file: &file };
            match timeout_at(until, Box::pin(look.judge())).await.unwrap_or_else(|_| Err(still_on_its_way(upstream))) {
                Ok(Some(judged)) => {
                    fault = fault.or_else(|| judged.fault());
                    reports.push(judged.into_report());
                }
                Ok(None) => {}
                Err(trouble) => fault = fault.or(Some(trouble)),
            }
        }
        (reports, fault)
    }

    /// Forgets the ids of a message that was refused for its files: they may be gone at the upstream. Says whether it is
    /// worth another try, for which the files are placed again: an id that was given just now is not lost. Whether another
    /// message was here before and has it forgotten already makes no difference.
    pub async fn doubt(&self, uploads: &[Used], fault: &Fault) -> bool {
        if fault.origin != Origin::Upstream || !may_mean_an_unknown_file(fault.kind) {
            return false;
        }
        for used in uploads {
            self.gate.uploads.forget(&used.key, &used.given.id).await;
        }
        uploads.iter().any(|used| used.given.is_remembered)
    }

    /// Looks at a file, and uploads it where it goes that way.
    async fn pass(&self, look: &Look<'_>, upstream: &Arc<Upstream>) -> Result<Option<Passed>, Fault> {
        let judged = look.judge().await.map_err(|fault| at_member(fault, &look.member()))?;
        let Some(judged) = judged else { return Ok(None) };
        measure::media_check(judged.report.verdict.as_str(), judged.code().map(|code| code.as_str()));
        if let Some(fault) = judged.fault() {
            return Err(fault);
        }
        let Some(held) = judged.held.clone().filter(|_| judged.route == Route::Upload) else {
            return Ok(Some((judged, None)));
        };
        let key = upload_key(held.sha256(), judged.report.format, upstream);
        let given = self.gate.uploads.place(key.clone(), held, upstream).await;
        let given = given.map_err(|fault| at_member(fault, &judged.member))?;
        Ok(Some((judged, Some(Used { key, given }))))
    }
}

/// The request as it would be said once its files are uploaded: what cannot be said shall cost no upload.
pub fn foreseen(request: &Request, upstream: &Upstream) -> Request {
    let mut request = request.clone();
    for mut file in request.files() {
        let is_link = matches!(file.source(), MediaSource::Link(_));
        if is_link && way(upstream, &file) == MediaWay::Upload {
            file.name_in_link().into_iter().for_each(|name| file.rename(name));
            file.put_id(TO_BE_UPLOADED.to_owned());
        }
    }
    request
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

/// No fault of the upstream's, so no other one is tried: the file would be on its way there as long.
fn still_on_its_way(upstream: &Upstream) -> Fault {
    let detail = format!("the file is still on its way to upstream {}; nothing was sent, try again", upstream.name);
    Fault::gateway(FaultKind::UpstreamUnavailable, detail).retry_after(Some(RETRY_AFTER))
}

/// As little the upstream's fault: other files are ahead of this one.
pub fn too_many(upstream: &Upstream) -> Fault {
    let detail = format!("too many files are on their way to upstream {}; nothing was sent, try again", upstream.name);
    Fault::gateway(FaultKind::UpstreamUnavailable, detail).retry_after(Some(RETRY_AFTER))
}

/// A fault that another try will not mend lies with the file, so it names the member that names the file.
fn at_member(fault: Fault, member: &str) -> Fault {
    if fault.verdict() != Verdict::Permanent || fault.member.is_some() {
        return fault;
    }
    Fault { detail: format!("{member}: {}", fault.detail), member: Some(member.to_owned()), ..fault }
}

/// Providers say of an id that they do not know that it cannot be downloaded, or that the parameter is wrong.
fn may_mean_an_unknown_file(kind: FaultKind) -> bool {
    use FaultKind::{InvalidMember, MediaTypeRefused, MediaUnreachable, NotFound, UpstreamRefused};
    matches!(kind, MediaUnreachable | MediaTypeRefused | InvalidMember | NotFound | UpstreamRefused)
}
