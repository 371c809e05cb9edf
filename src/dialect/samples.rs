//! One message and one event of each kind and of each awkward trait, in the model's words: for the capability table, the
//! documents, the sandbox and the tests. Each dialect's `fixtures/send.NAME.json` and `event.NAME.json` say the same in
//! that dialect.

use crate::model::{Event, Request};

/// The number that samples are sent from. It is nobody's.
pub const SENDER: &str = "442079460000";

/// A named message or event.
pub struct Sample {
    /// Its name: `image_by_link`.
    pub name: &'static str,
    /// The message or event as JSON of the model.
    pub json: &'static str,
}

impl Sample {
    /// The message.
    ///
    /// # Errors
    /// Never for the samples compiled in; a test reads each.
    pub fn request(&self) -> Result<Request, serde_json::Error> {
        serde_json::from_str(self.json)
    }

    /// The event.
    ///
    /// # Errors
    /// Never for the samples of [`events`]; a test reads each.
    pub fn event(&self) -> Result<Event, serde_json::Error> {
        serde_json::from_str(self.json)
    }
}

macro_rules! samples {
    ($(#[$doc:meta])* $list:ident in $folder:literal: $($name:literal),+ $(,)?) => {
        $(#[$doc])*
        pub fn $list() -> &'static [Sample] {
            &[$(Sample { name: $name, json: include_str!(concat!($folder, $name, ".json")) }),+]
        }
    };
}

samples![
    /// Every sample of a message, in the order of the capability table.
    samples in "samples/":
    "text",
    "text_with_preview",
    "text_as_reply",
    "image_by_link",
    "image_by_id",
    "video_by_link",
    "video_by_id",
    "audio_by_link",
    "audio_by_id",
    "voice_note",
    "document_by_link",
    "document_by_id",
    "document_with_provider",
    "sticker_by_link",
    "sticker_by_id",
    "location",
    "contacts",
    "interactive_button",
    "interactive_button_media",
    "interactive_list",
    "interactive_cta_url",
    "interactive_product",
    "interactive_product_list",
    "interactive_flow",
    "interactive_unknown",
    "template",
    "template_rich",
    "template_namespaced",
    "reaction",
    "reaction_removed",
    "text_with_references",
    "template_with_ttl",
    "text_to_user_id",
    "text_to_group",
    "read_mark",
    "read_mark_typing",
    "sms_relay",
];

samples![
    /// Every sample of an event.
    events in "samples/events/":
    "status_accepted",
    "status_sending",
    "status_sent",
    "status_delivered",
    "status_read",
    "status_played",
    "status_failed",
    "status_failed_unreachable",
    "status_deleted",
    "status_warning",
    "status_of_user",
    "status_in_group",
    "inbound_text",
    "inbound_text_as_reply",
    "inbound_text_forwarded",
    "inbound_text_of_product",
    "inbound_text_from_advertisement",
    "inbound_text_with_identity",
    "inbound_text_of_user",
    "inbound_text_in_group",
    "inbound_image",
    "inbound_voice",
    "inbound_audio",
    "inbound_video",
    "inbound_document",
    "inbound_sticker",
    "inbound_location",
    "inbound_contacts",
    "inbound_button_reply",
    "inbound_list_reply",
    "inbound_flow_reply",
    "inbound_template_button",
    "inbound_template_button_bare",
    "inbound_order",
    "inbound_reaction",
    "inbound_reaction_removed",
    "inbound_system",
    "inbound_unsupported",
    "inbound_ephemeral",
    "inbound_unknown",
    "trouble",
    "unreadable",
];
