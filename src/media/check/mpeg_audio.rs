//! MP3 and ADTS: frames that begin with a sync word and say how long they are, perhaps behind an ID3 tag.

use super::code::{Code, Finding, Weight};
use super::facts::{Facts, Sound};
use super::walk::{End, Found, Walker, Want, be16, be32};
use crate::model::MediaFormat;

/// Enough for the header of a tag, of an MPEG frame and of an ADTS frame.
const LOOK: usize = 10;
/// So many frames in a row are no accident.
const CERTAIN: u64 = 2;

/// The reader.
#[derive(Default)]
pub struct MpegAudio {
    first: Option<Frame>,
    frames: u64,
    duration_us: u64,
    junk_at: Option<u64>,
    has_flac: bool,
}

/// One frame's header.
#[derive(Clone, Copy)]
struct Frame {
    is_adts: bool,
    layer: u8,
    channels: u8,
    length: u64,
    duration_us: u64,
}

impl MpegAudio {
    /// The reader, and what it wants first.
    pub fn begin() -> (Box<dyn Walker>, Want) {
        (Box::new(Self::default()), Want::piece(LOOK))
    }

    fn is_sound(&self, end: &End<'_>) -> bool {
        self.frames >= CERTAIN || self.frames == 1 && self.junk_at.is_none() && !end.is_cut
    }

    fn findings(&self, end: &End<'_>) -> Option<Finding> {
        let foreign = self.junk_at.map(|at| end.bytes - at).filter(|_| !ends_with_tag(end.tail));
        if let Some(bytes) = foreign {
            let text = format!("The last {bytes} bytes are no frames of sound. Convert the file again.");
            return Some(Finding::new(Code::Trailing, text));
        }
        let is_cut = end.is_cut && self.junk_at.is_none() && end.rest.is_empty();
        is_cut.then(|| {
            let text = format!(
                "The last frame is cut after {} bytes. Players pass over it; upload the file whole.",
                end.bytes
            );
            Finding::new(Code::Truncated, text).at_most(Weight::Warn)
        })
    }
}

/// ID3v1, APE and Lyrics3 stand at the end.
fn ends_with_tag(tail: &[u8]) -> bool {
    let behind = |back: usize| tail.len().checked_sub(back).and_then(|at| tail.get(at..)).unwrap_or_default();
    behind(128).starts_with(b"TAG")
        || behind(32).starts_with(b"APETAGEX")
        || behind(9) == b"LYRICS200"
        || behind(16).iter().all(|byte| *byte == 0)
}

/// The length of an ID3v2 tag, its header and footer included.
fn tag(piece: &[u8]) -> Option<u64> {
    piece.strip_prefix(b"ID3")?;
    let size = be32(piece, 6)?.to_be_bytes();
    let size = size.iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7F));
    let footer = if piece.get(5)? & 0x10 != 0 { 10 } else { 0 };
    Some(10 + size + footer)
}

fn frame(piece: &[u8]) -> Option<Frame> {
    match be16(piece, 0)? {
        sync if sync & 0xFFF6 == 0xFFF0 => adts(piece),
        sync if sync & 0xFFE0 == 0xFFE0 => mpeg(piece),
        _ => None,
    }
}

fn adts(piece: &[u8]) -> Option<Frame> {
    const RATES: [u64; 13] = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
    let bits = be32(piece, 2)?;
    let rate = *RATES.get((bits >> 26 & 0x0F) as usize)?;
    let length = u64::from(bits >> 5 & 0x1FFF);
    let duration_us = 1024 * 1_000_000 / rate;
    (length >= 7).then_some(Frame { is_adts: true, layer: 0, channels: (bits >> 22 & 0x07) as u8, length, duration_us })
}

fn mpeg(piece: &[u8]) -> Option<Frame> {
    const RATES: [u64; 3] = [44100, 48000, 32000];
    let bits = be32(piece, 0)?;
    let (version, layer) = (bits >> 19 & 0x03, 4 - (bits >> 17 & 0x03));
    let shift = match version {
        3 => 0,
        2 => 1,
        0 => 2,
        _ => return None,
    };
    let is_first = version == 3;
    let kbits = *bitrates(is_first, layer)?.get((bits >> 12 & 0x0F) as usize)?;
    let rate = RATES.get((bits >> 10 & 0x03) as usize)? >> shift;
    let padding = u64::from(bits >> 9 & 0x01);
    let samples = match layer {
        1 => 384,
        3 if !is_first => 576,
        _ => 1152,
    };
    let length = match layer {
        1 => (12_000 * u64::from(kbits) / rate + padding) * 4,
        _ => samples / 8 * 1000 * u64::from(kbits) / rate + padding,
    };
    let channels = if bits >> 6 & 0x03 == 3 { 1 } else { 2 };
    let frame = Frame { is_adts: false, layer: layer as u8, channels, length, duration_us: samples * 1_000_000 / rate };
    (kbits > 0).then_some(frame)
}

/// The bit rates in kbit/s by index; 0 is "free", which nobody writes.
fn bitrates(is_first: bool, layer: u32) -> Option<&'static [u16; 15]> {
    match (is_first, layer) {
        (true, 1) => Some(&[0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448]),
        (true, 2) => Some(&[0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]),
        (true, 3) => Some(&[0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]),
        (false, 1) => Some(&[0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256]),
        (false, 2 | 3) => Some(&[0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]),
        _ => None,
    }
}

impl Walker for MpegAudio {
    fn piece(&mut self, at: u64, piece: &[u8]) -> Want {
        if self.frames == 0
            && let Some(length) = tag(piece)
        {
            return Want::piece_after(length - LOOK as u64, LOOK);
        }
        let frame = frame(piece).filter(|frame| self.first.is_none_or(|first| first.is_adts == frame.is_adts));
        let Some(frame) = frame else {
            self.has_flac = piece.starts_with(b"fLaC");
            self.junk_at = Some(at);
            return Want::Done;
        };
        self.first.get_or_insert(frame);
        self.frames += 1;
        self.duration_us += frame.duration_us;
        // The shortest frame is shorter than the look at it by a few bytes; such a one holds no sound.
        Want::piece_after(frame.length.saturating_sub(LOOK as u64), LOOK)
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let Some(first) = self.first.filter(|_| self.is_sound(end)) else {
            return Found::plain(if self.has_flac { MediaFormat::Flac } else { MediaFormat::Unknown });
        };
        let (codec, format) = if first.is_adts { ("AAC", MediaFormat::Aac) } else { ("MPEG audio", MediaFormat::Mp3) };
        let sound = Sound {
            codec,
            channels: Some(first.channels),
            duration_ms: Some(self.duration_us / 1000),
            layer: Some(first.layer).filter(|_| !first.is_adts),
            streams: None,
        };
        Found { format, facts: Facts::Sound(sound), findings: self.findings(end).into_iter().collect() }
    }
}
