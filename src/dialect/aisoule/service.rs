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

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;
    use crate::dialect::aisoule::Aisoule;
    use crate::dialect::{Answer, Dialect};
    use crate::model::{Manner, TransactionId};

    fn said(served: &Served) -> (Response<Bytes>, Value) {
        let at = OffsetDateTime::from_unix_timestamp(1_790_000_123).unwrap();
        let answer = Answer { transaction: TransactionId(uuid::Uuid::nil()), at, pace: None };
        let (manner, sender) = (Manner::default(), Some("442079460000"));
        let response = Aisoule.encode_served(&Serving { answer, served, manner: &manner, sender });
        let body = serde_json::from_slice(response.body()).unwrap();
        (response, body)
    }

    fn asked(method: Method, path: &str) -> Option<Result<Service, Fault>> {
        Aisoule.decode_service(&Call { method, path: path.to_owned(), headers: HeaderMap::new(), body: Value::Null })
    }

    #[test]
    fn the_probe_and_the_profile_are_read() {
        assert!(matches!(asked(Method::GET, "/v1/status"), Some(Ok(Service::Health))));
        assert!(matches!(asked(Method::GET, "/v1/profile"), Some(Ok(Service::Profile))));
        assert!(asked(Method::POST, "/v1/status").is_none() && asked(Method::GET, "/v1/contacts").is_none());
    }

    #[test]
    fn every_answer_says_how_fast_a_client_may_go() {
        let (response, body) = said(&Served::Health { ready: true });
        assert_eq!(body, json!({ "success": true, "status": "connected" }));
        let headers = response.headers();
        assert_eq!(headers["x-ratelimit-limit"], "120");
        assert_eq!(headers["x-ratelimit-remaining"], "120");
        assert_eq!(headers["x-ratelimit-reset"], "1790000183");
        let (_, body) = said(&Served::Profile("shop".to_owned()));
        assert_eq!(body, json!({ "success": true, "name": "shop", "phone_number": "442079460000" }));
    }
}
