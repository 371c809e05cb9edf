//! File names of documents: what recipients can read and open, and nothing that harms on the way.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::code::{Code, Finding};
use crate::model::MediaFormat;

/// The longest name, in bytes of UTF-8.
const MAX_BYTES: usize = 240;
/// The longest extension that is kept when a name is cut.
const MAX_EXTENSION: usize = 16;

/// A name that can be sent, and what was changed in it.
pub struct Name {
    /// The name.
    pub sent: String,
    /// What was changed.
    pub findings: Vec<Finding>,
}

impl Name {
    /// Makes a name fit for a document of the format.
    pub fn clean(given: &str, format: MediaFormat) -> Self {
        let mut name = Self { sent: given.to_owned(), findings: Vec::new() };
        let undone = without_mojibake(&name.sent);
        name.change(
            undone,
            Code::NameMojibake,
            "The file name looks like UTF-8 that was read as Latin-1. Send it as UTF-8.",
        );
        let without_folders = name.sent.rsplit(['/', '\\']).next().map(str::to_owned);
        name.change(without_folders, Code::NamePath, "The file name holds folders. Send the name alone.");
        let visible: String = name.sent.chars().filter(|c| !is_control(*c)).collect();
        name.change(
            Some(visible),
            Code::NameControl,
            "The file name holds control or direction characters. Remove them.",
        );
        let composed = (!is_nfc(&name.sent)).then(|| name.sent.nfc().collect());
        name.change(composed, Code::NameComposed, "The file name was brought to composed form.");
        let trimmed = name.sent.trim().to_owned();
        name.sent = trimmed;
        name.fill();
        name.extend(format);
        name.cut();
        name
    }

    fn change(&mut self, changed: Option<String>, code: Code, text: &str) {
        if let Some(changed) = changed.filter(|changed| *changed != self.sent) {
            self.sent = changed;
            self.findings.push(Finding::new(code, text));
        }
    }

    fn fill(&mut self) {
        if self.sent.trim_matches('.').is_empty() {
            self.sent = "document".to_owned();
            self.findings.push(Finding::new(Code::NameEmpty, "The file name is empty. Send a name with an extension."));
        }
    }

    /// Adds the extension, or puts it in the place of another format's.
    fn extend(&mut self, format: MediaFormat) {
        let Some(right) = format.extensions().first() else { return };
        let given = extension(Some(&self.sent));
        if given.as_deref().is_some_and(|given| format.extensions().contains(&given)) {
            return;
        }
        let is_known = given
            .as_deref()
            .is_some_and(|given| MediaFormat::ALL.iter().any(|format| format.extensions().contains(&given)));
        let stem =
            self.sent.rsplit_once('.').map(|(stem, _)| stem.to_owned()).filter(|stem| is_known && !stem.is_empty());
        self.sent = format!("{}.{right}", stem.as_deref().unwrap_or(&self.sent));
        if !self.findings.iter().any(|finding| finding.code == Code::NameEmpty) {
            let text = format!(
                "The extension does not fit the bytes, which are {}: phones choose the program by it. Use .{right}.",
                format.name()
            );
            self.findings.push(Finding::new(Code::NameExtension, text));
        }
    }

    fn cut(&mut self) {
        if self.sent.len() <= MAX_BYTES {
            return;
        }
        let text = format!("The file name has {} bytes; {MAX_BYTES} are the most. Shorten it.", self.sent.len());
        self.findings.push(Finding::new(Code::NameLong, text));
        let (stem, extension) = self.sent.rsplit_once('.').unwrap_or((&self.sent, ""));
        let extension = if extension.len() <= MAX_EXTENSION { format!(".{extension}") } else { String::new() };
        let stem = stem.get(..stem.floor_char_boundary(MAX_BYTES - extension.len())).unwrap_or_default();
        self.sent = format!("{stem}{extension}");
    }
}

/// The extension of a name, in lower case.
pub fn extension(name: Option<&str>) -> Option<String> {
    let (_, extension) = name?.rsplit_once('.')?;
    Some(extension.to_lowercase()).filter(|extension| !extension.is_empty())
}

/// C0, C1, and what turns the direction of writing.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The name as it was before its UTF-8 was read as Latin-1, if it reads as such.
fn without_mojibake(name: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = name.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.filter(|bytes| !bytes.is_ascii()).and_then(|bytes| String::from_utf8(bytes).ok())
}
