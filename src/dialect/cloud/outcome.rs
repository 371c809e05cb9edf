//! The answer to a send.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Cloud, fault};
use crate::dialect::{Receipt, answer};
use crate::model::{Accepted, Fault, FaultKind, RecipientAddress, Request};

/// The answer to a message.
#[derive(Serialize)]
struct Taken<'a> {
    messaging_product: &'static str,
    contacts: [Contact<'a>; 1],
    messages: [Message<'a>; 1],
}

#[derive(Default, Serialize)]
struct Contact<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wa_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Message<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'a str>,
}

/// [`Taken`], or `{"success": true}` for a read mark.
pub fn encode(receipt: &Receipt<'_>) -> Response<Bytes> {
    if matches!(receipt.request, Request::Read(_)) {
        return answer(StatusCode::OK, &json!({ "success": true }));
    }
    let group_id = match receipt.request.recipient().map(|recipient| &recipient.address) {
        Some(RecipientAddress::Group(group)) => Some(group.as_str()),
        _ => None,
    };
    let message_status = receipt.accepted.message_status.as_deref();
    let message = Message { id: receipt.message_id(&Cloud), message_status, group_id };
    let taken = Taken { messaging_product: "whatsapp", contacts: [contact(receipt)], messages: [message] };
    answer(StatusCode::OK, &taken)
}

fn contact<'a>(receipt: &Receipt<'a>) -> Contact<'a> {
    let Some(recipient) = receipt.request.recipient() else { return Contact::default() };
    let (wa_id, user_id) = match &recipient.address {
        RecipientAddress::User(user) => (None, Some(user.as_str())),
        address => (Some(address.as_str()), None),
    };
    Contact {
        input: Some(&recipient.input),
        wa_id: receipt.accepted.wa_id.as_deref().or(wa_id),
        user_id: receipt.accepted.user_id.as_deref().or(user_id),
    }
}

/// Reads `messages[0].id` and `contacts[0]`. An `error` that says something counts even under 200, and a 2xx that
/// cannot be read means that the message was taken and its id is lost.
pub fn decode(response: &Response<Bytes>) -> Result<Accepted, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if is_failure(response, &body) {
        return Err(fault::decode(response, &body));
    }
    if body.get("success") == Some(&Value::Bool(true)) {
        return Ok(Accepted::default());
    }
    let text = |list: &str, name: &str| body.get(list)?.get(0)?.get(name)?.as_str().map(str::to_owned);
    let Some(message_id) = text("messages", "id") else {
        return Err(Fault::upstream(FaultKind::UpstreamUnreadable, "the answer holds no messages[0].id"));
    };
    Ok(Accepted {
        message_id: Some(message_id),
        wa_id: text("contacts", "wa_id"),
        user_id: text("contacts", "user_id"),
        message_status: text("messages", "message_status"),
    })
}

/// Whether an answer is a refusal, whatever was asked.
pub fn is_failure(response: &Response<Bytes>, body: &Value) -> bool {
    !response.status().is_success() || says_something(body.get("error"))
}

fn says_something(error: Option<&Value>) -> bool {
    match error {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(entries)) => !entries.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(_) => true,
    }
}
