//! What can be said of a file: the stable codes, each with the weight that it has unless there is a reason.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a finding does to the verdict, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Nothing: it is worth knowing.
    Note,
    /// It makes delivery or display doubtful.
    Warn,
    /// It forbids sending.
    Reject,
}

/// Declares the codes with their spelling and weight in one table.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $weight:ident;)+) => {
        /// What was found. The spelling of each is stable: it stands in answers, records and documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable spelling.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it does to the verdict, unless there is a reason for less.
            pub fn weight(self) -> Weight {
                match self { $(Self::$name => Weight::$weight,)+ }
            }
        }
    };
}

codes! {
    // Any file.
    /// Zero bytes.
    Empty = "EMPTY", Reject;
    /// A page or an error report instead of the file.
    ErrorBody = "ERROR-BODY", Reject;
    /// It stops early.
    Truncated = "TRUNC", Reject;
    /// It contradicts itself.
    Corrupt = "CORRUPT", Reject;
    /// Foreign bytes behind its end.
    Trailing = "TRAILING", Warn;
    /// It is a valid file of another kind too.
    Polyglot = "POLYGLOT", Warn;
    /// The dialect has no such type of message.
    TypeNotOffered = "TYPE-NOT-OFFERED", Reject;
    /// The dialect does not list the format.
    FormatNotOffered = "FMT-NOT-OFFERED", Reject;
    /// WhatsApp does not take the format for this type of message.
    FormatUnsupported = "FMT-UNSUPPORTED", Reject;
    /// Larger than every reading of the limit.
    SizeOver = "SIZE-OVER", Reject;
    /// Within one reading of the limit, beyond another.
    SizeGrey = "SIZE-GREY", Warn;

    // Links. The address rules have one text, which does not tell what stands inside.
    /// No absolute address.
    UrlParse = "URL-PARSE", Reject;
    /// Neither http nor https.
    UrlScheme = "URL-SCHEME", Reject;
    /// A name or password inside.
    UrlUserinfo = "URL-USERINFO", Reject;
    /// A port that is not allowed.
    UrlPort = "URL-PORT", Reject;
    /// A name that only means something inside.
    UrlHost = "URL-HOST", Reject;
    /// Blanks, controls or backslashes.
    UrlChars = "URL-CHARS", Reject;
    /// Too long.
    UrlLong = "URL-LONG", Reject;
    /// This machine itself.
    NetLoopback = "NET-LOOPBACK", Reject;
    /// A private network.
    NetPrivate = "NET-PRIVATE", Reject;
    /// A neighbour on the wire.
    NetLinkLocal = "NET-LINKLOCAL", Reject;
    /// A service of the platform.
    NetMetadata = "NET-METADATA", Reject;
    /// The carrier's side of a shared address.
    NetShared = "NET-SHARED", Reject;
    /// An address of no public host.
    NetReserved = "NET-RESERVED", Reject;
    /// An IPv4 address inside an IPv6 address.
    NetEmbedded = "NET-EMBEDDED", Reject;
    /// The name does not resolve.
    NetDns = "NET-DNS", Reject;
    /// Connected to another address than was judged.
    NetRebind = "NET-REBIND", Reject;
    /// No connection could be made.
    NetUnreachable = "NET-UNREACHABLE", Reject;
    /// The certificate or the handshake.
    Tls = "TLS", Reject;
    /// 401 or 403.
    HttpAuth = "HTTP-AUTH", Reject;
    /// A signed link that ran out.
    HttpExpired = "HTTP-EXPIRED", Reject;
    /// A signed link that runs out soon.
    HttpExpiring = "HTTP-EXPIRING", Warn;
    /// 404 or 410.
    HttpGone = "HTTP-GONE", Reject;
    /// 429.
    HttpRate = "HTTP-RATE", Reject;
    /// 5xx.
    HttpServer = "HTTP-SERVER", Reject;
    /// Any other status than 200, or no HTTP.
    HttpStatus = "HTTP-STATUS", Reject;
    /// A redirect that is not allowed here; a note where it was followed.
    HttpRedirect = "HTTP-REDIRECT", Reject;
    /// Too many redirects.
    HttpLoop = "HTTP-LOOP", Reject;
    /// A redirect from https to http.
    HttpDowngrade = "HTTP-DOWNGRADE", Reject;
    /// No answer, or too slow.
    HttpTimeout = "HTTP-TIMEOUT", Reject;
    /// Compressed, although that was not wanted.
    HttpEncoding = "HTTP-ENCODING", Reject;
    /// The provider's own store, which refuses the provider.
    HttpOwnCdn = "HTTP-OWN-CDN", Warn;

    /// The gateway itself cannot keep it.
    Disk = "DISK", Reject;

    // The declared type.
    /// The served type is generic, or one that WhatsApp refuses.
    MimeLabel = "MIME-LABEL", Reject;
    /// The served type is another than the bytes'.
    MimeMismatch = "MIME-MISMATCH", Reject;
    /// A usual misspelling of the right type.
    MimeAlias = "MIME-ALIAS", Warn;
    /// The gateway sends the type that the bytes have.
    MimeRelabel = "MIME-RELABEL", Note;

    // Pictures and stickers.
    /// A JPEG of four components.
    ImageCmyk = "IMG-CMYK", Reject;
    /// Not 8 bits per channel.
    ImageDepth = "IMG-DEPTH", Reject;
    /// Grey or palette.
    ImageColor = "IMG-COLOR", Warn;
    /// An animated PNG.
    ImageAnimated = "IMG-ANIM", Warn;
    /// WebP in an image message.
    ImageWebp = "IMG-WEBP", Reject;
    /// The picture is saved anew as one that WhatsApp takes.
    ImageRepaired = "IMG-REPAIRED", Note;
    /// More pixels than anybody can mean.
    ImageBomb = "IMG-DIM-BOMB", Reject;
    /// EXIF says that the picture lies on its side.
    ImageOrientation = "IMG-EXIF-ORIENT", Note;
    /// Transparency, which may be flattened.
    ImageAlpha = "IMG-ALPHA", Note;
    /// Not 512x512.
    StickerSide = "STK-DIM", Reject;
    /// Too heavy for a sticker.
    StickerSize = "STK-SIZE", Reject;
    /// Not WebP.
    StickerFormat = "STK-FMT", Reject;
    /// The dialect has no moving stickers.
    StickerAnimated = "STK-ANIM-ONPREM", Reject;

    // Films.
    /// The video track is not H.264, or is encrypted.
    VideoCodec = "VID-CODEC", Reject;
    /// The audio track is not AAC.
    VideoAudioCodec = "VID-AUDIO-CODEC", Reject;
    /// The film is encoded anew as one that WhatsApp takes.
    VideoRepaired = "VID-REPAIRED", Note;
    /// More than one audio track.
    VideoMultiAudio = "VID-MULTI-AUDIO", Reject;
    /// High profile with B-frames.
    VideoHighBFrames = "VID-HIGH-BFRAMES", Warn;
    /// H.264 beyond 4:2:0 and 8 bits.
    VideoChroma = "VID-CHROMA-DEPTH", Reject;
    /// No moov box.
    VideoNoMoov = "VID-NO-MOOV", Reject;
    /// No video track.
    VideoNoVideo = "VID-NO-VIDEO", Reject;
    /// Fragmented.
    VideoFragmented = "VID-FRAG", Warn;
    /// moov behind mdat.
    VideoMoovLate = "VID-MOOV-LATE", Note;
    /// High profile without B-frames.
    VideoHigh = "VID-HIGH", Note;
    /// B-frames below High profile.
    VideoBFrames = "VID-BFRAMES", Note;

    // Sound.
    /// Ogg without Opus, or with more beside it.
    OggCodec = "AUD-OGG-CODEC", Reject;
    /// The sound is encoded anew as WhatsApp takes it.
    AudioRepaired = "AUD-REPAIRED", Note;
    /// Opus of more than one channel.
    OggChannels = "AUD-OGG-CHANNELS", Reject;
    /// A container that audio messages do not take.
    AudioContainer = "AUD-CONTAINER", Reject;
    /// Fragmented MP4.
    M4aFragmented = "AUD-M4A-FRAG", Reject;
    /// MP4 sound that is not AAC.
    M4aCodec = "AUD-M4A-CODEC", Reject;
    /// MP4 sound of another brand than `M4A `.
    M4aBrand = "AUD-M4A-BRAND", Note;
    /// Wide-band AMR.
    AmrWideBand = "AUD-AMRWB", Warn;
    /// MPEG audio of layer I or II.
    AudioLayer = "AUD-LAYER2", Warn;
    /// A voice message that is not Ogg Opus.
    VoiceFormat = "VOICE-FORMAT", Warn;
    /// A voice message that is shown with a download icon.
    VoiceSize = "VOICE-512K", Note;

    // Documents.
    /// Not on WhatsApp's list.
    DocumentNotListed = "DOC-NOT-LISTED", Reject;
    /// Called an Office file, but without its main part.
    OfficeMismatch = "DOC-OOXML-MISMATCH", Reject;
    /// An encrypted Office file.
    OfficeSealed = "DOC-OOXML-ENC", Reject;
    /// An Office file with macros.
    OfficeMacro = "DOC-MACRO", Reject;
    /// Unpacks to far more than it weighs.
    ZipRatio = "DOC-ZIP-RATIO", Reject;
    /// A member's name leaves the package.
    ZipPath = "DOC-ZIP-PATH", Reject;
    /// A PDF with a password or restrictions.
    PdfSealed = "DOC-PDF-ENC", Warn;
    /// Bytes in front of `%PDF-`.
    PdfOffset = "DOC-PDF-OFFSET", Warn;

    // File names.
    /// The extension does not fit the bytes.
    NameExtension = "NAME-EXT", Warn;
    /// Control or direction characters.
    NameControl = "NAME-CTRL", Warn;
    /// Folders.
    NamePath = "NAME-PATH", Warn;
    /// Too long.
    NameLong = "NAME-LONG", Warn;
    /// Nothing that could be used.
    NameEmpty = "NAME-EMPTY", Warn;
    /// Brought to composed form.
    NameComposed = "NAME-NFC", Note;
    /// UTF-8 that was read as Latin-1.
    NameMojibake = "NAME-MOJIBAKE", Warn;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that was found: measured, against what is allowed, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// What it does to the verdict.
    pub weight: Weight,
    /// For the caller.
    pub text: String,
}

impl Finding {
    /// One of the code's own weight.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, weight: code.weight(), text: text.into() }
    }

    /// The same, of this weight at most.
    pub fn at_most(self, weight: Weight) -> Self {
        Self { weight: self.weight.min(weight), ..self }
    }
}
