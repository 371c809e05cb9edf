//! What an account wants to hear of: old clients fail at kinds of event that they were not written for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Event;

/// Declares the kinds of event with their names in one table.
macro_rules! event_kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// The kinds of event, as configuration and labels name them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

event_kinds! {
    // Of messages that we sent.
    /// A step before `sent`, or one that we do not know.
    Progress = "progress";
    /// It left WhatsApp's servers.
    Sent = "sent";
    /// It is on the device.
    Delivered = "delivered";
    /// It was seen.
    Read = "read";
    /// It was listened to.
    Played = "played";
    /// It failed.
    Failed = "failed";
    /// The recipient erased it.
    Deleted = "deleted";
    /// Something is wrong with it.
    Warning = "warning";

    // Of messages that people write.
    /// Text.
    Text = "text";
    /// A picture.
    Image = "image";
    /// A sound.
    Audio = "audio";
    /// A voice note.
    Voice = "voice";
    /// A film.
    Video = "video";
    /// A document.
    Document = "document";
    /// A sticker.
    Sticker = "sticker";
    /// A place.
    Location = "location";
    /// Contact cards.
    Contacts = "contacts";
    /// The button of a template.
    Button = "button";
    /// A reply to buttons, a list or a flow.
    Interactive = "interactive";
    /// An order from a catalogue.
    Order = "order";
    /// An emoji on a message.
    Reaction = "reaction";
    /// A change of number or identity.
    System = "system";
    /// What WhatsApp does not pass on.
    Unsupported = "unsupported";
    /// Another kind of message.
    OtherMessage = "other_message";

    // Of everything else.
    /// Trouble of the account.
    Trouble = "trouble";
    /// Other notices.
    Other = "other";
    /// What could not be read.
    Unreadable = "unreadable";
}

/// How an account wants to be told of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tastes {
    /// The kinds that its client cannot parse: they are kept, and not told.
    pub suppress: BTreeSet<EventKind>,
}

impl Tastes {
    /// Whether the client wants to hear of it.
    pub fn want(&self, event: &Event) -> bool {
        !self.suppress.contains(&event.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Progress, Status};

    #[test]
    fn what_is_suppressed_is_not_wanted() {
        let read = Event::Status(Status::new(Progress::Read));
        assert!(Tastes::default().want(&read));
        let tastes = Tastes { suppress: BTreeSet::from([EventKind::Read, EventKind::Reaction]) };
        assert!(!tastes.want(&read));
        assert!(tastes.want(&Event::Status(Status::new(Progress::Sent))));
    }

    #[test]
    fn kinds_are_configured_by_name() {
        for &kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
