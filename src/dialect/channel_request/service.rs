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
