//! What WhatsApp asks of each kind of media, beyond its size.

use super::code::{Code, Finding, Weight};
use super::facts::{Codec, Color, Facts, Handler, Movie, Package, Picture, Sound};
use super::inspect::Inspection;
use super::rules::{
    MAX_PIXELS, MAX_RATIO, MAX_SIDE, RATIO_COUNTS_FROM, Rule, STICKER_SIDE, VOICE_BYTES, is_uploadable,
};
use super::{Question, Route, mime};
use crate::model::{MediaFormat, MediaKind};

const H264: &str = "Re-encode: ffmpeg -i IN -c:v libx264 -profile:v main -bf 0 -pix_fmt yuv420p -c:a aac \
    -movflags +faststart OUT.mp4";
const OPUS: &str = "Convert: ffmpeg -i IN -ac 1 -c:a libopus OUT.ogg";
const HIGH: u8 = 100;
/// High 10, High 4:2:2, High 4:4:4, CAVLC 4:4:4.
const BEYOND_PHONES: [u8; 4] = [110, 122, 244, 44];

/// What there is to say of a file that is sent as the question's kind.
pub fn findings(inspection: &Inspection, format: MediaFormat, question: &Question<'_>) -> Vec<Finding> {
    match question.kind {
        MediaKind::Image => image(inspection),
        MediaKind::Sticker => sticker(inspection),
        MediaKind::Video => video(inspection),
        MediaKind::Audio => audio(inspection, question),
        MediaKind::Document => document(inspection, format, question),
    }
}

fn unsupported(code: Code, format: MediaFormat, kind: MediaKind) -> Finding {
    let takes = Rule::of(kind).map(Rule::names).unwrap_or_default();
    let text = format!("The file is {}; WhatsApp takes {takes} as {}. Convert it.", format.name(), kind.as_str());
    Finding::new(code, text)
}

fn image(inspection: &Inspection) -> Vec<Finding> {
    match (inspection.format, &inspection.facts) {
        (MediaFormat::Webp, Facts::Picture(picture)) => [Some(webp()), bomb(picture)].into_iter().flatten().collect(),
        (MediaFormat::Jpeg | MediaFormat::Png, Facts::Picture(picture)) => still(picture),
        // What has no header says so itself.
        (MediaFormat::Jpeg | MediaFormat::Png, _) => Vec::new(),
        (format, _) => vec![unsupported(Code::FormatUnsupported, format, MediaKind::Image)],
    }
}

/// WebP is for stickers.
fn webp() -> Finding {
    Finding::new(
        Code::ImageWebp,
        "The picture is WebP, which WhatsApp takes as a sticker of 512x512 only. Send JPEG or PNG.",
    )
}

fn still(picture: &Picture) -> Vec<Finding> {
    let mut findings: Vec<_> = bomb(picture).into_iter().collect();
    if let Some(bits) = picture.bits.filter(|&bits| bits != 8) {
        let text = format!("The picture has {bits} bits per channel; WhatsApp takes 8. Save it with 8.");
        findings.push(Finding::new(Code::ImageDepth, text));
    }
    let color = match picture.color {
        Color::Rgb => None,
        Color::Rgba => Some((Code::ImageAlpha, "The picture has transparency, which may be flattened.")),
        Color::Cmyk => Some((
            Code::ImageCmyk,
            "The JPEG has four colour components (CMYK); WhatsApp takes three. Save it as \
                RGB.",
        )),
        Color::Grey | Color::GreyAlpha | Color::Palette => Some((
            Code::ImageColor,
            "The picture is grey or has a palette; only RGB and RGBA are documented. Save it as RGB.",
        )),
    };
    findings.extend(color.map(|(code, text)| Finding::new(code, text)));
    if picture.animated {
        findings.push(Finding::new(
            Code::ImageAnimated,
            "The PNG moves; only its first picture is shown. Send a video instead.",
        ));
    }
    if let Some(orientation) = picture.orientation.filter(|orientation| (2..=8).contains(orientation)) {
        let text = format!("EXIF says orientation {orientation}; WhatsApp turns the picture accordingly.");
        findings.push(Finding::new(Code::ImageOrientation, text));
    }
    findings
}

fn bomb(picture: &Picture) -> Option<Finding> {
    let (width, height) = (picture.width, picture.height);
    if width == 0 || height == 0 {
        return Some(Finding::new(Code::Corrupt, format!("The picture is {width}x{height} pixels. Save it again.")));
    }
    let is_bomb = u64::from(width) * u64::from(height) > MAX_PIXELS || width.max(height) > MAX_SIDE;
    is_bomb.then(|| {
        let text = format!(
            "The header announces {width}x{height} pixels; at most {MAX_PIXELS} and {MAX_SIDE} a side. Scale it down."
        );
        Finding::new(Code::ImageBomb, text)
    })
}

fn sticker(inspection: &Inspection) -> Vec<Finding> {
    let (MediaFormat::Webp, Facts::Picture(picture)) = (inspection.format, &inspection.facts) else {
        return vec![unsupported(Code::StickerFormat, inspection.format, MediaKind::Sticker)];
    };
    let (width, height) = picture.frame.unwrap_or((picture.width, picture.height));
    let fits = |width, height| (width, height) == (STICKER_SIDE, STICKER_SIDE);
    if fits(width, height) && fits(picture.width, picture.height) {
        return Vec::new();
    }
    let (width, height) =
        if fits(picture.width, picture.height) { (width, height) } else { (picture.width, picture.height) };
    let text = format!(
        "The sticker is {width}x{height} pixels; it must be exactly {STICKER_SIDE}x{STICKER_SIDE}. Scale \
            it."
    );
    vec![Finding::new(Code::StickerSide, text)]
}

fn video(inspection: &Inspection) -> Vec<Finding> {
    match (inspection.format, &inspection.facts) {
        (MediaFormat::Mp4 | MediaFormat::ThreeGpp | MediaFormat::M4a, Facts::Movie(movie)) => film(movie),
        (format, _) => vec![unsupported(Code::FormatUnsupported, format, MediaKind::Video)],
    }
}

fn film(movie: &Movie) -> Vec<Finding> {
    if !movie.has_moov {
        let text =
            "The file has no moov box, so nothing can play it: the recording or download was cut. Send it whole.";
        return vec![Finding::new(Code::VideoNoMoov, text)];
    }
    let mut findings = Vec::new();
    if movie.tracks_of(Handler::Video).next().is_none() {
        findings.push(Finding::new(Code::VideoNoVideo, "The file has no video track. Send it as audio."));
    }
    findings.extend(movie.tracks_of(Handler::Video).flat_map(picture_track));
    let wrong = movie.tracks_of(Handler::Audio).find(|track| track.codec != Codec::Aac);
    findings.extend(wrong.map(|track| {
        let text =
            format!("The audio track is {} ({}); WhatsApp plays AAC only. {H264}", track.codec.name(), track.entry);
        Finding::new(Code::VideoAudioCodec, text)
    }));
    let tracks = movie.tracks_of(Handler::Audio).count();
    if tracks > 1 {
        let text = format!("The video has {tracks} audio tracks; at most one is allowed. {H264}");
        findings.push(Finding::new(Code::VideoMultiAudio, text));
    }
    if movie.fragmented {
        let text = "The MP4 is fragmented. Save it again: ffmpeg -i IN -c copy -movflags +faststart OUT.mp4";
        findings.push(Finding::new(Code::VideoFragmented, text));
    } else if !movie.moov_first {
        let text = "moov stands behind mdat: phones play only what they have whole. ffmpeg -i IN -c copy \
            -movflags +faststart OUT.mp4";
        findings.push(Finding::new(Code::VideoMoovLate, text));
    }
    findings
}

fn picture_track(track: &super::Track) -> Option<Finding> {
    if track.codec != Codec::H264 {
        let text =
            format!("The video track is {} ({}); WhatsApp plays H.264 only. {H264}", track.codec.name(), track.entry);
        return Some(Finding::new(Code::VideoCodec, text));
    }
    match (track.profile, track.b_frames) {
        (Some(profile), _) if BEYOND_PHONES.contains(&profile) => {
            let text = format!(
                "The H.264 profile is {profile}: more than 8 bits or 4:2:0, which phones do not play. \
                    {H264}"
            );
            Some(Finding::new(Code::VideoChroma, text))
        }
        (Some(HIGH), true) => {
            let text = format!("H.264 High profile with B-frames may not play on Android phones. {H264}");
            Some(Finding::new(Code::VideoHighBFrames, text))
        }
        (Some(HIGH), false) => Some(Finding::new(Code::VideoHigh, "The video is H.264 High profile; Main is safer.")),
        (_, true) => Some(Finding::new(Code::VideoBFrames, "The video has B-frames; without them it is safer.")),
        _ => None,
    }
}

fn audio(inspection: &Inspection, question: &Question<'_>) -> Vec<Finding> {
    let format = inspection.format;
    let mut findings = match (format, &inspection.facts) {
        (MediaFormat::M4a, Facts::Movie(movie)) => m4a(movie),
        (
            MediaFormat::Aac | MediaFormat::Amr | MediaFormat::Mp3 | MediaFormat::OggOpus | MediaFormat::Ogg,
            Facts::Sound(sound),
        ) => of_sound(format, sound).into_iter().collect(),
        (
            MediaFormat::Mp4
            | MediaFormat::ThreeGpp
            | MediaFormat::ThreeGpp2
            | MediaFormat::QuickTime
            | MediaFormat::WebM
            | MediaFormat::Matroska,
            _,
        ) => {
            vec![unsupported(Code::AudioContainer, format, MediaKind::Audio)]
        }
        _ => vec![unsupported(Code::FormatUnsupported, format, MediaKind::Audio)],
    };
    if question.voice {
        findings.extend(voice(inspection));
    }
    findings
}

fn m4a(movie: &Movie) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !movie.has_moov {
        findings.push(Finding::new(
            Code::VideoNoMoov,
            "The file has no moov box, so nothing can play it. Send it \
                whole.",
        ));
    }
    if let Some(track) = movie.tracks_of(Handler::Audio).find(|track| track.codec != Codec::Aac) {
        let text = format!(
            "The sound is {} ({}); WhatsApp plays AAC only. Convert: ffmpeg -i IN -c:a aac OUT.m4a",
            track.codec.name(),
            track.entry
        );
        findings.push(Finding::new(Code::M4aCodec, text));
    }
    if movie.fragmented {
        let text = "The M4A is fragmented, as browsers record it; WhatsApp takes it for unknown bytes. Save it \
            again: ffmpeg -i IN -c copy OUT.m4a";
        findings.push(Finding::new(Code::M4aFragmented, text));
    }
    if movie.brand != "M4A " {
        findings.push(Finding::new(
            Code::M4aBrand,
            format!("The file's brand is '{}', not 'M4A '.", movie.brand.trim_end()),
        ));
    }
    findings
}

fn of_sound(format: MediaFormat, sound: &Sound) -> Option<Finding> {
    let channels = sound.channels.unwrap_or_default();
    match format {
        MediaFormat::Ogg => {
            let text = format!(
                "The Ogg file holds {} in {} streams; it must be Opus alone. {OPUS}",
                sound.codec,
                sound.streams.unwrap_or_default()
            );
            Some(Finding::new(Code::OggCodec, text))
        }
        MediaFormat::OggOpus if channels != 1 => {
            let text = format!("The Ogg file holds Opus of {channels} channels; it must be mono. {OPUS}");
            Some(Finding::new(Code::OggChannels, text))
        }
        MediaFormat::Amr if sound.codec == "AMR-WB" => {
            let text =
                "The sound is wide-band AMR; only narrow-band is documented. Convert: ffmpeg -i IN -c:a aac OUT.m4a";
            Some(Finding::new(Code::AmrWideBand, text))
        }
        MediaFormat::Mp3 if sound.layer != Some(3) => {
            let text = format!(
                "The sound is MPEG layer {}; MP3 is layer 3. Convert: ffmpeg -i IN -c:a libmp3lame OUT.mp3",
                sound.layer.unwrap_or_default()
            );
            Some(Finding::new(Code::AudioLayer, text))
        }
        _ => None,
    }
}

fn voice(inspection: &Inspection) -> Option<Finding> {
    if inspection.format != MediaFormat::OggOpus {
        let text =
            format!("A voice message of {} is shown as audio and not transcribed. {OPUS}", inspection.format.name());
        return Some(Finding::new(Code::VoiceFormat, text));
    }
    (inspection.bytes > VOICE_BYTES).then(|| {
        let text = format!(
            "The voice message has {} bytes; above {VOICE_BYTES} it shows a download \
                icon.",
            inspection.bytes
        );
        Finding::new(Code::VoiceSize, text)
    })
}

fn document(inspection: &Inspection, format: MediaFormat, question: &Question<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Facts::Package(package) = &inspection.facts {
        findings.extend(of_package(package, format));
    }
    findings.extend(match format {
        MediaFormat::SealedOffice => Some(sealed()),
        MediaFormat::MacroOffice => Some(Finding::new(
            Code::OfficeMacro,
            "The Office file holds macros; WhatsApp takes it without. Save \
                it without macros.",
        )),
        MediaFormat::Zip if mime::is_office(question) => {
            let text = "The file is called an Office file, but is a ZIP without its main part. Save it from the \
                Office program again.";
            Some(Finding::new(Code::OfficeMismatch, text))
        }
        format if Rule::of(MediaKind::Document).is_some_and(|rule| rule.formats.contains(&format)) => None,
        format => Some(not_listed(format, question.route)),
    });
    findings
}

/// The upload endpoint refuses what it does not list; pictures and films it lists, and a link may pass.
fn not_listed(format: MediaFormat, route: Route) -> Finding {
    let finding = unsupported(Code::DocumentNotListed, format, MediaKind::Document);
    let may_pass = is_uploadable(format) || route == Route::Link;
    if may_pass { finding.at_most(Weight::Warn) } else { finding }
}

fn sealed() -> Finding {
    Finding::new(Code::OfficeSealed, "The Office file is encrypted. Save it without a password.")
}

fn of_package(package: &Package, format: MediaFormat) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (packed, unpacked) = (package.packed_bytes.max(1), package.unpacked_bytes);
    if unpacked > RATIO_COUNTS_FROM && unpacked / packed > MAX_RATIO {
        let text = format!(
            "The package unpacks from {packed} to {unpacked} bytes; at most {MAX_RATIO} times. Save it again \
                without padding."
        );
        findings.push(Finding::new(Code::ZipRatio, text));
    }
    if package.escapes {
        findings.push(Finding::new(
            Code::ZipPath,
            "A member's name leads out of the package. Pack it again with plain names.",
        ));
    }
    if package.encrypted && format != MediaFormat::Zip {
        findings.push(sealed());
    }
    findings
}
