//! One message of each kind and of each awkward trait, in the model's words: for the capability table, the documents,
//! the sandbox and the tests. Each dialect's `fixtures/send.NAME.json` says the same in that dialect.

use crate::model::Request;

/// A named message.
pub struct Sample {
    /// Its name: `image_by_link`.
    pub name: &'static str,
    /// The message as JSON of the model.
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
}

macro_rules! samples {
    ($($name:literal),+ $(,)?) => {
        /// Every sample, in the order of the capability table.
        pub fn samples() -> &'static [Sample] {
            &[$(Sample { name: $name, json: include_str!(concat!("samples/", $name, ".json")) }),+]
        }
    };
}

samples![
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
