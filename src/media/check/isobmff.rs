//! MP4, 3GPP, QuickTime and M4A: the tree of boxes. Samples are passed over; the boxes of `moov` that matter are read
//! whole, up to a bound.

use super::code::{Code, Finding};
use super::facts::{Facts, Handler, Movie, Track};
use super::sample_entry;
use super::walk::{End, Found, MAX_PIECE, Walker, Want, be32, be64, bytes_at};
use crate::model::MediaFormat;

/// How many tracks are looked at; more is no film.
const MAX_TRACKS: usize = 32;
/// How deep boxes are entered: moov, trak, mdia, minf, stbl.
const MAX_DEPTH: usize = 5;
/// A composition offset takes eight bytes.
const OFFSET: usize = 8;

const AGAIN: &str = "Save the file again, for example with ffmpeg -i IN -c copy OUT.";

/// The reader.
#[derive(Default)]
pub struct Isobmff {
    state: State,
    /// The ends of the boxes that the reader is in.
    parents: Vec<u64>,
    movie: Movie,
    has_mdat: bool,
    /// How many boxes of samples or of the film's description were met.
    has_boxes: bool,
    /// The first composition offset of the track.
    first_offset: Option<u32>,
    /// Where something begins that is no box.
    junk_at: Option<u64>,
    is_broken: bool,
}

/// What the next piece is.
#[derive(Clone, Copy, Default)]
enum State {
    /// The header of a box.
    #[default]
    Header,
    /// The long size of a box.
    LongSize { kind: [u8; 4], start: u64 },
    /// The content of a box that ends there.
    Content { kind: [u8; 4], end: u64 },
    /// So many entries of `ctts`, whose box ends there.
    Offsets { left: u64, end: u64 },
}

impl Isobmff {
    /// The reader, and what it wants first.
    pub fn begin() -> (Box<dyn Walker>, Want) {
        (Box::new(Self::default()), Want::piece(8))
    }

    fn header(&mut self, at: u64, piece: &[u8]) -> Want {
        let (Some(size), Some(kind)) = (be32(piece, 0), bytes_at::<4>(piece, 4)) else { return Want::Done };
        let parent = self.parents.last().copied();
        // Names of boxes are letters, digits, blanks and, from Apple, ©.
        let is_named = kind.iter().all(|&byte| byte == 0xA9 || (0x20..0x7F).contains(&byte));
        match size {
            0 => self.enter(kind, at + 8, parent.unwrap_or(u64::MAX)),
            1 if is_named => {
                self.state = State::LongSize { kind, start: at };
                Want::piece(8)
            }
            size if size < 8 || !is_named => self.junk(at),
            size => self.enter(kind, at + 8, at.saturating_add(size.into())),
        }
    }

    /// Bytes that are no box: behind the film they are foreign, within it they are damage.
    fn junk(&mut self, at: u64) -> Want {
        if self.parents.is_empty() && self.has_boxes {
            self.junk_at = Some(at);
        } else {
            self.is_broken = true;
        }
        Want::Done
    }

    /// Behind the header of a box.
    fn enter(&mut self, kind: [u8; 4], here: u64, end: u64) -> Want {
        if self.parents.last().is_some_and(|&parent| end > parent) {
            self.is_broken = true;
            return Want::Done;
        }
        self.notice(kind);
        if end == u64::MAX {
            return Want::Done;
        }
        match &kind {
            b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" if self.parents.len() < MAX_DEPTH => {
                self.parents.push(end);
                self.go(here, here)
            }
            b"ftyp" | b"mvhd" | b"hdlr" | b"stsd" | b"ctts" if end > here => {
                self.state = State::Content { kind, end };
                Want::piece(look(kind, end - here))
            }
            _ => self.go(here, end),
        }
    }

    fn notice(&mut self, kind: [u8; 4]) {
        match &kind {
            b"moov" => (self.movie.has_moov, self.movie.moov_first) = (true, !self.has_mdat),
            b"mdat" => self.has_mdat = true,
            b"moof" | b"mvex" => self.movie.fragmented = true,
            b"trak" if self.movie.tracks.len() < MAX_TRACKS => {
                self.movie.tracks.push(Track::default());
                self.first_offset = None;
            }
            _ => {}
        }
        self.has_boxes |= matches!(&kind, b"moov" | b"mdat" | b"moof");
    }

    /// To the next header, which stands at `next`, or behind the parents that have no room for one.
    fn go(&mut self, here: u64, mut next: u64) -> Want {
        while let Some(&parent) = self.parents.last() {
            if parent.saturating_sub(next) >= 8 {
                break;
            }
            next = parent;
            self.parents.pop();
        }
        self.state = State::Header;
        Want::piece_after(next.saturating_sub(here), 8)
    }

    fn content(&mut self, kind: [u8; 4], here: u64, end: u64, content: &[u8]) -> Want {
        match &kind {
            b"ftyp" => self.movie.brand = sample_entry::name(bytes_at(content, 0).unwrap_or_default()),
            b"mvhd" => self.movie.duration_ms = duration(content),
            b"hdlr" => self.with_track(|track| track.handler = handler(content)),
            b"stsd" => self.with_track(|track| sample_entry::read(content, track)),
            b"ctts" => {
                let left = be32(content, 4).unwrap_or_default().into();
                return self.offsets(left, here, end);
            }
            _ => {}
        }
        self.go(here, end)
    }

    /// Asks for the next entries of `ctts`.
    fn offsets(&mut self, left: u64, here: u64, end: u64) -> Want {
        let room = end.saturating_sub(here) / OFFSET as u64;
        let next = left.min(room).min((MAX_PIECE / OFFSET) as u64) as usize;
        if next == 0 {
            return self.go(here, end);
        }
        self.state = State::Offsets { left: left - next as u64, end };
        Want::piece(next * OFFSET)
    }

    /// Pictures that are shown in the order of their storage all have one offset.
    fn reads_b_frames(&mut self, entries: &[u8]) -> bool {
        let mut offsets = entries.chunks_exact(OFFSET).filter_map(|entry| be32(entry, 4));
        let first = *self.first_offset.get_or_insert_with(|| offsets.next().unwrap_or_default());
        offsets.any(|offset| offset != first)
    }

    fn with_track(&mut self, change: impl FnOnce(&mut Track)) {
        if let Some(track) = self.movie.tracks.last_mut() {
            change(track);
        }
    }

    fn format(&self) -> MediaFormat {
        let has_video = self.movie.tracks_of(Handler::Video).next().is_some();
        let has_audio = self.movie.tracks_of(Handler::Audio).next().is_some();
        match self.movie.brand.as_str() {
            "qt  " | "" => MediaFormat::QuickTime,
            brand if brand.starts_with("3g2") => MediaFormat::ThreeGpp2,
            brand if brand.starts_with("3g") => MediaFormat::ThreeGpp,
            "M4A " | "M4B " if !has_video => MediaFormat::M4a,
            _ if has_audio && !has_video => MediaFormat::M4a,
            _ => MediaFormat::Mp4,
        }
    }

    fn finding(&self, end: &End<'_>) -> Option<Finding> {
        if self.is_broken {
            return Some(Finding::new(Code::Corrupt, format!("The file's boxes do not fit into one another. {AGAIN}")));
        }
        // Fewer bytes than a header behind the last box are no box that was cut.
        let is_crumb = matches!(self.state, State::Header) && self.has_boxes && !end.rest.is_empty();
        if !self.parents.is_empty() || end.is_cut && !is_crumb {
            let bytes = end.bytes;
            let text =
                format!("The file stops after {bytes} bytes, within a box that announces more. Upload it whole.");
            return Some(Finding::new(Code::Truncated, text));
        }
        let crumb_at = is_crumb.then(|| end.bytes - end.rest.len() as u64);
        let junk_at = self.junk_at.or(crumb_at)?;
        let text = format!("{} bytes follow the last box. {AGAIN}", end.bytes - junk_at);
        Some(Finding::new(Code::Trailing, text))
    }
}

/// How much of a box is read.
fn look(kind: [u8; 4], size: u64) -> usize {
    let bound = match &kind {
        b"ctts" => 8,
        b"stsd" => MAX_PIECE as u64,
        _ => 64,
    };
    size.min(bound) as usize
}

fn handler(content: &[u8]) -> Handler {
    match &bytes_at(content, 8).unwrap_or_default() {
        b"vide" => Handler::Video,
        b"soun" => Handler::Audio,
        _ => Handler::Other,
    }
}

/// The film's length in milliseconds; a fragmented one says 0, which means that nobody knew.
fn duration(content: &[u8]) -> Option<u64> {
    let (scale, length) = match content.first()? {
        0 => (be32(content, 12)?, be32(content, 16)?.into()),
        _ => (be32(content, 20)?, be64(content, 24)?),
    };
    length.checked_mul(1000)?.checked_div(scale.into()).filter(|&length| length > 0)
}

impl Walker for Isobmff {
    fn piece(&mut self, at: u64, piece: &[u8]) -> Want {
        let here = at + piece.len() as u64;
        match self.state {
            State::Header => self.header(at, piece),
            State::LongSize { kind, start } => match be64(piece, 0).and_then(|size| start.checked_add(size)) {
                Some(end) if end >= here => self.enter(kind, here, end),
                _ => self.junk(start),
            },
            State::Content { kind, end } => self.content(kind, here, end, piece),
            State::Offsets { left, end } => {
                if self.reads_b_frames(piece) {
                    self.with_track(|track| track.b_frames = true);
                    return self.go(here, end);
                }
                self.offsets(left, here, end)
            }
        }
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let findings = self.finding(end).into_iter().collect();
        Found { format: self.format(), facts: Facts::Movie(self.movie), findings }
    }
}
