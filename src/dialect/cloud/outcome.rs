//! The answer to a send.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{Cloud, fault};
use crate::dialect::shapes::Object;
use crate::dialect::{Receipt, answer};
use crate::model::{Accepted, Fault, FaultKind, RecipientAddress, Request};

/// `{"messaging_product", "contacts": [{"input", "wa_id"}], "messages": [{"id"}]}`, or `{"success": true}` for a
/// read mark.
pub fn encode(receipt: &Receipt<'_>) -> Response<Bytes> {
    if matches!(receipt.request, Request::Read(_)) {
        return answer(StatusCode::OK, &json!({ "success": true }));
    }
    let mut message = Object::new();
    message.put("id", receipt.message_id(&Cloud));
    message.put_some("message_status", &receipt.accepted.message_status);
    if let Some(RecipientAddress::Group(group)) = receipt.request.recipient().map(|recipient| &recipient.address) {
        message.put("group_id", group.as_str());
    }
    let body = json!({
        "messaging_product": "whatsapp",
        "contacts": [contact(receipt)],
        "messages": [Value::from(message)],
    });
    answer(StatusCode::OK, &body)
}

fn contact(receipt: &Receipt<'_>) -> Map<String, Value> {
    let mut contact = Object::new();
    let Some(recipient) = receipt.request.recipient() else { return contact.0 };
    let (wa_id, user_id) = match &recipient.address {
        RecipientAddress::User(user) => (None, Some(user.as_str())),
        address => (Some(address.as_str()), None),
    };
    contact.put("input", recipient.input.as_str());
    contact.put_some("wa_id", &receipt.accepted.wa_id.as_deref().or(wa_id));
    contact.put_some("user_id", &receipt.accepted.user_id.as_deref().or(user_id));
    contact.0
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
