//! Which files can be mended, and what is said of it: decided from what a check found, before anything is read again.

use serde::Serialize;

use crate::media::check::{Code, Facts, Finding, Inspection, Question, Repair, Route, Weight};
use crate::model::{MediaFormat, MediaKind};

/// How a file is made to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// A still picture is saved anew: 8 bits, three colours or four with transparency, upright.
    Picture,
    /// Sound is encoded anew.
    Sound(SoundTarget),
    /// A film is encoded anew: H.264 Main without B-frames and one track of AAC.
    Film,
}

/// What sound becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundTarget {
    /// Ogg Opus, mono.
    Opus,
    /// AAC in ADTS frames, which every dialect lists.
    Aac,
}

/// What saving a picture anew mends.
const OF_PICTURES: &[Code] = &[
    Code::ImageWebp,
    Code::ImageCmyk,
    Code::ImageDepth,
    Code::ImageColor,
    Code::ImageOrientation,
    Code::FormatNotOffered,
];
/// What encoding sound anew mends.
const OF_SOUND: &[Code] = &[
    Code::OggCodec,
    Code::OggChannels,
    Code::AudioContainer,
    Code::M4aFragmented,
    Code::M4aCodec,
    Code::AmrWideBand,
    Code::AudioLayer,
    Code::VoiceFormat,
    Code::FormatUnsupported,
    Code::FormatNotOffered,
];
/// What encoding a film anew mends.
const OF_FILMS: &[Code] = &[
    Code::VideoCodec,
    Code::VideoAudioCodec,
    Code::VideoMultiAudio,
    Code::VideoHighBFrames,
    Code::VideoChroma,
    Code::VideoFragmented,
    Code::FormatUnsupported,
    Code::FormatNotOffered,
];

impl Recipe {
    /// Puts a note in the place of what it mends.
    pub fn note(self, findings: &mut Vec<Finding>) {
        findings.retain(|finding| !self.mends().contains(&finding.code));
        findings.push(self.finding());
    }

    /// What is said of a file that it made fit.
    pub fn finding(self) -> Finding {
        let (code, text) = match self {
            Self::Picture => (
                Code::ImageRepaired,
                "The picture is saved anew as PNG or JPEG of 8 bits: WhatsApp does not take it as it is.",
            ),
            Self::Sound(SoundTarget::Opus) => (Code::AudioRepaired, "The sound is encoded anew as Ogg Opus, mono."),
            Self::Sound(SoundTarget::Aac) => (Code::AudioRepaired, "The sound is encoded anew as AAC."),
            Self::Film => (Code::VideoRepaired, "The film is encoded anew as H.264 Main with AAC."),
        };
        Finding::new(code, text)
    }

    fn mends(self) -> &'static [Code] {
        match self {
            Self::Picture => OF_PICTURES,
            Self::Sound(_) => OF_SOUND,
            Self::Film => OF_FILMS,
        }
    }
}

/// The recipe for a file, where one leaves nothing that forbids sending. Only what the gateway uploads can be mended.
pub fn recipe(inspection: &Inspection, findings: &[Finding], question: &Question<'_>) -> Option<Recipe> {
    let recipe = match (question.route, question.repair) {
        (Route::Link, _) | (_, Repair::Off) => return None,
        (Route::Upload, Repair::Promised) => promised(inspection, question)?,
        (Route::Upload, Repair::All) => any(inspection, question)?,
    };
    let is_mended = |finding: &Finding| recipe.mends().contains(&finding.code);
    let rest_may_go = findings.iter().all(|finding| finding.weight < Weight::Reject || is_mended(finding));
    (rest_may_go && findings.iter().any(is_mended)).then_some(recipe)
}

/// WebP is for stickers; where the dialect promises it as an image, a still one is converted.
fn promised(inspection: &Inspection, question: &Question<'_>) -> Option<Recipe> {
    let formats = question.promise.of(MediaKind::Image).and_then(|promise| promise.formats);
    let is_promised = formats.is_some_and(|formats| formats.contains(&MediaFormat::Webp));
    let is_webp = inspection.format == MediaFormat::Webp && question.kind == MediaKind::Image;
    (is_promised && is_webp && is_still(inspection)).then_some(Recipe::Picture)
}

fn any(inspection: &Inspection, question: &Question<'_>) -> Option<Recipe> {
    let is_of = |kind: &str| inspection.format.mime().starts_with(kind);
    match question.kind {
        MediaKind::Image => is_still(inspection).then_some(Recipe::Picture),
        MediaKind::Audio if is_of("audio/") || is_of("video/") => Some(Recipe::Sound(target(question))),
        MediaKind::Video if is_of("video/") => Some(Recipe::Film),
        MediaKind::Audio | MediaKind::Video | MediaKind::Document | MediaKind::Sticker => None,
    }
}

fn is_still(inspection: &Inspection) -> bool {
    let is_ours = matches!(inspection.format, MediaFormat::Jpeg | MediaFormat::Png | MediaFormat::Webp);
    is_ours && matches!(&inspection.facts, Facts::Picture(picture) if !picture.animated)
}

fn target(question: &Question<'_>) -> SoundTarget {
    let promise = question.promise.of(MediaKind::Audio);
    let lists_opus = promise.is_none_or(|promise| promise.lists(MediaFormat::OggOpus));
    if lists_opus { SoundTarget::Opus } else { SoundTarget::Aac }
}
