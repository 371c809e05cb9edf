//! How fast messages may go to one upstream: all together, those of a sender, those of a pair.
//!
//! Each limit is a bucket of tokens by the generic cell rate algorithm, which is one point in time. A message reserves its
//! time in all of them or in none, so nobody wakes to find that others were quicker. Pure: the time is passed in.
//!
//! What an upstream says is believed over what is configured. A sender that went too fast is halted, goes on at half its
//! pace, and gains a message a second each second. A pair that went too fast has no burst left.

mod bucket;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bucket::{Brake, Bucket, Keyed, Limit};
use tokio::time::Instant;

use crate::model::{Fault, FaultKind};
use crate::upstream::Limits;

/// The limit of a pair where none is configured and the upstream says that it was passed: Meta's.
const PAIR: Limit = Limit { interval: Duration::from_secs(6), burst: 45 };

/// How long a sender halts that went too fast, where the upstream does not say.
const HALT: Duration = Duration::from_secs(1);

/// From whom a message goes, and between whom.
#[derive(Clone, Copy, Debug)]
pub struct Whom<'a> {
    /// The sender.
    pub sender: &'a str,
    /// Sender and recipient, where there is one.
    pub pair: Option<&'a str>,
}

/// The pace of one upstream.
pub struct Pace {
    limits: Limits,
    /// How many gateways share the limits.
    share: u32,
    all: Bucket,
    senders: Keyed<Sender>,
    pairs: Keyed<Bucket>,
}

/// What one sender did lately.
struct Sender {
    brake: Option<Brake>,
    lately: bucket::Lately,
}

impl Pace {
    /// A pace within limits, of an upstream that nothing was sent to yet.
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self { limits, share: 1, all: Bucket::full(now), senders: Keyed::default(), pairs: Keyed::default() }
    }

    /// Says how many gateways share the limits.
    pub fn shared_by(&mut self, gateways: u32) {
        self.share = gateways.max(1);
    }

    /// Messages a second that this gateway may send, where a pace is kept.
    pub fn rate(&self) -> Option<f64> {
        self.limits.rate.map(|rate| rate / f64::from(self.share))
    }

    /// Reserves the time at which a message may go.
    ///
    /// # Errors
    /// That time, where it would be after `until`; nothing is reserved then.
    pub fn reserve(&mut self, now: Instant, until: Instant, whom: Whom<'_>) -> Result<Instant, Instant> {
        let at = self.ready_at(now, whom);
        if at > until {
            return Err(at);
        }
        if let Some(limit) = self.limit_of_all() {
            self.all.take(at, limit);
        }
        let sender = self.senders.entry(whom.sender, || Sender::new(now), |sender| sender.is_idle(now));
        sender.take(now, at);
        if let Some(pair) = whom.pair {
            self.take_of_pair(pair, now, at);
        }
        Ok(at)
    }

    /// When a message may go.
    fn ready_at(&self, now: Instant, whom: Whom<'_>) -> Instant {
        let all = self.limit_of_all().map(|limit| self.all.ready_at(now, limit));
        let sender = self.senders.get(whom.sender).map(|sender| sender.ready_at(now));
        [all, sender].into_iter().flatten().max().unwrap_or(now).max(self.pair_ready_at(now, whom))
    }

    /// When a message may go, as far as its pair goes.
    pub fn pair_ready_at(&self, now: Instant, whom: Whom<'_>) -> Instant {
        let pair = whom.pair.and_then(|pair| self.pairs.get(pair));
        pair.map_or(now, |pair| pair.ready_at(now, self.limit_of_pair()))
    }

    /// How many messages may go until then, as far as the upstream's own limit goes.
    pub fn room(&self, now: Instant, until: Instant) -> u32 {
        self.limit_of_all().map_or(u32::MAX, |limit| self.all.room(now, until, limit))
    }

    /// Goes slower, as an upstream asked for.
    pub fn slow_down(&mut self, now: Instant, whom: Whom<'_>, fault: &Fault) {
        if fault.kind == FaultKind::PairRateLimited {
            if let Some(pair) = whom.pair {
                let limit = self.limit_of_pair();
                let pair = self.pairs.entry(pair, || Bucket::full(now), |pair| pair.is_full(now));
                pair.drain(now, limit);
            }
            return;
        }
        let ceiling = self.rate();
        let sender = self.senders.entry(whom.sender, || Sender::new(now), |sender| sender.is_idle(now));
        sender.slow_down(now, ceiling, fault.retry_after.unwrap_or(HALT));
    }

    /// Only a pair that is limited is remembered.
    fn take_of_pair(&mut self, pair: &str, now: Instant, at: Instant) {
        let limit = self.limit_of_pair();
        if self.limits.pair_interval.is_some() {
            self.pairs.entry(pair, || Bucket::full(now), |pair| pair.is_full(now)).take(at, limit);
        } else if let Some(pair) = self.pairs.get_mut(pair) {
            pair.take(at, limit);
        }
    }

    fn limit_of_all(&self) -> Option<Limit> {
        let rate = self.limits.rate?;
        let interval = Duration::try_from_secs_f64(f64::from(self.share) / rate).unwrap_or(Duration::MAX);
        // A burst is not divided: it would be nothing for many gateways.
        Some(Limit { interval, burst: self.limits.burst })
    }

    /// A pair's messages leave one after the other, mostly from one gateway, so its limit is not divided.
    fn limit_of_pair(&self) -> Limit {
        let configured = self.limits.pair_interval;
        configured.map_or(PAIR, |interval| Limit { interval, burst: self.limits.pair_burst })
    }
}

impl Sender {
    fn new(now: Instant) -> Self {
        Self { brake: None, lately: bucket::Lately::new(now) }
    }

    fn ready_at(&self, now: Instant) -> Instant {
        self.brake.as_ref().map_or(now, |brake| brake.ready_at(now))
    }

    fn take(&mut self, now: Instant, at: Instant) {
        self.lately.count(at);
        if let Some(brake) = &mut self.brake {
            brake.take(at);
        }
        self.brake.take_if(|brake| brake.is_off(now));
    }

    /// Half of what it did, or of what the last fault left of it.
    fn slow_down(&mut self, now: Instant, ceiling: Option<f64>, halt: Duration) {
        let rate = self.brake.as_ref().map_or_else(|| self.lately.rate(now), |brake| brake.rate(now));
        let rate = ceiling.map_or(rate, |ceiling| rate.min(ceiling));
        let lifted_at = ceiling.or_else(|| self.brake.as_ref().map(Brake::lifted_at)).unwrap_or(rate * 2.0);
        self.brake = Some(Brake::new(now, halt, rate / 2.0, lifted_at));
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.lately.is_over(now) && self.brake.as_ref().is_none_or(|brake| brake.is_off(now))
    }
}
