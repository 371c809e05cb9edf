//! WebP: the chunks of its RIFF. A simple file has no canvas but its one bitstream.

use super::code::{Code, Finding};
use super::facts::{Color, Facts, Picture};
use super::walk::{End, Found, Walker, Want, bytes_at, le16, le32};
use crate::model::MediaFormat;

const RIFF_HEADER: u64 = 8;
const CHUNK_HEADER: u64 = 8;
/// Enough of every chunk that has a header of its own.
const LOOK: u64 = 16;

/// The reader.
#[derive(Default)]
pub struct Webp {
    state: State,
    /// Where the RIFF says that it ends.
    riff_end: u64,
    kind: [u8; 4],
    size: u64,
    canvas: Option<(u32, u32)>,
    frame: Option<(u32, u32)>,
    has_frames: bool,
    is_animated: bool,
    has_alpha: bool,
    is_broken: bool,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Riff,
    Header,
    Content,
}

impl Webp {
    /// The reader, and what it wants first.
    pub fn begin() -> (Box<dyn Walker>, Want) {
        (Box::new(Self::default()), Want::piece(12))
    }

    fn header(&mut self, at: u64, piece: &[u8]) -> Want {
        let (Some(kind), Some(size)) = (bytes_at(piece, 0), le32(piece, 4)) else { return Want::Done };
        (self.kind, self.size) = (kind, size.into());
        if at + CHUNK_HEADER + self.size > self.riff_end {
            self.is_broken = true;
            return Want::Done;
        }
        match self.size {
            0 => self.next(at + CHUNK_HEADER, 0),
            size => {
                self.state = State::Content;
                Want::Piece { skip: 0, length: size.min(LOOK) as usize }
            }
        }
    }

    /// The next chunk, `left` bytes on; chunks begin at even places.
    fn next(&mut self, at: u64, left: u64) -> Want {
        let skip = left + (self.size & 1);
        if at + skip + CHUNK_HEADER > self.riff_end {
            return Want::Piece { skip: self.riff_end.saturating_sub(at), length: 1 };
        }
        self.state = State::Header;
        Want::piece_after(skip, 8)
    }

    fn content(&mut self, content: &[u8]) {
        match &self.kind {
            b"VP8X" => {
                let flags = content.first().copied().unwrap_or_default();
                self.is_animated |= flags & 0x02 != 0;
                self.has_alpha |= flags & 0x10 != 0;
                self.canvas = le24(content, 4).zip(le24(content, 7)).map(|(width, height)| (width + 1, height + 1));
            }
            b"VP8 " => self.frame = lossy(content),
            b"VP8L" => {
                self.frame = lossless(content);
                self.has_alpha |= content.get(4).is_some_and(|bits| bits & 0x10 != 0);
            }
            b"ANMF" => (self.is_animated, self.has_frames) = (true, true),
            _ => {}
        }
    }

    fn finding(&self, end: &End<'_>) -> Option<Finding> {
        let bytes = end.bytes;
        if self.riff_end > bytes {
            let text = format!("The WebP announces {} bytes and has {bytes}. Upload it whole.", self.riff_end);
            return Some(Finding::new(Code::Truncated, text));
        }
        if self.is_broken || (self.frame.is_none() && !self.has_frames) {
            return Some(Finding::new(Code::Corrupt, "The WebP's chunks do not fit together. Save the picture again."));
        }
        // One byte of padding is the RIFF's own.
        let behind = bytes - self.riff_end;
        (behind > self.riff_end % 2).then(|| {
            Finding::new(Code::Trailing, format!("{behind} bytes follow the WebP's end. Save the picture again."))
        })
    }
}

/// The size in a VP8 key frame: 14 bits each.
fn lossy(content: &[u8]) -> Option<(u32, u32)> {
    (bytes_at(content, 3)? == [0x9D, 0x01, 0x2A]).then_some(())?;
    Some(((le16(content, 6)? & 0x3FFF).into(), (le16(content, 8)? & 0x3FFF).into()))
}

/// The size in a VP8L header: 14 bits each, less one.
fn lossless(content: &[u8]) -> Option<(u32, u32)> {
    (content.first() == Some(&0x2F)).then_some(())?;
    let bits = le32(content, 1)?;
    Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = bytes_at(bytes, at)?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

impl Walker for Webp {
    fn piece(&mut self, at: u64, piece: &[u8]) -> Want {
        match self.state {
            State::Riff => {
                self.riff_end = RIFF_HEADER + u64::from(le32(piece, 4).unwrap_or_default());
                self.state = State::Header;
                Want::piece(8)
            }
            State::Header if at >= self.riff_end => Want::Done,
            State::Header => self.header(at, piece),
            State::Content if at >= self.riff_end => Want::Done,
            State::Content => {
                self.content(piece);
                let read = piece.len() as u64;
                self.next(at + read, self.size - read)
            }
        }
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let findings = self.finding(end).into_iter().collect();
        let (width, height) = self.canvas.or(self.frame).unwrap_or_default();
        let frame = self.frame.filter(|&frame| !self.is_animated && frame != (width, height));
        let color = if self.has_alpha { Color::Rgba } else { Color::Rgb };
        let picture = Picture { width, height, color, animated: self.is_animated, frame, ..Picture::default() };
        Found { format: MediaFormat::Webp, facts: Facts::Picture(picture), findings }
    }
}
