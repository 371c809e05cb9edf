//! Which reader a file gets, by its first bytes and by nothing else.

use memchr::memmem;

use super::amr::{self, Amr};
use super::isobmff::Isobmff;
use super::jpeg::Jpeg;
use super::mpeg_audio::MpegAudio;
use super::ogg::Ogg;
use super::ole::{self, Ole};
use super::pdf::{self, Pdf};
use super::png::Png;
use super::text::{Text, is_text};
use super::walk::{Plain, Walker, Want, be16, bytes_at, le32};
use super::webp::Webp;
use super::zip::{self, Zip};
use crate::model::MediaFormat;

/// How many of the first bytes decide.
pub const HEAD: usize = 4096;
/// A PDF's header stands within so many first bytes.
const PDF_WITHIN: usize = 1024;

/// Formats that are known by their first bytes and of which no more need be known.
const MAGICS: &[(&[u8], MediaFormat)] = &[
    (b"GIF87a", MediaFormat::Gif),
    (b"GIF89a", MediaFormat::Gif),
    (b"II*\0", MediaFormat::Tiff),
    (b"MM\0*", MediaFormat::Tiff),
    (b"fLaC", MediaFormat::Flac),
    (b"\0\0\x01\xBA", MediaFormat::MpegPs),
    (b"\0\0\x01\xB3", MediaFormat::MpegPs),
    (b"Rar!\x1A\x07", MediaFormat::Archive),
    (b"7z\xBC\xAF\x27\x1C", MediaFormat::Archive),
    (b"\x1F\x8B\x08", MediaFormat::Archive),
];

/// Boxes that a QuickTime film without a brand begins with.
const OLD_QUICKTIME: [&[u8; 4]; 5] = [b"moov", b"mdat", b"wide", b"free", b"skip"];

type Begun = (Box<dyn Walker>, Want);

/// The reader for a file that begins so.
pub fn sniff(head: &[u8]) -> Begun {
    picture(head)
        .or_else(|| film(head))
        .or_else(|| sound(head))
        .or_else(|| document(head))
        .or_else(|| text(head))
        .unwrap_or_else(|| plain(MediaFormat::Unknown))
}

fn plain(format: MediaFormat) -> Begun {
    (Box::new(Plain(format)), Want::Done)
}

fn picture(head: &[u8]) -> Option<Begun> {
    if head.starts_with(b"\xFF\xD8\xFF") {
        return Some(Jpeg::begin());
    }
    if head.starts_with(b"\x89PNG\r\n\x1A\n") {
        return Some(Png::begin());
    }
    // The reserved fields of a bitmap are zero; a text may begin with BM.
    if head.starts_with(b"BM") && le32(head, 6) == Some(0) {
        return Some(plain(MediaFormat::Bmp));
    }
    let known = MAGICS.iter().find(|(magic, _)| head.starts_with(magic));
    known.map(|(_, format)| plain(*format)).or_else(|| riff(head))
}

fn riff(head: &[u8]) -> Option<Begun> {
    match (&bytes_at::<4>(head, 0)?, &bytes_at::<4>(head, 8)?) {
        (b"RIFF", b"WEBP") => Some(Webp::begin()),
        (b"RIFF" | b"RF64", b"WAVE") => Some(plain(MediaFormat::Wav)),
        (b"RIFF", b"AVI ") => Some(plain(MediaFormat::Avi)),
        (b"FORM", b"AIFF" | b"AIFC") => Some(plain(MediaFormat::Aiff)),
        _ => None,
    }
}

fn film(head: &[u8]) -> Option<Begun> {
    if head.starts_with(b"\x1A\x45\xDF\xA3") {
        let is_webm = memmem::find(head.get(..64).unwrap_or(head), b"webm").is_some();
        return Some(plain(if is_webm { MediaFormat::WebM } else { MediaFormat::Matroska }));
    }
    match &bytes_at::<4>(head, 4)? {
        b"ftyp" => Some(match &bytes_at::<4>(head, 8)? {
            b"avif" | b"avis" => plain(MediaFormat::Avif),
            b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" => plain(MediaFormat::Heic),
            _ => Isobmff::begin(),
        }),
        b"styp" | b"moof" => Some(Isobmff::begin()),
        kind => OLD_QUICKTIME.contains(&kind).then(Isobmff::begin),
    }
}

fn sound(head: &[u8]) -> Option<Begun> {
    if head.starts_with(b"OggS") {
        return Some(Ogg::begin());
    }
    if head.starts_with(amr::NARROW) || head.starts_with(amr::WIDE) {
        return Some(Amr::begin(head.starts_with(amr::WIDE)));
    }
    match be16(head, 0)? {
        // A mark of sixteen-bit text looks like a sync word.
        0xFFFE => None,
        sync if sync & 0xFFE0 == 0xFFE0 => Some(MpegAudio::begin()),
        sync if sync & 0xFFE0 == 0x56E0 && !head.iter().all(|byte| is_text(*byte)) => Some(plain(MediaFormat::Latm)),
        _ => head.starts_with(b"ID3").then(MpegAudio::begin),
    }
}

fn document(head: &[u8]) -> Option<Begun> {
    if zip::MAGICS.iter().any(|magic| head.starts_with(magic)) {
        return Some(Zip::begin());
    }
    if head.starts_with(ole::MAGIC) {
        return Some(Ole::begin());
    }
    let at = pdf_at(head)?;
    let may_be_text = at > 0 && head.iter().all(|byte| is_text(*byte));
    Some(Pdf::begin(at, may_be_text))
}

fn text(head: &[u8]) -> Option<Begun> {
    let is_wide = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
    (is_wide || head.iter().all(|byte| is_text(*byte))).then(|| Text::begin(head))
}

/// Where a PDF's header stands.
pub fn pdf_at(head: &[u8]) -> Option<usize> {
    let at = memmem::find(head.get(..PDF_WITHIN).unwrap_or(head), pdf::MAGIC)?;
    head.get(at + pdf::MAGIC.len()).is_some_and(u8::is_ascii_digit).then_some(at)
}
