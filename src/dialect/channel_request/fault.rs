//! Faults ↔ `{"meta", "errors": {"reason"}}`. Vendor pages: Getting Started (list of statuses),
//! reference/sendnotification-4 (429 and its headers).
//!
//! The vendor publishes statuses and words, but no codes. Ours stand beside the words, where its clients overlook
//! them, so that a fault keeps its meaning from one gateway to the next.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Response, StatusCode, header};
use serde_json::{Value, json};

use super::outcome::meta;
use super::pace;
use crate::dialect::{Answer, answer};
use crate::model::{Fault, FaultKind, UpstreamError, Verdict};

/// The status of each kind: the vendor's, and HTTP's own for what fails before a message is read.
fn status(kind: FaultKind) -> StatusCode {
    use FaultKind::*;
    match kind {
        Unauthenticated => StatusCode::UNAUTHORIZED,
        Forbidden => StatusCode::FORBIDDEN,
        NotFound => StatusCode::NOT_FOUND,
        MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Conflict => StatusCode::CONFLICT,
        KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        RateLimited | PairRateLimited => StatusCode::TOO_MANY_REQUESTS,
        UpstreamCredential | UpstreamPermission | AccountLocked | PaymentRequired | UpstreamUnreachable
        | UpstreamReset | UpstreamFailed | UpstreamUnreadable => StatusCode::BAD_GATEWAY,
        UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        UpstreamUnavailable | SenderMaintenance | Overloaded | StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Internal => StatusCode::INTERNAL_SERVER_ERROR,
        MalformedBody | WrongContentType | MissingMember | InvalidMember | TooLong | UnsupportedKind
        | UnsupportedMember | InvalidRecipient | NoUpstream | MediaUnreachable | MediaTooLarge | MediaTypeRefused
        | SpamLimited | NotOnWhatsapp | RecipientIsSender | RecipientNotAllowed | RecipientBlocked
        | RecipientOptedOut | Withheld | IdentityChanged | CountryRestricted | WindowClosed | Expired
        | TemplateNotFound | TemplateMismatch | TemplateTooLong | TemplatePolicy | TemplatePaused
        | TemplateDisabled | FlowBlocked | FlowThrottled | SenderUnavailable | UpstreamRefused => {
            StatusCode::BAD_REQUEST
        }
    }
}

/// Another gateway's kind, as its caller sees it: what is the client's credential there is ours here.
fn seen_from_here(kind: FaultKind) -> FaultKind {
    use FaultKind::*;
    match kind {
        Unauthenticated => UpstreamCredential,
        Forbidden => UpstreamPermission,
        NotFound | MethodNotAllowed => UpstreamRefused,
        BodyTimeout | Overloaded | StoreUnavailable => UpstreamUnavailable,
        Internal => UpstreamFailed,
        same => same,
    }
}

/// Writes the fault's words as the reason and its stable code beside them.
pub fn encode(fault: &Fault, to: &Answer) -> Response<Bytes> {
    let body = json!({
        "meta": meta(to),
        "errors": { "reason": fault.detail, "code": fault.kind.code() },
    });
    let mut response = answer(status(fault.kind), &body);
    if let Some(wait) = fault.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    response
}

/// Seconds in Go's words: `5m0s`.
pub fn go_duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// Reads an error answer.
pub fn decode(response: &Response<Bytes>, body: &Value) -> Fault {
    let status = response.status();
    let reason = reason(body);
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let code = text("/errors/code");
    let kind = match code.as_deref().and_then(FaultKind::from_code) {
        Some(kind) => seen_from_here(kind),
        None => kind_of_words(status, reason),
    };
    let detail = match reason {
        Some(reason) => reason.to_owned(),
        None => format!("the upstream answered {status} without saying why"),
    };
    Fault::upstream(kind, detail).retry_after(wait(response.headers(), kind.verdict())).said_by(UpstreamError {
        family: "channel-request".to_owned(),
        status: status.as_u16(),
        code,
        title: reason.map(str::to_owned),
        trace_id: text("/meta/transactionId"),
    })
}

/// Only one fragment of an error body is published, `errors.reason`: what else a server may mean is read too.
fn reason(body: &Value) -> Option<&str> {
    let places = [
        "/errors/reason",
        "/errors/message",
        "/errors",
        "/errors/0",
        "/errors/0/reason",
        "/errors/0/message",
        "/error",
        "/message",
    ];
    places.iter().find_map(|place| body.pointer(place)?.as_str()).filter(|reason| !reason.trim().is_empty())
}

/// Without a code the status decides, and for a throttle its words.
fn kind_of_words(status: StatusCode, reason: Option<&str>) -> FaultKind {
    let words = reason.unwrap_or_default().to_ascii_lowercase();
    match status.as_u16() {
        429 => FaultKind::RateLimited,
        400..=499 if words.contains("too many requests") => FaultKind::RateLimited,
        // 402 asks for a second factor: no message gets through until someone acts.
        401 | 402 => FaultKind::UpstreamCredential,
        403 => FaultKind::UpstreamPermission,
        // A bare 503 may come from anything on the way; one with words was given before the message was taken.
        503 if reason.is_some() => FaultKind::UpstreamUnavailable,
        500..=599 => FaultKind::UpstreamFailed,
        200..=299 => FaultKind::UpstreamUnreadable,
        _ => FaultKind::UpstreamRefused,
    }
}

/// How long to wait. The reset of the quota stands on every answer and counts only where the quota is the trouble.
fn wait(headers: &HeaderMap, verdict: Verdict) -> Option<Duration> {
    let value = |name: HeaderName| headers.get(name)?.to_str().ok().and_then(parse_duration);
    let reset = || value(pace::RESET).filter(|_| verdict == Verdict::Rate);
    value(header::RETRY_AFTER).or_else(reset)
}

/// Seconds, or a Go duration: `300`, `5m0s`, `1h1m1.5s`.
fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut total = None;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds_of(unit)?).ok()?;
        total = Some(total.unwrap_or(Duration::ZERO).checked_add(part)?);
        rest = tail;
    }
    total
}

fn seconds_of(unit: &str) -> Option<f64> {
    match unit {
        "h" => Some(3600.0),
        "m" => Some(60.0),
        "s" => Some(1.0),
        "ms" => Some(0.001),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_and_in_gos_words() {
        for (text, seconds) in [("300", 300.0), ("5m0s", 300.0), (" 45s ", 45.0), ("1h1m1.5s", 3661.5), ("20ms", 0.02)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "soon", "5", "5x", "m5", "1..5s", "99999999999999999999999h", "5m0"] {
            assert_eq!(parse_duration(text).is_some(), text == "5", "{text}");
        }
    }

    #[test]
    fn a_wait_is_written_so_that_it_reads_back() {
        for seconds in [1, 59, 60, 300, 3600, 90_061] {
            assert_eq!(parse_duration(&go_duration(seconds)), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(go_duration(300), "5m0s");
    }
}
