//! Whether WhatsApp will take a file, found out from its bytes before it is sent.
//!
//! Two steps. An [`Inspector`] takes bytes as they come and tells what the file is, whoever asks. [`check`] holds that
//! against the rules: what WhatsApp takes (`rules`), what the client's dialect promises, what the file is sent as, and
//! what its sender says of it. Names and headers decide nothing; they are compared with the bytes.
//!
//! Nothing here does I/O or decodes a pixel. To add a format: a line in `model::MediaFormat`, a magic word in `sniff`
//! or a `Walker` of its own, a place in the rules, and files that show it under `tests/fixtures/media/`.

mod amr;
mod code;
mod exif;
mod facts;
mod inspect;
mod isobmff;
mod jpeg;
mod kinds;
mod mime;
mod mpeg_audio;
mod names;
mod ogg;
mod ole;
mod ooxml;
mod pdf;
mod png;
mod rules;
mod sample_entry;
mod sniff;
mod text;
mod walk;
mod webp;
mod zip;

use std::cmp::Reverse;

use serde::Serialize;

pub use code::{Code, Finding, Weight};
pub use facts::{Codec, Color, Facts, Handler, Movie, Package, Pdf, Picture, Sound, Track};
pub use inspect::{Inspection, Inspector};

use super::repair::{Recipe, plan};
use crate::dialect::MediaPromise;
use crate::model::{MediaFormat, MediaKind};
use names::Name;
use rules::Rule;

/// As what, for whom and by which way a file is sent.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// As what it is shown.
    pub kind: MediaKind,
    /// What the client's dialect promises.
    pub promise: &'a MediaPromise,
    /// Whether the promise counts where WhatsApp takes more.
    pub dialect_limits: DialectLimits,
    /// What is mended on the way.
    pub repair: Repair,
    /// Which way it goes.
    pub route: Route,
    /// What its sender calls it: empty where the origin sends no type, absent where that is not known.
    pub content_type: Option<&'a str>,
    /// The name that the recipient sees.
    pub filename: Option<&'a str>,
    /// Whether audio is shown as a voice message.
    pub voice: bool,
}

impl<'a> Question<'a> {
    /// A file of a kind for a client with the usual settings.
    pub fn new(kind: MediaKind, promise: &'a MediaPromise) -> Self {
        Self {
            kind,
            promise,
            dialect_limits: DialectLimits::Enforce,
            repair: Repair::Promised,
            route: Route::Upload,
            content_type: None,
            filename: None,
            voice: false,
        }
    }
}

/// What becomes of a file that WhatsApp takes and the client's dialect does not promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DialectLimits {
    /// It is refused, as the original service would.
    #[default]
    Enforce,
    /// It is sent with a warning.
    Warn,
    /// It is sent.
    Off,
}

/// Which files are mended on the way. Only what is uploaded can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// None.
    Off,
    /// Those that the client's dialect promises to take and WhatsApp does not.
    #[default]
    Promised,
    /// Beside those: pictures of other colours and depths, pictures that lie on their side, and sound and films where
    /// ffmpeg is installed.
    All,
}

/// How a file gets to WhatsApp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The gateway uploads it and sends the id.
    #[default]
    Upload,
    /// Its link is passed on.
    Link,
}

/// Whether to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Send it.
    Accept,
    /// WhatsApp may take it; delivery or display is doubtful.
    Warn,
    /// Do not send it.
    Reject,
}

impl Verdict {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Warn => "warn",
            Self::Reject => "reject",
        }
    }
}

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whether to send.
    pub verdict: Verdict,
    /// Why, the strongest first.
    pub findings: Vec<Finding>,
    /// What the file is, as far as its bytes and its sender tell.
    pub format: MediaFormat,
    /// A document's name as it is sent.
    pub filename: Option<String>,
    /// How it is made to fit before it is sent.
    pub recipe: Option<Recipe>,
}

impl Report {
    /// A report of one finding, where no more is known.
    pub fn of(finding: Finding) -> Self {
        report(vec![finding], MediaFormat::Unknown, None, None)
    }

    /// The same with more findings.
    #[must_use]
    pub fn with(mut self, more: Vec<Finding>) -> Self {
        self.findings.extend(more);
        report(self.findings, self.format, self.filename, self.recipe)
    }

    /// The same, the strongest finding in more words.
    #[must_use]
    pub fn adding(mut self, words: &str) -> Self {
        if let Some(strongest) = self.findings.first_mut() {
            strongest.text.push_str(words);
        }
        self
    }

    /// The codes that weigh so, the strongest first.
    pub fn codes(&self, weighs: impl Fn(Weight) -> bool) -> Vec<Code> {
        self.findings.iter().filter(|finding| weighs(finding.weight)).map(|finding| finding.code).collect()
    }
}

/// Holds a file against the rules. This is the one entry.
pub fn check(inspection: &Inspection, question: &Question<'_>) -> Report {
    let format = mime::with_declared(inspection.format, question);
    if let Some(instead) = inspection.findings.iter().find(|f| matches!(f.code, Code::Empty | Code::ErrorBody)) {
        return report(vec![instead.clone()], format, None, None);
    }
    // Damage comes first: it explains what else is missing.
    let mut findings = inspection.findings.clone();
    findings.extend(kinds::findings(inspection, format, question));
    findings.extend(size(inspection, question));
    findings.extend(promise(inspection, format, question));
    let recipe = plan::recipe(inspection, &findings, question);
    if let Some(recipe) = recipe {
        recipe.note(&mut findings);
    }
    findings.extend(mime::finding(format, question));
    let name = question.filename.filter(|_| question.kind == MediaKind::Document).map(|name| Name::clean(name, format));
    let (filename, of_name) = name.map(|name| (name.sent, name.findings)).unzip();
    findings.extend(of_name.unwrap_or_default());
    report(findings, format, filename, recipe)
}

/// A name from elsewhere as the name of a document of the format: what harms is gone, and the extension fits.
pub fn document_name(given: &str, format: MediaFormat) -> String {
    Name::clean(given, format).sent
}

fn report(mut findings: Vec<Finding>, format: MediaFormat, filename: Option<String>, recipe: Option<Recipe>) -> Report {
    findings.sort_by_key(|finding| Reverse(finding.weight));
    let verdict = match findings.first().map(|finding| finding.weight) {
        Some(Weight::Reject) => Verdict::Reject,
        Some(Weight::Warn) => Verdict::Warn,
        Some(Weight::Note) | None => Verdict::Accept,
    };
    Report { verdict, findings, format, filename, recipe }
}

/// As what a file of the format is sent if nobody says.
pub fn suggested(inspection: &Inspection) -> MediaKind {
    match inspection.facts {
        Facts::Sound(_) => MediaKind::Audio,
        Facts::Movie(_) if inspection.format == MediaFormat::M4a => MediaKind::Audio,
        Facts::Movie(_) => MediaKind::Video,
        Facts::Picture(_) if inspection.format == MediaFormat::Webp => MediaKind::Sticker,
        _ => match inspection.format.mime().split_once('/') {
            Some(("image", _)) => MediaKind::Image,
            Some(("video", _)) => MediaKind::Video,
            Some(("audio", _)) => MediaKind::Audio,
            _ => MediaKind::Document,
        },
    }
}

/// Holds a file against the rules of whatever it may be sent as: the report of the first kind that takes it, else that of
/// the kind that it looks like.
pub fn as_whatever_fits<'a>(inspection: &Inspection, question: impl Fn(MediaKind) -> Question<'a>) -> Report {
    let likely = check(inspection, &question(suggested(inspection)));
    if likely.verdict != Verdict::Reject {
        return likely;
    }
    let mut others = MediaKind::ALL.into_iter().map(|kind| check(inspection, &question(kind)));
    others.find(|report| report.verdict != Verdict::Reject).unwrap_or(likely)
}

/// How many bytes of a file are worth reading: one that has more is refused whatever it is.
pub fn max_bytes(question: &Question<'_>) -> u64 {
    let possible = Rule::of(question.kind).map_or(u64::MAX, |rule| rule.limit(true).possible);
    let promised = question.promise.of(question.kind).and_then(|promise| promise.limit);
    let counts = question.dialect_limits == DialectLimits::Enforce;
    promised.filter(|_| counts).map_or(possible, |limit| possible.min(limit.possible))
}

/// WhatsApp's size limit, and the dialect's where that is stricter.
fn size(inspection: &Inspection, question: &Question<'_>) -> Option<Finding> {
    let limit = Rule::of(question.kind)?.limit(is_animated(inspection));
    let (bytes, kind) = (inspection.bytes, question.kind);
    let upstream = over(bytes, limit, kind);
    if upstream.as_ref().is_some_and(|finding| finding.weight == Weight::Reject) {
        return upstream;
    }
    let promised = question.promise.of(kind).and_then(|promise| promise.limit).map(|promised| promised.and(limit));
    let narrower =
        promised.and_then(|limit| over(bytes, limit, kind)).and_then(|finding| as_allowed(finding, question));
    [upstream, narrower].into_iter().flatten().max_by_key(|finding| finding.weight)
}

fn over(bytes: u64, limit: crate::dialect::SizeLimit, kind: MediaKind) -> Option<Finding> {
    let code = match kind {
        _ if bytes <= limit.safe => return None,
        _ if bytes <= limit.possible => Code::SizeGrey,
        MediaKind::Sticker => Code::StickerSize,
        _ => Code::SizeOver,
    };
    let remedy = if kind == MediaKind::Document {
        "Make it smaller."
    } else {
        "Make it smaller, or send it as a document if it is one."
    };
    let text = format!(
        "The {} has {bytes} bytes; at most {} are safe and {} possible. {remedy}",
        kind.as_str(),
        limit.safe,
        limit.possible
    );
    Some(Finding::new(code, text))
}

/// What the dialect does not offer, though WhatsApp may.
fn promise(inspection: &Inspection, format: MediaFormat, question: &Question<'_>) -> Vec<Finding> {
    let kind = question.kind.as_str();
    let Some(promise) = question.promise.of(question.kind) else {
        let text = format!("This API has no messages of the type {kind}. Send another type.");
        return as_allowed(Finding::new(Code::TypeNotOffered, text), question).into_iter().collect();
    };
    let not_listed = promise.formats.filter(|_| !promise.lists(format)).map(|formats| {
        let names: Vec<_> = formats.iter().map(|format| format.name()).collect();
        let text = format!("This API takes {} as {kind}; the file is {}. Convert it.", names.join(", "), format.name());
        Finding::new(Code::FormatNotOffered, text)
    });
    let moves = question.kind == MediaKind::Sticker && is_animated(inspection) && !question.promise.animated_stickers;
    let text = "This API has no moving stickers. Send one that stands still.";
    let moves = moves.then(|| Finding::new(Code::StickerAnimated, text));
    [not_listed, moves].into_iter().flatten().filter_map(|finding| as_allowed(finding, question)).collect()
}

/// What the setting makes of a dialect's limit.
fn as_allowed(finding: Finding, question: &Question<'_>) -> Option<Finding> {
    match question.dialect_limits {
        DialectLimits::Enforce => Some(finding),
        DialectLimits::Warn => Some(finding.at_most(Weight::Warn)),
        DialectLimits::Off => None,
    }
}

fn is_animated(inspection: &Inspection) -> bool {
    matches!(&inspection.facts, Facts::Picture(picture) if picture.animated)
}
