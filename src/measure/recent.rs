//! The last hour, minute by minute, in memory: what the console draws. Of this process alone, and gone with it; Prometheus
//! keeps the rest.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::model::State;

/// Minutes that are remembered, the present one included.
pub const MINUTES: usize = 60;

/// Four to each doubling, from one microsecond to two minutes: a time is told to an eighth.
const BUCKETS: usize = 101;

static RECENT: OnceLock<Mutex<Recent>> = OnceLock::new();

/// What happened in a minute.
#[derive(Clone, Debug, Default)]
pub struct Minute {
    outcomes: [u32; State::ALL.len()],
    /// Time in the gateway without the upstream.
    pub own: Times,
    /// Time of upstreams' answers.
    pub upstream: Times,
}

/// How long something took, counted.
#[derive(Clone, Debug)]
pub struct Times([u32; BUCKETS]);

impl Default for Times {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Minute {
    /// Transactions that came to their first end in a state.
    pub fn ended(&self, state: State) -> u32 {
        self.outcomes.get(state as usize).copied().unwrap_or_default()
    }

    /// All that came to their first end.
    pub fn all(&self) -> u32 {
        self.outcomes.iter().sum()
    }
}

impl Times {
    /// Notes that something took so long.
    fn note(&mut self, took: Duration) {
        if let Some(count) = self.0.get_mut(bucket(took)) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.saturating_add(more);
        }
    }

    /// The time that this part of them did not pass, to an eighth; none where nothing was timed.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let all: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an hour's count is far below 2^53, and a part of it no less than nothing"
        )]
        let wanted = ((all as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.0.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        });
        found.map(middle)
    }
}

/// The bucket of a time: its highest bit, and the two bits behind it.
fn bucket(took: Duration) -> usize {
    let micros = took.as_micros().clamp(4, 1 << 27);
    let doubling = micros.ilog2() as usize;
    let quarter = (micros >> (doubling - 2)) & 3;
    ((doubling - 2) * 4 + usize::try_from(quarter).unwrap_or_default()).min(BUCKETS - 1)
}

/// The middle of a bucket.
fn middle(bucket: usize) -> Duration {
    let (doubling, quarter) = (bucket / 4 + 2, bucket % 4);
    Duration::from_micros(((1_u64 << doubling) * (9 + 2 * quarter as u64)) / 8)
}

/// The minutes, the present one at its place modulo their number.
struct Recent {
    began: Instant,
    minutes: Vec<Minute>,
    present: u64,
}

impl Recent {
    fn new(now: Instant) -> Self {
        Self { began: now, minutes: vec![Minute::default(); MINUTES], present: 0 }
    }

    /// The present minute, after those that passed unseen were emptied.
    fn at(&mut self, now: Instant) -> Option<&mut Minute> {
        let present = now.saturating_duration_since(self.began).as_secs() / 60;
        let passed = present.saturating_sub(self.present).min(MINUTES as u64);
        for minute in present + 1 - passed..=present {
            if let Some(minute) = self.minutes.get_mut(place(minute)) {
                *minute = Minute::default();
            }
        }
        self.present = self.present.max(present);
        self.minutes.get_mut(place(self.present))
    }

    /// The oldest first.
    fn in_order(&mut self, now: Instant) -> Vec<Minute> {
        self.at(now);
        let mut minutes = self.minutes.clone();
        minutes.rotate_left((place(self.present) + 1) % MINUTES);
        minutes
    }
}

#[expect(clippy::cast_possible_truncation, reason = "less than the number of minutes")]
fn place(minute: u64) -> usize {
    (minute % MINUTES as u64) as usize
}

fn recent() -> MutexGuard<'static, Recent> {
    let recent = RECENT.get_or_init(|| Mutex::new(Recent::new(Instant::now())));
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last hour, the oldest minute first.
pub fn last_hour() -> Vec<Minute> {
    recent().in_order(Instant::now())
}

pub(super) fn ended(state: State) {
    if let Some(count) = recent().at(Instant::now()).and_then(|minute| minute.outcomes.get_mut(state as usize)) {
        *count = count.saturating_add(1);
    }
}

pub(super) fn own(took: Duration) {
    if let Some(minute) = recent().at(Instant::now()) {
        minute.own.note(took);
    }
}

pub(super) fn upstream(took: Duration) {
    if let Some(minute) = recent().at(Instant::now()) {
        minute.upstream.note(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_an_eighth() {
        for micros in [4_u64, 5, 7, 100, 999, 4_200, 77_000, 1_000_000, 59_000_000] {
            let told = middle(bucket(Duration::from_micros(micros))).as_micros() as f64;
            assert!((told / micros as f64 - 1.0).abs() <= 0.126, "{micros} is told as {told}");
        }
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1, "beyond two minutes all is one");
    }

    #[test]
    fn a_quantile_is_passed_by_the_rest_alone() {
        let mut times = Times::default();
        assert_eq!(times.quantile(0.5), None);
        for millis in 1..=100 {
            times.note(Duration::from_millis(millis));
        }
        let told = |part| times.quantile(part).unwrap().as_millis();
        assert!((44..=56).contains(&told(0.5)), "{}", told(0.5));
        assert!((84..=107).contains(&told(0.95)), "{}", told(0.95));
    }

    #[test]
    fn minutes_are_in_order_and_an_hour_later_they_are_forgotten() {
        let began = Instant::now();
        let mut recent = Recent::new(began);
        let mut end = |minute: u64, state: State| {
            let at = began + Duration::from_secs(60 * minute + 30);
            recent.at(at).unwrap().outcomes[state as usize] += 1;
            recent.in_order(at)
        };
        end(0, State::Sent);
        end(0, State::Failed);
        let minutes = end(3, State::Sent);
        let told: Vec<_> = minutes[MINUTES - 4..].iter().map(Minute::all).collect();
        assert_eq!(told, [2, 0, 0, 1]);
        assert_eq!(minutes[MINUTES - 4].ended(State::Failed), 1);
        let minutes = end(62, State::Sent);
        assert_eq!(minutes.iter().map(Minute::all).sum::<u32>(), 2);
        let minutes = end(1000, State::Sent);
        assert_eq!(minutes.iter().map(Minute::all).sum::<u32>(), 1);
    }
}
