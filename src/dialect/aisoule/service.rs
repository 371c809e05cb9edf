//! The probe and the profile. Vendor pages: getting-started/introduction, getting-started/authentication. Their answers
//! are not published: the members below are ours, in the shape of the other answers.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::Value;

use crate::dialect::shapes::Object;
use crate::dialect::{Call, Serving, answer};
use crate::model::{Fault, Served, Service};

/// `GET /v1/status` and `GET /v1/profile`.
pub fn decode(call: &Call) -> Option<Result<Service, Fault>> {
    match call.path.as_str() {
        _ if call.method != Method::GET && call.method != Method::HEAD => None,
        "/v1/status" => Some(Ok(Service::Health)),
        "/v1/profile" => Some(Ok(Service::Profile)),
        _ => None,
    }
}

/// `{"success", …}`
pub fn encode(serving: &Serving<'_>) -> Response<Bytes> {
    let mut body = Object::new();
    body.put("success", true);
    match serving.served {
        Served::Health { ready } => body.put("status", if *ready { "connected" } else { "connecting" }),
        Served::Profile(account) => {
            body.put("name", account.as_str());
            body.put_some("phone_number", &serving.sender);
        }
        _ => {}
    }
    answer(StatusCode::OK, &Value::from(body))
}
