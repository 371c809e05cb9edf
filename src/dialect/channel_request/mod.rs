//! The `/notification` dialect: one endpoint in front of several channels, with the message inside `request`.
//!
//! - Send: `POST /notification`, on a newer page `POST /v3/messages` with the same body.
//! - Credential: `Authorization: Bearer`, as `POST /kingslanding/login` hands it out.
//! - Vendor pages: docs.messangi.com/docs (text-message, media-message, contacts-message, interactive-message,
//!   text-message-template) and docs.messangi.com/reference/sendnotification-4.
//!
//! Quirks: `message` is the text, or a file's address, or required and meaningless; the answer holds no message id,
//! only the id of the call; callbacks are addresses joined by commas; the layout of templates and places is not
//! published, so Meta's objects stand in, as the vendor's contacts and interactive pages use them verbatim.

mod callbacks;
mod event;
mod fault;
mod outcome;
mod pace;
mod promise;
mod send;
mod service;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::Response;

use super::{
    Answer, Call, Claim, CredentialForm, Decoded, Dialect, EventContext, MediaPromise, Receipt, Serving, Target,
    Telling, Translation, Webhook,
};
use crate::model::{Accepted, Event, Fault, MediaKind, Request, Service, TransactionId};

/// The dialect.
pub struct ChannelRequest;

impl Dialect for ChannelRequest {
    fn name(&self) -> &'static str {
        "channel-request"
    }

    fn send_path(&self) -> &'static str {
        "/notification"
    }

    fn serves(&self, path: &str) -> bool {
        let first = path.trim_start_matches('/').split('/').next();
        matches!(first, Some("notification" | "v3" | "kingslanding"))
    }

    fn claim(&self, _: &Call) -> Claim {
        Claim::Certain
    }

    fn decode_send(&self, call: Call) -> Result<Decoded<Request>, Fault> {
        send::decode(call)
    }

    /// Answers hold the id of the call alone, whatever the provider calls the message.
    fn message_id(&self, transaction: TransactionId, _: Option<&str>) -> String {
        transaction.to_string()
    }

    fn encode_receipt(&self, receipt: &Receipt<'_>) -> Response<Bytes> {
        pace::stamped(outcome::encode(receipt), receipt.answer.pace, None)
    }

    fn encode_fault(&self, fault: &Fault, answer: &Answer) -> Response<Bytes> {
        pace::stamped(fault::encode(fault, answer), answer.pace, Some(fault))
    }

    fn spell(&self, member: &str) -> String {
        let own = match member.split_once('.').unwrap_or((member, "")) {
            ("channel", "") => return member.to_owned(),
            ("to" | "recipient", "") => "to",
            ("context", "message_id") => "replyTo",
            ("text", "body") => "message",
            ("document", "filename") => "fileName",
            (kind, "link" | "id") if MediaKind::named(kind).is_some() => "message",
            (kind, "caption") if MediaKind::named(kind).is_some() => "caption",
            _ => member,
        };
        format!("request.{own}")
    }

    fn encode_send(
        &self,
        request: &Request,
        target: &Target<'_>,
        translation: &mut Translation<'_>,
    ) -> Result<http::Request<Bytes>, Fault> {
        send::encode(request, target, translation)
    }

    fn fill_callback(&self, request: &mut http::Request<Bytes>, shown: &str, called: &str) {
        callbacks::fill(request, shown, called);
    }

    fn answers_first(&self) -> bool {
        true
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
        pace::stamped(service::encode(serving), serving.answer.pace, None)
    }
}
