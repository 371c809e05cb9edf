//! The formats of files, told apart by what is in them.

use serde::{Serialize, Serializer};

/// Declares the formats with their name, the type that is sent, and the extensions that fit, the usual one first.
macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $mime:literal, [$($extension:literal),*];)+) => {
        /// A format that the gateway can tell from others by its bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum MediaFormat {
            $($(#[$doc])* $name,)+
        }

        impl MediaFormat {
            /// Every format.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name, for people.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Its MIME type, as WhatsApp spells it where it takes it.
            pub fn mime(self) -> &'static str {
                match self { $(Self::$name => $mime,)+ }
            }

            /// The extensions that fit, the usual one first, in lower case.
            pub fn extensions(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($extension),*],)+ }
            }
        }
    };
}

formats! {
    // Pictures.
    /// A JPEG picture.
    Jpeg = "JPEG", "image/jpeg", ["jpg", "jpeg", "jpe", "jfif"];
    /// A PNG picture, animated ones included.
    Png = "PNG", "image/png", ["png"];
    /// A WebP picture, still or animated.
    Webp = "WebP", "image/webp", ["webp"];
    /// A GIF.
    Gif = "GIF", "image/gif", ["gif"];
    /// A Windows bitmap.
    Bmp = "BMP", "image/bmp", ["bmp"];
    /// A TIFF picture.
    Tiff = "TIFF", "image/tiff", ["tif", "tiff"];
    /// An SVG drawing.
    Svg = "SVG", "image/svg+xml", ["svg"];
    /// A picture as iPhones take it.
    Heic = "HEIC", "image/heic", ["heic", "heif"];
    /// An AVIF picture.
    Avif = "AVIF", "image/avif", ["avif"];

    // Films.
    /// MP4 with a video track.
    Mp4 = "MP4", "video/mp4", ["mp4", "m4v"];
    /// MP4 in the profile of mobile phones.
    ThreeGpp = "3GPP", "video/3gpp", ["3gp", "3gpp"];
    /// The same for CDMA phones.
    ThreeGpp2 = "3GPP2", "video/3gpp2", ["3g2"];
    /// A QuickTime film.
    QuickTime = "QuickTime", "video/quicktime", ["mov"];
    /// What browsers record.
    WebM = "WebM", "video/webm", ["webm"];
    /// Matroska.
    Matroska = "Matroska", "video/x-matroska", ["mkv"];
    /// AVI.
    Avi = "AVI", "video/x-msvideo", ["avi"];
    /// MPEG program stream.
    MpegPs = "MPEG", "video/mpeg", ["mpg", "mpeg"];

    // Sound.
    /// MP4 with sound alone.
    M4a = "M4A", "audio/mp4", ["m4a", "mp4"];
    /// AAC in ADTS frames.
    Aac = "AAC", "audio/aac", ["aac"];
    /// AAC in LATM frames.
    Latm = "AAC in LATM", "audio/mp4a-latm", ["latm"];
    /// AMR, narrow-band or wide-band.
    Amr = "AMR", "audio/amr", ["amr"];
    /// MPEG audio of any layer.
    Mp3 = "MP3", "audio/mpeg", ["mp3"];
    /// Ogg with Opus alone.
    OggOpus = "Ogg Opus", "audio/ogg; codecs=opus", ["ogg", "opus", "oga"];
    /// Ogg with anything else in it.
    Ogg = "Ogg", "audio/ogg", ["ogg", "oga", "ogv"];
    /// WAVE.
    Wav = "WAV", "audio/wav", ["wav"];
    /// FLAC.
    Flac = "FLAC", "audio/flac", ["flac"];
    /// AIFF.
    Aiff = "AIFF", "audio/aiff", ["aiff", "aif"];

    // Documents.
    /// PDF.
    Pdf = "PDF", "application/pdf", ["pdf"];
    /// Word up to 2003.
    Doc = "DOC", "application/msword", ["doc", "dot"];
    /// Excel up to 2003.
    Xls = "XLS", "application/vnd.ms-excel", ["xls", "xlt"];
    /// PowerPoint up to 2003.
    Ppt = "PPT", "application/vnd.ms-powerpoint", ["ppt", "pps", "pot"];
    /// Word.
    Docx = "DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ["docx"];
    /// Excel.
    Xlsx = "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ["xlsx"];
    /// PowerPoint.
    Pptx = "PPTX", "application/vnd.openxmlformats-officedocument.presentationml.presentation", ["pptx"];
    /// Plain text.
    Text = "plain text", "text/plain", ["txt", "text", "log", "md", "csv", "tsv", "ini", "yaml", "yml", "ics", "vcf"];
    /// Text that its sender calls something else: CSV, a calendar, a card.
    OtherText = "text of another type", "text/plain", [];
    /// Rich text.
    Rtf = "RTF", "application/rtf", ["rtf"];
    /// An Office package with macros.
    MacroOffice = "Office with macros", "application/vnd.ms-office", ["docm", "xlsm", "pptm"];
    /// An Office document behind a password.
    SealedOffice = "encrypted Office", "application/vnd.ms-office", [];
    /// An OLE file that is none of the three above.
    Ole = "OLE", "application/x-ole-storage", ["msg", "msi", "vsd"];
    /// A ZIP that is no Office file.
    Zip = "ZIP", "application/zip", ["zip"];
    /// Another archive: RAR, 7-Zip, gzip.
    Archive = "an archive", "application/octet-stream", ["rar", "7z", "gz", "tgz"];

    // What comes instead of a file.
    /// A web page.
    Html = "a web page", "text/html", ["html", "htm"];
    /// XML of no known kind.
    Xml = "XML", "application/xml", ["xml"];
    /// JSON.
    Json = "JSON", "application/json", ["json"];
    /// Nothing.
    Empty = "empty", "application/x-empty", [];
    /// Bytes that say nothing.
    Unknown = "of no known format", "application/octet-stream", [];
}

impl Serialize for MediaFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
