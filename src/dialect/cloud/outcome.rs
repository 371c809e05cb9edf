//! The answer to a send.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::fault;
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
    message.put("id", receipt.message_id());
    message.put_some("message_status", &receipt.accepted.message_status);
    let body = json!({
        "messaging_product": "whatsapp",
        "contacts": [contact(receipt)],
        "messages": [Value::from(message)],
    });
    answer(StatusCode::OK, &body)
}

fn contact(receipt: &Receipt<'_>) -> Map<String, Value> {
    let mut contact = Object::new();
    if let Some(recipient) = receipt.request.recipient() {
        contact.put("input", recipient.input.as_str());
        match &recipient.address {
            RecipientAddress::User(user) => contact.put("user_id", user.as_str()),
            RecipientAddress::Phone(_) | RecipientAddress::Group(_) => {}
        }
        if let Some(wa_id) = receipt.wa_id().filter(|_| !matches!(recipient.address, RecipientAddress::User(_))) {
            contact.put("wa_id", wa_id);
        }
    }
    contact.0
}

/// Reads `messages[0].id` and `contacts[0]`. An `error` counts even under 200, and a 2xx that cannot be read means
/// that the message was taken and its id is lost.
pub fn decode(response: &Response<Bytes>) -> Result<Accepted, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if !response.status().is_success() || truthy(body.get("error")) {
        return Err(fault::decode(response, &body));
    }
    if body.get("success") == Some(&Value::Bool(true)) {
        return Ok(Accepted::default());
    }
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let Some(message_id) = text("/messages/0/id") else {
        return Err(Fault::upstream(FaultKind::UpstreamUnreadable, "the answer holds no messages[0].id"));
    };
    Ok(Accepted {
        message_id: Some(message_id),
        wa_id: text("/contacts/0/wa_id"),
        user_id: text("/contacts/0/user_id"),
        message_status: text("/messages/0/message_status"),
    })
}

fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
}
