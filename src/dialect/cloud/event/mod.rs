//! Webhooks: `{"object", "entry": [{"id", "changes": [{"field", "value"}]}]}`. Vendor pages: webhooks/overview,
//! webhooks/create-webhook-endpoint, webhooks/reference/messages.
//!
//! One entry may hold many messages and statuses, of which clients read the first alone: each is told by itself. Every
//! field that is not `messages` passes as it came.

mod problem;
mod status;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::{EventForms, People, decode_message, encode_message, encode_person, filled};
use crate::dialect::webhook::{callback, entries, heard, heard_or_kept, warn_of_rest};
use crate::dialect::{Decoded, EventContext, Telling, Webhook};
use crate::model::{Business, Event, Fault, FaultKind, Inbound, Notice, Status, Trouble};

/// The header that Meta signs with, and what stands before the digits.
pub const SIGNATURE: (&str, &str) = ("x-hub-signature-256", "sha256=");
/// The field that messages and statuses come in.
const MESSAGES: &str = "messages";

const FORMS: EventForms = EventForms {
    voice: "audio",
    link: "url",
    new_number: "wa_id",
    unsupported: "unsupported",
    ephemeral: None,
    user_ids: true,
    read_problem: problem::decode,
    write_problem: problem::encode,
};

pub fn decode(webhook: &Webhook) -> Result<Vec<Decoded<Event>>, Fault> {
    let mut body = Members::of_body(webhook.json()?)?;
    let entries = body.list("entry")?;
    if entries.is_empty() {
        return Err(Fault::missing("entry", "a webhook of this dialect has at least one"));
    }
    body.ignore(&["object"]);
    let mut events = entries.into_iter().flat_map(|(path, value)| decode_entry(path, value)).collect::<Vec<_>>();
    warn_of_rest(body, &mut events);
    Ok(events)
}

fn decode_entry(path: String, raw: Value) -> Vec<Decoded<Event>> {
    let read = || {
        let mut entry = Members::of(path, raw.clone())?;
        let changes = entry.list("changes")?;
        let business = Business { account_id: filled(&mut entry, "id")?, ..Business::default() };
        let decode = |(path, change)| decode_change(path, change, &raw, &business);
        let mut events: Vec<_> = changes.into_iter().flat_map(decode).collect();
        entry.ignore(&["time"]);
        warn_of_rest(entry, &mut events);
        Ok(events)
    };
    read().unwrap_or_else(|fault| vec![heard_or_kept(Err(fault), raw.clone())])
}

fn decode_change(path: String, raw: Value, entry: &Value, business: &Business) -> Vec<Decoded<Event>> {
    let read = || {
        let mut change = Members::of(path, raw.clone())?;
        let field = change.text("field", ANY_LENGTH)?;
        if field != MESSAGES {
            let (business, raw) = (business.clone(), alone(raw.clone(), entry));
            return Ok(vec![heard(Event::Other(Notice { business, name: field, raw }))]);
        }
        let mut events = decode_value(change.object("value")?, business)?;
        warn_of_rest(change, &mut events);
        Ok(events)
    };
    read().unwrap_or_else(|fault| vec![heard_or_kept(Err(fault), raw.clone())])
}

/// The entry with one of its changes: when it happened stands there.
fn alone(change: Value, entry: &Value) -> Value {
    let mut entry = entry.as_object().cloned().unwrap_or_default();
    entry.insert("changes".to_owned(), json!([change]));
    Value::Object(entry)
}

/// What the fields' value holds: documents never mix them, servers may.
fn decode_value(mut value: Members, told: &Business) -> Result<Vec<Decoded<Event>>, Fault> {
    let mut metadata = value.optional_object("metadata")?;
    let business = metadata.as_mut().map(|metadata| decode_metadata(metadata, told)).transpose()?;
    let business = business.unwrap_or_else(|| told.clone());
    let people = People::decode(&mut value);
    let mut events = entries(&mut value, MESSAGES, |members| {
        decode_message(members, &people, &business, &FORMS).map(Event::Inbound)
    });
    events.extend(entries(&mut value, "statuses", |members| {
        status::decode(members, &people, &business).map(Event::Status)
    }));
    events.extend(entries(&mut value, "errors", |members| {
        let problem = problem::decode(members)?;
        Ok(Event::Trouble(Trouble { business: business.clone(), problem }))
    }));
    value.ignore(&["messaging_product"]);
    warn_of_rest(value, &mut events);
    metadata.into_iter().for_each(|metadata| warn_of_rest(metadata, &mut events));
    Ok(events)
}

fn decode_metadata(metadata: &mut Members, told: &Business) -> Result<Business, Fault> {
    Ok(Business {
        number: filled(metadata, "display_phone_number")?,
        phone_number_id: filled(metadata, "phone_number_id")?,
        account_id: told.account_id.clone(),
    })
}

pub fn encode(event: &Event, context: &EventContext<'_>, telling: &mut Telling<'_>) -> Vec<http::Request<Bytes>> {
    match event {
        Event::Status(status) => encode_status(status, context, telling),
        Event::Inbound(inbound) => vec![encode_inbound(inbound, context, telling)],
        Event::Trouble(trouble) => vec![encode_trouble(trouble, context, telling)],
        Event::Other(notice) if telling.keeps_members() => vec![enveloped(notice.raw.clone())],
        Event::Other(notice) => telling.lose_all(&notice.name, "it is a notice of another dialect"),
        Event::Unreadable(_) => telling.lose_all("entry", "it could not be read"),
    }
}

fn encode_status(status: &Status, context: &EventContext<'_>, telling: &mut Telling<'_>) -> Vec<http::Request<Bytes>> {
    let Some(object) = status::encode(status, context.at, telling) else {
        return telling.lose_all("statuses[0].status", "it has no word for the step");
    };
    let business = context.business(&status.business);
    let mut value = value(&business);
    if status.recipient.id().is_some() {
        value.put("contacts", json!([encode_person(&status.recipient, &FORMS, telling)]));
    }
    value.put("statuses", json!([Value::from(object)]));
    vec![change(value, &business)]
}

fn encode_inbound(inbound: &Inbound, context: &EventContext<'_>, telling: &mut Telling<'_>) -> http::Request<Bytes> {
    let business = context.business(&inbound.business);
    let mut value = value(&business);
    value.put("contacts", json!([encode_person(&inbound.sender, &FORMS, telling)]));
    value.put("messages", json!([Value::from(encode_message(inbound, context.at, &FORMS, telling))]));
    change(value, &business)
}

fn encode_trouble(trouble: &Trouble, context: &EventContext<'_>, telling: &mut Telling<'_>) -> http::Request<Bytes> {
    let business = context.business(&trouble.business);
    let mut value = value(&business);
    value.put("errors", json!([problem::encode(&trouble.problem, telling)]));
    change(value, &business)
}

fn value(business: &Business) -> Object {
    let mut metadata = Object::new();
    metadata.put_some("display_phone_number", &business.number);
    // Clients index it: where none is known, the number tells senders apart as well.
    metadata.put_some("phone_number_id", &business.phone_number_id.as_ref().or(business.number.as_ref()).cloned());
    let mut value = Object::new();
    value.put("messaging_product", "whatsapp");
    value.put("metadata", metadata);
    value
}

fn change(value: Object, business: &Business) -> http::Request<Bytes> {
    let id = business.account_id.as_deref().unwrap_or("0");
    let change = json!({ "field": MESSAGES, "value": Value::from(value) });
    enveloped(json!({ "id": id, "changes": [change] }))
}

fn enveloped(entry: Value) -> http::Request<Bytes> {
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry] });
    callback(escaped(&body.to_string()))
}

/// JSON in ASCII, as Meta writes it: clients escape the body before they hash it, and the signature has to fit theirs.
fn escaped(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
        }
    }
    ascii
}

/// `GET …?hub.mode=subscribe&hub.challenge=…&hub.verify_token=…`, answered with the bare challenge. As text: it is
/// the caller's word, and no page.
pub fn answer_challenge(webhook: &Webhook, fits: impl Fn(&str) -> bool) -> Option<Result<Response<Bytes>, Fault>> {
    let challenge = webhook.parameter("hub.challenge")?;
    let asked = webhook.parameter("hub.mode").as_deref() == Some("subscribe");
    let token = webhook.parameter("hub.verify_token").unwrap_or_default();
    if !asked || !fits(&token) {
        let detail = "hub.verify_token is another; give the one of the upstream's configuration";
        return Some(Err(Fault::client(FaultKind::Forbidden, detail)));
    }
    let mut response = Response::new(Bytes::from(challenge));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Some(Ok(response))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ascii_is_escaped_as_meta_does() {
        assert_eq!(escaped(r#"{"a":"Grüß 👍"}"#), r#"{"a":"Gr\u00fc\u00df \ud83d\udc4d"}"#);
    }
}
