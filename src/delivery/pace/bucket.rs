//! What paces are made of: a bucket of tokens, a brake, a count of the last second, and a map that forgets.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// The slowest pace that an upstream's word leaves, in messages a second.
const SLOWEST: f64 = 0.1;

/// What a slowed sender gains each second, in messages a second.
const GAIN: f64 = 1.0;

/// Entries that a map holds before it looks for some to forget.
const FEW: usize = 1024;

/// A token each interval, and so many kept at most.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub interval: Duration,
    pub burst: u32,
}

impl Limit {
    /// How long a bucket takes from empty to full, but for the token that is used.
    fn slack(self) -> Duration {
        self.interval.saturating_mul(self.burst.max(1) - 1)
    }
}

/// A bucket of tokens: the generic cell rate algorithm needs no more than the time at which it will be full.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// A bucket that is full.
    pub fn full(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// When the next token is there.
    pub fn ready_at(&self, now: Instant, limit: Limit) -> Instant {
        self.full_at.checked_sub(limit.slack()).map_or(now, |at| at.max(now))
    }

    /// Takes a token at a time at which there is one.
    pub fn take(&mut self, at: Instant, limit: Limit) {
        self.full_at = later(self.full_at.max(at), limit.interval);
    }

    /// Takes all that is in it: from here on it is one token for each interval.
    pub fn drain(&mut self, now: Instant, limit: Limit) {
        self.full_at = self.full_at.max(later(later(now, limit.slack()), limit.interval));
    }

    /// How many tokens there will have been by then.
    pub fn room(&self, now: Instant, until: Instant, limit: Limit) -> u32 {
        let first = self.full_at.max(now).checked_sub(limit.slack()).unwrap_or(now);
        let Some(span) = until.checked_duration_since(first) else { return 0 };
        let whole = span.as_nanos() / limit.interval.as_nanos().max(1);
        u32::try_from(whole).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Whether it is as good as a new one.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

/// Holds a sender back that went too fast: less with every second, until it is off.
#[derive(Clone, Copy, Debug)]
pub struct Brake {
    bucket: Bucket,
    /// When it began, and the pace at that time.
    since: Instant,
    rate: f64,
    /// The pace at which it is off.
    lifted_at: f64,
}

impl Brake {
    /// Nothing goes for as long as the halt, then it goes on at a rate.
    pub fn new(now: Instant, halt: Duration, rate: f64, lifted_at: f64) -> Self {
        let since = later(now, halt);
        let rate = rate.max(SLOWEST);
        Self { bucket: Bucket::full(since), since, rate, lifted_at: lifted_at.max(rate) }
    }

    /// The pace that it allows, in messages a second.
    pub fn rate(&self, now: Instant) -> f64 {
        self.rate + GAIN * now.saturating_duration_since(self.since).as_secs_f64()
    }

    /// The pace at which it is off.
    pub fn lifted_at(&self) -> f64 {
        self.lifted_at
    }

    /// Whether it holds nobody back any more.
    pub fn is_off(&self, now: Instant) -> bool {
        now > self.since && self.rate(now) >= self.lifted_at
    }

    pub fn ready_at(&self, now: Instant) -> Instant {
        if self.is_off(now) { now } else { self.bucket.ready_at(now, self.limit(now)) }
    }

    pub fn take(&mut self, at: Instant) {
        self.bucket.take(at, self.limit(at));
    }

    fn limit(&self, now: Instant) -> Limit {
        Limit { interval: Duration::from_secs_f64(1.0 / self.rate(now)), burst: 1 }
    }
}

/// How many messages went in the last second or two.
#[derive(Clone, Copy, Debug)]
pub struct Lately {
    second: Instant,
    count: u32,
    before: u32,
}

impl Lately {
    pub fn new(now: Instant) -> Self {
        Self { second: now, count: 0, before: 0 }
    }

    pub fn count(&mut self, at: Instant) {
        match at.saturating_duration_since(self.second).as_secs() {
            0 => {}
            1 => (self.before, self.count, self.second) = (self.count, 0, self.second + Duration::from_secs(1)),
            _ => *self = Self::new(at),
        }
        self.count += 1;
    }

    /// Messages a second; at least one, as somebody went too fast.
    pub fn rate(&self, now: Instant) -> f64 {
        if self.is_over(now) { 1.0 } else { f64::from(self.count.max(self.before).max(1)) }
    }

    pub fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.second) >= Duration::from_secs(2)
    }
}

/// A map that forgets the entries that have nothing to say any more, so it holds no more than what is busy.
#[derive(Debug)]
pub struct Keyed<T> {
    entries: HashMap<String, T>,
    clean_at: usize,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { entries: HashMap::new(), clean_at: FEW }
    }
}

impl<T> Keyed<T> {
    pub fn get(&self, key: &str) -> Option<&T> {
        self.entries.get(key)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.entries.get_mut(key)
    }

    pub fn entry(&mut self, key: &str, new: impl FnOnce() -> T, is_idle: impl Fn(&T) -> bool) -> &mut T {
        if self.entries.len() >= self.clean_at {
            self.entries.retain(|_, entry| !is_idle(entry));
            self.clean_at = FEW.max(2 * self.entries.len());
        }
        self.entries.entry(key.to_owned()).or_insert_with(new)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// A time that may be very far off.
fn later(at: Instant, wait: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    at.checked_add(wait).unwrap_or_else(|| at + CENTURY)
}
