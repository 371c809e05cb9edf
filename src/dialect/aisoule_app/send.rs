//! The send request of surface B. Vendor page: help/integrations/sending-messages-api.

use bytes::Bytes;

use crate::dialect::aisoule::content::{self, Surface};
use crate::dialect::{Call, Decoded, Translation};
use crate::model::{Fault, PhoneNumber, Request};

const SURFACE: Surface =
    Surface { path: "/messages/send", links: ["url", "link"], write_number: PhoneNumber::e164, plain: true };

pub fn decode(call: Call) -> Result<Decoded<Request>, Fault> {
    content::decode(call.body, &SURFACE)
}

pub fn encode(send: &Request, translation: &mut Translation<'_>) -> Result<http::Request<Bytes>, Fault> {
    content::encode(send, &SURFACE, translation)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dialect::Losses;
    use crate::dialect::aisoule::Aisoule;
    use crate::dialect::aisoule_app::AisouleApp;

    /// What is sent for a body, and the members that are noted as left out.
    fn forwarded(body: Value) -> (Value, Vec<String>) {
        let decoded = content::decode(body, &SURFACE).unwrap();
        let mut translation = Translation::new(&Aisoule, &AisouleApp, Losses::Warn);
        let sent = encode(&decoded.value, &mut translation).unwrap();
        let members = translation.into_warnings().into_iter().map(|warning| warning.member).collect();
        (serde_json::from_slice(sent.body()).unwrap(), members)
    }

    #[test]
    fn unknown_members_without_a_place_are_noted_though_the_family_is_one() {
        let text = json!({ "body": "Hi", "tone": "warm" });
        let (sent, noted) = forwarded(json!({ "to": "447700900123", "type": "text", "text": text, "tag": 7 }));
        assert_eq!(sent, json!({ "to": "+447700900123", "type": "text", "text": "Hi", "tag": 7 }));
        assert_eq!(noted, ["text.tone"]);
    }

    #[test]
    fn unknown_members_beside_the_message_replied_to_are_noted_with_it() {
        let context = json!({ "message_id": "wamid.HBgM", "from": "447700900124" });
        let body = json!({ "to": "447700900123", "type": "text", "text": "Hi", "context": context });
        let (sent, noted) = forwarded(body);
        assert_eq!(sent, json!({ "to": "+447700900123", "type": "text", "text": "Hi" }));
        assert_eq!(noted, ["context.message_id", "context.from"]);
    }
}
