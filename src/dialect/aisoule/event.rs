//! Events of both surfaces: `{"event", "timestamp", "data"}`. Vendor pages: webhooks/webhook-events,
//! webhooks/signature-validation; help/integrations/webhooks-receiving.
//!
//! Printed are a text and a status `read`; the other statuses have its shape. Why a message failed stands in
//! `data.error`, in the form of an answer's error. What else people write stands in `data` in Meta's objects, which are
//! those of the vendor's send pages, beside the words where there are some.

use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

use super::{FAMILY, fault, table};
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::{
    EventForms, decode_beside, decode_failure, decode_time, encode_beside, filled, identified, lose_beside, lose_ids,
};
use crate::dialect::webhook::{callback, heard, heard_or_kept, warn_of_rest};
use crate::dialect::{Decoded, EventContext, Telling, Webhook};
use crate::model::{
    Business, Event, Fault, FaultKind, Inbound, InboundContent, Notice, Person, Problem, Progress, Status,
    UpstreamError,
};

/// Where the surfaces differ. Both spellings are read.
pub struct Surface {
    /// The name of the event that somebody wrote.
    pub received: &'static str,
    /// The member that holds a message's words.
    pub words: &'static str,
    /// Writes a time.
    pub write_time: fn(OffsetDateTime) -> Value,
    /// Writes who wrote to the business, and which.
    pub write_sender: fn(&Person, &Business, &mut Object),
    /// Writes whom the business wrote to, and which.
    pub write_recipient: fn(&Person, &Business, &mut Object),
    /// Whether errors have codes beside their words.
    pub codes: bool,
}

/// The developer pages' form.
pub const DEVELOPER: Surface = Surface {
    received: "message.received",
    words: "body",
    write_time: |at| at.unix_timestamp().into(),
    write_sender: |person, business, data| write_parties(business, person.id(), business.number.as_deref(), data),
    write_recipient: |person, business, data| write_parties(business, business.number.as_deref(), person.id(), data),
    codes: true,
};

/// What the vendor's lists call an event before its own name.
const MESSAGE: &str = "message.";

const FORMS: EventForms = EventForms {
    voice: "audio",
    link: "link",
    new_number: "wa_id",
    unsupported: "unsupported",
    ephemeral: None,
    user_ids: false,
    read_problem: decode_problem,
    write_problem: |problem, telling| encode_problem(problem, &DEVELOPER, telling),
};

pub fn decode(webhook: &Webhook) -> Result<Vec<Decoded<Event>>, Fault> {
    let raw = webhook.json()?;
    let mut body = Members::of_body(raw.clone())?;
    let name = body.text("event", ANY_LENGTH)?;
    let step = name.strip_prefix(MESSAGE).map(Progress::named);
    let read = match (name.as_str(), step) {
        ("message.received" | "message.incoming", _) => decode_inbound(&mut body).map(Event::Inbound),
        (_, Some(Progress::Other(_)) | None) => {
            return Ok(vec![heard(Event::Other(Notice { business: Business::default(), name, raw }))]);
        }
        (_, Some(step)) => decode_status(step, &mut body).map(Event::Status),
    };
    let mut events = vec![heard_or_kept(read, raw)];
    warn_of_rest(body, &mut events);
    Ok(events)
}

fn decode_status(step: Progress, body: &mut Members) -> Result<Status, Fault> {
    let at = decode_time(body, "timestamp")?;
    let mut data = body.object("data")?;
    data.alias("to", "recipient")?;
    data.ignore(&["status"]);
    let recipient = decode_person("recipient", &mut data)?;
    let problem = decode_failure(&mut data, "error", "message")?.map(decode_problem).transpose()?;
    Ok(Status {
        message_id: Some(data.text("message_id", ANY_LENGTH)?),
        at,
        business: decode_business("sender", &mut data)?,
        recipient,
        problems: problem.into_iter().collect(),
        extra: data.rest(),
        ..Status::new(step)
    })
}

fn decode_inbound(body: &mut Members) -> Result<Inbound, Fault> {
    let at = decode_time(body, "timestamp")?;
    let mut data = body.object("data")?;
    data.alias("from", "sender")?;
    let sender = decode_person("sender", &mut data)?;
    let words = decode_words(&mut data)?;
    let inbound = decode_beside(words, &mut data, &FORMS)?;
    Ok(Inbound {
        message_id: filled(&mut data, "message_id")?,
        at,
        business: decode_business("recipient", &mut data)?,
        sender,
        extra: data.rest(),
        ..inbound
    })
}

/// The words of either surface. `text` may also be Meta's object, which is not words.
fn decode_words(data: &mut Members) -> Result<Option<String>, Fault> {
    let words = data.optional_text("body", ANY_LENGTH)?;
    if words.is_some() || data.has_object("text") { Ok(words) } else { data.optional_text("text", ANY_LENGTH) }
}

fn decode_person(name: &str, data: &mut Members) -> Result<Person, Fault> {
    let id = filled(data, name)?.map(|id| id.trim_start_matches('+').to_owned());
    Ok(Person { name: filled(data, "contact_name")?, ..identified(id) })
}

/// The business stands among the parties too; one of the vendor's own samples has it there alone.
fn decode_business(party: &str, data: &mut Members) -> Result<Business, Fault> {
    let number = filled(data, "waba_number")?;
    let party = filled(data, party)?;
    Ok(Business { number: number.or(party), account_id: filled(data, "whatsapp_account_id")?, ..Business::default() })
}

fn decode_problem(mut error: Members) -> Result<Problem, Fault> {
    let code = filled(&mut error, "code")?;
    let message = filled(&mut error, "message")?.unwrap_or_else(|| "the provider does not say why".to_owned());
    let (spoken, detail) = table::read(&message);
    let kind = code.as_deref().and_then(fault::kind_of_code).or(spoken).unwrap_or(FaultKind::UpstreamRefused);
    let fault = Fault::upstream(kind, detail);
    let said = UpstreamError { family: FAMILY.to_owned(), code, title: Some(message), ..UpstreamError::default() };
    Ok(Problem { fault: fault.said_by(said), extra: error.rest() })
}

/// Writes an event as a surface has it.
pub fn encode(
    event: &Event,
    surface: &Surface,
    context: &EventContext<'_>,
    telling: &mut Telling<'_>,
) -> Vec<http::Request<Bytes>> {
    let (name, at, data) = match event {
        Event::Status(status) => match word(&status.progress) {
            Some(word) => {
                (format!("{MESSAGE}{word}"), status.at, encode_status(word, status, surface, context, telling))
            }
            None => return telling.lose_all("statuses[0].status", "it has no word for the step"),
        },
        Event::Inbound(inbound) => {
            (surface.received.to_owned(), inbound.at, encode_inbound(inbound, surface, context, telling))
        }
        Event::Other(notice) if telling.keeps_members() => return vec![callback(notice.raw.to_string())],
        Event::Other(notice) => return telling.lose_all(&notice.name, "it is a notice of another dialect"),
        Event::Trouble(_) => return telling.lose_all("errors", "it has no event for it"),
        Event::Unreadable(_) => return telling.lose_all("entry", "it could not be read"),
    };
    let mut body = Object::new();
    body.put("event", name);
    body.put("timestamp", (surface.write_time)(at.unwrap_or(context.at)));
    body.put("data", data);
    vec![callback(Value::from(body).to_string())]
}

/// The steps that the vendor lists.
fn word(step: &Progress) -> Option<&str> {
    matches!(step, Progress::Sent | Progress::Delivered | Progress::Read | Progress::Failed).then(|| step.as_str())
}

fn encode_status(
    word: &str,
    status: &Status,
    surface: &Surface,
    context: &EventContext<'_>,
    telling: &mut Telling<'_>,
) -> Object {
    let mut data = Object::new();
    data.put_some("message_id", &status.message_id);
    (surface.write_recipient)(&status.recipient, &context.business(&status.business), &mut data);
    data.put("status", word);
    if let Some(problem) = status.problems.first() {
        data.put("error", encode_problem(problem, surface, telling));
    }
    lose_beside(status, telling);
    telling.extra(&status.extra, "", &mut data.0);
    data
}

fn encode_inbound(
    inbound: &Inbound,
    surface: &Surface,
    context: &EventContext<'_>,
    telling: &mut Telling<'_>,
) -> Object {
    let mut data = Object::new();
    data.put_some("message_id", &inbound.message_id);
    (surface.write_sender)(&inbound.sender, &context.business(&inbound.business), &mut data);
    data.put_some("contact_name", &inbound.sender.name);
    lose_ids(&inbound.sender, telling);
    telling.leave_out(&inbound.sender.extra, "contacts[0]");
    encode_beside(inbound, &FORMS, telling, &mut data);
    data.put_some(surface.words, &inbound.content.words().filter(|words| !words.is_empty() || is_text(inbound)));
    telling.extra(&inbound.extra, "", &mut data.0);
    data
}

fn is_text(inbound: &Inbound) -> bool {
    matches!(inbound.content, InboundContent::Text(_))
}

/// Where the provider is of the family too, its own code and words are kept.
fn encode_problem(problem: &Problem, surface: &Surface, telling: &mut Telling<'_>) -> Value {
    let fault = &problem.fault;
    let relayed = fault.upstream.as_deref().filter(|upstream| upstream.family == FAMILY);
    let title = relayed.and_then(|said| said.title.clone());
    let mut error = Object::new();
    if surface.codes {
        error.put("code", relayed.and_then(|said| said.code.as_deref()).unwrap_or_else(|| fault::code(fault.kind)));
    }
    error.put("message", title.unwrap_or_else(|| table::say(fault.kind, &fault.detail)));
    telling.extra(&problem.extra, "errors[0]", &mut error.0);
    error.into()
}

/// Both parties by their digits, and the business once more.
fn write_parties(business: &Business, sender: Option<&str>, recipient: Option<&str>, data: &mut Object) {
    data.put_some("waba_number", &business.number);
    data.put_some("sender", &sender);
    data.put_some("recipient", &recipient);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;
    use crate::dialect::named;
    use crate::model::{Business, Notice, Tastes};

    #[test]
    fn a_notice_goes_to_clients_of_its_own_dialect_alone() {
        let notice = Notice {
            business: Business::default(),
            name: "account.update".to_owned(),
            raw: json!({"event": "account.update"}),
        };
        let (business, tastes) = (Business::default(), Tastes::default());
        let context = EventContext { business: &business, tastes: &tastes, at: OffsetDateTime::UNIX_EPOCH };
        let told = |provider: &str| {
            let mut telling = Telling::new(named(provider).unwrap(), named("aisoule").unwrap());
            let told = encode(&Event::Other(notice.clone()), &DEVELOPER, &context, &mut telling);
            (told.into_iter().map(|callback| callback.into_body()).collect::<Vec<_>>(), telling.into_warnings().len())
        };
        assert_eq!(told("aisoule"), (vec![Bytes::from(notice.raw.to_string())], 0));
        assert_eq!(told("cloud"), (Vec::new(), 1));
    }
}
