//! The login. Vendor page: reference/build-your-api-call.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};

use super::fault;
use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::{Call, Serving};
use crate::model::{Fault, FaultKind, Login, Served, Service};

/// How long a key of a login is good for.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `{"username", "password"}`.
pub fn decode(call: &Call) -> Option<Result<Service, Fault>> {
    let is_login = call.method == Method::POST && call.path == "/kingslanding/login";
    is_login.then(|| login(call))
}

fn login(call: &Call) -> Result<Service, Fault> {
    let mut body = Members::of_body(call.body.clone())?;
    let user = body.text("username", ANY_LENGTH)?;
    let password = SecretString::from(body.text("password", ANY_LENGTH)?);
    Ok(Service::Login(Login { user, password, new_password: None, life: LIFE }))
}

/// The key stands in a header, ready to be sent back as it is, and the body is empty. A bad login is 403.
pub fn encode(serving: &Serving<'_>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    match serving.served {
        Served::LoggedIn { token, .. } => {
            let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
            response.headers_mut().extend(value.ok().map(|value| (header::AUTHORIZATION, value)));
        }
        Served::LoginRefused => {
            let fault = Fault::client(FaultKind::Unauthenticated, "the name or the password is wrong");
            response = fault::encode(&fault, &serving.answer);
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        _ => {}
    }
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::{Value, json};
    use time::OffsetDateTime;

    use super::*;
    use crate::dialect::channel_request::ChannelRequest;
    use crate::dialect::{Answer, Dialect};
    use crate::model::{Manner, TransactionId};

    fn said(served: &Served) -> Response<Bytes> {
        let answer =
            Answer { transaction: TransactionId(uuid::Uuid::nil()), at: OffsetDateTime::UNIX_EPOCH, pace: None };
        ChannelRequest.encode_served(&Serving { answer, served, manner: &Manner::default(), sender: None })
    }

    fn asked(method: Method, path: &str, body: Value) -> Option<Result<Service, Fault>> {
        decode(&Call { method, path: path.to_owned(), headers: HeaderMap::new(), body })
    }

    #[test]
    fn name_and_password_stand_in_the_body() {
        let body = json!({"username": "ada", "password": "secret"});
        let Some(Ok(Service::Login(login))) = asked(Method::POST, "/kingslanding/login", body) else { panic!() };
        assert_eq!((login.user.as_str(), login.password.expose_secret()), ("ada", "secret"));
        assert_eq!(login.life, Duration::from_secs(86_400));
        let missing = asked(Method::POST, "/kingslanding/login", json!({"username": "ada"})).unwrap().unwrap_err();
        assert_eq!(missing.member.as_deref(), Some("password"));
        assert!(asked(Method::POST, "/notification", json!({})).is_none());
    }

    #[test]
    fn the_key_stands_in_a_header_beside_an_empty_body() {
        let expires_at = OffsetDateTime::UNIX_EPOCH;
        let response = said(&Served::LoggedIn { token: SecretString::from("t"), expires_at });
        assert_eq!((response.status(), response.body().len()), (StatusCode::OK, 0));
        let headers = response.headers();
        assert_eq!(headers["authorization"], "Bearer t");
        assert_eq!(headers["ratelimit-limit"], "300");
        assert_eq!(headers["ratelimit-policy"], "300;w= 60");
        assert_eq!(headers["ratelimit-remaining"], "300");
        assert_eq!(headers["ratelimit-reset"], "1m0s");
    }

    #[test]
    fn a_refused_login_is_403() {
        let response = said(&Served::LoginRefused);
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["errors"]["reason"], "the name or the password is wrong");
    }
}
