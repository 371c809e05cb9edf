//! Ogg: page by page, each with its checksum. The first packet of a stream says what it holds.

use crc::{Algorithm, Crc, Table};

use super::code::{Code, Finding};
use super::facts::{Facts, Sound};
use super::walk::{End, Found, Walker, Want, le16, le32, le64};
use crate::model::MediaFormat;

const PAGE_HEADER: usize = 27;
const CRC_AT: usize = 22;
const BEGINS: u8 = 0x02;
const ENDS: u8 = 0x04;
/// Opus counts its samples at this rate, whatever was recorded.
const RATE_PER_MS: u64 = 48;

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&Algorithm {
    width: 32,
    poly: 0x04C1_1DB7,
    init: 0,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0x89A1_897F,
    residue: 0,
});

/// The reader.
#[derive(Default)]
pub struct Ogg {
    state: State,
    header: Vec<u8>,
    segments: Vec<u8>,
    streams: usize,
    /// What the first stream holds that is not Opus, else Opus.
    codec: Option<&'static str>,
    channels: Option<u8>,
    pre_skip: u64,
    samples: u64,
    /// How many pages came behind those that begin streams.
    pages: u64,
    has_end: bool,
    junk_at: Option<u64>,
    is_damaged: bool,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Header,
    Segments,
    Body,
}

impl Ogg {
    /// The reader, and what it wants first.
    pub fn begin() -> (Box<dyn Walker>, Want) {
        (Box::new(Self::default()), Want::piece(PAGE_HEADER))
    }

    fn header(&mut self, at: u64, header: &[u8]) -> Want {
        if !header.starts_with(b"OggS\0") {
            self.junk_at = Some(at);
            return Want::Done;
        }
        self.header.clear();
        self.header.extend_from_slice(header);
        self.segments.clear();
        match header.get(26).copied().unwrap_or_default() {
            0 => self.page(&[]),
            count => {
                self.state = State::Segments;
                Want::piece(count.into())
            }
        }
    }

    fn segments(&mut self, segments: &[u8]) -> Want {
        self.segments.extend_from_slice(segments);
        match segments.iter().map(|&length| usize::from(length)).sum() {
            0 => self.page(&[]),
            length => {
                self.state = State::Body;
                Want::piece(length)
            }
        }
    }

    fn page(&mut self, body: &[u8]) -> Want {
        self.state = State::Header;
        if self.checksum(body) != le32(&self.header, CRC_AT) {
            self.is_damaged = true;
            return Want::Done;
        }
        let flags = self.header.get(5).copied().unwrap_or_default();
        self.has_end |= flags & ENDS != 0;
        if flags & BEGINS != 0 {
            self.begins(body);
        } else {
            self.pages += 1;
            // A page on which no packet ends says -1.
            let samples = le64(&self.header, 6).filter(|&samples| samples <= i64::MAX as u64);
            self.samples = self.samples.max(samples.unwrap_or_default());
        }
        Want::piece(PAGE_HEADER)
    }

    fn checksum(&self, body: &[u8]) -> Option<u32> {
        let (before, after) = self.header.split_at_checked(CRC_AT)?;
        let mut digest = CRC.digest();
        for part in [before, &[0; 4], after.get(4..)?, &self.segments, body] {
            digest.update(part);
        }
        Some(digest.finalize())
    }

    fn begins(&mut self, packet: &[u8]) {
        self.streams += 1;
        let codec = codec(packet);
        if codec == OPUS {
            self.channels = packet.get(9).copied();
            self.pre_skip = le16(packet, 10).unwrap_or_default().into();
        }
        if self.codec.is_none_or(|known| known == OPUS) {
            self.codec = Some(codec);
        }
    }

    fn finding(&self, end: &End<'_>) -> Option<Finding> {
        if self.is_damaged {
            return Some(Finding::new(
                Code::Corrupt,
                "The checksum of an Ogg page is wrong. Record or convert it again.",
            ));
        }
        // Two pages hold the headers of a stream, the second its comments.
        if end.is_cut || self.pages < 2 {
            let text = format!(
                "The Ogg file stops after {} bytes, within a page or before any sound. Upload it whole.",
                end.bytes
            );
            return Some(Finding::new(Code::Truncated, text));
        }
        if !self.has_end {
            let text = "The last Ogg page is not marked as the last: the recording may have been cut. Upload it whole.";
            return Some(Finding::new(Code::Truncated, text).at_most(super::code::Weight::Warn));
        }
        let behind = end.bytes - self.junk_at?;
        Some(Finding::new(Code::Trailing, format!("{behind} bytes follow the last Ogg page. Convert the file again.")))
    }
}

const OPUS: &str = "Opus";

fn codec(packet: &[u8]) -> &'static str {
    let kinds: [(&[u8], _); 6] = [
        (b"OpusHead", OPUS),
        (b"\x01vorbis", "Vorbis"),
        (b"\x7FFLAC", "FLAC"),
        (b"Speex   ", "Speex"),
        (b"\x80theora", "Theora"),
        (b"fishead\0", "Skeleton"),
    ];
    kinds.iter().find(|(magic, _)| packet.starts_with(magic)).map_or("an unknown codec", |(_, codec)| codec)
}

impl Walker for Ogg {
    fn piece(&mut self, at: u64, piece: &[u8]) -> Want {
        match self.state {
            State::Header => self.header(at, piece),
            State::Segments => self.segments(piece),
            State::Body => self.page(piece),
        }
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let is_opus = self.codec == Some(OPUS) && self.streams == 1;
        let played = self.samples.saturating_sub(self.pre_skip) / RATE_PER_MS;
        let sound = Sound {
            codec: self.codec.unwrap_or("an unknown codec"),
            channels: self.channels,
            duration_ms: Some(played).filter(|_| is_opus),
            streams: Some(self.streams),
            ..Sound::default()
        };
        let format = if is_opus { MediaFormat::OggOpus } else { MediaFormat::Ogg };
        Found { format, facts: Facts::Sound(sound), findings: self.finding(end).into_iter().collect() }
    }
}
