//! An entry of `statuses`.

use serde_json::json;
use time::OffsetDateTime;

use super::FORMS;
use crate::dialect::Telling;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::{
    People, decode_conversation, decode_pricing, decode_problems, decode_time, encode_conversation, encode_pricing,
    encode_problems, filled, identified,
};
use crate::model::{Fault, Pricing, Progress, Status};

pub fn decode(mut status: Members, people: &People) -> Result<Status, Fault> {
    let progress = Progress::named(&status.text("status", ANY_LENGTH)?);
    // At the top until 2.43, inside since 2.45, there sometimes with `+`; recorded failures have both.
    let mut recipient = filled(&mut status, "recipient_id")?;
    if let Some(mut message) = status.optional_object("message")? {
        recipient = recipient.or(filled(&mut message, "recipient_id")?);
        status.keep("message", message);
    }
    let recipient = recipient.map(|id| id.trim_start_matches('+').to_owned());
    status.ignore(&["type"]);
    Ok(Status {
        message_id: Some(status.text("id", ANY_LENGTH)?),
        at: decode_time(&mut status, "timestamp")?,
        recipient: people.complete(identified(recipient)),
        problems: decode_problems(&mut status, &FORMS)?,
        conversation: decode_conversation(&mut status)?,
        pricing: decode_pricing(&mut status)?,
        extra: status.rest(),
        ..Status::new(progress)
    })
}

/// Writes it, the recipient in both places; none where the dialect has no word for the step.
pub fn encode(status: &Status, now: OffsetDateTime, telling: &mut Telling<'_>) -> Option<Object> {
    let word = word(&status.progress, telling)?;
    lose(status, telling);
    let recipient = status.recipient.id().unwrap_or_default();
    let mut object = Object::new();
    object.put_some("id", &status.message_id);
    object.put("recipient_id", recipient);
    object.put("message", json!({ "recipient_id": recipient }));
    object.put("status", word);
    object.put("timestamp", status.at.unwrap_or(now).unix_timestamp().to_string());
    object.put("type", "message");
    if let Some(conversation) = &status.conversation {
        object.put("conversation", encode_conversation(conversation, true, telling));
    }
    if let Some(pricing) = &status.pricing {
        object.put("pricing", encode_pricing(&Pricing { kind: None, ..pricing.clone() }, telling));
    }
    if !status.problems.is_empty() {
        object.put("errors", encode_problems(&status.problems, &FORMS, telling));
    }
    telling.extra(&status.extra, "", &mut object.0);
    Some(object)
}

/// The steps that its clients know; strict ones refuse every other.
fn word<'a>(progress: &'a Progress, telling: &Telling<'_>) -> Option<&'a str> {
    match progress {
        Progress::Accepted | Progress::Sending | Progress::Played => None,
        Progress::Other(_) if !telling.keeps_members() => None,
        step => Some(step.as_str()),
    }
}

fn lose(status: &Status, telling: &mut Telling<'_>) {
    let why = "it has no member for it";
    let person = &status.recipient;
    telling.lose_if(person.wa_id.is_some() && person.user_id.is_some(), "statuses[0].recipient_user_id", why);
    telling.lose_if(person.parent_user_id.is_some(), "statuses[0].parent_recipient_user_id", why);
    telling.lose_if(status.participant.is_some(), "statuses[0].recipient_participant_id", why);
    telling.lose_if(status.recipient_type.is_some(), "statuses[0].recipient_type", why);
    telling.lose_if(status.references.opaque.is_some(), "statuses[0].biz_opaque_callback_data", why);
    let kind = status.pricing.as_ref().and_then(|pricing| pricing.kind.as_ref());
    telling.lose_if(kind.is_some(), "statuses[0].pricing.type", why);
}
