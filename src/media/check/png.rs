//! PNG: chunk by chunk, each with its checksum.

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};

use super::code::{Code, Finding};
use super::facts::{Color, Facts, Picture};
use super::walk::{End, Found, Walker, Want, be32, bytes_at};
use crate::model::MediaFormat;

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

const SIGNATURE: usize = 8;
/// Enough of a chunk's content for IHDR.
const HEADER: usize = 13;

/// The reader.
pub struct Png {
    state: State,
    digest: Digest<'static, u32, Table<16>>,
    kind: [u8; 4],
    left: u64,
    /// The first bytes of the chunk.
    content: Vec<u8>,
    picture: Option<Picture>,
    has_pixels: bool,
    end_at: Option<u64>,
    damage: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum State {
    Signature,
    Header,
    Content,
    Checksum,
}

impl Png {
    /// The reader, and what it wants first.
    pub fn begin() -> (Box<dyn Walker>, Want) {
        let reader = Self {
            state: State::Signature,
            digest: CRC.digest(),
            kind: [0; 4],
            left: 0,
            content: Vec::new(),
            picture: None,
            has_pixels: false,
            end_at: None,
            damage: None,
        };
        (Box::new(reader), Want::piece(SIGNATURE))
    }

    fn damaged(&mut self, what: &'static str) -> Want {
        self.damage = Some(what);
        Want::Done
    }

    fn header(&mut self, piece: &[u8]) -> Want {
        let (Some(length), Some(kind)) = (be32(piece, 0), bytes_at(piece, 4)) else { return Want::Done };
        if length > i32::MAX as u32 || !kind.iter().all(u8::is_ascii_alphabetic) {
            return self.damaged("a chunk has no valid header");
        }
        (self.kind, self.left) = (kind, length.into());
        self.digest = CRC.digest();
        self.digest.update(&kind);
        self.content.clear();
        if length == 0 {
            self.state = State::Checksum;
            return Want::piece(4);
        }
        self.state = State::Content;
        Want::STREAM
    }

    fn checksum(&mut self, at: u64, given: Option<u32>) -> Want {
        let digest = std::mem::replace(&mut self.digest, CRC.digest());
        if given != Some(digest.finalize()) {
            return self.damaged("the checksum of a chunk is wrong");
        }
        match &self.kind {
            b"IHDR" => self.picture = picture(&self.content),
            b"IDAT" => self.has_pixels = true,
            b"acTL" if !self.has_pixels => self.with_picture(|picture| picture.animated = true),
            b"tRNS" => self.with_picture(|picture| {
                if picture.color == Color::Rgb {
                    picture.color = Color::Rgba;
                }
            }),
            b"IEND" => {
                self.end_at = Some(at + 4);
                return Want::Done;
            }
            _ => {}
        }
        if self.picture.is_none() {
            return self.damaged("it does not begin with its header");
        }
        self.state = State::Header;
        Want::piece(8)
    }

    fn with_picture(&mut self, change: impl FnOnce(&mut Picture)) {
        if let Some(picture) = &mut self.picture {
            change(picture);
        }
    }
}

fn picture(header: &[u8]) -> Option<Picture> {
    let color = match header.get(9)? {
        0 => Color::Grey,
        3 => Color::Palette,
        4 => Color::GreyAlpha,
        6 => Color::Rgba,
        _ => Color::Rgb,
    };
    let (width, height) = (be32(header, 0)?, be32(header, 4)?);
    Some(Picture { width, height, bits: header.get(8).copied(), color, ..Picture::default() })
}

impl Walker for Png {
    fn piece(&mut self, at: u64, piece: &[u8]) -> Want {
        match self.state {
            State::Signature => {
                self.state = State::Header;
                Want::piece(8)
            }
            State::Header => self.header(piece),
            State::Content | State::Checksum => self.checksum(at, be32(piece, 0)),
        }
    }

    fn stream(&mut self, _: u64, bytes: &[u8]) -> (usize, Want) {
        let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let content = bytes.get(..taken).unwrap_or_default();
        self.digest.update(content);
        let wanted = HEADER.saturating_sub(self.content.len());
        self.content.extend(content.iter().take(wanted));
        self.left -= taken as u64;
        if self.left > 0 {
            return (taken, Want::STREAM);
        }
        self.state = State::Checksum;
        (taken, Want::piece(4))
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let finding = match (self.damage, self.end_at) {
            (Some(what), _) => {
                Some(Finding::new(Code::Corrupt, format!("The PNG is damaged: {what}. Save the picture again.")))
            }
            (None, None) => {
                let text = format!("The PNG stops after {} bytes, before its end chunk. Upload it whole.", end.bytes);
                Some(Finding::new(Code::Truncated, text))
            }
            (None, Some(_)) if !self.has_pixels => {
                Some(Finding::new(Code::Corrupt, "The PNG has no pixels. Save the picture again."))
            }
            (None, Some(at)) if at < end.bytes => {
                let text = format!("{} bytes follow the PNG's end chunk. Save the picture again.", end.bytes - at);
                Some(Finding::new(Code::Trailing, text))
            }
            _ => None,
        };
        let facts = self.picture.map_or(Facts::None {}, Facts::Picture);
        Found { format: MediaFormat::Png, facts, findings: finding.into_iter().collect() }
    }
}
