//! The answer to a send.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::{OnPremises, fault, meta};
use crate::dialect::{Receipt, answer};
use crate::model::{Accepted, Fault, FaultKind, RecipientAddress, Request};

/// The answer to a message.
#[derive(Serialize)]
struct Taken<'a> {
    contacts: [Contact<'a>; 1],
    messages: [Message; 1],
    meta: Value,
}

#[derive(Default, Serialize)]
struct Contact<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wa_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Message {
    id: String,
}

/// [`Taken`] under 201, or `{"meta"}` under 200 for a read mark.
pub fn encode(receipt: &Receipt<'_>) -> Response<Bytes> {
    if matches!(receipt.request, Request::Read(_)) {
        return answer(StatusCode::OK, &json!({ "meta": meta() }));
    }
    let message = Message { id: receipt.message_id(&OnPremises) };
    let taken = Taken { contacts: [contact(receipt)], messages: [message], meta: meta() };
    answer(StatusCode::CREATED, &taken)
}

/// A business-scoped user id is no `wa_id`: courier would store it as the recipient's number.
fn contact<'a>(receipt: &Receipt<'a>) -> Contact<'a> {
    let Some(recipient) = receipt.request.recipient() else { return Contact::default() };
    let wa_id = match &recipient.address {
        RecipientAddress::User(_) => receipt.accepted.wa_id.as_deref(),
        RecipientAddress::Phone(_) | RecipientAddress::Group(_) => receipt.wa_id(),
    };
    Contact { input: Some(&recipient.input), wa_id }
}

/// Reads `messages[0].id` and `contacts[0]`. `errors` count even under 200, as very old builds answered. A body of
/// `meta` alone is the answer to a read mark; any other 2xx that cannot be read means that the message was taken and
/// its id is lost.
pub fn decode(response: &Response<Bytes>) -> Result<Accepted, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if !response.status().is_success() || is_failure(&body) {
        return Err(fault::decode(response, &body));
    }
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    match text("/messages/0/id").filter(|id| !id.is_empty()) {
        Some(id) => Ok(Accepted { message_id: Some(id), wa_id: text("/contacts/0/wa_id"), ..Accepted::default() }),
        None if response.status() == StatusCode::OK && is_meta_alone(&body) => Ok(Accepted::default()),
        None => Err(Fault::upstream(FaultKind::UpstreamUnreadable, "the answer holds no messages[0].id")),
    }
}

/// Whether a body is a refusal, whatever was asked and whatever its status.
pub fn is_failure(body: &Value) -> bool {
    let errors = body.get("errors").and_then(Value::as_array);
    errors.is_some_and(|errors| !errors.is_empty()) || body.pointer("/meta/success") == Some(&Value::Bool(false))
}

fn is_meta_alone(body: &Value) -> bool {
    body.as_object().is_some_and(|members| members.len() == 1) && body.get("meta").is_some_and(Value::is_object)
}
