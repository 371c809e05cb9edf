//! The answer to a send. It holds no message id: the id of the call is all that a caller can quote.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::fault;
use crate::dialect::{Answer, Receipt, answer};
use crate::model::{Accepted, Fault, FaultKind};

/// `{"meta": {"timestamp", "transactionId", "explain"}}`
pub fn encode(receipt: &Receipt<'_>) -> Response<Bytes> {
    answer(StatusCode::OK, &json!({ "meta": meta(&receipt.answer) }))
}

/// What every answer begins with; the time is in milliseconds.
pub fn meta(answer: &Answer) -> Value {
    let milliseconds = answer.at.unix_timestamp() * 1000 + i64::from(answer.at.millisecond());
    json!({
        "timestamp": milliseconds,
        "transactionId": answer.transaction.to_string(),
        "explain": "Send Notification",
    })
}

/// Reads `meta.transactionId`. `errors` count even under 200, and a 2xx that cannot be read means that the message
/// was taken and its id is lost.
pub fn decode(response: &Response<Bytes>) -> Result<Accepted, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if !response.status().is_success() || says_something(body.get("errors")) {
        return Err(fault::decode(response, &body));
    }
    match body.pointer("/meta/transactionId").and_then(Value::as_str) {
        Some(id) if !id.is_empty() => Ok(Accepted { message_id: Some(id.to_owned()), ..Accepted::default() }),
        _ => Err(Fault::upstream(FaultKind::UpstreamUnreadable, "the answer holds no meta.transactionId")),
    }
}

fn says_something(errors: Option<&Value>) -> bool {
    match errors {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(errors)) => !errors.is_empty(),
        Some(Value::Object(errors)) => !errors.is_empty(),
        Some(_) => true,
    }
}
