//! Word, Excel and PowerPoint up to 2003: an OLE file. Its directory may lie anywhere, in entries of 128 bytes on their
//! own boundaries, so every such place is looked at instead of following chains of sectors back and forth.

use super::code::{Code, Finding};
use super::walk::{End, Found, Walker, Want, bytes_at, le16, le32};
use crate::model::MediaFormat;

/// What begins it.
pub const MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
const SECTOR: usize = 512;
const ENTRY: usize = 128;
const STREAM: u8 = 2;
const ROOT: u8 = 5;

/// The streams that make a format.
const STREAMS: &[(&[u8], MediaFormat)] = &[
    (b"EncryptedPackage", MediaFormat::SealedOffice),
    (b"WordDocument", MediaFormat::Doc),
    (b"Workbook", MediaFormat::Xls),
    (b"Book", MediaFormat::Xls),
    (b"PowerPoint Document", MediaFormat::Ppt),
];

/// The first bytes of the class that Office gives the root. Documents within documents have streams of their own, so
/// this counts before any stream.
const CLASSES: &[(u32, MediaFormat)] = &[
    (0x0002_0906, MediaFormat::Doc),
    (0x0002_0820, MediaFormat::Xls),
    (0x0002_0810, MediaFormat::Xls),
    (0x6481_8D10, MediaFormat::Ppt),
];

/// The reader.
#[derive(Default)]
pub struct Ole {
    has_header: bool,
    directory_end: u64,
    by_class: Option<MediaFormat>,
    by_stream: Option<MediaFormat>,
}

impl Ole {
    /// The reader, and what it wants first.
    pub fn begin() -> (Box<dyn Walker>, Want) {
        (Box::new(Self::default()), Want::piece(SECTOR))
    }

    fn header(&mut self, header: &[u8]) {
        self.has_header = true;
        let shift = le16(header, 30).filter(|shift| matches!(shift, 9 | 12)).unwrap_or(9);
        let first = u64::from(le32(header, 48).unwrap_or_default());
        // The header takes a sector too, so the end of the directory's first one is two sectors on.
        self.directory_end = (first + 2) << shift;
    }

    fn entry(&mut self, entry: &[u8]) {
        match entry.get(66) {
            Some(&STREAM) => {
                let found = STREAMS.iter().find(|(name, _)| is_named(entry, name)).map(|(_, format)| *format);
                // A sealed package has other streams beside it.
                self.by_stream = self.by_stream.or(found);
            }
            Some(&ROOT) if is_named(entry, b"Root Entry") => {
                let class = le32(entry, 80).unwrap_or_default();
                self.by_class = CLASSES.iter().find(|(known, _)| *known == class).map(|(_, format)| *format);
            }
            _ => {}
        }
    }
}

/// Whether an entry has the name, in sixteen bits a character with a zero behind.
fn is_named(entry: &[u8], name: &[u8]) -> bool {
    let has_length = le16(entry, 64).map(usize::from) == Some(2 * (name.len() + 1));
    has_length && name.iter().enumerate().all(|(at, &byte)| bytes_at(entry, 2 * at) == Some([byte, 0]))
}

impl Walker for Ole {
    fn piece(&mut self, _: u64, piece: &[u8]) -> Want {
        if self.has_header {
            piece.chunks_exact(ENTRY).for_each(|entry| self.entry(entry));
        } else {
            self.header(piece);
        }
        Want::piece(SECTOR)
    }

    fn end(mut self: Box<Self>, end: &End<'_>) -> Found {
        if self.has_header {
            end.rest.chunks_exact(ENTRY).for_each(|entry| self.entry(entry));
        }
        let sealed = self.by_stream.filter(|format| *format == MediaFormat::SealedOffice);
        let format = sealed.or(self.by_class).or(self.by_stream).unwrap_or(MediaFormat::Ole);
        let mut found = Found::plain(format);
        if !self.has_header || self.directory_end > end.bytes {
            let text = format!("The file stops after {} bytes, before its directory. Upload it whole.", end.bytes);
            found.findings.push(Finding::new(Code::Truncated, text));
        }
        found
    }
}
