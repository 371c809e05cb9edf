//! An entry of `statuses`. Vendor page: webhooks/reference/messages/status.

use time::OffsetDateTime;

use super::FORMS;
use crate::dialect::Telling;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::{
    People, decode_conversation, decode_pricing, decode_problems, decode_time, encode_conversation, encode_pricing,
    encode_problems, filled,
};
use crate::model::{Business, Fault, Person, Progress, References, Status};

pub fn decode(mut status: Members, people: &People, business: &Business) -> Result<Status, Fault> {
    let progress = Progress::named(&status.text("status", ANY_LENGTH)?);
    // Both spellings occur.
    status.alias("recipient_parent_user_id", "parent_recipient_user_id")?;
    let recipient = Person {
        wa_id: filled(&mut status, "recipient_id")?,
        user_id: filled(&mut status, "recipient_user_id")?,
        parent_user_id: filled(&mut status, "parent_recipient_user_id")?,
        ..Person::default()
    };
    Ok(Status {
        message_id: Some(status.text("id", ANY_LENGTH)?),
        at: decode_time(&mut status, "timestamp")?,
        business: business.clone(),
        recipient: people.complete(recipient),
        participant: filled(&mut status, "recipient_participant_id")?,
        recipient_type: filled(&mut status, "recipient_type")?,
        references: References { opaque: filled(&mut status, "biz_opaque_callback_data")?, ..References::default() },
        problems: decode_problems(&mut status, &FORMS)?,
        conversation: decode_conversation(&mut status)?,
        pricing: decode_pricing(&mut status)?,
        extra: status.rest(),
        ..Status::new(progress)
    })
}

/// Writes it; none where the dialect has no word for the step.
pub fn encode(status: &Status, now: OffsetDateTime, telling: &mut Telling<'_>) -> Option<Object> {
    let mut object = Object::new();
    object.put_some("id", &status.message_id);
    object.put("status", word(&status.progress, telling)?);
    object.put("timestamp", status.at.unwrap_or(now).unix_timestamp().to_string());
    object.put_some("recipient_id", &status.recipient.wa_id);
    object.put_some("recipient_user_id", &status.recipient.user_id);
    object.put_some("parent_recipient_user_id", &status.recipient.parent_user_id);
    object.put_some("recipient_type", &status.recipient_type);
    object.put_some("recipient_participant_id", &status.participant);
    object.put_some("biz_opaque_callback_data", &status.references.opaque);
    if let Some(conversation) = &status.conversation {
        object.put("conversation", encode_conversation(conversation, false, telling));
    }
    if let Some(pricing) = &status.pricing {
        object.put("pricing", encode_pricing(pricing, telling));
    }
    if !status.problems.is_empty() {
        object.put("errors", encode_problems(&status.problems, &FORMS, telling));
    }
    telling.extra(&status.extra, "", &mut object.0);
    Some(object)
}

/// The dialect knows no step before `sent`, and clients fail at words that they do not know.
fn word<'a>(progress: &'a Progress, telling: &Telling<'_>) -> Option<&'a str> {
    match progress {
        Progress::Accepted | Progress::Sending => None,
        Progress::Other(_) if !telling.keeps_members() => None,
        step => Some(step.as_str()),
    }
}
