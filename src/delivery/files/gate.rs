//! One file at the gate: found behind its link or in the vault, held against the rules, mended where that is asked for.

use std::sync::Arc;

use serde_json::Value;

use super::RETRY_AFTER;
use super::fetches::Fetches;
use super::flights::Flights;
use super::judged::{Held, Judged};
use super::uploads::{Uploads, gone};
use crate::delivery::inbound::Inbound;
use crate::delivery::{Order, store_fault};
use crate::media::Known;
use crate::media::check::{
    self, Code, DialectLimits, Finding, Inspection, Inspector, Question, Repair, Report, Route, Verdict, Weight,
};
use crate::media::links::{Ask, Credentials, LinkFault, Redirects, Seen};
use crate::media::repair::{Mended, NotMended, Recipe, Workshop};
use crate::model::{Fault, File, MediaSource, Setting};
use crate::secret::Secret;
use crate::store::StoredMedia;
use crate::upstream::{MediaWay, Upstream};

/// Looks at files.
pub struct Gate {
    pub fetches: Fetches,
    pub workshop: Workshop,
    pub known: Known,
    pub uploads: Arc<Uploads>,
    pub dialect_limits: DialectLimits,
    /// Repairs under way, by the bytes' hash.
    pub repairs: Flights<(String, Recipe), Result<Arc<Mended>, NotMended>>,
    /// What came of the latest, so that a file that is sent often is mended once.
    pub mended: moka::sync::Cache<(String, Recipe), Arc<Mended>>,
}

/// A file that is looked at.
pub struct Look<'a> {
    pub gate: &'a Arc<Gate>,
    pub inbound: &'a Arc<Inbound>,
    pub order: &'a Order,
    pub upstream: &'a Upstream,
    pub file: &'a File<'a>,
}

/// Which way a file goes to an upstream.
pub fn way(upstream: &Upstream, file: &File<'_>) -> MediaWay {
    match file.source() {
        MediaSource::Id(_) => MediaWay::Upload,
        MediaSource::Link(_) if !upstream.dialect.takes_uploads() && upstream.media == MediaWay::Upload => {
            MediaWay::Link
        }
        // Only the gateway can have the credential.
        MediaSource::Link(_) if upstream.dialect.takes_uploads() && names_credential(upstream, file) => {
            MediaWay::Upload
        }
        MediaSource::Link(_) => upstream.media,
    }
}

/// Whether a file calls for a credential that the upstream has no word for.
fn names_credential(upstream: &Upstream, file: &File<'_>) -> bool {
    file.provider().is_some() && !upstream.dialect.keeps_providers() && upstream.media != MediaWay::Unchecked
}

/// What a link is asked with.
enum Access {
    /// Nothing.
    Public,
    /// A credential that the message calls for by name.
    With(Credentials),
    /// The upstream has the credential, and the gateway has not.
    OfUpstream,
}

impl Access {
    fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::With(credentials) => Some(credentials),
            Self::Public | Self::OfUpstream => None,
        }
    }
}

impl Look<'_> {
    /// The member that names the file, as the client spells it.
    pub fn member(&self) -> String {
        self.order.dialect.spell(&self.file.member())
    }

    /// What there is to say of the file; nothing of an id that is not the account's own, and of a link that is passed on
    /// unchecked.
    pub async fn judge(&self) -> Result<Option<Judged>, Fault> {
        let (link, way) = match (self.file.source(), way(self.upstream, self.file)) {
            (MediaSource::Id(id), _) => return self.own(&id).await,
            (MediaSource::Link(_), MediaWay::Unchecked) => return Ok(None),
            (MediaSource::Link(link), way) => (link, way),
        };
        match self.access(&link).await? {
            Access::OfUpstream => Ok(None),
            access if way == MediaWay::Upload => self.fetched(&link, &access).await.map(Some),
            access => Ok(Some(self.passed_on(&link, &access).await)),
        }
    }

    /// A file that the client uploaded here, or that somebody sent it. Other ids are the provider's own.
    async fn own(&self, id: &str) -> Result<Option<Judged>, Fault> {
        let account = &self.order.account.name;
        let media = self.gate.uploads.store.media(account, id).await.map_err(store_fault)?;
        let media = if media.is_some() { media } else { self.inbound.file(account, id).await? };
        let Some(media) = media else { return Ok(None) };
        let inspection = self.gate.inspected(&media).await?;
        let question = Question { content_type: Some(&media.mime_type), ..self.question(Route::Upload) };
        let judged = self.judged(inspection, &question, Vec::new());
        self.mended(Judged { held: Some(Held::Vault(media.clone())), ..judged }, &question).await.map(Some)
    }

    /// A link whose file is uploaded.
    async fn fetched(&self, link: &str, access: &Access) -> Result<Judged, Fault> {
        let ask = self.ask(link, Route::Upload, access);
        let fetched = match self.gate.fetches.fetch(&ask).await? {
            Ok(fetched) => fetched,
            Err(fault) => return Ok(self.unreachable(fault, Route::Upload)),
        };
        let seen = fetched.seen.clone();
        let question = Question { content_type: Some(seen.declared()), ..self.question(Route::Upload) };
        let judged = self.judged(Arc::clone(&seen.inspection), &question, seen.findings.clone());
        if self.may_pass_by_link(&judged) {
            return Ok(self.passed_on(link, access).await);
        }
        self.mended(Judged { held: Some(fetched.into()), ..judged }, &question).await
    }

    /// Documents that uploads refuse may pass by link, but only where the upstream can read the link itself.
    fn may_pass_by_link(&self, judged: &Judged) -> bool {
        let mut reasons = judged.report.findings.iter().filter(|finding| finding.weight == Weight::Reject);
        judged.report.verdict == Verdict::Reject
            && self.file.provider().is_none()
            && reasons.all(|finding| finding.code == Code::DocumentNotListed)
    }

    /// A link that is passed on.
    async fn passed_on(&self, link: &str, access: &Access) -> Judged {
        let ask = Ask { redirects: Redirects::Refuse, ..self.ask(link, Route::Link, access) };
        match self.gate.fetches.links.preflight(&ask).await {
            Ok(Seen { inspection, content_type, findings, .. }) => {
                let content_type = Some(content_type.as_deref().unwrap_or_default());
                let question = Question { content_type, ..self.question(Route::Link) };
                self.judged(inspection, &question, findings)
            }
            Err(fault) => self.unreachable(fault, Route::Link),
        }
    }

    /// What the message calls for by name: the operator set it up, or the client itself.
    async fn access(&self, link: &str) -> Result<Access, Fault> {
        // Of a link that is passed on to a dialect without a word for it, the name is lost, and stands among the losses.
        let Some(name) = self.file.provider().filter(|_| self.upstream.dialect.takes_uploads()) else {
            return Ok(Access::Public);
        };
        let account = &self.order.account;
        if let Some(provider) = account.media_providers.get(name) {
            let credentials = provider.credentials_for(link).ok_or_else(|| self.foreign_host())?;
            return Ok(Access::With(credentials.clone()));
        }
        let store = &self.gate.uploads.store;
        let stored = store.setting(&account.name, Setting::MediaProviders.name()).await.map_err(store_fault)?;
        match stored.as_ref().and_then(|stored| stored.get(name)).and_then(credentials_of) {
            Some(credentials) => Ok(Access::With(credentials)),
            None if self.upstream.dialect.keeps_providers() => Ok(Access::OfUpstream),
            None => Err(self.unknown_provider()),
        }
    }

    fn unknown_provider(&self) -> Fault {
        self.wrong_provider(
            "no credential for links has this name; set it up under media providers, or upload the file",
        )
    }

    fn foreign_host(&self) -> Fault {
        self.wrong_provider(
            "the credential of this name does not go to the host of the link; have the operator add it to the hosts of \
             the media provider, or upload the file",
        )
    }

    fn wrong_provider(&self, detail: &str) -> Fault {
        Fault::invalid(self.member().replace(".link", ".provider.name"), detail)
    }

    fn ask<'a>(&'a self, url: &'a str, route: Route, access: &'a Access) -> Ask<'a> {
        let credentials = access.credentials();
        let question = self.question(route);
        let is_promised = question.promise.redirects || self.gate.dialect_limits != DialectLimits::Enforce;
        let redirects = if is_promised { Redirects::Follow } else { Redirects::Refuse };
        let (account, kind) = (self.order.account.name.as_str(), self.file.kind);
        Ask { account, url, kind, credentials, redirects, max_bytes: check::max_bytes(&question), route }
    }

    fn question(&self, route: Route) -> Question<'_> {
        Question {
            dialect_limits: self.gate.dialect_limits,
            repair: self.order.account.repair,
            route,
            filename: self.file.filename(),
            voice: self.file.is_voice(),
            ..Question::new(self.file.kind, self.order.dialect.media_promise())
        }
    }

    fn judged(&self, inspection: Arc<Inspection>, question: &Question<'_>, of_link: Vec<Finding>) -> Judged {
        let report = check::check(&inspection, question).with(of_link);
        self.of_report(report, question.route, Some(inspection))
    }

    fn of_report(&self, report: Report, route: Route, inspection: Option<Arc<Inspection>>) -> Judged {
        let member = self.member();
        Judged { member, kind: self.file.kind, route, inspection, report, held: None, retry_after: None }
    }

    /// Nothing could be seen of the file. The sandbox reads no links, so in front of it a link that cannot be reached is
    /// worth a warning alone: a first run needs no way out.
    fn unreachable(&self, fault: LinkFault, route: Route) -> Judged {
        let mut finding = fault.finding();
        if self.upstream.is_sandbox() && is_out_of_reach(finding.code) {
            finding = finding.at_most(Weight::Warn);
        }
        let judged = self.of_report(Report::of(finding), route, None);
        let may_pass = fault.retry.then_some(RETRY_AFTER);
        Judged { retry_after: fault.retry_after.or(may_pass), ..judged }
    }

    /// The file once it is mended, where its recipe says how. What came out is checked as what came in was.
    async fn mended(&self, judged: Judged, question: &Question<'_>) -> Result<Judged, Fault> {
        let (Some(recipe), Some(held), Some(inspection)) = (judged.report.recipe, &judged.held, &judged.inspection)
        else {
            return Ok(judged);
        };
        let as_it_is = Question { repair: Repair::Off, ..*question };
        let why = match self.gate.mend(recipe, held, inspection).await? {
            Err(why) => why.to_string(),
            Ok(mended) => {
                let after = check::check(&mended.inspection, &Question { content_type: None, ..as_it_is });
                if after.verdict != Verdict::Reject {
                    let report = after.with(vec![recipe.finding()]);
                    let inspection = Some(Arc::clone(&mended.inspection));
                    return Ok(Judged { report, inspection, held: Some(mended.as_ref().into()), ..judged });
                }
                after.findings.into_iter().next().map(|finding| finding.text).unwrap_or_default()
            }
        };
        let report = check::check(inspection, &as_it_is).adding(&format!(" It could not be mended: {why}."));
        Ok(Judged { report, ..judged })
    }
}

/// A credential as it is stored.
fn credentials_of(stored: &Value) -> Option<Credentials> {
    let text = |name| stored.get(name).and_then(Value::as_str);
    match (text("bearer"), text("user"), text("password")) {
        (Some(token), ..) => Credentials::bearer(&Secret::new(token)).ok(),
        (None, Some(user), Some(password)) => Credentials::basic(user, &Secret::new(password)).ok(),
        _ => None,
    }
}

/// Whether nobody answered.
fn is_out_of_reach(code: Code) -> bool {
    code.as_str().starts_with("NET-") || matches!(code, Code::Tls | Code::HttpTimeout)
}

impl Gate {
    /// What the bytes of an upload are: as they were seen when it came, else read once more.
    async fn inspected(&self, media: &StoredMedia) -> Result<Arc<Inspection>, Fault> {
        if let Some(known) = self.known.get(&media.sha256) {
            return Ok(known);
        }
        let (_, mut bytes) = self.uploads.open(&Held::Vault(media.clone())).await?;
        let mut inspector = Inspector::new();
        while let Some(chunk) = futures_util::TryStreamExt::try_next(&mut bytes).await.map_err(|_| gone())? {
            inspector.push(&chunk);
        }
        Ok(self.known.learn(&media.sha256, inspector.finish()))
    }

    /// Mends a file once, however many messages need it.
    async fn mend(
        self: &Arc<Self>,
        recipe: Recipe,
        held: &Held,
        inspection: &Arc<Inspection>,
    ) -> Result<Result<Arc<Mended>, NotMended>, Fault> {
        let key = (held.sha256().to_owned(), recipe);
        let work = || {
            let (gate, held, key, format) = (Arc::clone(self), held.clone(), key.clone(), inspection.format);
            async move {
                if let Some(mended) = gate.mended.get(&key) {
                    return Ok(Ok(mended));
                }
                let (_, bytes) = gate.uploads.open(&held).await?;
                let mended = gate.workshop.mend(recipe, format, bytes).await.map(Arc::new);
                if let Ok(mended) = &mended {
                    gate.mended.insert(key, Arc::clone(mended));
                }
                Ok(mended)
            }
        };
        self.repairs.join(key.clone(), work).await
    }
}
