//! ZIP, and so the Office packages since 2007. The central directory at the end is the truth; members are passed over
//! on the way to it, but for the one that says what an Office package is. Nothing is unpacked but that one, to a bound.

use memchr::memchr;

use super::code::{Code, Finding};
use super::facts::{Facts, Package};
use super::ooxml;
use super::walk::{End, Found, MAX_PIECE, Walker, Want, le16, le32, le64};

/// What begins one: a member, the end of an empty one, or the mark of one that was split.
pub const MAGICS: [&[u8]; 3] = [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"];
/// How many members of the name that matters are kept; a second one would be a trick.
const MAX_KEPT: usize = 4;
const ENCRYPTED: u16 = 0x0001;
/// The sizes stand behind the data.
const STREAMED: u16 = 0x0008;
const IS_LONG: u32 = u32::MAX;

/// The reader.
#[derive(Default)]
pub struct Zip {
    state: State,
    /// How much of a signature was matched in a hunt.
    matched: u8,
    /// The beginnings of members named as Office's list of parts.
    kept: Vec<Kept>,
    package: Package,
    /// Where the central directory says that Office's list of parts is.
    parts_at: Option<u64>,
    in_directory: bool,
    /// How many members the end record counts, and where the file ends.
    end: Option<(u16, u64)>,
}

/// The beginning of a member that matters.
struct Kept {
    at: u64,
    method: u16,
    data: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Signature,
    Local,
    LocalName(Member),
    /// The data of the last kept member; so much of it is left behind the piece.
    Data {
        left: u64,
    },
    /// Data of unknown length, kept or not.
    Hunt {
        keeps: bool,
    },
    Central,
    CentralName(Entry),
    CentralExtra(Entry),
    End,
}

/// A member's own header.
#[derive(Clone, Copy)]
struct Member {
    at: u64,
    method: u16,
    extra: u16,
    /// Unknown where the member was written as a stream.
    packed: Option<u32>,
}

/// A member's header in the central directory.
#[derive(Clone, Copy)]
struct Entry {
    packed: u32,
    unpacked: u32,
    at: u32,
    extra: u16,
    comment: u16,
}

impl Zip {
    /// The reader, and what it wants first.
    pub fn begin() -> (Box<dyn Walker>, Want) {
        (Box::new(Self::default()), Want::piece(4))
    }

    fn signature(&mut self, signature: &[u8]) -> Want {
        let is_central = signature == b"PK\x01\x02";
        if is_central && !self.in_directory {
            self.package = Package::default();
            self.parts_at = None;
        }
        // The records of large archives stand between the directory and the end.
        self.in_directory = is_central || signature.starts_with(b"PK\x06") && self.in_directory;
        let (state, length) = match signature {
            b"PK\x03\x04" => (State::Local, 26),
            b"PK\x01\x02" => (State::Central, 42),
            b"PK\x05\x06" => (State::End, 18),
            _ => return self.hunt(0, false),
        };
        self.state = state;
        Want::piece(length)
    }

    fn next(&mut self, skip: u64) -> Want {
        self.state = State::Signature;
        Want::piece_after(skip, 4)
    }

    fn hunt(&mut self, skip: u64, keeps: bool) -> Want {
        self.state = State::Hunt { keeps };
        self.matched = 0;
        Want::Stream { skip }
    }

    fn local(&mut self, at: u64, header: &[u8]) -> Option<Want> {
        let (needed, flags, method) = (le16(header, 0)?, le16(header, 2)?, le16(header, 4)?);
        // In the midst of compressed data four bytes may look like a member's beginning.
        if needed & 0xFF > 63 || method > 99 {
            return None;
        }
        let packed = le32(header, 14)?;
        let is_known = packed != IS_LONG && (flags & STREAMED == 0 || packed > 0);
        let member = Member { at, method, extra: le16(header, 24)?, packed: is_known.then_some(packed) };
        match le16(header, 22)? {
            0 => Some(self.local_name(member, &[])),
            length => {
                self.state = State::LocalName(member);
                Some(Want::piece(length.into()))
            }
        }
    }

    fn local_name(&mut self, member: Member, name: &[u8]) -> Want {
        let keeps = name == ooxml::PARTS && self.kept.len() < MAX_KEPT;
        if keeps {
            self.kept.push(Kept { at: member.at, method: member.method, data: Vec::new() });
        }
        match member.packed.map(u64::from) {
            None => self.hunt(member.extra.into(), keeps),
            Some(packed) if keeps && packed > 0 => {
                let look = packed.min(MAX_PIECE as u64);
                self.state = State::Data { left: packed - look };
                Want::piece_after(member.extra.into(), look as usize)
            }
            Some(packed) => self.next(u64::from(member.extra) + packed),
        }
    }

    fn keep(&mut self, data: &[u8]) {
        if let Some(kept) = self.kept.last_mut() {
            let room = MAX_PIECE - kept.data.len().min(MAX_PIECE);
            kept.data.extend(data.iter().take(room));
        }
    }

    fn central(&mut self, header: &[u8]) -> Option<Want> {
        self.package.encrypted |= le16(header, 4)? & ENCRYPTED != 0;
        let entry = Entry {
            packed: le32(header, 16)?,
            unpacked: le32(header, 20)?,
            at: le32(header, 38)?,
            extra: le16(header, 26)?,
            comment: le16(header, 28)?,
        };
        match le16(header, 24)? {
            0 => Some(self.central_name(entry, &[])),
            length => {
                self.state = State::CentralName(entry);
                Some(Want::piece(length.into()))
            }
        }
    }

    fn central_name(&mut self, entry: Entry, name: &[u8]) -> Want {
        self.package.members += 1;
        self.package.escapes |= escapes(name);
        if name == ooxml::PARTS {
            self.parts_at = Some(entry.at.into());
        }
        if entry.extra > 0 && (entry.unpacked == IS_LONG || entry.packed == IS_LONG) {
            self.state = State::CentralExtra(entry);
            return Want::piece(entry.extra.into());
        }
        self.count(entry.packed.into(), entry.unpacked.into());
        self.next(u64::from(entry.extra) + u64::from(entry.comment))
    }

    fn central_extra(&mut self, entry: Entry, extra: &[u8]) -> Want {
        let (unpacked, packed) = long_sizes(extra).unwrap_or((u64::MAX, entry.packed.into()));
        self.count(packed, unpacked);
        self.next(entry.comment.into())
    }

    fn count(&mut self, packed: u64, unpacked: u64) {
        self.package.packed_bytes = self.package.packed_bytes.saturating_add(packed);
        self.package.unpacked_bytes = self.package.unpacked_bytes.saturating_add(unpacked);
    }

    fn finding(&self, end: &End<'_>) -> Option<Finding> {
        let Some((members, ends_at)) = self.end.filter(|(_, ends_at)| *ends_at <= end.bytes) else {
            let text =
                format!("The ZIP stops after {} bytes, before its directory is complete. Upload it whole.", end.bytes);
            return Some(Finding::new(Code::Truncated, text));
        };
        if u64::from(members) != self.package.members & 0xFFFF {
            let text = format!("The ZIP counts {members} members and lists {}. Pack it again.", self.package.members);
            return Some(Finding::new(Code::Corrupt, text));
        }
        let behind = end.bytes - ends_at;
        (behind > 0)
            .then(|| Finding::new(Code::Trailing, format!("{behind} bytes follow the ZIP's end. Pack it again.")))
    }
}

/// The sizes of a large member: the field 1 of its extra data, unpacked first.
fn long_sizes(mut extra: &[u8]) -> Option<(u64, u64)> {
    while let (Some(id), Some(length)) = (le16(extra, 0), le16(extra, 2)) {
        let field = extra.get(4..)?;
        if id == 1 {
            return Some((le64(field, 0)?, le64(field, 8).unwrap_or_default()));
        }
        extra = field.get(length.into()..)?;
    }
    None
}

/// Whether a name leads out of the folder that the package is unpacked to.
fn escapes(name: &[u8]) -> bool {
    let has_drive = name.get(1) == Some(&b':') && name.first().is_some_and(u8::is_ascii_alphabetic);
    let mut parts = name.split(|byte| matches!(byte, b'/' | b'\\'));
    has_drive || matches!(name.first(), Some(b'/' | b'\\')) || parts.any(|part| part == b"..")
}

impl Walker for Zip {
    fn piece(&mut self, at: u64, piece: &[u8]) -> Want {
        match self.state {
            State::Signature => self.signature(piece),
            State::Local => self.local(at - 4, piece).unwrap_or_else(|| self.hunt(0, false)),
            State::LocalName(member) => self.local_name(member, piece),
            State::Data { left } => {
                self.keep(piece);
                self.next(left)
            }
            State::Central => self.central(piece).unwrap_or(Want::Done),
            State::CentralName(entry) => self.central_name(entry, piece),
            State::CentralExtra(entry) => self.central_extra(entry, piece),
            State::End | State::Hunt { .. } => {
                let comment = u64::from(le16(piece, 16).unwrap_or_default());
                self.end = le16(piece, 6).map(|members| (members, at + 18 + comment));
                Want::Done
            }
        }
    }

    /// Hunts for the next signature of a member or of the directory.
    fn stream(&mut self, _: u64, bytes: &[u8]) -> (usize, Want) {
        let mut read = 0;
        let mut found = None;
        while let Some(&byte) = bytes.get(read) {
            if self.matched == 0 {
                let Some(next) = bytes.get(read..).and_then(|bytes| memchr(b'P', bytes)) else {
                    read = bytes.len();
                    break;
                };
                (self.matched, read) = (1, read + next + 1);
                continue;
            }
            read += 1;
            self.matched = follow(self.matched, byte);
            if let Some(signature) = complete(self.matched) {
                found = Some(signature);
                break;
            }
        }
        if let State::Hunt { keeps: true } = self.state {
            self.keep(bytes.get(..read).unwrap_or_default());
        }
        (read, found.map_or(Want::STREAM, |signature| self.signature(&signature)))
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let findings = self.finding(end).into_iter().collect();
        let parts = self.parts_at.and_then(|at| self.kept.iter().find(|kept| kept.at == at));
        let format = ooxml::format(parts.map(|kept| (kept.method, kept.data.as_slice())));
        Found { format, facts: Facts::Package(self.package), findings }
    }
}

/// How much of a signature is matched by one more byte: 1 is P, 2 is PK, then what follows PK, 10 and above is whole.
fn follow(matched: u8, byte: u8) -> u8 {
    match (matched, byte) {
        (1, b'K') => 2,
        (2, 0x01 | 0x03 | 0x05) => 2 + byte,
        (3 | 5 | 7, _) if byte == matched - 1 => 10 + byte,
        (_, b'P') => 1,
        _ => 0,
    }
}

fn complete(matched: u8) -> Option<[u8; 4]> {
    let last = matched.checked_sub(10)?;
    Some([b'P', b'K', last.checked_sub(1)?, last])
}

/// Whether a file ends with the end record of a ZIP.
pub fn ends_as_zip(tail: &[u8]) -> bool {
    let mut ends = memchr::memmem::rfind_iter(tail, b"PK\x05\x06");
    ends.any(|at| {
        let comment = le16(tail, at + 20).map(usize::from);
        comment.is_some_and(|comment| at + 22 + comment == tail.len())
    })
}
