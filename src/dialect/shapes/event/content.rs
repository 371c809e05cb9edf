//! What a message to the business says: `"type"`, and the member of that name.

use serde_json::{Value, json};

use super::media::{decode_media, encode_media};
use super::{EventForms, decode_problems, encode_problems, filled, said};
use crate::dialect::Telling;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::{Object, decode_location, decode_reaction};
use crate::model::{
    ButtonReply, Extra, Fault, FlowReply, InboundContent, InboundMedia, ListReply, Location, MediaKind, Order, Place,
    Reaction, System, TemplateButton, Unsupported, Written,
};

/// Reads what a message says.
///
/// # Errors
/// When its type is missing, or what belongs to the type.
pub fn decode_content(message: &mut Members, forms: &EventForms) -> Result<InboundContent, Fault> {
    let kind = message.text("type", ANY_LENGTH)?;
    if is_unsupported(&kind) { decode_unsupported(&kind, message, forms) } else { decode_object(&kind, message) }
}

/// Whether a type says that there is nothing to read.
pub fn is_unsupported(kind: &str) -> bool {
    matches!(kind, "unsupported" | "unknown" | "ephemeral")
}

/// Reads the member of a type.
///
/// # Errors
/// When it is missing, or something in it.
pub fn decode_object(kind: &str, message: &mut Members) -> Result<InboundContent, Fault> {
    if let Some(media) = MediaKind::named(kind) {
        return decode_media(media, message.object(kind)?).map(InboundContent::Media);
    }
    Ok(match kind {
        "text" => InboundContent::Text(decode_text(message.object(kind)?)?),
        "voice" => {
            let media = decode_media(MediaKind::Audio, message.object(kind)?)?;
            InboundContent::Media(InboundMedia { voice: Some(true), ..media })
        }
        "location" => InboundContent::Location(decode_place(message.object(kind)?)?),
        "contacts" => InboundContent::Contacts(message.list(kind)?.into_iter().map(|(_, card)| card).collect()),
        "button" => InboundContent::TemplateButton(decode_button(message.object(kind)?)?),
        "interactive" => {
            let mut interactive = message.object(kind)?;
            let reply = decode_interactive(&mut interactive)?;
            message.keep(kind, interactive);
            reply
        }
        "order" => InboundContent::Order(decode_order(message.object(kind)?)?),
        "reaction" => InboundContent::Reaction(decode_reaction(message.object(kind)?)?),
        "system" => InboundContent::System(decode_system(message.object(kind)?)?),
        other => InboundContent::Other { kind: other.to_owned(), body: message.take(other) },
    })
}

/// Reads a text.
///
/// # Errors
/// When it has no body.
pub fn decode_text(mut members: Members) -> Result<Written, Fault> {
    Ok(Written { body: said(&mut members, "body")?, extra: members.rest() })
}

fn decode_place(mut members: Members) -> Result<Place, Fault> {
    Ok(Place { url: filled(&mut members, "url")?, location: decode_location(members)? })
}

fn decode_button(mut members: Members) -> Result<TemplateButton, Fault> {
    let payload = filled(&mut members, "payload")?;
    Ok(TemplateButton { payload, text: said(&mut members, "text")?, extra: members.rest() })
}

fn decode_interactive(interactive: &mut Members) -> Result<InboundContent, Fault> {
    let kind = interactive.text("type", ANY_LENGTH)?;
    Ok(match kind.as_str() {
        "button_reply" => {
            let mut members = interactive.object(&kind)?;
            let (id, title) = (said(&mut members, "id")?, said(&mut members, "title")?);
            InboundContent::ButtonReply(ButtonReply { id, title, extra: members.rest() })
        }
        "list_reply" => {
            let mut members = interactive.object(&kind)?;
            let (id, title) = (said(&mut members, "id")?, said(&mut members, "title")?);
            let description = filled(&mut members, "description")?;
            InboundContent::ListReply(ListReply { id, title, description, extra: members.rest() })
        }
        "nfm_reply" => InboundContent::FlowReply(decode_flow(interactive.object(&kind)?)?),
        _ => {
            let body = interactive.take(&kind);
            InboundContent::Other { kind: "interactive".to_owned(), body: Some(json!({ "type": kind, kind: body })) }
        }
    })
}

/// The answers are JSON in a text; some servers leave out the text.
fn decode_flow(mut members: Members) -> Result<FlowReply, Fault> {
    let response_json = match members.require("response_json", "give the flow's answers")? {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let (name, body) = (filled(&mut members, "name")?, filled(&mut members, "body")?);
    Ok(FlowReply { name, body, response_json, extra: members.rest() })
}

fn decode_order(mut members: Members) -> Result<Order, Fault> {
    Ok(Order {
        catalog_id: filled(&mut members, "catalog_id")?,
        text: filled(&mut members, "text")?,
        items: members.list("product_items")?.into_iter().map(|(_, item)| item).collect(),
        extra: members.rest(),
    })
}

fn decode_system(mut members: Members) -> Result<System, Fault> {
    members.alias("new_wa_id", "wa_id")?;
    Ok(System {
        kind: filled(&mut members, "type")?,
        body: filled(&mut members, "body")?,
        new_wa_id: filled(&mut members, "wa_id")?,
        extra: members.rest(),
    })
}

/// Reads what WhatsApp does not pass on: its type, and why.
///
/// # Errors
/// When a member has the wrong kind.
pub fn decode_unsupported(kind: &str, message: &mut Members, forms: &EventForms) -> Result<InboundContent, Fault> {
    let problems = decode_problems(message, forms)?;
    let mut unsupported = Unsupported { ephemeral: kind == "ephemeral", problems, ..Unsupported::default() };
    if let Some(mut members) = message.optional_object("unsupported")? {
        unsupported.kind = filled(&mut members, "type")?;
        unsupported.extra = members.rest();
    }
    Ok(InboundContent::Unsupported(unsupported))
}

/// Writes what a message says into it.
pub fn encode_content(content: &InboundContent, forms: &EventForms, telling: &mut Telling<'_>, message: &mut Object) {
    if let InboundContent::Unsupported(unsupported) = content {
        return encode_unsupported(unsupported, forms, telling, message);
    }
    let (kind, body) = match content {
        InboundContent::Text(text) => ("text", Some(encode_text(text, telling))),
        InboundContent::Media(media) => {
            let kind = if media.is_voice() { forms.voice } else { media.kind.as_str() };
            (kind, Some(encode_media(media, kind, forms, telling)))
        }
        InboundContent::Location(place) => ("location", Some(encode_place(place, telling))),
        InboundContent::Contacts(cards) => ("contacts", Some(Value::Array(cards.clone()))),
        InboundContent::ButtonReply(reply) => ("interactive", Some(encode_button_reply(reply, telling))),
        InboundContent::ListReply(reply) => ("interactive", Some(encode_list_reply(reply, telling))),
        InboundContent::FlowReply(reply) => ("interactive", Some(encode_flow(reply, telling))),
        InboundContent::TemplateButton(button) => ("button", Some(encode_button(button, telling))),
        InboundContent::Order(order) => ("order", Some(encode_order(order, telling))),
        InboundContent::Reaction(reaction) => ("reaction", Some(encode_reaction(reaction, telling))),
        InboundContent::System(system) => ("system", Some(encode_system(system, forms, telling))),
        InboundContent::Other { kind, body } => (kind.as_str(), body.clone()),
        InboundContent::Unsupported(_) => return,
    };
    message.put("type", kind);
    message.put_some(kind, &body);
}

/// An object of texts, those that are there, and of what we do not know.
fn texts(path: &str, texts: &[(&str, Option<&str>)], extra: &Extra, telling: &mut Telling<'_>) -> Value {
    let mut object = Object::new();
    for (name, text) in texts {
        object.put_some(name, text);
    }
    telling.extra(extra, path, &mut object.0);
    object.into()
}

fn encode_text(text: &Written, telling: &mut Telling<'_>) -> Value {
    texts("text", &[("body", Some(&text.body))], &text.extra, telling)
}

fn encode_place(place: &Place, telling: &mut Telling<'_>) -> Value {
    let Location { latitude, longitude, name, address, extra } = &place.location;
    let mut object = Object::new();
    object.put("latitude", *latitude);
    object.put("longitude", *longitude);
    object.put_some("name", name);
    object.put_some("address", address);
    object.put_some("url", &place.url);
    telling.extra(extra, "location", &mut object.0);
    object.into()
}

fn encode_button_reply(reply: &ButtonReply, telling: &mut Telling<'_>) -> Value {
    let members = [("id", Some(reply.id.as_str())), ("title", Some(&reply.title))];
    let body = texts("interactive.button_reply", &members, &reply.extra, telling);
    json!({ "type": "button_reply", "button_reply": body })
}

fn encode_list_reply(reply: &ListReply, telling: &mut Telling<'_>) -> Value {
    let description = reply.description.as_deref();
    let members = [("id", Some(reply.id.as_str())), ("title", Some(&reply.title)), ("description", description)];
    let body = texts("interactive.list_reply", &members, &reply.extra, telling);
    json!({ "type": "list_reply", "list_reply": body })
}

fn encode_flow(reply: &FlowReply, telling: &mut Telling<'_>) -> Value {
    let (name, body) = (reply.name.as_deref(), reply.body.as_deref());
    let members = [("name", name), ("body", body), ("response_json", Some(reply.response_json.as_str()))];
    let body = texts("interactive.nfm_reply", &members, &reply.extra, telling);
    json!({ "type": "nfm_reply", "nfm_reply": body })
}

/// A payload that is not there is said to be null: clients index it.
fn encode_button(button: &TemplateButton, telling: &mut Telling<'_>) -> Value {
    let mut object = Object::new();
    object.put("payload", button.payload.clone());
    object.put("text", button.text.as_str());
    telling.extra(&button.extra, "button", &mut object.0);
    object.into()
}

fn encode_order(order: &Order, telling: &mut Telling<'_>) -> Value {
    let mut object = Object::new();
    object.put_some("catalog_id", &order.catalog_id);
    object.put_some("text", &order.text);
    object.put("product_items", order.items.clone());
    telling.extra(&order.extra, "order", &mut object.0);
    object.into()
}

fn encode_reaction(reaction: &Reaction, telling: &mut Telling<'_>) -> Value {
    let emoji = Some(reaction.emoji.as_str()).filter(|emoji| !emoji.is_empty());
    let members = [("message_id", Some(reaction.message_id.as_str())), ("emoji", emoji)];
    texts("reaction", &members, &reaction.extra, telling)
}

fn encode_system(system: &System, forms: &EventForms, telling: &mut Telling<'_>) -> Value {
    let new_wa_id = (forms.new_number, system.new_wa_id.as_deref());
    let members = [("body", system.body.as_deref()), ("type", system.kind.as_deref()), new_wa_id];
    texts("system", &members, &system.extra, telling)
}

fn encode_unsupported(unsupported: &Unsupported, forms: &EventForms, telling: &mut Telling<'_>, message: &mut Object) {
    let ephemeral = forms.ephemeral.filter(|_| unsupported.ephemeral);
    telling.lose_if(unsupported.ephemeral && ephemeral.is_none(), "type", "it has no word for what disappears");
    message.put("type", ephemeral.unwrap_or(forms.unsupported));
    if !unsupported.problems.is_empty() {
        message.put("errors", encode_problems(&unsupported.problems, forms, telling));
    }
    if unsupported.kind.is_some() || !unsupported.extra.is_empty() {
        let members = [("type", unsupported.kind.as_deref())];
        message.put("unsupported", texts("unsupported", &members, &unsupported.extra, telling));
    }
}
