//! Webhooks: `contacts`, `messages`, `statuses` and `errors` at the top, without an envelope. Vendor page (archived):
//! docs/whatsapp/api/webhooks; whatsapp.turn.io/docs/api/webhooks.
//!
//! The vendor's container sent what it had in one body. Here each event has its own: clients read the first entry alone.

mod problem;
mod status;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::dialect::reader::Members;
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::{EventForms, People, decode_message, encode_message, encode_person};
use crate::dialect::webhook::{callback, entries, heard, warn_of_rest};
use crate::dialect::{Decoded, EventContext, Telling, Webhook};
use crate::model::{Business, Event, Fault, Notice, Problem, Progress, Status, Trouble};

const FORMS: EventForms = EventForms {
    voice: "voice",
    link: "link",
    new_number: "new_wa_id",
    unsupported: "unknown",
    ephemeral: Some("ephemeral"),
    user_ids: false,
    read_problem: problem::decode,
    write_problem: problem::encode,
};

pub fn decode(webhook: &Webhook) -> Result<Vec<Decoded<Event>>, Fault> {
    let raw = webhook.json()?;
    let mut body = Members::of_body(raw.clone())?;
    let people = People::decode(&mut body);
    let business = Business::default();
    let mut events = entries(&mut body, "messages", |members| {
        decode_message(members, &people, &business, &FORMS).map(Event::Inbound)
    });
    events.extend(entries(&mut body, "statuses", |members| status::decode(members, &people).map(Event::Status)));
    let troubles = entries(&mut body, "errors", decode_trouble);
    if events.is_empty() {
        events = troubles;
    } else if let Some(Event::Trouble(trouble)) = troubles.into_iter().next().map(|heard| heard.value) {
        events.iter_mut().for_each(|heard| explain(&mut heard.value, &trouble.problem));
    }
    if events.is_empty() {
        return decode_notice(raw).map(|notice| vec![notice]);
    }
    if let Some(mut meta) = body.optional_object("meta")? {
        meta.ignore(&["api_status", "version", "backend"]);
        warn_of_rest(meta, &mut events);
    }
    warn_of_rest(body, &mut events);
    Ok(events)
}

fn decode_trouble(error: Members) -> Result<Event, Fault> {
    problem::decode(error).map(|problem| Event::Trouble(Trouble { business: Business::default(), problem }))
}

/// Errors beside a failure repeat its own, or stand in their place.
fn explain(event: &mut Event, problem: &Problem) {
    if let Event::Status(Status { progress: Progress::Failed, problems, .. }) = event
        && problems.is_empty()
    {
        problems.push(problem.clone());
    }
}

/// Anything else, such as the outcome of a contact check. It has no name but that of its first member.
fn decode_notice(raw: Value) -> Result<Decoded<Event>, Fault> {
    let name = raw.as_object().and_then(|body| body.keys().next()).cloned();
    let name = name.ok_or_else(|| Fault::missing("statuses", "a webhook of this dialect has statuses or messages"))?;
    Ok(heard(Event::Other(Notice { business: Business::default(), name, raw })))
}

pub fn encode(event: &Event, context: &EventContext<'_>, telling: &mut Telling<'_>) -> Vec<http::Request<Bytes>> {
    let mut body = Object::new();
    match event {
        Event::Status(status) => return encode_status(status, context, telling),
        Event::Inbound(inbound) => {
            body.put("contacts", json!([encode_person(&inbound.sender, &FORMS, telling)]));
            body.put("messages", json!([Value::from(encode_message(inbound, context.at, &FORMS, telling))]));
        }
        Event::Trouble(trouble) => body.put("errors", json!([problem::encode(&trouble.problem, telling)])),
        Event::Other(notice) if telling.keeps_members() => return vec![callback(notice.raw.to_string())],
        Event::Other(notice) => return telling.lose_all(&notice.name, "it is a notice of another dialect"),
        Event::Unreadable(_) => return telling.lose_all("entry", "it could not be read"),
    }
    vec![callback(Value::from(body).to_string())]
}

fn encode_status(status: &Status, context: &EventContext<'_>, telling: &mut Telling<'_>) -> Vec<http::Request<Bytes>> {
    let Some(object) = status::encode(status, context.at, telling) else {
        return telling.lose_all("statuses[0].status", "it has no word for the step");
    };
    let mut body = Object::new();
    if status.recipient.name.is_some() {
        body.put("contacts", json!([encode_person(&status.recipient, &FORMS, telling)]));
    }
    // Some clients look for the reason of a failure here, others in the status.
    if let Some(errors) = object.0.get("errors") {
        body.put("errors", errors.clone());
    }
    body.put("statuses", json!([Value::from(object)]));
    vec![callback(Value::from(body).to_string())]
}
