//! What is measured of a file, by what it holds.

use serde::Serialize;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Facts {
    /// Nothing but its format and size.
    None {},
    /// A picture.
    Picture(Picture),
    /// A film, or sound in the same container.
    Movie(Movie),
    /// Sound.
    Sound(Sound),
    /// A PDF.
    Pdf(Pdf),
    /// A ZIP, Office packages included.
    Package(Package),
}

/// A picture's header.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Bits per channel, where the format has a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u8>,
    /// How its colours are kept.
    pub color: Color,
    /// Whether it moves.
    pub animated: bool,
    /// How EXIF says that it lies, 1 to 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<u16>,
    /// The size of the one frame inside, where the canvas says another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<(u32, u32)>,
}

/// How colours are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each says its name")]
pub enum Color {
    #[default]
    Rgb,
    Rgba,
    Grey,
    GreyAlpha,
    Palette,
    Cmyk,
}

/// The boxes of an MP4, 3GPP or QuickTime file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Movie {
    /// The major brand.
    pub brand: String,
    /// How long it plays; unknown in fragmented files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Its tracks, the first 32.
    pub tracks: Vec<Track>,
    /// Whether its samples come in fragments.
    pub fragmented: bool,
    /// Whether it has a `moov` box.
    pub has_moov: bool,
    /// Whether `moov` stands in front of `mdat`.
    pub moov_first: bool,
}

impl Movie {
    /// The tracks of a handler.
    pub fn tracks_of(&self, handler: Handler) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(move |track| track.handler == handler)
    }
}

/// What a track is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Handler {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles, hints, time codes.
    #[default]
    Other,
}

/// One track.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Track {
    /// What it is for.
    pub handler: Handler,
    /// The codec.
    pub codec: Codec,
    /// The four characters of its sample entry.
    pub entry: String,
    /// H.264's profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<u8>,
    /// In pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<(u16, u16)>,
    /// Whether pictures are shown in another order than they are stored.
    pub b_frames: bool,
}

/// A codec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Codec {
    /// H.264.
    #[serde(rename = "H.264")]
    H264,
    /// H.265.
    #[serde(rename = "HEVC")]
    Hevc,
    /// MPEG-4 part 2.
    #[serde(rename = "MPEG-4 part 2")]
    Mpeg4,
    /// H.263.
    #[serde(rename = "H.263")]
    H263,
    /// AV1.
    #[serde(rename = "AV1")]
    Av1,
    /// VP8 and VP9.
    #[serde(rename = "VP9")]
    Vp9,
    /// AAC.
    #[serde(rename = "AAC")]
    Aac,
    /// MP3.
    #[serde(rename = "MP3")]
    Mp3,
    /// Dolby Digital.
    #[serde(rename = "AC-3")]
    Ac3,
    /// Apple Lossless.
    #[serde(rename = "ALAC")]
    Alac,
    /// Opus.
    #[serde(rename = "Opus")]
    Opus,
    /// AMR.
    #[serde(rename = "AMR")]
    Amr,
    /// Anything behind encryption.
    #[serde(rename = "encrypted")]
    Encrypted,
    /// Anything else.
    #[default]
    #[serde(rename = "unknown")]
    Unknown,
}

impl Codec {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Mpeg4 => "MPEG-4 part 2",
            Self::H263 => "H.263",
            Self::Av1 => "AV1",
            Self::Vp9 => "VP9",
            Self::Aac => "AAC",
            Self::Mp3 => "MP3",
            Self::Ac3 => "AC-3",
            Self::Alac => "ALAC",
            Self::Opus => "Opus",
            Self::Amr => "AMR",
            Self::Encrypted => "encrypted",
            Self::Unknown => "unknown",
        }
    }
}

/// Sound outside MP4.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sound {
    /// The codec, for people.
    pub codec: &'static str,
    /// How many channels, where the header says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// How long it plays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// MPEG's layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<u8>,
    /// How many streams an Ogg file holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<usize>,
}

/// A PDF.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pdf {
    /// Where `%PDF-` stands.
    pub header_at: u64,
    /// Whether its trailer names an encryption.
    pub encrypted: bool,
}

/// A ZIP's own list of what is in it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Package {
    /// How many members.
    pub members: u64,
    /// What they weigh packed.
    pub packed_bytes: u64,
    /// What they would weigh unpacked.
    pub unpacked_bytes: u64,
    /// Whether a member is encrypted.
    pub encrypted: bool,
    /// Whether a member's name leads out of the package.
    pub escapes: bool,
}
