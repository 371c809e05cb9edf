//! PDF: its header, its end, and whether its trailer names an encryption. Nothing of it is parsed or unpacked.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use super::code::{Code, Finding};
use super::facts::{Facts, Pdf as PdfFacts};
use super::walk::{End, Found, Walker, Want};
use crate::model::MediaFormat;

/// What begins a PDF, within its first 1024 bytes.
pub const MAGIC: &[u8] = b"%PDF-";
/// The end marker stands in so many last bytes.
const END_WITHIN: usize = 1024;
const END_MARKER: &[u8] = b"%%EOF";
/// How much of what was read is looked at again, so that nothing is missed between two buffers.
const OVERLAP: usize = 64;

static ENCRYPT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"/Encrypt"));

/// The reader.
pub struct Pdf {
    header_at: u64,
    /// Whether what stands in front of the header is text, so that the file may be a text about PDFs.
    may_be_text: bool,
    is_encrypted: bool,
    /// The last bytes of what was read.
    carry: Vec<u8>,
}

impl Pdf {
    /// The reader, and what it wants first.
    pub fn begin(header_at: usize, may_be_text: bool) -> (Box<dyn Walker>, Want) {
        let reader = Self { header_at: header_at as u64, may_be_text, is_encrypted: false, carry: Vec::new() };
        (Box::new(reader), Want::STREAM)
    }

    fn look(&mut self, bytes: &[u8]) {
        self.is_encrypted |=
            ENCRYPT.find_iter(bytes).any(|at| names_encryption(bytes.get(at + 8..).unwrap_or_default()));
    }

    fn findings(&self, end: &End<'_>, ended_at: Option<usize>) -> Vec<Finding> {
        let mut findings = Vec::new();
        match ended_at {
            None => {
                let text =
                    format!("The PDF has no end marker in its last {END_WITHIN} bytes: it is cut. Upload it whole.");
                findings.push(Finding::new(Code::Truncated, text));
            }
            Some(at) => {
                let behind = end.tail.get(at + END_MARKER.len()..).unwrap_or_default().trim_ascii();
                let behind = behind.iter().filter(|byte| **byte != 0).count();
                if behind > 0 {
                    let text = format!("{behind} bytes follow the PDF's end marker. Save it again.");
                    findings.push(Finding::new(Code::Trailing, text));
                }
            }
        }
        if self.header_at > 0 {
            let text = format!("{} bytes stand in front of the PDF's header. Remove them.", self.header_at);
            findings.push(Finding::new(Code::PdfOffset, text));
        }
        if self.is_encrypted {
            let text = "The PDF is encrypted: it needs a password or is restricted. Save it without protection.";
            findings.push(Finding::new(Code::PdfSealed, text));
        }
        findings
    }
}

/// Whether behind the name stands what encrypts: a reference or a dictionary.
fn names_encryption(behind: &[u8]) -> bool {
    let behind = behind.trim_ascii_start();
    let digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = behind.get(digits..).unwrap_or_default().trim_ascii_start();
    behind.starts_with(b"<<") || digits > 0 && number.first().is_some_and(u8::is_ascii_digit)
}

impl Walker for Pdf {
    fn piece(&mut self, _: u64, _: &[u8]) -> Want {
        Want::STREAM
    }

    fn stream(&mut self, _: u64, bytes: &[u8]) -> (usize, Want) {
        if !self.is_encrypted {
            let mut seam = std::mem::take(&mut self.carry);
            seam.extend(bytes.iter().take(OVERLAP));
            self.look(&seam);
            self.look(bytes);
            // Many small buffers: what was carried is part of what is carried on.
            let last = if bytes.len() < OVERLAP { &seam } else { bytes };
            self.carry.extend_from_slice(last.get(last.len().saturating_sub(OVERLAP)..).unwrap_or_default());
        }
        (bytes.len(), Want::STREAM)
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let from = end.tail.len().saturating_sub(END_WITHIN);
        let ended_at = end.tail.get(from..).and_then(|tail| memmem::rfind(tail, END_MARKER)).map(|at| at + from);
        if ended_at.is_none() && self.may_be_text {
            return Found::plain(MediaFormat::Text);
        }
        let findings = self.findings(end, ended_at);
        let facts = PdfFacts { header_at: self.header_at, encrypted: self.is_encrypted };
        Found { format: MediaFormat::Pdf, facts: Facts::Pdf(facts), findings }
    }
}
