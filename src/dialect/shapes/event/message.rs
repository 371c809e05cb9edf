//! An entry of `messages`: who wrote what, when, and about what.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::content::{decode_content, encode_content};
use super::person::identified;
use super::{EventForms, People, decode_problems, decode_time, encode_problems, filled};
use crate::dialect::Telling;
use crate::dialect::reader::Members;
use crate::dialect::shapes::Object;
use crate::model::{Business, Fault, Inbound, Person, Quoted};

/// Reads a message to the business.
///
/// # Errors
/// When what its type asks for is missing, or a member has the wrong kind.
pub fn decode_message(
    mut message: Members,
    people: &People,
    business: &Business,
    forms: &EventForms,
) -> Result<Inbound, Fault> {
    let content = decode_content(&mut message, forms)?;
    Ok(Inbound {
        message_id: filled(&mut message, "id")?,
        at: decode_time(&mut message, "timestamp")?,
        business: business.clone(),
        sender: people.complete(decode_sender(&mut message)?),
        group_id: filled(&mut message, "group_id")?,
        content,
        quoted: decode_quoted(&mut message)?,
        referral: decode_raw(&mut message, "referral")?,
        identity: decode_raw(&mut message, "identity")?,
        problems: decode_problems(&mut message, forms)?,
        extra: message.rest(),
    })
}

fn decode_sender(message: &mut Members) -> Result<Person, Fault> {
    let person = identified(filled(message, "from")?);
    let user_id = filled(message, "from_user_id")?.or(person.user_id);
    Ok(Person { user_id, parent_user_id: filled(message, "from_parent_user_id")?, ..person })
}

/// Reads an object of which nothing is looked at.
///
/// # Errors
/// When it is something else.
pub fn decode_raw(message: &mut Members, name: &str) -> Result<Option<Map<String, Value>>, Fault> {
    Ok(message.optional_object(name)?.map(|members| members.rest().0))
}

/// Reads what a message is about, where it says so.
///
/// # Errors
/// When a member has the wrong kind.
pub fn decode_quoted(message: &mut Members) -> Result<Option<Quoted>, Fault> {
    let Some(mut context) = message.optional_object("context")? else { return Ok(None) };
    Ok(Some(Quoted {
        message_id: filled(&mut context, "id")?,
        from: filled(&mut context, "from")?,
        forwarded: context.optional_flag("forwarded")?,
        frequently_forwarded: context.optional_flag("frequently_forwarded")?,
        product: decode_raw(&mut context, "referred_product")?,
        extra: context.rest(),
    }))
}

/// Writes a message to the business.
pub fn encode_message(inbound: &Inbound, now: OffsetDateTime, forms: &EventForms, telling: &mut Telling<'_>) -> Object {
    let mut message = Object::new();
    if forms.user_ids {
        message.put_some("from", &inbound.sender.wa_id);
        message.put_some("from_user_id", &inbound.sender.user_id);
        message.put_some("from_parent_user_id", &inbound.sender.parent_user_id);
    } else {
        message.put("from", inbound.sender.id().unwrap_or_default());
    }
    message.put_some("group_id", &inbound.group_id);
    message.put_some("id", &inbound.message_id);
    message.put("timestamp", inbound.at.unwrap_or(now).unix_timestamp().to_string());
    encode_content(&inbound.content, forms, telling, &mut message);
    if let Some(quoted) = &inbound.quoted {
        message.put("context", encode_quoted(quoted, telling));
    }
    message.put_some("referral", &inbound.referral);
    message.put_some("identity", &inbound.identity);
    if !inbound.problems.is_empty() {
        message.put("errors", encode_problems(&inbound.problems, forms, telling));
    }
    telling.extra(&inbound.extra, "", &mut message.0);
    message
}

/// Writes what a message is about.
pub fn encode_quoted(quoted: &Quoted, telling: &mut Telling<'_>) -> Value {
    let mut context = Object::new();
    context.put_some("from", &quoted.from);
    context.put_some("id", &quoted.message_id);
    context.put_some("forwarded", &quoted.forwarded);
    context.put_some("frequently_forwarded", &quoted.frequently_forwarded);
    context.put_some("referred_product", &quoted.product);
    telling.extra(&quoted.extra, "context", &mut context.0);
    context.into()
}
