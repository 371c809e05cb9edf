//! AISoule as its help centre describes it: surface B of two. Surface A is `aisoule`, which holds what both share.
//!
//! - Send: `POST /messages/send` below `https://app.aisoule.com/api`; clients also call the host of the gateway with
//!   `/api/messages/send`.
//! - Credential: `X-API-Key`.
//! - Vendor pages: aisoule.com/help/integrations (sending-messages-api, error-codes, api-rate-limits).
//!
//! Quirks: a text and a template's language are plain texts; a file's address is `url`, but `link` inside templates and
//! headers; numbers carry `+`; errors are known by their words alone; ids are the upstream's (`wamid.…`), and as long
//! as there is none the transaction's, so that nobody takes it for Meta's.

mod event;
mod fault;
mod outcome;
mod send;

use bytes::Bytes;
use http::Response;
use time::OffsetDateTime;

use super::{
    Answer, Call, Claim, CredentialForm, Decoded, Dialect, EventContext, MediaPromise, Receipt, Signing, Target,
    Telling, Translation, Webhook, aisoule, signature,
};
use crate::model::{Accepted, Event, Fault, MediaKind, Request};

/// The header that events are signed with, and what stands before the digits.
const SIGNATURE: (&str, &str) = ("x-webhook-signature", "");
/// Messages in a minute.
const PACE: u64 = 100;

/// The dialect.
pub struct AisouleApp;

impl Dialect for AisouleApp {
    fn name(&self) -> &'static str {
        "aisoule-app"
    }

    fn family(&self) -> &'static str {
        aisoule::FAMILY
    }

    fn send_path(&self) -> &'static str {
        "/api/messages/send"
    }

    fn serves(&self, path: &str) -> bool {
        path == "/messages/send" || path == "/api" || path.starts_with("/api/")
    }

    fn claim(&self, _call: &Call) -> Claim {
        Claim::Certain
    }

    fn decode_send(&self, call: Call) -> Result<Decoded<Request>, Fault> {
        send::decode(call)
    }

    fn encode_receipt(&self, receipt: &Receipt<'_>) -> Response<Bytes> {
        aisoule::pace::stamped(outcome::encode(receipt), PACE, &receipt.answer, None)
    }

    fn encode_fault(&self, fault: &Fault, answer: &Answer) -> Response<Bytes> {
        aisoule::pace::stamped(fault::encode(fault), PACE, answer, Some(fault))
    }

    fn spell(&self, member: &str) -> String {
        let spelled = match member {
            "text.body" => "text",
            "template.language.code" => "template.language",
            other => match other.strip_suffix(".link") {
                Some(kind) if MediaKind::named(kind).is_some() => return format!("{kind}.url"),
                _ => other,
            },
        };
        spelled.to_owned()
    }

    fn encode_send(
        &self,
        request: &Request,
        _target: &Target<'_>,
        translation: &mut Translation<'_>,
    ) -> Result<http::Request<Bytes>, Fault> {
        send::encode(request, translation)
    }

    fn decode_outcome(&self, answer: &Response<Bytes>) -> Result<Accepted, Fault> {
        outcome::decode(answer)
    }

    fn decode_webhook(&self, webhook: &Webhook) -> Result<Vec<Decoded<Event>>, Fault> {
        event::decode(webhook)
    }

    fn encode_event(
        &self,
        event: &Event,
        context: &EventContext<'_>,
        telling: &mut Telling<'_>,
    ) -> Vec<http::Request<Bytes>> {
        event::encode(event, context, telling)
    }

    fn verify_webhook(&self, webhook: &Webhook, secret: &str, _now: OffsetDateTime) -> Result<(), Fault> {
        let (header, prefix) = SIGNATURE;
        let signed = signature::check_hex(webhook, header, prefix, secret);
        signed.unwrap_or_else(|| signature::check_secret(webhook, secret))
    }

    fn sign_callback(&self, callback: &mut http::Request<Bytes>, signing: &Signing<'_>) {
        let (header, prefix) = SIGNATURE;
        signature::sign_hex(callback, header, prefix, signing);
    }

    fn credential(&self) -> CredentialForm {
        CredentialForm::XApiKey
    }

    fn media_promise(&self) -> &'static MediaPromise {
        &aisoule::promise::PROMISE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_spelt_as_the_clients_of_this_surface_write_them() {
        for (cloud, ours) in [
            ("text.body", "text"),
            ("image.link", "image.url"),
            ("template.language.code", "template.language"),
            ("interactive.header.image.link", "interactive.header.image.link"),
            ("context.message_id", "context.message_id"),
        ] {
            assert_eq!(AisouleApp.spell(cloud), ours);
        }
    }
}
