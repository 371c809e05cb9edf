//! What dialects write alike of events: people, messages to the business and what they say, conversations, prices.
//!
//! Sources: Meta's webhook reference (messages, statuses), the archived On-Premises webhooks page. AISoule and Messangi
//! print a text message alone; what else people write stands there in the same objects.

mod beside;
mod content;
mod media;
mod message;
mod person;
mod status;

pub use beside::{decode_beside, encode_beside, lose_beside};

pub use message::{decode_message, encode_message};
pub use person::{People, encode_person, identified, international, lose_ids};
use serde_json::{Value, json};
pub use status::{decode_conversation, decode_pricing, encode_conversation, encode_pricing};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::dialect::Telling;
use crate::dialect::reader::{ANY_LENGTH, Members, unquoted};
use crate::dialect::webhook::instant;
use crate::model::{Fault, Problem};

/// Where dialects that share these objects differ. All spellings are read; these are written.
#[derive(Clone, Copy)]
pub struct EventForms {
    /// The type of a voice note.
    pub voice: &'static str,
    /// The member that holds a file's address.
    pub link: &'static str,
    /// The member that holds a changed number.
    pub new_number: &'static str,
    /// The type of what WhatsApp does not pass on.
    pub unsupported: &'static str,
    /// The type of what disappears by itself, where there is one.
    pub ephemeral: Option<&'static str>,
    /// Whether people may be known by a user id.
    pub user_ids: bool,
    /// Reads an entry of `errors`.
    pub read_problem: fn(Members) -> Result<Problem, Fault>,
    /// Writes one.
    pub write_problem: fn(&Problem, &mut Telling<'_>) -> Value,
}

/// A text that says something; absent where it is empty.
///
/// # Errors
/// When it is of another kind.
pub fn filled(members: &mut Members, name: &str) -> Result<Option<String>, Fault> {
    Ok(members.optional_text(name, ANY_LENGTH)?.filter(|text| !text.is_empty()))
}

/// A text that is there, perhaps empty.
///
/// # Errors
/// When it is not, or of another kind.
pub fn said(members: &mut Members, name: &str) -> Result<String, Fault> {
    let text = members.optional_text(name, ANY_LENGTH)?;
    text.ok_or_else(|| Fault::missing(members.path(name), "give a text"))
}

/// A time: seconds since 1970 as a text or a number, sometimes milliseconds, or RFC 3339.
///
/// # Errors
/// When it is something else.
pub fn decode_time(members: &mut Members, name: &str) -> Result<Option<OffsetDateTime>, Fault> {
    let Some(text) = filled(members, name)? else { return Ok(None) };
    let at = text.trim().parse().ok().and_then(instant).or_else(|| OffsetDateTime::parse(&text, &Rfc3339).ok());
    let what = "is no time; give seconds since 1970, or RFC 3339";
    at.map(Some).ok_or_else(|| Fault::invalid(members.path(name), what))
}

/// The entries of `errors`.
///
/// # Errors
/// When one is no object.
pub fn decode_problems(members: &mut Members, forms: &EventForms) -> Result<Vec<Problem>, Fault> {
    members.objects("errors")?.into_iter().map(forms.read_problem).collect()
}

/// Why something failed, as an object: the first of a list, or words alone under the name that they have in an object.
/// Layouts that are printed nowhere differ in this, and a failure without its reason is better than none.
///
/// # Errors
/// When it is something else.
pub fn decode_failure(members: &mut Members, name: &str, words: &str) -> Result<Option<Members>, Fault> {
    let path = members.path(name);
    let first = match members.take(name).map(unquoted) {
        Some(Value::Array(entries)) => entries.into_iter().next(),
        said => said,
    };
    let object = |said| match said {
        Value::String(text) => json!({ words: text }),
        said => said,
    };
    first.map(|said| Members::of(path, object(said))).transpose()
}

/// Writes the entries of `errors`.
pub fn encode_problems(problems: &[Problem], forms: &EventForms, telling: &mut Telling<'_>) -> Value {
    problems.iter().map(|problem| (forms.write_problem)(problem, telling)).collect()
}
