//! What is sent: the same few messages in the words of several dialects.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Stands in a body where the recipient's number goes.
const RECIPIENT: &str = "RECIPIENT";

/// The languages that clients speak here; the upstream's is the Cloud API's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Of the upstream's own kind.
    Cloud,
    /// Translated.
    Aisoule,
    /// Translated.
    OnPremises,
}

impl Dialect {
    /// Its name in the configuration, and of the account that speaks it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Aisoule => "aisoule",
            Self::OnPremises => "on-premises",
        }
    }

    /// The path of its sends.
    pub fn path(self) -> &'static str {
        match self {
            Self::Cloud => "/v23.0/5512000/messages",
            Self::Aisoule | Self::OnPremises => "/v1/messages",
        }
    }

    fn head(self) -> Value {
        match self {
            Self::Cloud => json!({ "messaging_product": "whatsapp", "recipient_type": "individual" }),
            Self::OnPremises => json!({ "recipient_type": "individual" }),
            Self::Aisoule => json!({}),
        }
    }
}

/// Kinds of message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A short text.
    Text,
    /// A template with two parameters.
    Template,
    /// An image that the mock serves.
    ImageByLink,
    /// An image by an id of the upstream's.
    ImageById,
}

impl Kind {
    /// Its name in the figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Template => "template",
            Self::ImageByLink => "image by link",
            Self::ImageById => "image by id",
        }
    }

    fn content(self, link: &str) -> Value {
        match self {
            Self::Text => json!({ "type": "text", "text": { "body": "Bay 2 is *open* until 18:00" } }),
            Self::Template => json!({ "type": "template", "template": {
                "namespace": "acme_ns_91c2",
                "name": "visit_reminder",
                "language": { "code": "en" },
                "components": [{ "type": "body", "parameters": [
                    { "type": "text", "text": "Thandi" }, { "type": "text", "text": "14 May" }
                ] }]
            } }),
            Self::ImageByLink => json!({ "type": "image", "image": { "link": link, "caption": "Front view" } }),
            Self::ImageById => {
                json!({ "type": "image", "image": { "id": "4410099887766", "caption": "Front view" } })
            }
        }
    }
}

/// A body with a gap for the recipient.
#[derive(Clone)]
pub struct Body {
    before: String,
    after: String,
}

impl Body {
    /// A message of a kind in a dialect; images lie at the link.
    pub fn new(dialect: Dialect, kind: Kind, link: &str) -> Self {
        let mut body = members(dialect.head());
        body.insert("to".to_owned(), RECIPIENT.into());
        body.extend(members(kind.content(link)));
        let text = Value::Object(body).to_string();
        let (before, after) = text.split_once(RECIPIENT).unwrap_or((&text, ""));
        Self { before: before.to_owned(), after: after.to_owned() }
    }

    /// The body for the recipient of that number: there are a hundred thousand, so that each gets few.
    pub fn to(&self, number: u64) -> Bytes {
        Bytes::from(format!("{}4477009{:05}{}", self.before, number % 100_000, self.after))
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
