//! `conversation` and `pricing`.

use serde_json::Value;

use super::{decode_time, filled};
use crate::dialect::Telling;
use crate::dialect::reader::Members;
use crate::dialect::shapes::Object;
use crate::model::{Conversation, Fault, Pricing};

/// Reads the conversation of a status, where it has one.
///
/// # Errors
/// When a member has the wrong kind.
pub fn decode_conversation(status: &mut Members) -> Result<Option<Conversation>, Fault> {
    let Some(mut members) = status.optional_object("conversation")? else { return Ok(None) };
    let mut kind = None;
    if let Some(mut origin) = members.optional_object("origin")? {
        kind = filled(&mut origin, "type")?;
        members.keep("origin", origin);
    }
    Ok(Some(Conversation {
        id: filled(&mut members, "id")?,
        expires_at: decode_time(&mut members, "expiration_timestamp")?,
        origin: kind,
        extra: members.rest(),
    }))
}

/// Writes a conversation; its end as a text or, as On-Premises did, as a number.
pub fn encode_conversation(conversation: &Conversation, as_number: bool, telling: &mut Telling<'_>) -> Value {
    let mut object = Object::new();
    object.put_some("id", &conversation.id);
    if let Some(at) = conversation.expires_at.map(time::OffsetDateTime::unix_timestamp) {
        object.put("expiration_timestamp", if as_number { Value::from(at) } else { at.to_string().into() });
    }
    if let Some(kind) = &conversation.origin {
        let mut origin = Object::new();
        origin.put("type", kind.as_str());
        object.put("origin", origin);
    }
    telling.extra(&conversation.extra, "conversation", &mut object.0);
    object.into()
}

/// Reads the price of a status, where it has one.
///
/// # Errors
/// When a member has the wrong kind.
pub fn decode_pricing(status: &mut Members) -> Result<Option<Pricing>, Fault> {
    let Some(mut members) = status.optional_object("pricing")? else { return Ok(None) };
    Ok(Some(Pricing {
        billable: members.optional_flag("billable")?,
        model: filled(&mut members, "pricing_model")?,
        kind: filled(&mut members, "type")?,
        category: filled(&mut members, "category")?,
        extra: members.rest(),
    }))
}

/// Writes a price.
pub fn encode_pricing(pricing: &Pricing, telling: &mut Telling<'_>) -> Value {
    let mut object = Object::new();
    object.put_some("billable", &pricing.billable);
    object.put_some("pricing_model", &pricing.model);
    object.put_some("type", &pricing.kind);
    object.put_some("category", &pricing.category);
    telling.extra(&pricing.extra, "pricing", &mut object.0);
    object.into()
}
