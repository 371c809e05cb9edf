//! What people write to the business.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Business, EventKind, Person, Problem};
use crate::model::{Extra, Location, MediaKind, Reaction};

/// A message to the business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
    /// To whom.
    #[serde(default)]
    pub business: Business,
    /// By whom.
    #[serde(default)]
    pub sender: Person,
    /// The group that it was written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// What.
    pub content: InboundContent,
    /// What it answers, or that it was forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Quoted>,
    /// The advertisement that led to it; all of Meta's dialects write it alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral: Option<Map<String, Value>>,
    /// The writer's identity key, as it stands: `acknowledged`, `created_timestamp`, `hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Map<String, Value>>,
    /// What is wrong with it, where it is there all the same: a file that the provider could not fetch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

impl Inbound {
    /// A message of which nothing but its content is known yet.
    pub fn new(content: InboundContent) -> Self {
        Self {
            message_id: None,
            at: None,
            business: Business::default(),
            sender: Person::default(),
            group_id: None,
            content,
            quoted: None,
            referral: None,
            identity: None,
            problems: Vec::new(),
            extra: Extra::default(),
        }
    }

    /// The ids of messages in it.
    pub fn message_ids(&mut self) -> Vec<&mut String> {
        let quoted = self.quoted.as_mut().and_then(|quoted| quoted.message_id.as_mut());
        let reacted = match &mut self.content {
            InboundContent::Reaction(reaction) => Some(&mut reaction.message_id),
            _ => None,
        };
        self.message_id.iter_mut().chain(quoted).chain(reacted).collect()
    }
}

/// What a message to the business is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quoted {
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Who wrote that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whether it was forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<bool>,
    /// Whether it was forwarded more than five times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequently_forwarded: Option<bool>,
    /// The product that it asks about: `catalog_id`, `product_retailer_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Map<String, Value>>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// What a message to the business says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboundContent {
    /// Text.
    Text(Written),
    /// A file.
    Media(InboundMedia),
    /// A place.
    Location(Place),
    /// Contact cards, of which nothing is read: every dialect writes them alike.
    Contacts(Vec<Value>),
    /// A reply by a button.
    ButtonReply(ButtonReply),
    /// A choice from a list.
    ListReply(ListReply),
    /// The answers of a flow or of a form for addresses.
    FlowReply(FlowReply),
    /// The quick reply of a template.
    TemplateButton(TemplateButton),
    /// An order from the catalogue.
    Order(Order),
    /// An emoji on a message.
    Reaction(Reaction),
    /// A change of number or identity.
    System(System),
    /// What WhatsApp does not pass on.
    Unsupported(Unsupported),
    /// A kind that we do not know, as it came.
    Other {
        /// The value of `type`.
        kind: String,
        /// The member of that name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
}

impl InboundContent {
    /// Which kind it is.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Text(_) => EventKind::Text,
            Self::Media(media) => media.event_kind(),
            Self::Location(_) => EventKind::Location,
            Self::Contacts(_) => EventKind::Contacts,
            Self::ButtonReply(_) | Self::ListReply(_) | Self::FlowReply(_) => EventKind::Interactive,
            Self::TemplateButton(_) => EventKind::Button,
            Self::Order(_) => EventKind::Order,
            Self::Reaction(_) => EventKind::Reaction,
            Self::System(_) => EventKind::System,
            Self::Unsupported(_) => EventKind::Unsupported,
            Self::Other { .. } => EventKind::OtherMessage,
        }
    }

    /// What of it can be said in plain words, for dialects that have a text for every message.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.body),
            Self::Media(media) => media.caption.as_deref(),
            Self::Location(place) => place.location.name.as_deref().or(place.location.address.as_deref()),
            Self::ButtonReply(reply) => Some(&reply.title),
            Self::ListReply(reply) => Some(&reply.title),
            Self::FlowReply(reply) => reply.body.as_deref(),
            Self::TemplateButton(button) => Some(&button.text),
            Self::Order(order) => order.text.as_deref(),
            Self::Reaction(reaction) => Some(&reaction.emoji),
            Self::System(system) => system.body.as_deref(),
            Self::Contacts(_) | Self::Unsupported(_) | Self::Other { .. } => None,
        }
    }
}

/// Text that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The text.
    pub body: String,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// A place that was shared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The place.
    pub location: Location,
    /// Its own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A file that was sent to the business. A provider that failed to fetch it gives no id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InboundMedia {
    /// As what it is shown.
    pub kind: MediaKind,
    /// Its id at the provider, or the one that the client can fetch it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// An address that it can be fetched from: all that dialects without media endpoints can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its SHA-256, as the provider writes it: hexadecimal or base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The text beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Whether a sound is a voice note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<bool>,
    /// Whether a sticker moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub animated: Option<bool>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

impl InboundMedia {
    /// A file of which nothing but its kind is known yet.
    pub fn new(kind: MediaKind) -> Self {
        Self {
            kind,
            id: None,
            link: None,
            mime_type: None,
            sha256: None,
            caption: None,
            filename: None,
            voice: None,
            animated: None,
            extra: Extra::default(),
        }
    }

    /// Whether it is a voice note.
    pub fn is_voice(&self) -> bool {
        self.kind == MediaKind::Audio && self.voice == Some(true)
    }

    fn event_kind(&self) -> EventKind {
        match self.kind {
            MediaKind::Image => EventKind::Image,
            MediaKind::Audio if self.is_voice() => EventKind::Voice,
            MediaKind::Audio => EventKind::Audio,
            MediaKind::Video => EventKind::Video,
            MediaKind::Document => EventKind::Document,
            MediaKind::Sticker => EventKind::Sticker,
        }
    }
}

/// A reply by a button.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ButtonReply {
    /// The button's id.
    pub id: String,
    /// What stood on it.
    pub title: String,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// A choice from a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListReply {
    /// The row's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The line below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// The answers of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowReply {
    /// `flow`, `address_message` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the person sees of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The answers: mostly JSON, in a text.
    pub response_json: String,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// The quick reply of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateButton {
    /// What the sender put behind the button; some templates put nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// What stood on it.
    pub text: String,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// An order from the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
    /// What was written beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The items, of which nothing is read: all of Meta's dialects write them alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Value>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// A change of number or identity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// What changed: `user_changed_number`, `user_identity_changed` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What WhatsApp says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The new number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_wa_id: Option<String>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// What WhatsApp does not pass on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unsupported {
    /// Whether the content is only withheld because it disappears by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ephemeral: bool,
    /// What it would have been, where that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}
