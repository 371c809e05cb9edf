//! Bytes as they come → what a file is. It is seen once, front to back, and never held: 4 KiB of its beginning until
//! its reader is chosen, 4 KiB of its end, and what the reader keeps (64 KiB for most, 320 KiB for a ZIP).

use serde::Serialize;

use super::code::{Code, Finding};
use super::facts::Facts;
use super::sniff::{self, HEAD};
use super::walk::{Drive, Found};
use super::zip;
use crate::model::MediaFormat;

/// How much of a file's end is kept.
const TAIL: usize = 4096;

/// The inspection of one file.
#[derive(Default)]
pub struct Inspector {
    bytes: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    drive: Option<Drive>,
}

/// What a file is, whoever asks.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Its format.
    pub format: MediaFormat,
    /// Its size.
    pub bytes: u64,
    /// What else was measured.
    #[serde(flatten)]
    pub facts: Facts,
    /// What is wrong with it, whatever it is sent as.
    #[serde(skip)]
    pub findings: Vec<Finding>,
}

impl Inspector {
    /// How many of a file's last bytes are always looked at.
    pub const END: u64 = TAIL as u64;

    /// Begins.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes were seen.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next bytes, as many as there are.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.remember(bytes);
        let wanted = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(wanted);
        if !head.is_empty() {
            self.head.extend_from_slice(head);
        }
        if self.head.len() == HEAD {
            self.drive().push(rest);
        }
    }

    /// How many of the next bytes need not be seen, apart from the file's end. What knows where to find the bytes behind
    /// them may leave them out.
    pub fn passes_over(&self) -> u64 {
        self.drive.as_ref().map_or(0, Drive::passes_over)
    }

    /// Leaves out the next bytes, as many as it passes over at most. [`Self::END`] bytes or more have to follow.
    pub fn pass_over(&mut self, bytes: u64) {
        let bytes = bytes.min(self.passes_over());
        if bytes == 0 {
            return;
        }
        self.bytes += bytes;
        self.tail.clear();
        self.drive().pass_over(bytes);
    }

    /// Ends the file.
    pub fn finish(mut self) -> Inspection {
        if self.bytes == 0 {
            let finding = Finding::new(Code::Empty, "The file has 0 bytes. Is the link or the upload complete?");
            return Inspection { format: MediaFormat::Empty, bytes: 0, facts: Facts::None {}, findings: vec![finding] };
        }
        self.drive();
        let tail = self.tail.get(self.tail.len().saturating_sub(TAIL)..).unwrap_or_default();
        let found = self.drive.take().map(|drive| drive.end(self.bytes, tail));
        let Found { format, facts, mut findings } = found.unwrap_or_else(|| Found::plain(MediaFormat::Unknown));
        findings.extend(second_kind(format, &self.head, tail));
        Inspection { format, bytes: self.bytes, facts, findings }
    }

    /// The reader, which has read the beginning.
    fn drive(&mut self) -> &mut Drive {
        self.drive.get_or_insert_with(|| {
            let (walker, want) = sniff::sniff(&self.head);
            let mut drive = Drive::new(walker, want);
            drive.push(&self.head);
            drive
        })
    }

    fn remember(&mut self, bytes: &[u8]) {
        if let Some(at) = bytes.len().checked_sub(TAIL) {
            self.tail.clear();
            self.tail.extend_from_slice(bytes.get(at..).unwrap_or_default());
            return;
        }
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }
}

/// Whether a file is one of a second kind too.
fn second_kind(format: MediaFormat, head: &[u8], tail: &[u8]) -> Option<Finding> {
    let is_zip = matches!(
        format,
        MediaFormat::Zip | MediaFormat::Docx | MediaFormat::Xlsx | MediaFormat::Pptx | MediaFormat::MacroOffice
    );
    let is_text = matches!(format, MediaFormat::Text | MediaFormat::Html | MediaFormat::Json | MediaFormat::Xml);
    let second = if !is_zip && zip::ends_as_zip(tail) {
        "a ZIP"
    } else if !is_zip && !is_text && format != MediaFormat::Pdf && sniff::pdf_at(head).is_some() {
        "a PDF"
    } else {
        return None;
    };
    let text = format!("The file is {} and {second} at once. Save it again in one format.", format.name());
    Some(Finding::new(Code::Polyglot, text))
}
