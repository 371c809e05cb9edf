//! AISoule as its developer pages describe it: surface A of two. Surface B is `aisoule_app`; what both share stands
//! here, in `content`, `table` and the decoders of `outcome` and `fault`.
//!
//! - Send: `POST /v1/messages`, every kind of message.
//! - Credential: `Authorization: Bearer`.
//! - Vendor pages: aisoule.com/docs (messaging/send-text, send-media, send-template, send-interactive;
//!   getting-started/authentication, rate-limits).
//!
//! Quirks: media by link alone, for there is no upload whose id one could give; no stickers, places, cards, reactions,
//! replies or read marks; the status of every accepted message is `queued`; only the body of the 429 is published, so
//! the other errors have its shape.

pub(super) mod content;
pub(super) mod event;
pub(super) mod fault;
pub(super) mod outcome;
pub(super) mod pace;
pub(super) mod promise;
mod send;
mod service;
pub(super) mod table;

use bytes::Bytes;
use http::Response;
use time::OffsetDateTime;

use super::{
    Answer, Call, Claim, CredentialForm, Decoded, Dialect, EventContext, MediaPromise, Receipt, Serving, Signing,
    Target, Telling, Translation, Webhook, signature,
};
use crate::model::{Accepted, Event, Fault, Request, Service, TransactionId};

/// The family of both surfaces.
pub(super) const FAMILY: &str = "aisoule";

/// The header that events are signed with, and what stands before the digits.
const SIGNATURE: (&str, &str) = ("x-aisoule-signature", "sha256=");
/// Messages in a minute.
const PACE: u64 = 300;
/// Other calls in a minute.
const CALL_PACE: u64 = 120;

/// The dialect.
pub struct Aisoule;

impl Dialect for Aisoule {
    fn name(&self) -> &'static str {
        "aisoule"
    }

    fn family(&self) -> &'static str {
        FAMILY
    }

    fn send_path(&self) -> &'static str {
        "/v1/messages"
    }

    fn serves(&self, path: &str) -> bool {
        path == "/v1" || path.starts_with("/v1/")
    }

    /// No member marks this dialect: it is spoken where no neighbour on the same paths knows better.
    fn claim(&self, _call: &Call) -> Claim {
        Claim::Possible
    }

    fn decode_send(&self, call: Call) -> Result<Decoded<Request>, Fault> {
        send::decode(call)
    }

    /// The gateway's own has the vendor's form: `msg_` and lower-case hex.
    fn message_id(&self, transaction: TransactionId, told: Option<&str>) -> String {
        told.map_or_else(|| format!("msg_{}", transaction.0.simple()), str::to_owned)
    }

    fn encode_receipt(&self, receipt: &Receipt<'_>) -> Response<Bytes> {
        pace::stamped(outcome::encode(receipt), PACE, &receipt.answer, None)
    }

    fn encode_fault(&self, fault: &Fault, answer: &Answer) -> Response<Bytes> {
        pace::stamped(fault::encode(fault), PACE, answer, Some(fault))
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
        outcome::decode(answer, "/message_id")
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
        event::encode(event, &event::DEVELOPER, context, telling)
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
        CredentialForm::Bearer
    }

    fn media_promise(&self) -> &'static MediaPromise {
        &promise::PROMISE
    }

    fn decode_service(&self, call: &Call) -> Option<Result<Service, Fault>> {
        service::decode(call)
    }

    fn encode_served(&self, serving: &Serving<'_>) -> Response<Bytes> {
        pace::stamped(service::encode(serving), CALL_PACE, &serving.answer, None)
    }
}
