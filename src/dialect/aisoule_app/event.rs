//! Events of surface B. Vendor pages: help/integrations/webhooks-receiving, help/settings/webhook-configuration. A text
//! alone is printed; statuses have the envelope of it and the members of a send's answer.

use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::dialect::aisoule::event::{self, Surface};
use crate::dialect::shapes::Object;
use crate::dialect::shapes::event::international;
use crate::dialect::{Decoded, EventContext, Telling, Webhook};
use crate::model::{Business, Event, Fault, Person};

const SURFACE: Surface = Surface {
    received: "message.incoming",
    words: "text",
    write_time,
    write_sender: |person, business, data| write_party("from", person, business, data),
    write_recipient: |person, business, data| write_party("to", person, business, data),
    codes: false,
};

pub fn decode(webhook: &Webhook) -> Result<Vec<Decoded<Event>>, Fault> {
    event::decode(webhook)
}

pub fn encode(event: &Event, context: &EventContext<'_>, telling: &mut Telling<'_>) -> Vec<http::Request<Bytes>> {
    event::encode(event, &SURFACE, context, telling)
}

fn write_time(at: OffsetDateTime) -> Value {
    at.format(&Rfc3339).unwrap_or_default().into()
}

fn write_party(name: &str, person: &Person, business: &Business, data: &mut Object) {
    data.put_some(name, &international(person));
    data.put_some("whatsapp_account_id", &business.account_id);
}
