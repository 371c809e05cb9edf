//! The headers that tell a client how fast it may go, on every answer of both surfaces. Vendor pages:
//! getting-started/rate-limits, help/integrations/api-rate-limits.
//!
//! An account that is held to no rate is shown the vendor's own, and all of it: a client that paces itself by these
//! headers never waits without need. What a provider says of its own quota is passed on.

use bytes::Bytes;
use http::{HeaderName, Response};

use crate::dialect::Answer;
use crate::model::{Fault, Verdict};

/// The vendor's window, in seconds.
const WINDOW: i64 = 60;

/// Adds limit, remaining and reset; the last in seconds since 1970.
pub fn stamped(mut response: Response<Bytes>, own_limit: u64, to: &Answer, fault: Option<&Fault>) -> Response<Bytes> {
    let (limit, remaining, full_in) = match to.pace {
        Some(pace) => (pace.rate.requests().into(), pace.remaining.into(), seconds(pace.full_in_seconds())),
        None => (own_limit, own_limit, WINDOW),
    };
    let spent = fault.filter(|fault| fault.verdict() == Verdict::Rate);
    let wait = spent.and_then(|fault| fault.retry_after).map(|wait| seconds(wait.as_secs()));
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), limit.into());
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), spent.map_or(remaining, |_| 0).into());
    let reset = to.at.unix_timestamp().saturating_add(wait.unwrap_or(full_in));
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), reset.into());
    response
}

fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::OffsetDateTime;

    use super::*;
    use crate::model::{FaultKind, Meter, Rate, TransactionId};

    #[test]
    fn the_numbers_are_those_of_the_rate_that_the_account_is_held_to() {
        let at = OffsetDateTime::from_unix_timestamp(1_790_000_123).unwrap();
        let (rate, mut meter) = (Rate::new(4, Duration::from_secs(30)).unwrap(), Meter::default());
        let pace = meter.take(rate, at).ok();
        let to = Answer { transaction: TransactionId(uuid::Uuid::nil()), at, pace };
        let headers = stamped(Response::default(), 300, &to, None).headers().clone();
        assert_eq!(headers["x-ratelimit-limit"], "4");
        assert_eq!(headers["x-ratelimit-remaining"], "3");
        assert_eq!(headers["x-ratelimit-reset"], "1790000131", "7.5 seconds, in whole ones");
        let fault = Fault::client(FaultKind::RateLimited, "x").retry_after(Some(Duration::from_secs(12)));
        let headers = stamped(Response::default(), 300, &to, Some(&fault)).headers().clone();
        assert_eq!(
            (&headers["x-ratelimit-remaining"], &headers["x-ratelimit-reset"]),
            (&"0".parse().unwrap(), &"1790000135".parse().unwrap())
        );
    }
}
