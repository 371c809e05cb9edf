//! What follows of an attempt to tell. Pure: time and chance are passed in.

use std::time::Duration;

use time::OffsetDateTime;

use super::super::retry::Backoff;
use crate::model::{Fault, FaultKind};
use crate::net::{FetchError, Posted, Refusal};
use crate::store::CallbackOutcome;

/// How often a callback is tried at least, however old it is: one that somebody has told again gets a fair chance.
const LEAST_TRIES: u32 = 3;

/// How long callbacks are tried.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The waits between tries.
    pub backoff: Backoff,
    /// The age at which one is dead.
    pub give_up_after: Duration,
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Reply {
    /// An answer.
    Answered(Posted),
    /// None.
    Silent(FetchError),
    /// The client's dialect has no words for the event, or its account does not want to hear of it.
    Nothing,
    /// What it takes to say the event could not be read.
    NotSaid,
    /// The account that it is for is not configured any more, so nobody knows how to sign it.
    NoAccount,
}

impl From<Result<Posted, FetchError>> for Reply {
    fn from(posted: Result<Posted, FetchError>) -> Self {
        posted.map_or_else(Self::Silent, Self::Answered)
    }
}

impl Reply {
    /// Whether nothing is left to be told: any 2xx is success.
    pub fn is_taken(&self) -> bool {
        match self {
            Self::Answered(posted) => posted.status.is_success(),
            Self::Nothing => true,
            Self::Silent(_) | Self::NotSaid | Self::NoAccount => false,
        }
    }

    /// The status, where there is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(posted) => Some(posted.status.as_u16()),
            _ => None,
        }
    }

    /// What went wrong, or why nothing was told. The address is not in it: it may hold a secret.
    pub fn error(&self) -> Option<String> {
        match self {
            Self::Answered(posted) if posted.status.is_success() => None,
            Self::Answered(posted) => Some(format!("answered {}", posted.status.as_u16())),
            Self::Silent(FetchError::Refused(refusal) | FetchError::Inside(refusal)) => {
                Some(format!("{refusal}: the address may not be called; see net.allow_private"))
            }
            Self::Silent(error) => Some(error.to_string()),
            Self::Nothing => Some("nothing to tell: the client has no words for it, or does not want it".to_owned()),
            Self::NotSaid => Some("the store could not be read".to_owned()),
            Self::NoAccount => Some("its account is not configured any more; configure it, then replay".to_owned()),
        }
    }

    /// What it says of the address, in the words of upstreams; none where it says nothing.
    pub fn fault(&self) -> Option<Fault> {
        let kind = match self {
            Self::Answered(posted) if posted.status.is_server_error() => FaultKind::UpstreamFailed,
            Self::Answered(posted) if posted.status.is_success() => return None,
            // It is there, and does not want this one, or not so soon.
            Self::Answered(_) => FaultKind::UpstreamRefused,
            Self::Silent(FetchError::TimedOut) => FaultKind::UpstreamTimeout,
            Self::Silent(_) => FaultKind::UpstreamUnreachable,
            Self::Nothing | Self::NotSaid | Self::NoAccount => return None,
        };
        let retry_after = match self {
            Self::Answered(posted) => posted.retry_after,
            _ => None,
        };
        Some(Fault::upstream(kind, "").retry_after(retry_after))
    }

    /// No later try can go better, unless somebody changes something first.
    fn is_hopeless(&self) -> bool {
        match self {
            Self::Silent(FetchError::Inside(refusal)) => *refusal != Refusal::Dns,
            Self::Silent(FetchError::Refused(_)) | Self::NoAccount => true,
            _ => false,
        }
    }
}

/// What follows of an attempt, the how-manieth it is.
pub fn of(
    attempt: u32,
    age: Duration,
    reply: &Reply,
    policy: &Policy,
    now: OffsetDateTime,
    chance: f64,
) -> CallbackOutcome {
    if reply.is_taken() {
        return CallbackOutcome::Delivered;
    }
    let is_late = age >= policy.give_up_after && attempt >= LEAST_TRIES;
    if reply.is_hopeless() || is_late {
        return CallbackOutcome::Dead;
    }
    let fault = reply.fault().unwrap_or_else(|| Fault::gateway(FaultKind::StoreUnavailable, ""));
    let wait = policy.backoff.delay(attempt, age, &fault, chance);
    // An address may ask for patience, but not for more than the longest wait.
    CallbackOutcome::Retry { due_at: now + wait.min(policy.backoff.longest) }
}

/// The outcome's name in measurements.
pub fn name(outcome: CallbackOutcome) -> &'static str {
    match outcome {
        CallbackOutcome::Delivered => "delivered",
        CallbackOutcome::Retry { .. } => "retry",
        CallbackOutcome::Dead => "dead",
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-09-21 13:35:23 UTC);
    const DAY: Duration = Duration::from_secs(86_400);
    const POLICY: Policy = Policy {
        backoff: Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(3600) },
        give_up_after: DAY,
    };

    fn answered(status: u16, retry_after: Option<u64>) -> Reply {
        let status = StatusCode::from_u16(status).unwrap();
        Reply::Answered(Posted { status, retry_after: retry_after.map(Duration::from_secs) })
    }

    fn wait(attempt: u32, age: Duration, reply: &Reply) -> Option<Duration> {
        match of(attempt, age, reply, &POLICY, NOW, 1.0) {
            CallbackOutcome::Retry { due_at } => Some((due_at - NOW).try_into().unwrap()),
            _ => None,
        }
    }

    #[test]
    fn any_success_is_one() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(of(1, Duration::ZERO, &answered(status, None), &POLICY, NOW, 1.0), CallbackOutcome::Delivered);
        }
    }

    #[test]
    fn whatever_else_is_answered_is_tried_again_for_a_day() {
        for status in [100, 301, 307, 400, 404, 410, 429, 500, 503] {
            assert_eq!(wait(1, Duration::ZERO, &answered(status, None)), Some(Duration::from_secs(5)), "{status}");
            assert_eq!(of(9, DAY, &answered(status, None), &POLICY, NOW, 1.0), CallbackOutcome::Dead, "{status}");
        }
    }

    #[test]
    fn however_old_it_is_it_is_tried_more_than_once() {
        assert_eq!(wait(1, DAY, &Reply::Silent(FetchError::Unreachable)), Some(POLICY.backoff.longest));
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let silent = Reply::Silent(FetchError::TimedOut);
        let waits: Vec<_> =
            [1, 2, 3, 10, 11, 30].map(|nth| wait(nth, Duration::ZERO, &silent).unwrap().as_secs()).into();
        assert_eq!(waits, [5, 10, 20, 2560, 3600, 3600]);
    }

    #[test]
    fn an_address_may_ask_for_patience_within_bounds() {
        assert_eq!(of(1, Duration::ZERO, &answered(429, Some(60)), &POLICY, NOW, 0.0), retry(60));
        assert_eq!(of(1, Duration::ZERO, &answered(503, Some(u64::MAX / 2)), &POLICY, NOW, 0.0), retry(3600));
    }

    fn retry(seconds: u64) -> CallbackOutcome {
        CallbackOutcome::Retry { due_at: NOW + Duration::from_secs(seconds) }
    }

    #[test]
    fn what_the_rules_forbid_is_dead_at_once_and_a_name_that_does_not_resolve_is_not() {
        let dead = |error| of(1, Duration::ZERO, &Reply::Silent(error), &POLICY, NOW, 1.0) == CallbackOutcome::Dead;
        assert!(dead(FetchError::Refused(Refusal::Scheme)));
        assert_eq!(of(1, Duration::ZERO, &Reply::NoAccount, &POLICY, NOW, 1.0), CallbackOutcome::Dead);
        assert!(dead(FetchError::Inside(Refusal::Private)));
        assert!(!dead(FetchError::Inside(Refusal::Dns)));
    }
}
