//! `{"id", "user", "origin", "text", "date", "connection", "extraInfo": {"type", "attachments", "contacts"}}`
//!
//! Files are known by their address, `attachments[].url`; their other traits, and kinds that the layout has no member
//! for, stand in `extraInfo.message` in Meta's objects.

use std::iter;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::CHANNEL;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::{
    EventForms, People, decode_beside, decode_time, encode_beside, encode_person, filled, identified, international,
};
use crate::dialect::{EventContext, Telling};
use crate::model::{
    Business, Fault, FaultKind, Inbound, InboundContent, InboundMedia, MediaKind, Problem, UpstreamError, Warning,
};

const FORMS: EventForms = EventForms {
    voice: "audio",
    link: "url",
    new_number: "wa_id",
    unsupported: "unsupported",
    ephemeral: None,
    user_ids: true,
    read_problem: decode_problem,
    write_problem: encode_problem,
};

pub fn decode(mut body: Members, warnings: &mut Vec<Warning>) -> Result<Inbound, Fault> {
    let at = decode_time(&mut body, "date")?;
    let user = filled(&mut body, "user")?.map(|number| number.trim_start_matches('+').to_owned());
    let text = body.optional_text("text", ANY_LENGTH)?;
    let (inbound, people) = decode_info(text, &mut body, warnings)?;
    Ok(Inbound {
        message_id: filled(&mut body, "id")?,
        at,
        business: Business { number: filled(&mut body, "origin")?, ..Business::default() },
        sender: people.complete(identified(user)),
        extra: body.rest(),
        ..inbound
    })
}

/// What is said, and who the people are.
fn decode_info(
    text: Option<String>,
    body: &mut Members,
    warnings: &mut Vec<Warning>,
) -> Result<(Inbound, People), Fault> {
    let Some(mut info) = body.optional_object("extraInfo")? else {
        return Ok((decode_beside(text, body, &FORMS)?, People::default()));
    };
    let people = People::decode(&mut info);
    let attachment = decode_first(&mut info, warnings)?;
    let inbound = match (info.optional_object("message")?, attachment) {
        (Some(mut message), attachment) => {
            let inbound = decode_beside(text, &mut message, &FORMS)?;
            info.keep("message", message);
            attached(inbound, attachment)
        }
        (None, Some(mut attachment)) => {
            attachment.caption = attachment.caption.or(text.filter(|text| !text.is_empty()));
            Inbound::new(InboundContent::Media(attachment))
        }
        (None, None) => decode_beside(text, &mut info, &FORMS)?,
    };
    info.ignore(&["type"]);
    body.keep("extraInfo", info);
    Ok((inbound, people))
}

/// The attachment says less than the object beside it, but for what we do not know of it.
fn attached(mut inbound: Inbound, attachment: Option<InboundMedia>) -> Inbound {
    if let (InboundContent::Media(media), Some(attachment)) = (&mut inbound.content, attachment) {
        media.link = media.link.take().or(attachment.link);
        media.extra.0.extend(attachment.extra.0);
    }
    inbound
}

/// The attachment that the message is. On WhatsApp there is one; further ones are kept among what we do not know.
fn decode_first(info: &mut Members, warnings: &mut Vec<Warning>) -> Result<Option<InboundMedia>, Fault> {
    let path = info.path("attachments[0]");
    let mut attachments = info.list("attachments")?.into_iter().map(|(_, attachment)| attachment);
    let first = attachments.next();
    let further: Vec<_> = attachments.collect();
    let attachment = first.map(|first| decode_attachment(info, Members::of(path, first)?)).transpose()?;
    if !further.is_empty() {
        let text = "a message has one file: clients of other dialects are not told of the further ones";
        warnings.push(Warning::new(info.path("attachments[1]"), text));
        info.put("attachments", further.into());
    }
    Ok(attachment)
}

fn decode_attachment(info: &mut Members, mut attachment: Members) -> Result<InboundMedia, Fault> {
    let kind = filled(info, "type")?.and_then(|kind| MediaKind::named(&kind)).unwrap_or(MediaKind::Document);
    Ok(InboundMedia {
        link: filled(&mut attachment, "url")?,
        caption: filled(&mut attachment, "caption")?,
        filename: filled(&mut attachment, "fileName")?,
        extra: attachment.rest(),
        ..InboundMedia::new(kind)
    })
}

fn decode_problem(mut error: Members) -> Result<Problem, Fault> {
    let (code, reason) = (filled(&mut error, "code")?, filled(&mut error, "reason")?);
    let kind = code.as_deref().and_then(FaultKind::from_code).unwrap_or(FaultKind::UnsupportedKind);
    let fault = Fault::upstream(kind, reason.clone().unwrap_or_else(|| "the provider does not say why".to_owned()));
    let family = "channel-request".to_owned();
    let said = UpstreamError { family, code, title: reason, ..UpstreamError::default() };
    Ok(Problem { fault: fault.said_by(said), extra: error.rest() })
}

fn encode_problem(problem: &Problem, telling: &mut Telling<'_>) -> Value {
    let mut error = Object::new();
    error.put("reason", problem.fault.detail.as_str());
    error.put("code", problem.fault.kind.code());
    telling.extra(&problem.extra, "errors[0]", &mut error.0);
    error.into()
}

pub fn encode(inbound: &Inbound, context: &EventContext<'_>, telling: &mut Telling<'_>) -> Object {
    let mut body = Object::new();
    body.put_some("id", &inbound.message_id);
    body.put_some("user", &international(&inbound.sender));
    body.put_some("origin", &context.business(&inbound.business).number);
    body.put("text", inbound.content.words().unwrap_or_default());
    body.put("date", inbound.at.unwrap_or(context.at).format(&Rfc3339).unwrap_or_default());
    body.put("connection", CHANNEL);
    body.put("extraInfo", encode_info(inbound, telling));
    telling.extra(&inbound.extra, "", &mut body.0);
    body
}

/// The files behind the first, for clients of the family.
fn further(inbound: &Inbound, telling: &Telling<'_>) -> Vec<Value> {
    let kept = inbound.extra.0.get("extraInfo").and_then(|info| info.get("attachments")).and_then(Value::as_array);
    kept.filter(|_| telling.keeps_members()).cloned().unwrap_or_default()
}

fn encode_info(inbound: &Inbound, telling: &mut Telling<'_>) -> Object {
    let mut message = Object::new();
    encode_beside(inbound, &FORMS, telling, &mut message);
    let mut info = Object::new();
    info.put("type", message.0.get("type").cloned().unwrap_or_default());
    if let InboundContent::Media(media) = &inbound.content {
        let file = json!({ "fileName": media.filename, "url": media.link, "caption": media.caption });
        info.put("attachments", iter::once(file).chain(further(inbound, telling)).collect::<Vec<_>>());
    }
    info.put("contacts", json!([encode_person(&inbound.sender, &FORMS, telling)]));
    // A text that is nothing else says all that there is.
    if message.0.len() > 1 {
        info.put("message", message);
    }
    info
}
