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
pub(super) mod fault;
pub(super) mod outcome;
pub(super) mod pace;
pub(super) mod promise;
mod send;
mod service;
pub(super) mod table;

use bytes::Bytes;
use http::Response;

use super::{
    Answer, Call, Claim, CredentialForm, Decoded, Dialect, MediaPromise, Receipt, Serving, Target, Translation,
};
use crate::model::{Accepted, Fault, Request, Service};

/// The family of both surfaces.
pub(super) const FAMILY: &str = "aisoule";

/// Messages in a minute.
const PACE: u64 = 300;

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
        pace::stamped(service::encode(serving), PACE, &serving.answer, None)
    }
}
