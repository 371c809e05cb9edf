//! The request that a client makes of the gateway.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Content, Extra, Kind, PhoneNumber, Recipient};

/// What a client asks for on a send path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every request is a message; boxing it would cost each one")]
pub enum Request {
    /// Send a message.
    Send(Message),
    /// Mark an inbound message as read.
    Read(ReadMark),
    /// Pass a request of another channel on, as it is.
    Relay(Relay),
}

impl Request {
    /// Which kind of thing is asked for.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Send(message) => message.content.kind(),
            Self::Read(_) => Kind::Read,
            Self::Relay(_) => Kind::Relay,
        }
    }

    /// The channel that it goes out on.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Send(_) | Self::Read(_) => Channel::Whatsapp,
            Self::Relay(relay) => relay.channel,
        }
    }

    /// The business number or phone number id that the client named, if it did.
    pub fn sender(&self) -> Option<&str> {
        match self {
            Self::Send(message) => message.sender.as_deref(),
            Self::Read(mark) => mark.sender.as_deref(),
            Self::Relay(relay) => relay.body.get("from").and_then(Value::as_str),
        }
    }

    /// The recipient's address, where there is one.
    pub fn recipient(&self) -> Option<&Recipient> {
        match self {
            Self::Send(message) => Some(&message.recipient),
            Self::Read(_) | Self::Relay(_) => None,
        }
    }

    /// To whom it goes, as the record finds it: a number in digits, else as the client wrote it. Of other channels too.
    pub fn addressee(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Send(message) => Some(message.recipient.address.as_str().into()),
            Self::Relay(relay) => {
                let to = relay.body.get("to")?.as_str()?;
                Some(PhoneNumber::parse(to).map_or(to.into(), |number| number.digits().to_owned().into()))
            }
            Self::Read(_) => None,
        }
    }

    /// The ids of messages that it names: one that it answers, reacts to or marks as read.
    pub fn message_ids(&mut self) -> Vec<&mut String> {
        match self {
            Self::Send(message) => {
                let quoted = message.reply_to.as_mut().map(|quote| &mut quote.message_id);
                let reacted = match &mut message.content {
                    Content::Reaction(reaction) => Some(&mut reaction.message_id),
                    _ => None,
                };
                quoted.into_iter().chain(reacted).collect()
            }
            Self::Read(mark) => vec![&mut mark.message_id],
            Self::Relay(_) => Vec::new(),
        }
    }

    /// Whether it is of a kind that names a message.
    pub fn may_name_messages(&self) -> bool {
        match self {
            Self::Send(message) => message.reply_to.is_some() || matches!(message.content, Content::Reaction(_)),
            Self::Read(_) => true,
            Self::Relay(_) => false,
        }
    }

    /// The client's own references.
    pub fn references(&self) -> Option<&References> {
        match self {
            Self::Send(message) => Some(&message.references),
            Self::Relay(relay) => Some(&relay.references),
            Self::Read(_) => None,
        }
    }

    /// Where the client wants to hear of it, and what is repeated then.
    pub fn return_address(&self) -> ReturnAddress {
        let callbacks = match self {
            Self::Send(message) => message.callbacks.clone(),
            Self::Relay(relay) => relay.callbacks.clone(),
            Self::Read(_) => Vec::new(),
        };
        ReturnAddress { callbacks, references: self.references().cloned().unwrap_or_default() }
    }
}

/// One message to one recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The business number (digits) or phone number id that the client named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// To whom.
    pub recipient: Recipient,
    /// What.
    pub content: Content,
    /// The message that this one quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Quote>,
    /// The client's own references; the gateway repeats them in callbacks whatever the upstream can carry.
    #[serde(default, skip_serializing_if = "References::is_empty")]
    pub references: References,
    /// Where statuses of this message go, beside the account's own callbacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<String>,
    /// How long delivery may be tried, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
    /// Deliver only while the recipient's identity key has this hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_key_hash: Option<String>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
    /// Members beside the message that we do not know, in dialects that send it in an envelope.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub envelope_extra: Extra,
}

/// A quoted message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Its id.
    pub message_id: String,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

impl Quote {
    /// Quotes the message of that id.
    pub fn of(message_id: String) -> Self {
        Self { message_id, extra: Extra::default() }
    }
}

/// References that belong to the client and mean nothing to WhatsApp.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct References {
    /// The client's id for the addressee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The client's id for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// A value that the client wants repeated in every status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
}

impl References {
    /// Whether the client gave none.
    pub fn is_empty(&self) -> bool {
        self.client_id.is_none() && self.external_id.is_none() && self.opaque.is_none()
    }
}

/// What telling a client of its request takes: less than the request, and no word of the message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReturnAddress {
    /// Where its statuses go, beside the account's own callbacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<String>,
    /// The client's own references, which are repeated.
    #[serde(default, skip_serializing_if = "References::is_empty")]
    pub references: References,
}

/// Marks an inbound message, and those before it, as read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadMark {
    /// The business number or phone number id that the client named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The inbound message.
    pub message_id: String,
    /// Show the user that an answer is being typed: the indicator, `{"type": "text"}` so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typing: Option<Map<String, Value>>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// A request of a channel other than WhatsApp: its content is not ours to understand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relay {
    /// The channel.
    pub channel: Channel,
    /// The request's members, as they came.
    pub body: Map<String, Value>,
    /// The client's own references.
    #[serde(default, skip_serializing_if = "References::is_empty")]
    pub references: References,
    /// Where statuses go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<String>,
    /// Members beside the request that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// The way a message takes to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Channel {
    /// WhatsApp.
    Whatsapp,
    /// Short messages.
    Sms,
    /// Electronic mail.
    Email,
    /// Push notifications.
    Push,
    /// Rich communication services.
    Rcs,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 5] = [Self::Whatsapp, Self::Sms, Self::Email, Self::Push, Self::Rcs];

    /// The name in upper case: `WHATSAPP`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "WHATSAPP",
            Self::Sms => "SMS",
            Self::Email => "EMAIL",
            Self::Push => "PUSH",
            Self::Rcs => "RCS",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no channel.
#[derive(Debug, thiserror::Error)]
#[error("not a channel: expected WHATSAPP, SMS, EMAIL, PUSH or RCS")]
pub struct ParseChannelError;

impl FromStr for Channel {
    type Err = ParseChannelError;

    /// Takes the name in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|channel| channel.as_str().eq_ignore_ascii_case(text)).ok_or(ParseChannelError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_written_as_it_is_read() {
        for channel in Channel::ALL {
            assert_eq!(channel.to_string().parse::<Channel>().ok(), Some(channel));
        }
        assert_eq!(Channel::Whatsapp.to_string(), "WHATSAPP");
    }
}
