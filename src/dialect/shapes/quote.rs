//! `"context": { "message_id" }`, which quotes a message.

use super::Object;
use crate::dialect::Translation;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::model::{Fault, Quote};

/// Reads the quoted message of a request, where it has one.
///
/// # Errors
/// When it names no message.
pub fn decode_quote(body: &mut Members) -> Result<Option<Quote>, Fault> {
    let Some(mut context) = body.optional_object("context")? else { return Ok(None) };
    let message_id = context.text("message_id", ANY_LENGTH)?;
    Ok(Some(Quote { message_id, extra: context.rest() }))
}

/// Writes the quoted message into a request, where it has one.
pub fn encode_quote(quote: Option<&Quote>, translation: &mut Translation<'_>, body: &mut Object) {
    let Some(quote) = quote else { return };
    let mut context = Object::new();
    context.put("message_id", quote.message_id.as_str());
    translation.extra(&quote.extra, "context", &mut context.0);
    body.put("context", context);
}
