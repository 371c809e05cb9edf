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

    #[test]
    fn unknown_members_without_a_place_are_noted_though_the_family_is_one() {
        let body = json!({ "to": "447700900123", "type": "text", "text": { "body": "Hi", "tone": "warm" }, "tag": 7 });
        let decoded = content::decode(body, &SURFACE).unwrap();
        let mut translation = Translation::new(&Aisoule, &AisouleApp, Losses::Refuse);
        let sent = encode(&decoded.value, &mut translation).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        assert_eq!(sent, json!({ "to": "+447700900123", "type": "text", "text": "Hi", "tag": 7 }));
        let members: Vec<_> = translation.into_warnings().into_iter().map(|warning| warning.member).collect();
        assert_eq!(members, ["text.tone"]);
    }
}
