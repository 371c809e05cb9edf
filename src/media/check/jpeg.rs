//! JPEG: segments up to the first scan, then a search for markers at the speed of memory.

use memchr::memchr;

use super::code::{Code, Finding};
use super::exif;
use super::facts::{Color, Facts, Picture};
use super::walk::{End, Found, Walker, Want, be16};
use crate::model::MediaFormat;

const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP1: u8 = 0xE1;

/// The reader.
#[derive(Default)]
pub struct Jpeg {
    state: State,
    picture: Option<Picture>,
    frame_code: u8,
    components: u8,
    orientation: Option<u16>,
    /// Where the picture ends.
    end_at: Option<u64>,
    is_broken: bool,
}

/// Where in the file the reader is.
#[derive(Clone, Copy, Default)]
enum State {
    /// Before a marker's FF; what stands in front of it is passed over, as every decoder does.
    #[default]
    Marker,
    /// Behind it.
    Code,
    /// Among compressed samples.
    Samples,
    /// Behind an FF among them.
    SamplesCode,
    /// Before the length of a segment.
    Length(u8),
    /// Before its content.
    Segment(u8),
}

impl Jpeg {
    /// The reader, and what it wants first.
    pub fn begin() -> (Box<dyn Walker>, Want) {
        (Box::new(Self::default()), Want::STREAM)
    }

    /// Behind FF: the next marker's code.
    fn code(&mut self, at: u64, code: u8) -> Want {
        match code {
            0xFF => return Want::STREAM,
            EOI => {
                self.end_at = Some(at + 1);
                return Want::Done;
            }
            0x00 => return self.broken(),
            0x01 | 0xD0..=0xD8 => self.state = State::Marker,
            _ => {
                self.state = State::Length(code);
                return Want::piece(2);
            }
        }
        Want::STREAM
    }

    fn broken(&mut self) -> Want {
        self.is_broken = true;
        Want::Done
    }

    /// One byte outside of samples.
    fn step(&mut self, at: u64, byte: u8) -> Want {
        match self.state {
            State::Code => self.code(at, byte),
            State::SamplesCode => match byte {
                0x00 | 0xD0..=0xD7 => {
                    self.state = State::Samples;
                    Want::STREAM
                }
                code => self.code(at, code),
            },
            _ => self.broken(),
        }
    }

    fn length(&mut self, code: u8, length: u16) -> Want {
        let Some(length) = length.checked_sub(2) else { return self.broken() };
        let is_frame = is_frame(code);
        if length > 0 && (is_frame || code == APP1) {
            self.state = State::Segment(code);
            return Want::piece(length.into());
        }
        if is_frame {
            return self.broken();
        }
        self.state = if code == SOS { State::Samples } else { State::Marker };
        Want::Stream { skip: length.into() }
    }

    fn segment(&mut self, code: u8, content: &[u8]) -> Want {
        self.state = State::Marker;
        if code == APP1 {
            self.orientation = self.orientation.or_else(|| exif::orientation(content.strip_prefix(b"Exif\0\0")?));
        } else {
            let Some(picture) = frame(content) else { return self.broken() };
            self.frame_code = code;
            self.components = content.get(5).copied().unwrap_or_default();
            self.picture = Some(picture);
        }
        Want::STREAM
    }
}

/// Whether a marker begins a frame; DHT, JPG and DAC lie among them.
fn is_frame(code: u8) -> bool {
    matches!(code, 0xC0..=0xCF) && !matches!(code, 0xC4 | 0xC8 | 0xCC)
}

fn frame(content: &[u8]) -> Option<Picture> {
    let color = match content.get(5)? {
        1 => Color::Grey,
        4 => Color::Cmyk,
        _ => Color::Rgb,
    };
    let (height, width) = (be16(content, 1)?.into(), be16(content, 3)?.into());
    Some(Picture { width, height, bits: content.first().copied(), color, ..Picture::default() })
}

impl Walker for Jpeg {
    fn piece(&mut self, _: u64, piece: &[u8]) -> Want {
        match self.state {
            State::Length(code) => self.length(code, be16(piece, 0).unwrap_or_default()),
            State::Segment(code) => self.segment(code, piece),
            _ => self.broken(),
        }
    }

    fn stream(&mut self, at: u64, bytes: &[u8]) -> (usize, Want) {
        let mut read = 0;
        while let Some((&byte, _)) = bytes.get(read..).and_then(<[u8]>::split_first) {
            if matches!(self.state, State::Samples | State::Marker) {
                let Some(found) = bytes.get(read..).and_then(|bytes| memchr(0xFF, bytes)) else { break };
                self.state = if let State::Samples = self.state { State::SamplesCode } else { State::Code };
                read += found + 1;
                continue;
            }
            let want = self.step(at + read as u64, byte);
            read += 1;
            if want != Want::STREAM {
                return (read, want);
            }
        }
        (bytes.len(), Want::STREAM)
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let mut findings = Vec::new();
        match (self.end_at, self.is_broken) {
            (_, true) => findings.push(Finding::new(
                Code::Corrupt,
                "The JPEG's segments do not follow one another. Save the picture again.",
            )),
            (None, _) => findings.push(Finding::new(
                Code::Truncated,
                format!("The JPEG stops after {} bytes, before its end marker. Upload it whole.", end.bytes),
            )),
            (Some(at), _) if at < end.bytes => findings.push(Finding::new(
                Code::Trailing,
                format!("{} bytes follow the JPEG's end marker. Save the picture again.", end.bytes - at),
            )),
            (Some(_), _) if self.picture.is_none() => {
                findings.push(Finding::new(Code::Corrupt, "The JPEG has no frame header. Save the picture again."))
            }
            _ => {}
        }
        if self.picture.is_some() && (!matches!(self.frame_code, 0xC0..=0xC2) || !matches!(self.components, 1 | 3 | 4))
        {
            findings.push(Finding::new(
                Code::FormatUnsupported,
                "The JPEG is lossless, arithmetic or of an odd \
                number of components, which phones do not show. Save it as an ordinary JPEG.",
            ));
        }
        let picture = self.picture.map(|picture| Picture { orientation: self.orientation, ..picture });
        Found { format: MediaFormat::Jpeg, facts: picture.map_or(Facts::None {}, Facts::Picture), findings }
    }
}
