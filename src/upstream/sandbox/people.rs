//! People who write to the business and press what it sent, played by whoever tests: what they write is given in the
//! model's words or as Meta's webhooks have it, and told in the dialect of the line.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::press::{Pressable, pressables};
use super::teller::Line;
use super::{Entry, Kept, Said, Sandbox, Talk, uploads};
use crate::dialect::{Webhook, reference};
use crate::model::{
    self, Content, Event, Fault, FaultKind, Inbound, InboundContent, Message, PhoneNumber, Quoted, RecipientAddress,
};

/// Who writes, where it is not said.
const WRITER: &str = "447700900123";

/// Who writes.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// A number in digits, a user id, or the id of a group.
    pub id: String,
    /// The name in the profile.
    pub name: Option<String>,
}

impl Sandbox {
    /// Somebody writes to a line's business: a message as it stands in Meta's webhooks, in which `id`, `from` and
    /// `timestamp` may be left out. Gives its id.
    ///
    /// # Errors
    /// That it cannot be read, naming the member; that nobody takes the webhook.
    pub async fn write(&self, line: &Line, message: Value) -> Result<String, Fault> {
        self.tell(line, read(message)?).await
    }

    /// The same in the model's words, perhaps about another message.
    ///
    /// # Errors
    /// That nobody takes the webhook.
    pub async fn say(
        &self,
        line: &Line,
        person: Person,
        content: InboundContent,
        about: Option<String>,
    ) -> Result<String, Fault> {
        let mut inbound = Inbound::new(content);
        if PhoneNumber::parse(&person.id).is_ok() {
            inbound.sender.wa_id = Some(person.id);
        } else if RecipientAddress::looks_like_user(&person.id) {
            inbound.sender.user_id = Some(person.id);
        } else {
            inbound.group_id = Some(person.id);
        }
        inbound.sender.name = person.name;
        inbound.quoted = about.map(|id| Quoted { message_id: Some(id), ..Quoted::default() });
        self.tell(line, inbound).await
    }

    /// Somebody presses something in a message: by its key, its id or what stands on it.
    ///
    /// # Errors
    /// That there is no such message, or nothing of that name in it; that nobody takes the webhook.
    pub async fn press(&self, message_id: &str, name: &str) -> Result<String, Fault> {
        let entries = self.entries();
        let entry = entries.iter().rev().find(|entry| entry.message_id() == Some(message_id));
        let pressed = entry.and_then(|entry| {
            let pressed = self.pressables(entry).into_iter().find(|pressable| pressable.is_meant(name))?;
            Some((entry, entry.talk.as_ref()?, pressed.answer))
        });
        let Some((entry, talk, answer)) = pressed else {
            let detail = "no message of this id has something of this name to press; see GET /sandbox/messages";
            return Err(Fault::client(FaultKind::NotFound, detail));
        };
        let person = Person { id: talk.person.clone(), name: name_in(&entries, talk) };
        self.say(&entry.line, person, answer, Some(message_id.to_owned())).await
    }

    /// What can be pressed in a message of the business.
    pub fn pressables(&self, entry: &Entry) -> Vec<Pressable> {
        let Said::ByBusiness { request, fate } = &entry.said else { return Vec::new() };
        let model::Request::Send(Message { content, .. }) = &request.request else { return Vec::new() };
        let text = match content {
            _ if fate.refused.is_some() => return Vec::new(),
            Content::Template(template) => self.templates.find(template),
            _ => None,
        };
        pressables(content, text.as_deref())
    }

    /// Takes a file that somebody is to send, as a part of a form.
    ///
    /// # Errors
    /// Where it is empty or too large, or breaks off.
    pub async fn take_file(&self, line: &Line, part: multer::Field<'_>) -> Result<Kept, Fault> {
        Ok(self.keep(line.dialect, uploads::read_part(part, &self.shelf).await?))
    }

    /// Writes it down and tells it.
    async fn tell(&self, line: &Line, mut inbound: Inbound) -> Result<String, Fault> {
        let id =
            inbound.message_id.get_or_insert_with(|| format!("wamid.{}", self.clock.process_id().simple())).clone();
        let at = *inbound.at.get_or_insert_with(|| self.clock.now());
        if inbound.sender.id().is_none() {
            inbound.sender.wa_id = Some(WRITER.to_owned());
        }
        inbound.business = line.business.clone();
        let talk = inbound.group_id.as_deref().or(inbound.sender.id()).map(|person| Talk::with(line, person));
        let said = Said::ByPerson { message: Arc::new(inbound.clone()), taken: None };
        let serial = self.diary.write(at, line, talk, said, self.room);
        if let InboundContent::Media(media) = &mut inbound.content {
            self.say_of_file(line, media);
        }
        let is_taken = self.teller.tell(line, &Event::Inbound(inbound)).await;
        self.diary.note_taken(serial, is_taken);
        if is_taken {
            return Ok(id);
        }
        let detail = "nobody takes the sandbox's webhooks; see the gateway's log, or start the sandbox with --webhook";
        Err(Fault::upstream(FaultKind::UpstreamUnavailable, detail))
    }
}

/// The name under which a person wrote last.
pub fn name_in(entries: &[Entry], talk: &Talk) -> Option<String> {
    let of_talk = entries.iter().rev().filter(|entry| entry.talk.as_ref() == Some(talk));
    let mut names = of_talk.filter_map(|entry| match &entry.said {
        Said::ByPerson { message, .. } => message.sender.name.clone(),
        Said::ByBusiness { .. } => None,
    });
    names.next()
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
