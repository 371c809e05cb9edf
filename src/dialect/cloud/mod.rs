//! The WhatsApp Cloud API, as Meta's Graph host and 360dialog v2 speak it.
//!
//! - Send: `POST /{version}/{phone-number-id}/messages` at Meta, `POST /messages` at 360dialog; clients also call
//!   `/v1/messages` and leave out the version.
//! - Credential: `Authorization: Bearer` at Meta, `D360-API-KEY` at 360dialog.
//! - Vendor pages: developers.facebook.com/documentation/business-messaging/whatsapp (messages/send-messages,
//!   support/error-codes), docs.360dialog.com/docs/messaging-api/api-reference/messages.
//!
//! Quirks: success is 200, never 201; clients take any top-level `error` for a failure and read `messages[0].id`
//! without looking; a business-scoped user id in `to` is accepted by Meta and lost, so it is moved to `recipient`;
//! numbers without `+` may be completed with the business's own calling code, so `+` is always written.

mod event;
mod fault;
mod media;
mod outcome;
mod send;
#[cfg(test)]
mod tests;
mod upload;

use bytes::Bytes;
use http::Response;
use time::OffsetDateTime;
use url::Url;

use super::{
    Answer, Call, Claim, CredentialForm, Decoded, Described, Dialect, EventContext, FileAt, FileFacts, MediaAnswer,
    MediaCall, Receipt, Signing, Target, Telling, Translation, Upload, Webhook, signature,
};
use crate::model::{Accepted, Event, Fault, Request};

/// The dialect.
pub struct Cloud;

impl Dialect for Cloud {
    fn name(&self) -> &'static str {
        "cloud"
    }

    fn send_path(&self) -> &'static str {
        "/messages"
    }

    fn serves(&self, path: &str) -> bool {
        let mut segments = path.trim_matches('/').split('/');
        match segments.next().unwrap_or_default() {
            "messages" => segments.next().is_none(),
            "media" => true,
            "v1" => segments.next() == Some("messages") && segments.next().is_none(),
            first => send::is_version(first) || send::is_id(first),
        }
    }

    fn claim(&self, call: &Call) -> Claim {
        if call.body.get("messaging_product").is_some() || !call.path.starts_with("/v1/") {
            Claim::Certain
        } else {
            Claim::No
        }
    }

    fn decode_send(&self, call: Call) -> Result<Decoded<Request>, Fault> {
        send::decode(call)
    }

    fn encode_receipt(&self, receipt: &Receipt<'_>) -> Response<Bytes> {
        outcome::encode(receipt)
    }

    fn encode_fault(&self, fault: &Fault, answer: &Answer) -> Response<Bytes> {
        fault::encode(fault, answer)
    }

    fn encode_send(
        &self,
        request: &Request,
        target: &Target<'_>,
        translation: &mut Translation<'_>,
    ) -> Result<http::Request<Bytes>, Fault> {
        send::encode(request, target, translation)
    }

    fn decode_outcome(&self, answer: &Response<Bytes>) -> Result<Accepted, Fault> {
        outcome::decode(answer)
    }

    fn takes_uploads(&self) -> bool {
        true
    }

    fn encode_upload(&self, file: &FileFacts<'_>, target: &Target<'_>) -> Result<Upload, Fault> {
        upload::encode(file, target)
    }

    fn decode_uploaded(&self, answer: &Response<Bytes>) -> Result<String, Fault> {
        upload::decode(answer)
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

    fn answer_challenge(&self, webhook: &Webhook, token: &str) -> Option<Result<Response<Bytes>, Fault>> {
        event::answer_challenge(webhook, |said| signature::is_secret(said, token))
    }

    /// Meta signs. 360dialog sends the headers that it was given, and signs nothing.
    fn verify_webhook(&self, webhook: &Webhook, secret: &str, _now: OffsetDateTime) -> Result<(), Fault> {
        let (header, prefix) = event::SIGNATURE;
        let signed = signature::check_hex(webhook, header, prefix, secret);
        signed.unwrap_or_else(|| signature::check_secret(webhook, secret))
    }

    fn sign_callback(&self, callback: &mut http::Request<Bytes>, signing: &Signing<'_>) {
        let (header, prefix) = event::SIGNATURE;
        signature::sign_hex(callback, header, prefix, signing);
    }

    fn credential(&self) -> CredentialForm {
        CredentialForm::Bearer
    }

    fn decode_media_call(&self, call: &Call) -> Option<Result<MediaCall, Fault>> {
        media::decode(call)
    }

    fn encode_media_answer(&self, said: &MediaAnswer<'_>) -> Response<Bytes> {
        media::encode(said)
    }

    /// A file is fetched in two steps.
    fn file_call(&self, id: &str) -> Option<MediaCall> {
        Some(MediaCall::Describe(id.to_owned()))
    }

    fn encode_media_call(&self, call: &MediaCall, target: &Target<'_>) -> Result<http::Request<Bytes>, Fault> {
        media::encode_call(call, target)
    }

    fn decode_described(&self, answer: &Response<Bytes>) -> Result<Described, Fault> {
        media::decode_described(answer)
    }

    fn file_at(&self, address: Url, base: &Url) -> FileAt {
        media::file_at(address, base)
    }

    fn keeps_files_for(&self) -> Option<time::Duration> {
        Some(media::KEPT)
    }
}
