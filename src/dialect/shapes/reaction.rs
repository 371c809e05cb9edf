//! `{ "message_id", "emoji" }`

use serde_json::Value;

use super::Object;
use crate::dialect::Translation;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::model::{Fault, Reaction};

/// Reads a reaction; an absent or empty emoji takes it back.
///
/// # Errors
/// When the message's id is missing.
pub fn decode_reaction(mut members: Members) -> Result<Reaction, Fault> {
    Ok(Reaction {
        message_id: members.text("message_id", ANY_LENGTH)?,
        emoji: members.optional_text("emoji", ANY_LENGTH)?.unwrap_or_default(),
        extra: members.rest(),
    })
}

/// Writes a reaction.
pub fn encode_reaction(reaction: &Reaction, path: &str, translation: &mut Translation<'_>) -> Value {
    let mut object = Object::new();
    object.put("message_id", reaction.message_id.as_str());
    object.put("emoji", reaction.emoji.as_str());
    translation.extra(&reaction.extra, path, &mut object.0);
    object.into()
}
