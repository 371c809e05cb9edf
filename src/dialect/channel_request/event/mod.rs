//! Callbacks with statuses, and inbound messages. Vendor pages: whatsapp-status, simulating-inbound-whatsapp-message.
//!
//! The vendor names the statuses and says that `clientId` is repeated; the layout of a callback is ours, flat, with what
//! the caller gave and what it was handed. Inbound messages have the layout that a public integration reads.

mod inbound;
mod status;

use bytes::Bytes;
use serde_json::Value;

use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::webhook::{callback, heard_or_kept};
use crate::dialect::{Decoded, EventContext, Telling, Webhook};
use crate::model::{Business, Event, Fault, Notice};

const CHANNEL: &str = "WHATSAPP";

/// A status has a `status`, a message a `user`. Of other channels the statuses have other meanings and pass as they came.
pub fn decode(webhook: &Webhook) -> Result<Vec<Decoded<Event>>, Fault> {
    let raw = webhook.json()?;
    let mut body = Members::of_body(raw.clone())?;
    let channel = if body.has("status") { "channel" } else { "connection" };
    let channel = body.optional_text(channel, ANY_LENGTH)?.unwrap_or_else(|| CHANNEL.to_owned());
    let mut warnings = Vec::new();
    let read = match (channel.eq_ignore_ascii_case(CHANNEL), body.has("status"), body.has("user")) {
        (true, true, _) => status::decode(body).map(Event::Status),
        (true, false, true) => inbound::decode(body, &mut warnings).map(Event::Inbound),
        (true, false, false) => {
            return Err(Fault::missing("status", "a webhook of this dialect has a status or a user"));
        }
        (false, ..) => Ok(Event::Other(Notice { business: Business::default(), name: channel, raw: raw.clone() })),
    };
    Ok(vec![Decoded { warnings, ..heard_or_kept(read, raw) }])
}

pub fn encode(event: &Event, context: &EventContext<'_>, telling: &mut Telling<'_>) -> Vec<http::Request<Bytes>> {
    let body = match event {
        Event::Status(status) => match status::encode(status, context, telling) {
            Some(body) => body,
            None => return telling.lose_all("statuses[0].status", "it has no word for the step"),
        },
        Event::Inbound(inbound) => inbound::encode(inbound, context, telling),
        Event::Other(notice) if telling.keeps_members() => return vec![callback(notice.raw.to_string())],
        Event::Other(notice) => return telling.lose_all(&notice.name, "it is a notice of another dialect"),
        Event::Trouble(_) => return telling.lose_all("errors", "it has no callback for it"),
        Event::Unreadable(_) => return telling.lose_all("entry", "it could not be read"),
    };
    vec![callback(Value::from(body).to_string())]
}
