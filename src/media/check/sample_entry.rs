//! The sample descriptions of a track: which codec it really holds. `mp4a` is not AAC by itself: its `esds` decides.

use super::facts::{Codec, Handler, Track};
use super::walk::{be16, be32, bytes_at};

/// How many descriptions of one track are looked at.
const MAX_ENTRIES: usize = 8;
/// Where the boxes of a video entry begin, counted from its content.
const VIDEO_BOXES: usize = 78;
/// The same for sound.
const AUDIO_BOXES: usize = 28;

/// Reads `stsd` into its track. Of several descriptions the one that is harder to play counts.
pub fn read(content: &[u8], track: &mut Track) {
    let mut entries = boxes(content.get(8..).unwrap_or_default()).take(MAX_ENTRIES);
    let Some((kind, content)) = entries.next() else { return };
    entry(kind, content, track);
    for (kind, content) in entries {
        let mut other = Track { handler: track.handler, b_frames: track.b_frames, ..Track::default() };
        entry(kind, content, &mut other);
        if !matches!(other.codec, Codec::H264 | Codec::Aac) || other.profile > track.profile {
            *track = other;
        }
    }
}

/// The boxes that stand one behind another.
fn boxes(mut content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let size = usize::try_from(be32(content, 0)?).ok()?;
        let kind = bytes_at(content, 4)?;
        let size = if size == 0 { content.len() } else { size.min(content.len()) };
        let (this, rest) = content.split_at_checked(size.max(8))?;
        content = rest;
        Some((kind, this.get(8..)?))
    })
}

fn find<'a>(content: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(content).find(|(kind, _)| kind == wanted).map(|(_, content)| content)
}

fn entry(kind: [u8; 4], content: &[u8], track: &mut Track) {
    track.entry = name(kind);
    track.codec = codec(kind, content);
    if track.codec == Codec::H264 {
        let boxes = content.get(VIDEO_BOXES..).unwrap_or_default();
        track.profile = find(boxes, b"avcC").and_then(|config| config.get(1)).copied();
    }
    if track.handler == Handler::Video {
        track.size = be16(content, 24).zip(be16(content, 26));
    }
}

fn codec(kind: [u8; 4], content: &[u8]) -> Codec {
    match &kind {
        b"avc1" | b"avc3" => Codec::H264,
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => Codec::Hevc,
        b"mp4v" => Codec::Mpeg4,
        b"s263" | b"h263" | b"H263" => Codec::H263,
        b"av01" => Codec::Av1,
        b"vp08" | b"vp09" => Codec::Vp9,
        b"mp4a" => object_type(content).map_or(Codec::Unknown, of_object_type),
        b".mp3" => Codec::Mp3,
        b"ac-3" | b"ec-3" => Codec::Ac3,
        b"alac" => Codec::Alac,
        b"Opus" => Codec::Opus,
        b"samr" | b"sawb" => Codec::Amr,
        b"encv" | b"enca" => Codec::Encrypted,
        _ => Codec::Unknown,
    }
}

/// The object type in `esds`: QuickTime's versions 1 and 2 put more in front of it, and hide it in `wave`.
fn object_type(content: &[u8]) -> Option<u8> {
    let more = match be16(content, 8)? {
        1 => 16,
        2 => 36,
        _ => 0,
    };
    let boxes = content.get(AUDIO_BOXES + more..)?;
    let esds = find(boxes, b"esds").or_else(|| find(find(boxes, b"wave")?, b"esds"))?;
    let (tag, stream) = descriptor(esds.get(4..)?)?;
    let flags = *stream.get(2)?;
    (tag == 0x03).then_some(())?;
    let depends = if flags & 0x80 != 0 { 2 } else { 0 };
    let address = if flags & 0x40 != 0 { 1 + usize::from(*stream.get(3 + depends)?) } else { 0 };
    let clock = if flags & 0x20 != 0 { 2 } else { 0 };
    let (tag, decoder) = descriptor(stream.get(3 + depends + address + clock..)?)?;
    (tag == 0x04).then(|| decoder.first().copied())?
}

/// A descriptor's tag and content; its length takes up to four bytes of seven bits.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let tag = *bytes.first()?;
    let lengths = bytes.get(1..)?.iter().take(4);
    let long = lengths.take_while(|byte| *byte & 0x80 != 0).count();
    Some((tag, bytes.get(2 + long..)?))
}

fn of_object_type(object_type: u8) -> Codec {
    match object_type {
        0x40 | 0x66..=0x68 => Codec::Aac,
        0x69 | 0x6B => Codec::Mp3,
        0xA5 | 0xA6 => Codec::Ac3,
        _ => Codec::Unknown,
    }
}

/// The four characters of a name, without anything that could not be shown.
pub fn name(kind: [u8; 4]) -> String {
    kind.iter().map(|&byte| if (0x20..0x7F).contains(&byte) { char::from(byte) } else { '?' }).collect()
}
