//! The declared type against the bytes. They win; whoever passes a link on cannot change what its origin says.

use super::code::{Code, Finding};
use super::names;
use super::rules::{ALIASES, GENERIC, REFUSED};
use super::{Question, Route};
use crate::model::MediaFormat;

/// A declared type: its essence in lower case, and its codecs.
struct Declared {
    essence: String,
    codecs: Option<String>,
}

impl Declared {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let codecs = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let is_codecs = name.trim().eq_ignore_ascii_case("codecs");
            is_codecs.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        });
        Self { essence, codecs }
    }

    fn is(&self, format: MediaFormat) -> bool {
        let right = Self::parse(format.mime());
        self.essence == right.essence && (right.codecs.is_none() || self.codecs == right.codecs)
    }

    /// Another name for the format; the bare type of Ogg, but not that type with other codecs.
    fn is_alias(&self, format: MediaFormat) -> bool {
        let mut aliases = ALIASES.iter().filter(|(known, _)| *known == format).flat_map(|(_, aliases)| *aliases);
        self.codecs.is_none() && aliases.any(|alias| *alias == self.essence)
    }

    fn is_generic(&self) -> bool {
        GENERIC.contains(&self.essence.as_str())
    }

    /// Whether some other format has the type.
    fn is_known(&self) -> bool {
        MediaFormat::ALL.iter().any(|format| self.is(*format) || self.is_alias(*format))
    }
}

/// What the bytes are, once their sender was heard: only the sender knows CSV from plain text.
pub fn with_declared(format: MediaFormat, question: &Question<'_>) -> MediaFormat {
    if format != MediaFormat::Text {
        return format;
    }
    let declared = question.content_type.map(Declared::parse);
    let is_named = || matches!(names::extension(question.filename).as_deref(), Some("csv" | "tsv" | "ics" | "vcf"));
    let is_other = match declared.filter(|declared| !declared.is_generic()) {
        Some(declared) => !declared.is(MediaFormat::Text) && declared.is_of_text(),
        None => is_named(),
    };
    if is_other { MediaFormat::OtherText } else { format }
}

impl Declared {
    fn is_of_text(&self) -> bool {
        self.essence.starts_with("text/") && self.essence != "text/html" || self.essence == "application/csv"
    }
}

/// Whether the declared type is one of an Office package.
pub fn is_office(question: &Question<'_>) -> bool {
    let office = [MediaFormat::Docx, MediaFormat::Xlsx, MediaFormat::Pptx];
    let declared = question.content_type.map(Declared::parse);
    let is_declared = declared.is_some_and(|declared| office.iter().any(|format| declared.is(*format)));
    let extension = names::extension(question.filename);
    let is_named =
        extension.is_some_and(|found| office.iter().any(|format| format.extensions().contains(&found.as_str())));
    is_declared || is_named
}

/// What is said of the declared type.
pub fn finding(format: MediaFormat, question: &Question<'_>) -> Option<Finding> {
    let declared = Declared::parse(question.content_type?);
    let says_right = declared.is(format) || format == MediaFormat::OtherText && declared.is_of_text();
    if says_right {
        return None;
    }
    match question.route {
        Route::Upload => {
            let as_what = if declared.essence.is_empty() { "without a type" } else { "as another type" };
            let mime = format.mime();
            let text = format!("The file was declared {as_what}; it is sent as {mime}, which its bytes are.");
            Some(Finding::new(Code::MimeRelabel, text))
        }
        Route::Link => on_link(format, &declared),
    }
}

fn on_link(format: MediaFormat, declared: &Declared) -> Option<Finding> {
    let mime = format.mime();
    if declared.is_generic() || REFUSED.contains(&declared.essence.as_str()) {
        let text = format!(
            "The link's server gives a Content-Type that says nothing or is refused. Set it to {mime}, or let the \
                gateway upload the file."
        );
        return Some(Finding::new(Code::MimeLabel, text));
    }
    if declared.is_alias(format) {
        let text = format!(
            "The link's server spells the Content-Type in an unusual way. Set it to {mime}, or let the gateway \
                upload the file."
        );
        return Some(Finding::new(Code::MimeAlias, text));
    }
    // Of a format that we do not know, its sender may know more.
    let is_vague = matches!(format, MediaFormat::Unknown | MediaFormat::Archive | MediaFormat::Ole | MediaFormat::Ogg);
    (!is_vague || declared.is_known()).then(|| {
        let text = format!(
            "The link's server gives a Content-Type that the bytes contradict: they are {}. Set it \
            to {mime}, or let the gateway upload the file.",
            format.name()
        );
        Finding::new(Code::MimeMismatch, text)
    })
}
