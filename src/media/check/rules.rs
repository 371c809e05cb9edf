//! What WhatsApp takes, as data. What a client's dialect promises stands with the dialect; both have to agree.
//!
//! Sources: developers.facebook.com/documentation/business-messaging/whatsapp (business-phone-numbers/media and the
//! pages of each type of message), docs.360dialog.com/docs/messaging/media.

use crate::dialect::SizeLimit;
use crate::model::{MediaFormat as Format, MediaKind};

/// What WhatsApp takes of one kind.
#[derive(Debug)]
pub struct Rule {
    /// The kind.
    pub kind: MediaKind,
    /// The formats that it can be sent in. More is asked of some, see `kinds`.
    pub formats: &'static [Format],
    /// How large a file may be.
    pub limit: SizeLimit,
}

/// One rule for each kind.
pub const RULES: &[Rule] = &[
    Rule { kind: MediaKind::Image, formats: &[Format::Jpeg, Format::Png], limit: SizeLimit::megabytes(5) },
    Rule { kind: MediaKind::Sticker, formats: &[Format::Webp], limit: STILL_STICKER },
    Rule { kind: MediaKind::Video, formats: &[Format::Mp4, Format::ThreeGpp], limit: SizeLimit::megabytes(16) },
    Rule {
        kind: MediaKind::Audio,
        formats: &[Format::Aac, Format::Amr, Format::Mp3, Format::M4a, Format::OggOpus],
        limit: SizeLimit::megabytes(16),
    },
    Rule {
        kind: MediaKind::Document,
        formats: &[
            Format::Text,
            Format::Pdf,
            Format::Doc,
            Format::Docx,
            Format::Xls,
            Format::Xlsx,
            Format::Ppt,
            Format::Pptx,
        ],
        limit: SizeLimit::megabytes(100),
    },
];

/// A sticker that does not move.
const STILL_STICKER: SizeLimit = SizeLimit::kilobytes(100);
/// One that does.
const MOVING_STICKER: SizeLimit = SizeLimit::kilobytes(500);
/// The sides of a sticker, in pixels.
pub const STICKER_SIDE: u32 = 512;
/// More pixels than this nobody means.
pub const MAX_PIXELS: u64 = 100_000_000;
/// A side longer than this neither.
pub const MAX_SIDE: u32 = 20_000;
/// Up to here a voice message is shown with its play icon.
pub const VOICE_BYTES: u64 = 512 << 10;
/// How often a package may outweigh itself when unpacked,
pub const MAX_RATIO: u64 = 100;
/// if it unpacks to more than this.
pub const RATIO_COUNTS_FROM: u64 = 20_000_000;

impl Rule {
    /// The rule for a kind.
    pub fn of(kind: MediaKind) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.kind == kind)
    }

    /// The limit for a file of this kind.
    pub fn limit(&self, is_animated: bool) -> SizeLimit {
        if self.kind == MediaKind::Sticker && is_animated { MOVING_STICKER } else { self.limit }
    }

    /// The names of its formats.
    pub fn names(&self) -> String {
        self.formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
    }
}

/// Whether the upload endpoint takes the format at all. What can be uploaded can not always be sent.
pub fn is_uploadable(format: Format) -> bool {
    format == Format::Webp || RULES.iter().any(|rule| rule.formats.contains(&format))
}

/// Spellings of a type that are met for a format, beside the right one.
pub const ALIASES: &[(Format, &[&str])] = &[
    (Format::Jpeg, &["image/jpg", "image/pjpeg", "image/x-jpeg"]),
    (Format::Png, &["image/x-png", "image/apng"]),
    (Format::Webp, &["image/x-webp"]),
    (Format::Mp4, &["video/x-m4v", "video/mpeg4", "application/mp4"]),
    (Format::ThreeGpp, &["video/3gp", "video/x-3gpp"]),
    (Format::M4a, &["audio/x-m4a", "audio/m4a", "audio/mp4a-latm", "audio/x-mp4"]),
    (Format::Aac, &["audio/x-aac", "audio/aacp", "audio/x-hx-aac-adts", "audio/acc"]),
    (Format::Amr, &["audio/x-amr", "audio/amr-nb", "audio/amr-wb"]),
    (Format::Mp3, &["audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg", "audio/x-mpeg-3", "audio/mpg"]),
    (Format::OggOpus, &["audio/ogg", "application/ogg", "audio/x-ogg"]),
    (Format::Pdf, &["application/x-pdf"]),
    (Format::Doc, &["application/x-msword", "application/vnd.msword"]),
    (Format::Xls, &["application/msexcel", "application/x-msexcel", "application/excel"]),
    (Format::Ppt, &["application/mspowerpoint", "application/powerpoint", "application/x-mspowerpoint"]),
    (Format::Zip, &["application/x-zip-compressed", "application/x-zip"]),
    (Format::Rtf, &["text/rtf"]),
    (Format::Xml, &["text/xml"]),
    (Format::Wav, &["audio/x-wav", "audio/wave", "audio/vnd.wave"]),
];

/// Types that say nothing.
pub const GENERIC: &[&str] = &["", "application/octet-stream", "binary/octet-stream", "application/binary"];
/// Types that can be uploaded and are refused in a message.
pub const REFUSED: &[&str] = &["audio/opus"];
