//! How containers are read: from bytes as they come, in one pass, within bounds.
//!
//! A [`Walker`] says what it wants next, a short piece or a stretch to be passed over, and the [`Drive`] gathers it
//! from whatever the network delivers. So no reader meets a boundary between two buffers, nothing is allocated by a
//! length that a file declares, and what nobody wants is never touched.

use super::code::Finding;
use super::facts::Facts;
use crate::model::MediaFormat;

/// The longest piece that a walker gets.
pub const MAX_PIECE: usize = 64 << 10;

/// What a walker wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// To pass over `skip` bytes, then `length` bytes (1 to [`MAX_PIECE`]) in one piece.
    Piece {
        /// How many bytes to pass over.
        skip: u64,
        /// How many bytes to deliver.
        length: usize,
    },
    /// To pass over `skip` bytes, then bytes as they come.
    Stream {
        /// How many bytes to pass over.
        skip: u64,
    },
    /// Nothing more of this file.
    Done,
}

impl Want {
    /// The next so many bytes.
    pub fn piece(length: usize) -> Self {
        Self::Piece { skip: 0, length }
    }

    /// So many bytes, after others were passed over.
    pub fn piece_after(skip: u64, length: usize) -> Self {
        Self::Piece { skip, length }
    }

    /// Bytes as they come.
    pub const STREAM: Self = Self::Stream { skip: 0 };
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its format.
    pub format: MediaFormat,
    /// What was measured.
    pub facts: Facts,
    /// What is wrong with it as a file of this format, whatever it is sent as.
    pub findings: Vec<Finding>,
}

impl Found {
    /// A format of which nothing else is known.
    pub fn plain(format: MediaFormat) -> Self {
        Self { format, facts: Facts::None {}, findings: Vec::new() }
    }
}

/// How a file ended.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Its length.
    pub bytes: u64,
    /// Whether it ended before what the walker wanted to pass over or get.
    pub is_cut: bool,
    /// What there was of the last piece.
    pub rest: &'a [u8],
    /// The file's last bytes, 4 KiB where it has as many.
    pub tail: &'a [u8],
}

/// The reader of one container.
pub trait Walker: Send {
    /// Reads a piece that it asked for, which stands at `at` in the file.
    fn piece(&mut self, at: u64, piece: &[u8]) -> Want;

    /// Reads bytes as they come: how many of them it took, and what it wants then.
    fn stream(&mut self, _at: u64, bytes: &[u8]) -> (usize, Want) {
        (bytes.len(), Want::Done)
    }

    /// Says what it read.
    fn end(self: Box<Self>, end: &End<'_>) -> Found;
}

/// A walker and what it waits for.
pub struct Drive {
    walker: Box<dyn Walker>,
    want: Want,
    /// The beginning of a piece that has not arrived whole.
    held: Vec<u8>,
    at: u64,
}

impl Drive {
    /// Begins at the file's beginning.
    pub fn new(walker: Box<dyn Walker>, want: Want) -> Self {
        Self { walker, want, held: Vec::new(), at: 0 }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match self.want {
                Want::Done => bytes.len(),
                Want::Piece { skip: 0, length } => self.gather(bytes, length.clamp(1, MAX_PIECE)),
                Want::Stream { skip: 0 } => self.stream(bytes),
                Want::Piece { skip, length } => {
                    let (taken, skip) = pass(bytes, skip);
                    self.want = Want::Piece { skip, length };
                    taken
                }
                Want::Stream { skip } => {
                    let (taken, skip) = pass(bytes, skip);
                    self.want = Want::Stream { skip };
                    taken
                }
            };
            self.at += taken as u64;
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// How many of the next bytes the walker does not want.
    pub fn passes_over(&self) -> u64 {
        match self.want {
            Want::Done => u64::MAX,
            Want::Piece { skip, .. } | Want::Stream { skip } => skip,
        }
    }

    /// Passes over bytes that are not there; no more than the walker does not want.
    pub fn pass_over(&mut self, bytes: u64) {
        self.at += bytes;
        if let Want::Piece { skip, .. } | Want::Stream { skip } = &mut self.want {
            *skip = skip.saturating_sub(bytes);
        }
    }

    /// Ends the file.
    pub fn end(self, bytes: u64, tail: &[u8]) -> Found {
        let waits = matches!(self.want, Want::Piece { skip, .. } | Want::Stream { skip } if skip > 0);
        let is_cut = waits || !self.held.is_empty();
        self.walker.end(&End { bytes, is_cut, rest: &self.held, tail })
    }

    fn gather(&mut self, bytes: &[u8], length: usize) -> usize {
        if self.held.is_empty()
            && let Some(piece) = bytes.get(..length)
        {
            self.want = self.walker.piece(self.at, piece);
            return length;
        }
        let taken = bytes.len().min(length - self.held.len());
        self.held.extend(bytes.iter().take(taken));
        if self.held.len() == length {
            let began = self.at + taken as u64 - length as u64;
            self.want = self.walker.piece(began, &self.held);
            self.held.clear();
        }
        taken
    }

    fn stream(&mut self, bytes: &[u8]) -> usize {
        let (taken, want) = self.walker.stream(self.at, bytes);
        self.want = want;
        // A walker that takes nothing and wants the same again would never end.
        if taken == 0 && want == Want::STREAM { bytes.len() } else { taken.min(bytes.len()) }
    }
}

/// How many of the bytes are passed over, and how many are left to be.
fn pass(bytes: &[u8], skip: u64) -> (usize, u64) {
    let taken = usize::try_from(skip).unwrap_or(usize::MAX).min(bytes.len());
    (taken, skip - taken as u64)
}

/// A format that is known by its first bytes, and of which no more need be known.
pub struct Plain(pub MediaFormat);

impl Walker for Plain {
    fn piece(&mut self, _: u64, _: &[u8]) -> Want {
        Want::Done
    }

    fn end(self: Box<Self>, _: &End<'_>) -> Found {
        Found::plain(self.0)
    }
}

/// `N` bytes at a place.
pub fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Sixteen bits, the highest first.
pub fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_be_bytes)
}

/// Thirty-two bits, the highest first.
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_be_bytes)
}

/// Sixty-four bits, the highest first.
pub fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_be_bytes)
}

/// Sixteen bits, the lowest first.
pub fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

/// Thirty-two bits, the lowest first.
pub fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

/// Sixty-four bits, the lowest first.
pub fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_le_bytes)
}
