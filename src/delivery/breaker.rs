//! Whether an upstream is there: after it failed again and again, or refused our credential, it is left alone for a while,
//! then asked with one message.
//!
//! Pure: the time is passed in. Only faults that speak of the upstream as a whole count; that a template is missing, or
//! that it went too fast, shows that it is there.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Fault, FaultKind};

/// Failures in a row after which it is left alone.
const FAILURES: u32 = 10;

/// For how long at first; twice as long each time that the probe fails.
const PAUSE: Duration = Duration::from_secs(5);

/// As [`PAUSE`], where somebody has to act first.
const PAUSE_OF_CREDENTIAL: Duration = Duration::from_secs(30);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);

/// The breaker of one upstream.
#[derive(Debug)]
pub struct Breaker {
    phase: Phase,
    /// How often it opened since the upstream last answered.
    opened: u32,
    /// What opened it.
    cause: Option<FaultKind>,
}

#[derive(Debug)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// What may be told of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The upstream answers.
    Closed,
    /// One message finds out whether it answers again.
    Probing(FaultKind),
    /// It is left alone.
    Open(FaultKind),
}

impl Health {
    /// As a number that grows with the trouble.
    pub fn level(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Probing(_) => 1,
            Self::Open(_) => 2,
        }
    }

    /// In words, with the fault that is the cause.
    pub fn words(self) -> String {
        match self {
            Self::Closed => "ok".to_owned(),
            Self::Probing(cause) => format!("asked again after {cause}"),
            Self::Open(cause) => format!("left alone after {cause}"),
        }
    }
}

/// A message may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Like any other.
    Free,
    /// As the one that finds out. Whoever gets this owes word of it.
    Probe,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { phase: Phase::Closed { failures: 0 }, opened: 0, cause: None }
    }
}

impl Breaker {
    /// Whether a message may go.
    ///
    /// # Errors
    /// When to ask again, where it may not.
    pub fn admit(&mut self, now: Instant) -> Result<Admission, Instant> {
        match self.phase {
            Phase::Closed { .. } => Ok(Admission::Free),
            Phase::Open { until } if now < until => Err(until),
            Phase::Open { .. } => {
                self.phase = Phase::Probing;
                Ok(Admission::Probe)
            }
            // Its word comes soon, or it takes too long; either way this is the time to look.
            Phase::Probing => Err(now + PAUSE),
        }
    }

    /// When a message may go, without asking for admission; none where one may now.
    pub fn closed_until(&self, now: Instant) -> Option<Instant> {
        match self.phase {
            Phase::Open { until } if now < until => Some(until),
            Phase::Probing => Some(now + PAUSE),
            Phase::Open { .. } | Phase::Closed { .. } => None,
        }
    }

    /// The upstream answered.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// A message failed.
    pub fn failed(&mut self, now: Instant, fault: &Fault) {
        match (&mut self.phase, weight(fault.kind)) {
            (_, Weight::None) => self.answered(),
            // Messages that left before it opened say nothing new.
            (Phase::Open { .. }, _) => {}
            (Phase::Closed { failures }, Weight::One) if *failures + 1 < FAILURES => *failures += 1,
            (_, weight) => self.open(now, fault.kind, weight),
        }
    }

    /// The probe came to nothing: it was not sent.
    pub fn abandoned(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Probing) {
            self.phase = Phase::Open { until: now };
        }
    }

    /// What may be told of it.
    pub fn health(&self) -> Health {
        match (&self.phase, self.cause) {
            (Phase::Open { .. }, Some(cause)) => Health::Open(cause),
            (Phase::Probing, Some(cause)) => Health::Probing(cause),
            _ => Health::Closed,
        }
    }

    fn open(&mut self, now: Instant, cause: FaultKind, weight: Weight) {
        let pause = if weight == Weight::All { PAUSE_OF_CREDENTIAL } else { PAUSE };
        let pause = pause.saturating_mul(1 << self.opened.min(10)).min(LONGEST);
        self.phase = Phase::Open { until: now + pause };
        self.opened += 1;
        self.cause = Some(cause);
    }
}

/// What a fault says of the upstream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// It is there.
    None,
    /// It may be gone.
    One,
    /// Every message will fail.
    All,
}

fn weight(kind: FaultKind) -> Weight {
    use FaultKind::*;
    match kind {
        // Other faults of the account, such as payment, stop some kinds of messages and let others pass.
        UpstreamCredential | AccountLocked => Weight::All,
        UpstreamUnreachable | UpstreamUnavailable | UpstreamTimeout | UpstreamReset | UpstreamFailed => Weight::One,
        _ => Weight::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: FaultKind) -> Fault {
        Fault::upstream(kind, "")
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// A breaker that failed until it opened.
    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert_eq!(breaker.admit(now), Ok(Admission::Free));
            breaker.failed(now, &fault(FaultKind::UpstreamUnreachable));
        }
        breaker
    }

    #[test]
    fn an_upstream_that_fails_again_and_again_is_left_alone() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.admit(now), Err(now + PAUSE));
        assert_eq!(breaker.health(), Health::Open(FaultKind::UpstreamUnreachable));
    }

    #[test]
    fn what_is_told_of_it_grows_with_the_trouble() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let told = |breaker: &Breaker, now| {
            let health = breaker.health();
            (health.level(), health.words(), breaker.closed_until(now))
        };
        let later = now + PAUSE;
        assert_eq!(told(&breaker, now), (2, "left alone after upstream_unreachable".to_owned(), Some(later)));
        assert_eq!(breaker.closed_until(later), None, "the time to ask again has come");
        assert_eq!(breaker.admit(later), Ok(Admission::Probe));
        let asked_again = "asked again after upstream_unreachable".to_owned();
        assert_eq!(told(&breaker, later), (1, asked_again, Some(later + PAUSE)));
        breaker.answered();
        assert_eq!(told(&breaker, later), (0, "ok".to_owned(), None));
    }

    #[test]
    fn an_answer_between_forgives() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for nth in 0..100 {
            let kind = if nth % 9 == 0 { FaultKind::TemplateNotFound } else { FaultKind::UpstreamTimeout };
            breaker.failed(now, &fault(kind));
            assert_eq!(breaker.admit(now), Ok(Admission::Free), "{nth}");
        }
    }

    #[test]
    fn one_message_finds_out_whether_it_is_back() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later), Ok(Admission::Probe));
        assert!(breaker.admit(later).is_err(), "only one");
        breaker.answered();
        assert_eq!(breaker.admit(later), Ok(Admission::Free));
        assert_eq!(breaker.health(), Health::Closed);
    }

    #[test]
    fn each_probe_that_fails_doubles_the_pause_up_to_the_longest() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
            let until = breaker.admit(now).unwrap_err();
            assert_eq!(until - now, seconds(pause));
            now = until;
            assert_eq!(breaker.admit(now), Ok(Admission::Probe));
            breaker.failed(now, &fault(FaultKind::UpstreamTimeout));
        }
    }

    #[test]
    fn a_refused_credential_opens_it_at_once_and_for_longer() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        breaker.failed(now, &fault(FaultKind::UpstreamCredential));
        assert_eq!(breaker.admit(now), Err(now + PAUSE_OF_CREDENTIAL));
        assert_eq!(breaker.health(), Health::Open(FaultKind::UpstreamCredential));
    }

    #[test]
    fn a_probe_that_was_not_sent_leaves_its_place_to_the_next() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later), Ok(Admission::Probe));
        breaker.abandoned(later);
        assert_eq!(breaker.admit(later), Ok(Admission::Probe));
    }

    #[test]
    fn what_left_before_it_opened_changes_nothing() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.failed(now + seconds(4), &fault(FaultKind::UpstreamTimeout));
        assert_eq!(breaker.admit(now + seconds(4)), Err(now + PAUSE));
    }
}
