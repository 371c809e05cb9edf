//! The WhatsApp Business On-Premises API: Meta's self-hosted client (2018 to October 2025) and those who still speak
//! its language, SandeshLive, 360dialog v1 and Turn among them.
//!
//! - Send: `POST /v1/messages`; read mark: `PUT /v1/messages/{id}` with `{"status": "read"}`.
//! - Credential: `Authorization: Bearer` with a token of `/v1/users/login`; `D360-API-KEY` at 360dialog.
//! - Vendor pages (archived): developers.facebook.com/docs/whatsapp/on-premises (reference/messages, errors),
//!   docs.360dialog.com (On-Premise integration, Error messages), whatsapp.turn.io/docs/api.
//!
//! Quirks: success is 201, never 200; the sender is the host and stands nowhere in a message; numbers are digits
//! without `+`; several clients take any body with `errors` for a failure, whatever its status, and one of them
//! parses every body, so that each answer is a JSON object; code 1006 sends three clients to the contact check and
//! back, so that a refused recipient is always 1013.

mod event;
mod fault;
mod media;
mod outcome;
mod promise;
mod providers;
mod send;
mod service;
mod settings;
mod template;
#[cfg(test)]
mod tests;
mod upload;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    Answer, Call, Claim, CredentialForm, Decoded, Dialect, EventContext, FileFacts, MediaAnswer, MediaCall,
    MediaPromise, Receipt, Serving, Signing, Target, Telling, Translation, Upload, Webhook, signature,
};
use crate::model::{Accepted, Event, Fault, Manner, MediaKind, Request, Service};

/// The version that is gone for, without the `v` that some clients put in front.
const VERSION: &str = "2.53.1";
/// What the vendor's server asks for where a login fails, and repeats where it does not.
const BASIC: &str = "Basic realm=\"Secured\"";

/// The header that Turn signs with.
const TURN_SIGNATURE: &str = "x-turn-hook-signature";
/// The header in which it says what a webhook is about.
const TURN_SUBSCRIPTION: &str = "x-turn-hook-subscription";

/// The dialect.
pub struct OnPremises;

impl Dialect for OnPremises {
    fn name(&self) -> &'static str {
        "on-premises"
    }

    fn send_path(&self) -> &'static str {
        "/v1/messages"
    }

    fn serves(&self, path: &str) -> bool {
        path.starts_with("/v1/")
    }

    fn claim(&self, call: &Call) -> Claim {
        // AISoule and the Cloud API only ever post to the path that they share with this dialect.
        if call.method == Method::PUT || service::is_own(&call.path) {
            return Claim::Certain;
        }
        let by_header = CredentialForm::D360ApiKey.read(&call.headers).is_some();
        let for_cloud = call.body.get("messaging_product").is_some();
        if (by_header && !for_cloud) || is_telling(&call.body) { Claim::Likely } else { Claim::Possible }
    }

    fn complete(&self, body: &mut Value, manner: &Manner) {
        if let Some(language) = &manner.hsm_language {
            template::complete(body, language);
        }
    }

    fn decode_send(&self, call: Call) -> Result<Decoded<Request>, Fault> {
        send::decode(call)
    }

    fn encode_receipt(&self, receipt: &Receipt<'_>) -> Response<Bytes> {
        outcome::encode(receipt)
    }

    fn encode_fault(&self, fault: &Fault, _: &Answer) -> Response<Bytes> {
        fault::encode(fault)
    }

    fn spell(&self, member: &str) -> String {
        match member {
            "text.preview_url" => "preview_url".to_owned(),
            other => other.to_owned(),
        }
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

    fn keeps_providers(&self) -> bool {
        true
    }

    fn encode_upload(&self, file: &FileFacts<'_>, _: &Target<'_>) -> Result<Upload, Fault> {
        upload::encode(file)
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

    /// The vendor's container signed nothing; Turn does, and 360dialog sends the headers that it was given.
    fn verify_webhook(&self, webhook: &Webhook, secret: &str, now: OffsetDateTime) -> Result<(), Fault> {
        let signed = signature::check_base64(webhook, TURN_SIGNATURE, secret);
        let signed = signed.or_else(|| signature::check_standard(webhook, secret, now));
        signed.unwrap_or_else(|| signature::check_secret(webhook, secret))
    }

    /// Turn's clients look for its header and for the subscription that it names; all others can check the standard ones.
    fn sign_callback(&self, callback: &mut http::Request<Bytes>, signing: &Signing<'_>) {
        signature::sign_standard(callback, signing);
        signature::sign_base64(callback, TURN_SIGNATURE, signing);
        let whatsapp = HeaderValue::from_static("whatsapp");
        callback.headers_mut().insert(HeaderName::from_static(TURN_SUBSCRIPTION), whatsapp);
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
        service::encode(serving)
    }

    fn decode_media_call(&self, call: &Call) -> Option<Result<MediaCall, Fault>> {
        media::decode(call)
    }

    fn encode_media_answer(&self, said: &MediaAnswer<'_>) -> Response<Bytes> {
        media::encode(said)
    }

    fn file_call(&self, id: &str) -> Option<MediaCall> {
        Some(MediaCall::Download(id.to_owned()))
    }

    fn encode_media_call(&self, call: &MediaCall, _: &Target<'_>) -> Result<http::Request<Bytes>, Fault> {
        media::encode_call(call)
    }

    fn keeps_files_for(&self) -> Option<time::Duration> {
        Some(media::KEPT)
    }
}

/// Whether a body holds something that AISoule, which shares the path and most of the members, does not have.
fn is_telling(body: &Value) -> bool {
    let at = |pointer: &str| body.pointer(pointer).filter(|value| !value.is_null());
    let text = |pointer: &str| at(pointer).and_then(Value::as_str).unwrap_or_default();
    let of_media = |kind: MediaKind| {
        let has = |member: &str| at(&format!("/{}/{member}", kind.as_str())).is_some();
        has("id") || has("provider") || send::begins_with_provider(text(&format!("/{}/link", kind.as_str())))
    };
    ["/recipient_type", "/hsm", "/ttl", "/preview_url", "/template/namespace"].iter().any(|member| at(member).is_some())
        || MediaKind::ALL.into_iter().any(of_media)
        || matches!(text("/type"), "location" | "contacts" | "contact" | "sticker" | "reaction" | "hsm")
        || matches!(text("/interactive/type"), "product" | "product_list")
        || at("/type").is_none() && at("/text").is_some_and(Value::is_object)
}

/// What stands in every answer. RapidPro and courier read the version: from 2.35.2 on they send interactive messages,
/// from 2.45 on they leave out the contact check and read the later form of statuses.
fn meta() -> Value {
    meta_of(None)
}

/// The same with the version that an account wants to read: RapidPro puts a `v` in front of what it finds.
fn meta_of(version: Option<&str>) -> Value {
    json!({ "api_status": "stable", "version": version.unwrap_or(VERSION) })
}
