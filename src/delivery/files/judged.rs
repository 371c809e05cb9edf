//! What the gate found of one file: for the fault, for the warnings and for the report of a dry run.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::media::check::{Code, Facts, Finding, Inspection, Report, Route, Verdict, Weight};
use crate::media::links::{Fetched, SpoolFile};
use crate::media::repair::Mended;
use crate::model::{Fault, FaultKind, MediaFormat, MediaKind, Warning};
use crate::store::StoredMedia;

/// One file of a request.
pub struct Judged {
    /// The member that names it, as the client spells it.
    pub member: String,
    /// As what it is sent.
    pub kind: MediaKind,
    /// Which way it goes.
    pub route: Route,
    /// What it is; nothing is known where its link could not be reached.
    pub inspection: Option<Arc<Inspection>>,
    /// What is said of it.
    pub report: Report,
    /// Its bytes, where they are uploaded.
    pub held: Option<Held>,
    /// When to try again, where that may help.
    pub retry_after: Option<Duration>,
}

/// Where the bytes of a file lie that is uploaded.
#[derive(Clone)]
pub enum Held {
    /// In the vault: the client uploaded it.
    Vault(StoredMedia),
    /// In a spool: it was fetched or mended.
    Spooled { sha256: String, size: u64, file: Arc<SpoolFile> },
}

/// A file in the report of a dry run.
#[derive(Debug, Serialize)]
pub struct FileReport {
    member: String,
    kind: MediaKind,
    route: Route,
    verdict: Verdict,
    codes: Vec<Code>,
    notes: Vec<Code>,
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Measured>,
}

/// What the file is, and the name that it is sent under.
#[derive(Debug, Serialize)]
struct Measured {
    format: MediaFormat,
    bytes: u64,
    #[serde(flatten)]
    facts: Facts,
    mime: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
}

impl Held {
    /// The SHA-256 of its bytes in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        match self {
            Self::Vault(media) => &media.sha256,
            Self::Spooled { sha256, .. } => sha256,
        }
    }
}

impl From<Fetched> for Held {
    fn from(fetched: Fetched) -> Self {
        Self::Spooled { sha256: fetched.sha256, size: fetched.size, file: fetched.bytes }
    }
}

impl From<&Mended> for Held {
    fn from(mended: &Mended) -> Self {
        let (sha256, file) = (mended.sha256.clone(), Arc::clone(&mended.file));
        Self::Spooled { sha256, size: mended.inspection.bytes, file }
    }
}

impl Judged {
    /// The strongest code, for what is counted.
    pub fn code(&self) -> Option<Code> {
        self.report.findings.first().map(|finding| finding.code)
    }

    /// Why the file forbids sending, if it does.
    pub fn fault(&self) -> Option<Fault> {
        Some(refusal(&self.report, &self.member)?.retry_after(self.retry_after))
    }

    /// What stands on the transaction of a file that may go.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        let text = |finding: &Finding| format!("{}: {}", self.member, said(finding));
        self.report.findings.iter().map(move |finding| Warning::new(&self.member, text(finding)))
    }

    /// For the report of a dry run.
    pub fn into_report(self) -> FileReport {
        let facts = self.inspection.map(|inspection| Measured {
            format: self.report.format,
            bytes: inspection.bytes,
            facts: inspection.facts.clone(),
            mime: self.report.format.mime(),
            filename: self.report.filename.clone(),
        });
        FileReport {
            member: self.member,
            kind: self.kind,
            route: self.route,
            verdict: self.report.verdict,
            codes: self.report.codes(|weight| weight > Weight::Note),
            notes: self.report.codes(|weight| weight == Weight::Note),
            findings: self.report.findings,
            facts,
        }
    }
}

/// Why a file at a member is refused, if it is.
pub fn refusal(report: &Report, member: &str) -> Option<Fault> {
    let finding = report.findings.first().filter(|_| report.verdict == Verdict::Reject)?;
    Some(Fault::at(kind_of(finding.code), member, said(finding)))
}

/// The text with its stable code: people read the one, programs the other.
pub fn said(finding: &Finding) -> String {
    format!("{} ({})", finding.text, finding.code)
}

/// The kind of fault that a finding is.
pub fn kind_of(code: Code) -> FaultKind {
    let is_of = |family: &str| code.as_str().starts_with(family);
    match code {
        Code::SizeOver | Code::StickerSize => FaultKind::MediaTooLarge,
        Code::ErrorBody => FaultKind::MediaUnreachable,
        _ if is_of("URL-") => FaultKind::InvalidMember,
        _ if is_of("NET-") || is_of("HTTP-") || is_of("TLS") => FaultKind::MediaUnreachable,
        _ => FaultKind::MediaTypeRefused,
    }
}
