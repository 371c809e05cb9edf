//! Text: whether it is that all the way, and whether it is what a server sends instead of a file.

use super::code::{Code, Finding};
use super::walk::{End, Found, Walker, Want};
use crate::model::MediaFormat;

/// The reader.
pub struct Text {
    format: MediaFormat,
    is_error: bool,
    /// Two bytes a character: the zeros among them mean nothing.
    is_wide: bool,
    is_binary: bool,
}

impl Text {
    /// The reader for a file that begins so, and what it wants first.
    pub fn begin(head: &[u8]) -> (Box<dyn Walker>, Want) {
        let is_wide = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
        let (format, is_error) = kind(head);
        (Box::new(Self { format, is_error, is_wide, is_binary: false }), Want::STREAM)
    }
}

/// Whether a byte has a place in text.
pub fn is_text(byte: u8) -> bool {
    byte >= 0x20 && byte != 0x7F || matches!(byte, 0x07..=0x0D | 0x1A | 0x1B)
}

/// What stands behind marks, blanks and comments.
fn beginning(head: &[u8]) -> &[u8] {
    let mut head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    while let Some(comment) = head.strip_prefix(b"<!--") {
        let Some(end) = memchr::memmem::find(comment, b"-->") else { return head };
        head = comment.get(end + 3..).unwrap_or_default().trim_ascii_start();
    }
    head
}

/// What a text is, and whether it is an error report.
fn kind(head: &[u8]) -> (MediaFormat, bool) {
    let head = beginning(head);
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    if begins_with_tag(head, b"!doctype html") || begins_with_tag(head, b"html") {
        (MediaFormat::Html, true)
    } else if begins_with_tag(head, b"svg") || begins_with_tag(head, b"?xml") && has(b"<svg") {
        (MediaFormat::Svg, false)
    } else if begins_with_tag(head, b"?xml") && (has(b"<html") || has(b"<HTML")) {
        (MediaFormat::Html, true)
    } else if begins_with_tag(head, b"?xml") || begins_with_tag(head, b"Error>") {
        (MediaFormat::Xml, has(b"<Error") && has(b"<Code>"))
    } else if head.starts_with(b"{\\rtf") {
        (MediaFormat::Rtf, false)
    } else if let Some(json) = head.strip_prefix(b"{") {
        let is_member = json.trim_ascii_start().starts_with(b"\"");
        let format = if is_member { MediaFormat::Json } else { MediaFormat::Text };
        (format, json.trim_ascii_start().starts_with(b"\"error"))
    } else {
        (MediaFormat::Text, false)
    }
}

fn begins_with_tag(head: &[u8], name: &[u8]) -> bool {
    let tag = head.strip_prefix(b"<").and_then(|head| head.get(..name.len()));
    tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name))
}

impl Walker for Text {
    fn piece(&mut self, _: u64, _: &[u8]) -> Want {
        Want::STREAM
    }

    fn stream(&mut self, _: u64, bytes: &[u8]) -> (usize, Want) {
        // A count has no early end, so it is made many bytes at a time.
        let binary = bytes.iter().filter(|byte| !is_text(**byte)).count();
        self.is_binary |= binary > 0 && !self.is_wide;
        (bytes.len(), Want::STREAM)
    }

    fn end(self: Box<Self>, _: &End<'_>) -> Found {
        let format =
            if self.is_binary && self.format == MediaFormat::Text { MediaFormat::Unknown } else { self.format };
        let mut found = Found::plain(format);
        if self.is_error {
            let what = if format == MediaFormat::Html { "a web page" } else { "an error report" };
            let text = format!("The body is {what} instead of the file. Can the link be opened without a login?");
            found.findings.push(Finding::new(Code::ErrorBody, text));
        }
        found
    }
}
