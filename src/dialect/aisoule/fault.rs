//! Faults ↔ errors of surface A; the decoder reads those of surface B too. Vendor pages:
//! getting-started/rate-limits, getting-started/authentication, help/integrations/error-codes.
//!
//! A code decides before words, and words before the status.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::{Value, json};

use super::{FAMILY, table};
use crate::dialect::shapes::Object;
use crate::dialect::{answer, retry_after};
use crate::model::{Fault, FaultKind, Origin, UpstreamError, Verdict};

/// The value of `error.code`: the vendor's, where it has one, else our stable code.
pub fn code(kind: FaultKind) -> &'static str {
    use FaultKind::*;
    match kind {
        MalformedBody | MissingMember | InvalidMember | TooLong => "invalid_request",
        Unauthenticated | UpstreamCredential => "unauthorized",
        Forbidden | UpstreamPermission => "forbidden",
        RateLimited => "rate_limit_exceeded",
        MediaTypeRefused => "media_type_not_allowed",
        UpstreamUnreachable | UpstreamUnavailable | Overloaded | StoreUnavailable => "service_unavailable",
        UpstreamTimeout | UpstreamReset | UpstreamFailed | UpstreamUnreadable | Internal => "internal_error",
        other => other.code(),
    }
}

/// The kind that a code stands for: a name, or a number of Meta's; none where it says nothing.
pub fn kind_of_code(code: &str) -> Option<FaultKind> {
    use FaultKind::*;
    Some(match code {
        "invalid_request" => InvalidMember,
        "unauthorized" => UpstreamCredential,
        "rate_limit_exceeded" => RateLimited,
        "media_type_not_allowed" => MediaTypeRefused,
        "service_unavailable" => UpstreamUnavailable,
        "internal_error" => UpstreamFailed,
        other => match other.parse() {
            Ok(number) => table::kind_of_number(number)?,
            Err(_) => table::told(FaultKind::from_code(other)?),
        },
    })
}

/// What an upstream said: inside `error` on surface A, at the top on surface B.
struct Said<'a> {
    code: Option<String>,
    message: &'a str,
    retry_after: Option<Duration>,
}

fn said(body: &Value) -> Said<'_> {
    let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
    let code = match error.get("code") {
        Some(Value::String(code)) => Some(code.clone()),
        Some(Value::Number(code)) => Some(code.to_string()),
        _ => None,
    };
    let message = error.get("message").or_else(|| body.get("error")).and_then(Value::as_str).unwrap_or_default();
    let retry_after = error.get("retry_after_seconds").and_then(Value::as_u64).map(Duration::from_secs);
    Said { code, message, retry_after }
}

/// Reads an error answer of either surface.
pub fn decode(response: &Response<Bytes>, body: &Value) -> Fault {
    let status = response.status();
    let said = said(body);
    let (spoken, detail) = table::read(said.message);
    // "Service unavailable" under a 5xx may be a proxy's word and leaves open whether the message went out.
    let spoken = spoken.filter(|kind| !status.is_server_error() || kind.verdict() != Verdict::Transient);
    let typed = said.code.as_deref().and_then(kind_of_code);
    let kind = typed.or(spoken).unwrap_or_else(|| kind_of_status(status));
    let detail = match detail {
        "" => format!("the upstream answered {status} without saying why"),
        detail => detail.to_owned(),
    };
    let wait = said.retry_after.or_else(|| retry_after(response));
    Fault::upstream(kind, detail).retry_after(wait).said_by(UpstreamError {
        family: FAMILY.to_owned(),
        status: status.as_u16(),
        code: said.code,
        title: Some(said.message.to_owned()).filter(|message| !message.is_empty()),
        trace_id: None,
    })
}

fn kind_of_status(status: StatusCode) -> FaultKind {
    match status.as_u16() {
        401 => FaultKind::UpstreamCredential,
        403 => FaultKind::UpstreamPermission,
        404 => FaultKind::NotFound,
        409 => FaultKind::Conflict,
        429 => FaultKind::RateLimited,
        500..=599 => FaultKind::UpstreamFailed,
        _ => FaultKind::UpstreamRefused,
    }
}

/// Writes `{"success": false, "error": {"code", "message", "retry_after_seconds"?}}`. Where the upstream is of the
/// family too, its own code and words are kept.
pub fn encode(fault: &Fault) -> Response<Bytes> {
    let (status, _) = table::row(fault.kind);
    let relayed = fault.upstream.as_deref().filter(|upstream| upstream.family == FAMILY);
    let mut error = Object::new();
    error.put("code", relayed.and_then(|said| said.code.as_deref()).unwrap_or_else(|| code(fault.kind)));
    error.put("message", message(fault, relayed));
    error.put_some("retry_after_seconds", &fault.retry_after.map(seconds));
    respond(status, &json!({ "success": false, "error": Value::from(error) }), fault.retry_after)
}

/// What is wrong with a request its fault says in full; other faults begin with the words of their kind.
fn message(fault: &Fault, relayed: Option<&UpstreamError>) -> String {
    match relayed.and_then(|said| said.title.as_deref()) {
        Some(title) => title.to_owned(),
        None if fault.origin == Origin::Client => fault.detail.clone(),
        None => table::say(fault.kind, &fault.detail),
    }
}

/// An error answer of either surface; its `Retry-After` is what the vendor's sample client reads.
pub fn respond(status: u16, body: &Value, retry_after: Option<Duration>) -> Response<Bytes> {
    let mut response = answer(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body);
    if let Some(wait) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds(wait).into());
    }
    response
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_again_by_its_code() {
        for &kind in FaultKind::ALL {
            let found = kind_of_code(code(kind)).unwrap();
            assert_eq!(found.verdict(), table::told(kind).verdict(), "{kind}");
        }
    }

    #[test]
    fn the_code_and_words_of_an_upstream_of_the_family_are_kept() {
        let body = json!({ "success": false, "error": { "code": "quota_spent", "message": "No credit is left." } });
        let upstream = respond(400, &body, None);
        let fault = decode(&upstream, &body);
        assert_eq!(fault.kind, FaultKind::UpstreamRefused);
        assert_eq!(encode(&fault).body(), upstream.body());
    }

    #[test]
    fn faults_of_other_families_begin_with_the_words_of_their_kind() {
        let fault = Fault::upstream(FaultKind::WindowClosed, "Re-engagement message");
        let body: Value = serde_json::from_slice(encode(&fault).body()).unwrap();
        assert_eq!(body.pointer("/error/code").unwrap(), "window_closed");
        assert_eq!(body.pointer("/error/message").unwrap(), "Outside service window: Re-engagement message");
    }
}
