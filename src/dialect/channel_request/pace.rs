//! The headers that tell a client how fast it may go. Vendor page: reference/sendnotification-4.
//!
//! The gateway counts nothing yet, so the quota is always full: a client that paces itself by these headers never waits
//! without need. What a provider says of its own quota is passed on.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::fault::go_duration;
use crate::model::{Fault, Verdict};

/// Requests in a window.
const LIMIT: u64 = 300;
/// The window, in seconds.
const WINDOW: u64 = 60;
/// When the quota is full again, as a Go duration: `5m0s`.
pub const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Adds the four headers; the blank after `w=` is the vendor's.
pub fn stamped(mut response: Response<Bytes>, fault: Option<&Fault>) -> Response<Bytes> {
    let spent = fault.filter(|fault| fault.verdict() == Verdict::Rate);
    let (remaining, reset) = match spent {
        Some(fault) => (0, fault.retry_after.map_or(WINDOW, |wait| wait.as_secs().max(1))),
        None => (LIMIT, WINDOW),
    };
    let headers = [
        (HeaderName::from_static("ratelimit-limit"), LIMIT.to_string()),
        (HeaderName::from_static("ratelimit-policy"), format!("{LIMIT};w= {WINDOW}")),
        (HeaderName::from_static("ratelimit-remaining"), remaining.to_string()),
        (RESET, go_duration(reset)),
    ];
    for (name, value) in headers {
        response.headers_mut().extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::FaultKind;

    #[test]
    fn a_spent_quota_says_when_it_is_full_again() {
        let fault = Fault::client(FaultKind::RateLimited, "x").retry_after(Some(Duration::from_secs(300)));
        let response = stamped(Response::new(Bytes::new()), Some(&fault));
        assert_eq!(response.headers()["ratelimit-remaining"], "0");
        assert_eq!(response.headers()["ratelimit-reset"], "5m0s");
    }
}
