//! The headers that tell a client how fast it may go. Vendor page: reference/sendnotification-4.
//!
//! An account that is held to no rate is shown a quota that is always full: a client that paces itself by these headers
//! never waits without need. What a provider says of its own quota is passed on.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::fault::go_duration;
use crate::model::{Fault, Pace, Verdict};

/// Requests in a window, where the account is held to no rate.
const LIMIT: u32 = 300;
/// That window, in seconds.
const WINDOW: u64 = 60;
/// When the quota is full again, as a Go duration: `5m0s`.
pub const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Adds the four headers; the blank after `w=` is the vendor's.
pub fn stamped(mut response: Response<Bytes>, pace: Option<Pace>, fault: Option<&Fault>) -> Response<Bytes> {
    let (limit, window, remaining, full_in) = match pace {
        Some(pace) => (pace.rate.requests(), pace.rate.window().as_secs(), pace.remaining, pace.full_in_seconds()),
        None => (LIMIT, WINDOW, LIMIT, WINDOW),
    };
    let (remaining, reset) = match fault.filter(|fault| fault.verdict() == Verdict::Rate) {
        Some(fault) => (0, fault.retry_after.map_or(full_in, |wait| wait.as_secs().max(1))),
        None => (remaining, full_in),
    };
    let headers = [
        (HeaderName::from_static("ratelimit-limit"), limit.to_string()),
        (HeaderName::from_static("ratelimit-policy"), format!("{limit};w= {window}")),
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

    use time::OffsetDateTime;

    use super::*;
    use crate::model::{FaultKind, Meter, Rate};

    #[test]
    fn a_spent_quota_says_when_it_is_full_again() {
        let fault = Fault::client(FaultKind::RateLimited, "x").retry_after(Some(Duration::from_secs(300)));
        let response = stamped(Response::new(Bytes::new()), None, Some(&fault));
        assert_eq!(response.headers()["ratelimit-remaining"], "0");
        assert_eq!(response.headers()["ratelimit-reset"], "5m0s");
    }

    /// The vendor's own example: two requests in five minutes, one of them used.
    #[test]
    fn the_numbers_are_those_of_the_rate_that_the_account_is_held_to() {
        let (rate, mut meter) = (Rate::new(2, Duration::from_secs(300)).unwrap(), Meter::default());
        let pace = meter.take(rate, OffsetDateTime::UNIX_EPOCH).ok();
        let response = stamped(Response::new(Bytes::new()), pace, None);
        assert_eq!(response.headers()["ratelimit-limit"], "2");
        assert_eq!(response.headers()["ratelimit-policy"], "2;w= 300");
        assert_eq!(response.headers()["ratelimit-remaining"], "1");
        assert_eq!(response.headers()["ratelimit-reset"], "2m30s", "as much as one request has used");
    }
}
