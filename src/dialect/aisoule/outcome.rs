//! The answer to a send. Vendor page: messaging/send-text.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use super::{Aisoule, fault};
use crate::dialect::shapes::Object;
use crate::dialect::{Receipt, answer};
use crate::model::{Accepted, Fault, FaultKind};

/// Reads an answer of either surface: the message's id stands at `pointer`. A refusal counts even under 200, and a 2xx
/// that cannot be read means that the message was taken and its id is lost.
///
/// # Errors
/// What the upstream refused, or that its answer holds no id.
pub fn decode(response: &Response<Bytes>, pointer: &str) -> Result<Accepted, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if !response.status().is_success() || refuses(&body) {
        return Err(fault::decode(response, &body));
    }
    let message_id = body.pointer(pointer).and_then(Value::as_str).filter(|id| !id.is_empty());
    let Some(message_id) = message_id else {
        let detail = format!("the answer holds no {}", pointer.trim_start_matches('/').replace('/', "."));
        return Err(Fault::upstream(FaultKind::UpstreamUnreadable, detail));
    };
    Ok(Accepted { message_id: Some(message_id.to_owned()), ..Accepted::default() })
}

fn refuses(body: &Value) -> bool {
    let says = |name: &str, value: Value| body.get(name) == Some(&value);
    says("success", false.into()) || says("status", "error".into()) || body.get("error").is_some_and(Value::is_object)
}

/// `{"success", "message_id", "status", "recipient"}`. The status is a constant at acceptance: what becomes of the
/// message is told by webhooks.
pub fn encode(receipt: &Receipt<'_>) -> Response<Bytes> {
    let mut body = Object::new();
    body.put("success", true);
    body.put("message_id", receipt.message_id(&Aisoule));
    body.put("status", "queued");
    if let Some(recipient) = receipt.request.recipient() {
        body.put("recipient", recipient.address.as_str());
    }
    answer(StatusCode::OK, &Value::from(body))
}
