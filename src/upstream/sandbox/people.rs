//! People who write to the business, played by whoever tests: what they write is given as Meta's webhooks have it, and
//! told in the dialect of the line.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::Sandbox;
use super::teller::Line;
use crate::dialect::{Webhook, reference};
use crate::model::{Event, Fault, FaultKind, Inbound, InboundContent};

/// Who writes, where it is not said.
const WRITER: &str = "447700900123";

impl Sandbox {
    /// Somebody writes to a line's business: a message as it stands in Meta's webhooks, in which `id`, `from` and
    /// `timestamp` may be left out. Gives its id.
    ///
    /// # Errors
    /// That it cannot be read, naming the member; that nobody takes the webhook.
    pub async fn write(&self, line: &Line, message: Value) -> Result<String, Fault> {
        let mut inbound = read(message)?;
        let id =
            inbound.message_id.get_or_insert_with(|| format!("wamid.{}", self.clock.process_id().simple())).clone();
        inbound.at = inbound.at.or_else(|| Some(self.clock.now()));
        inbound.sender.wa_id = inbound.sender.wa_id.or_else(|| Some(WRITER.to_owned()));
        inbound.business = line.business.clone();
        if let InboundContent::Media(media) = &mut inbound.content {
            self.say_of_file(line, media);
        }
        if self.teller.tell(line, &Event::Inbound(inbound)).await {
            return Ok(id);
        }
        let detail = "nobody takes the sandbox's webhooks; see the gateway's log, or start the sandbox with --webhook";
        Err(Fault::upstream(FaultKind::UpstreamUnavailable, detail))
    }
}

/// Reads a message as the dialect of reference does, around which its webhook is put.
fn read(message: Value) -> Result<Inbound, Fault> {
    let name = message.get("name").and_then(Value::as_str).map(str::to_owned);
    let value = json!({ "messaging_product": "whatsapp", "messages": [message] });
    let entry = json!({ "id": "0", "changes": [{ "field": "messages", "value": value }] });
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry] });
    let webhook = Webhook {
        method: Method::POST,
        path: String::new(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: Bytes::from(body.to_string()),
    };
    match reference().decode_webhook(&webhook)?.into_iter().next().map(|heard| heard.value) {
        Some(Event::Inbound(mut inbound)) => {
            inbound.extra.0.shift_remove("name");
            inbound.sender.name = inbound.sender.name.or(name);
            Ok(inbound)
        }
        Some(Event::Unreadable(kept)) => Err(Fault::client(kept.fault.kind, kept.fault.detail)),
        _ => Err(Fault::missing(
            "type",
            "give a message as it stands in Meta's webhooks: type, and the member of that name",
        )),
    }
}
