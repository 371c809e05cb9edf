//! The headers that tell a client how fast it may go, on every answer of both surfaces. Vendor pages:
//! getting-started/rate-limits, help/integrations/api-rate-limits.
//!
//! The gateway counts nothing yet, so the quota is always full: a client that paces itself by these headers never waits
//! without need. What a provider says of its own quota is passed on.

use bytes::Bytes;
use http::{HeaderName, Response};

use crate::dialect::Answer;
use crate::model::{Fault, Verdict};

/// The window, in seconds.
const WINDOW: i64 = 60;

/// Adds limit, remaining and reset; the last in seconds since 1970.
pub fn stamped(mut response: Response<Bytes>, limit: u64, to: &Answer, fault: Option<&Fault>) -> Response<Bytes> {
    let now = to.at.unix_timestamp();
    let spent = fault.filter(|fault| fault.verdict() == Verdict::Rate);
    let wait = spent.and_then(|fault| fault.retry_after).and_then(|wait| i64::try_from(wait.as_secs()).ok());
    let remaining = if spent.is_some() { 0 } else { limit };
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), limit.into());
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), remaining.into());
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), now.saturating_add(wait.unwrap_or(WINDOW)).into());
    response
}
