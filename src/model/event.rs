//! What a provider tells unasked: what became of a message, and what people write to the business.
//!
//! Events come in batches, twice, late and in any order. Nothing in one is refused: what cannot be read is an event of
//! its own, with its raw JSON, so that it can be read again later.

mod inbound;
mod status;
mod taste;

pub use inbound::{
    ButtonReply, FlowReply, Inbound, InboundContent, InboundMedia, ListReply, Order, Place, Quoted, System,
    TemplateButton, Unsupported, Written,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use status::{Conversation, Known, Pricing, Progress, Status};
pub use taste::{EventKind, Tastes};

use super::{Extra, Fault};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A message that we sent came further, or did not.
    Status(Status),
    /// Somebody wrote to the business.
    Inbound(Inbound),
    /// The business's account or number is in trouble, no single message.
    Trouble(Trouble),
    /// Another notice: of templates, of the account, of calls. Kept as it came.
    Other(Notice),
    /// An entry that could not be read. Its neighbours are not affected.
    Unreadable(Unreadable),
}

impl Event {
    /// Which kind it is.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Status(status) => status.progress.kind(),
            Self::Inbound(inbound) => inbound.content.kind(),
            Self::Trouble(_) => EventKind::Trouble,
            Self::Other(_) => EventKind::Other,
            Self::Unreadable(_) => EventKind::Unreadable,
        }
    }

    /// The business that it concerns, as the provider names it.
    pub fn business(&self) -> Option<&Business> {
        match self {
            Self::Status(status) => Some(&status.business),
            Self::Inbound(inbound) => Some(&inbound.business),
            Self::Trouble(trouble) => Some(&trouble.business),
            Self::Other(notice) => Some(&notice.business),
            Self::Unreadable(_) => None,
        }
    }

    /// Whom it is about: to whom a message went, or who wrote one.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Status(status) => Some(&status.recipient),
            Self::Inbound(inbound) => Some(&inbound.sender),
            Self::Trouble(_) | Self::Other(_) | Self::Unreadable(_) => None,
        }
    }

    /// By which names it speaks of people: those of its person, the one of a group that a status is of, the number that
    /// somebody has from now on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let beside = match self {
            Self::Status(status) => status.participant.as_deref(),
            Self::Inbound(Inbound { content: InboundContent::System(system), .. }) => system.new_wa_id.as_deref(),
            Self::Inbound(_) | Self::Trouble(_) | Self::Other(_) | Self::Unreadable(_) => None,
        };
        self.person().into_iter().flat_map(Person::names).chain(beside)
    }

    /// What two tellings of one thing have in common; providers number neither events nor attempts. None where only
    /// the raw bytes could tell.
    pub fn identity(&self) -> Option<String> {
        match self {
            Self::Status(status) => {
                let reader = status.participant.as_deref().or(status.recipient.id()).unwrap_or_default();
                Some(format!("{}/{}/{reader}", status.message_id.as_deref()?, status.progress.as_str()))
            }
            Self::Inbound(inbound) => {
                let business = inbound.business.phone_number_id.as_ref().or(inbound.business.number.as_ref());
                let business = business.map(String::as_str).unwrap_or_default();
                Some(format!("{business}/{}", inbound.message_id.as_deref()?))
            }
            Self::Trouble(_) | Self::Other(_) | Self::Unreadable(_) => None,
        }
    }

    /// The ids of messages in it, of ours and of theirs: upstream's and client's differ, so delivery puts the one in
    /// the other's place.
    pub fn message_ids(&mut self) -> Vec<&mut String> {
        match self {
            Self::Status(status) => status.message_id.iter_mut().collect(),
            Self::Inbound(inbound) => inbound.message_ids(),
            Self::Trouble(_) | Self::Other(_) | Self::Unreadable(_) => Vec::new(),
        }
    }

    /// The file in it, whose id means something only at the provider.
    pub fn media(&mut self) -> Option<&mut InboundMedia> {
        match self {
            Self::Inbound(Inbound { content: InboundContent::Media(media), .. }) => Some(media),
            _ => None,
        }
    }
}

/// The business, as providers name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Business {
    /// Its number, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The id of the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// The id of the account that the number belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// A person on WhatsApp: known by number, by user id, or by both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The number, or for a group its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// The business-scoped user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user id that the business's other portfolios know too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_user_id: Option<String>,
    /// The name in the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name that the person is found by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

impl Person {
    /// The number where it is known, else the user id.
    pub fn id(&self) -> Option<&str> {
        self.wa_id.as_deref().or(self.user_id.as_deref())
    }

    /// The number and the user ids.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.wa_id, &self.user_id, &self.parent_user_id].into_iter().filter_map(Option::as_deref)
    }
}

/// A fault as a webhook tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The fault.
    pub fault: Fault,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self { fault, extra: Extra::default() }
    }
}

/// Trouble of the whole account or number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// Whose.
    #[serde(default)]
    pub business: Business,
    /// What is wrong.
    pub problem: Problem,
}

/// A notice that is no matter of messages, as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Whose.
    #[serde(default)]
    pub business: Business,
    /// The vendor's name for what it is: `message_template_status_update`.
    pub name: String,
    /// The entry, whole.
    pub raw: Value,
}

/// An entry that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Why not.
    pub fault: Fault,
    /// The entry, whole.
    pub raw: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reaction;

    fn reaction() -> Event {
        let reaction =
            Reaction { message_id: "wamid.A1".to_owned(), emoji: "👍".to_owned(), extra: Extra::default() };
        let mut inbound = Inbound::new(InboundContent::Reaction(reaction));
        inbound.message_id = Some("wamid.B1".to_owned());
        inbound.quoted = Some(Quoted { message_id: Some("wamid.A2".to_owned()), ..Quoted::default() });
        Event::Inbound(inbound)
    }

    #[test]
    fn the_ids_of_messages_are_found_wherever_they_stand() {
        assert_eq!(reaction().message_ids(), ["wamid.B1", "wamid.A2", "wamid.A1"]);
    }

    #[test]
    fn two_tellings_of_one_thing_have_one_identity() {
        let mut sent = Status::new(Progress::Sent);
        sent.message_id = Some("wamid.A1".to_owned());
        sent.recipient.wa_id = Some("447700900123".to_owned());
        let mut again = sent.clone();
        again.at = Some(time::OffsetDateTime::UNIX_EPOCH);
        let read = Status { progress: Progress::Read, ..sent.clone() };
        let identity = |status| Event::Status(status).identity();
        assert_eq!(identity(sent.clone()), identity(again));
        assert_ne!(identity(sent), identity(read));
        assert_eq!(reaction().identity().as_deref(), Some("/wamid.B1"));
    }

    #[test]
    fn each_event_tells_whose_it_is() {
        let business = Business { number: Some("442079460000".to_owned()), ..Business::default() };
        let status = Status { business: business.clone(), ..Status::new(Progress::Sent) };
        let Event::Inbound(inbound) = reaction() else { unreachable!() };
        let inbound = Inbound { business: business.clone(), ..inbound };
        let notice = Notice { business: business.clone(), name: "account_update".to_owned(), raw: Value::Null };
        for event in [Event::Status(status), Event::Inbound(inbound), Event::Other(notice)] {
            assert_eq!(event.business(), Some(&business), "{event:?}");
        }
        let fault = Fault::client(crate::model::FaultKind::MalformedBody, "is no JSON");
        assert_eq!(Event::Unreadable(Unreadable { fault, raw: Value::Null }).business(), None);
    }

    #[test]
    fn only_a_file_has_a_file() {
        let media = InboundContent::Media(InboundMedia::new(crate::model::MediaKind::Image));
        assert!(Event::Inbound(Inbound::new(media)).media().is_some());
        assert!(reaction().media().is_none());
    }
}
