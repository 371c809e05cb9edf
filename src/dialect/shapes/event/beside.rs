//! Messages in dialects whose documents print a text alone: the words stand where the vendor has them, and what else
//! people write stands beside them in Meta's objects, under the name of its type.

use super::content::{decode_object, decode_text, decode_unsupported, encode_content, is_unsupported};
use super::message::{decode_quoted, decode_raw, encode_quoted};
use super::{EventForms, decode_problems, encode_problems, filled, lose_ids};
use crate::dialect::Telling;
use crate::dialect::reader::Members;
use crate::dialect::shapes::Object;
use crate::model::{Extra, Fault, Inbound, InboundContent, InboundMedia, MediaKind, Status, Written};

/// Reads what a message says, from its words and from what stands beside them.
///
/// # Errors
/// When a member has the wrong kind.
pub fn decode_beside(words: Option<String>, members: &mut Members, forms: &EventForms) -> Result<Inbound, Fault> {
    let kind = filled(members, "type")?.unwrap_or_else(|| "text".to_owned());
    let content = match kind.as_str() {
        "text" => InboundContent::Text(decode_words(words, members)?),
        kind if is_unsupported(kind) => decode_unsupported(kind, members, forms)?,
        kind if members.has(kind) => decode_object(kind, members)?,
        kind => decode_bare(kind, words, members)?,
    };
    let (quoted, referral) = (decode_quoted(members)?, decode_raw(members, "referral")?);
    let problems = decode_problems(members, forms)?;
    Ok(Inbound { quoted, referral, problems, ..Inbound::new(content) })
}

/// The words, or Meta's object for them.
fn decode_words(words: Option<String>, members: &mut Members) -> Result<Written, Fault> {
    match (words, members.optional_object("text")?) {
        (Some(body), _) => Ok(Written { body, extra: Extra::default() }),
        (None, Some(text)) => decode_text(text),
        (None, None) => Err(Fault::missing(members.path("text"), "a text has words")),
    }
}

/// A kind of which there is nothing but its name, words, and perhaps an address.
fn decode_bare(kind: &str, words: Option<String>, members: &mut Members) -> Result<InboundContent, Fault> {
    let words = words.filter(|words| !words.is_empty());
    let Some(kind) = MediaKind::named(kind) else {
        return Ok(InboundContent::Other { kind: kind.to_owned(), body: words.map(Into::into) });
    };
    let link = [filled(members, "link")?, filled(members, "url")?, filled(members, "media_url")?];
    Ok(InboundContent::Media(InboundMedia {
        link: link.into_iter().flatten().next(),
        caption: words,
        ..InboundMedia::new(kind)
    }))
}

/// Writes what stands beside the words of a message.
pub fn encode_beside(inbound: &Inbound, forms: &EventForms, telling: &mut Telling<'_>, into: &mut Object) {
    match &inbound.content {
        InboundContent::Text(text) => {
            telling.leave_out(&text.extra, "text");
            into.put("type", "text");
        }
        content => encode_content(content, forms, telling, into),
    }
    if let Some(quoted) = &inbound.quoted {
        into.put("context", encode_quoted(quoted, telling));
    }
    into.put_some("referral", &inbound.referral);
    if !inbound.problems.is_empty() {
        into.put("errors", encode_problems(&inbound.problems, forms, telling));
    }
    let why = "it has no member for it";
    telling.lose_if(inbound.identity.is_some(), "identity", why);
    telling.lose_if(inbound.group_id.is_some(), "group_id", why);
}

/// Notes what is lost of a status where the vendor has its step and its parties alone.
pub fn lose_beside(status: &Status, telling: &mut Telling<'_>) {
    let why = "it has no member for it";
    lose_ids(&status.recipient, telling);
    telling.leave_out(&status.recipient.extra, "contacts[0]");
    telling.lose_if(status.recipient.name.is_some(), "contacts[0].profile.name", why);
    telling.lose_if(status.participant.is_some(), "statuses[0].recipient_participant_id", why);
    telling.lose_if(status.recipient_type.is_some(), "statuses[0].recipient_type", why);
    telling.lose_if(status.references.opaque.is_some(), "statuses[0].biz_opaque_callback_data", why);
    telling.lose_if(status.problems.len() > 1, "statuses[0].errors[1]", why);
    telling.lose_if(status.conversation.is_some(), "statuses[0].conversation", why);
    telling.lose_if(status.pricing.is_some(), "statuses[0].pricing", why);
}
