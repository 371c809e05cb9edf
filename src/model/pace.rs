//! How fast somebody may go, and where they stand. Time is an argument, so that nothing here has to wait.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use time::OffsetDateTime;

/// So many requests in a window of time: all of them at once, or spread, and then as many as come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests in a window; never 0.
    requests: u32,
    /// The window.
    window: Duration,
}

/// Where somebody stands with a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// What is allowed.
    pub rate: Rate,
    /// Requests that may be made right now.
    pub remaining: u32,
    /// How long until the whole rate is there again.
    pub full_in: Duration,
    /// How long until one more request may be made; nothing where there is one.
    pub wait: Duration,
}

/// What is known of one who is held to a rate: the time at which all of it is there again.
///
/// This is the generic cell rate algorithm: each request puts that time off by its share of the window, and none may put
/// it off beyond the window's length.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    full_at: OffsetDateTime,
}

impl Rate {
    /// A rate; none where nothing would ever be allowed, or no time would ever pass.
    pub fn new(requests: u32, window: Duration) -> Option<Self> {
        (requests > 0 && window / requests > Duration::ZERO).then_some(Self { requests, window })
    }

    /// Requests in a window.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// The window.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// The share of the window that one request takes.
    fn share(&self) -> Duration {
        self.window / self.requests
    }

    /// `300/min`, `50/s`, `2/300s`.
    fn parse(text: &str) -> Option<Self> {
        let (requests, window) = text.split_once('/')?;
        let window = window.trim();
        let (many, unit) = window.split_at(window.find(|c: char| !c.is_ascii_digit())?);
        let unit = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 60 * 60,
            _ => return None,
        };
        let many: u64 = if many.is_empty() { 1 } else { many.parse().ok()? };
        Self::new(requests.trim().parse().ok()?, Duration::from_secs(many.checked_mul(unit)?))
    }
}

impl<'de> Deserialize<'de> for Rate {
    /// Takes `300/min`, or a number of requests in a second.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            InASecond(u32),
            Text(String),
        }
        let rate = match Written::deserialize(deserializer) {
            Ok(Written::InASecond(requests)) => Self::new(requests, Duration::from_secs(1)),
            Ok(Written::Text(text)) => Self::parse(&text),
            Err(_) => None,
        };
        rate.ok_or_else(|| de::Error::custom("is no rate; give one such as 300/min, 50/s or 2/300s, of 1 at least"))
    }
}

impl Pace {
    /// How long until the whole rate is there again, in whole seconds, so that nobody comes too early.
    pub fn full_in_seconds(&self) -> u64 {
        whole_seconds(self.full_in)
    }

    /// How long to wait before the next request, in whole seconds: protocols know no shorter ones.
    pub fn wait_seconds(&self) -> u64 {
        whole_seconds(self.wait)
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl Default for Meter {
    fn default() -> Self {
        Self { full_at: OffsetDateTime::UNIX_EPOCH }
    }
}

impl Meter {
    /// Counts one request.
    ///
    /// # Errors
    /// Where it came too soon; then it is not counted.
    pub fn take(&mut self, rate: Rate, now: OffsetDateTime) -> Result<Pace, Pace> {
        let before = self.look(rate, now);
        // Written down although nothing was taken: where the clock was set back, this is what it costs.
        self.full_at = now + before.full_in;
        if before.remaining == 0 {
            return Err(before);
        }
        self.full_at += rate.share();
        Ok(self.look(rate, now))
    }

    /// Takes one request back that was counted.
    pub fn give_back(&mut self, rate: Rate) {
        self.full_at -= rate.share();
    }

    /// Where it stands; never further behind than one window.
    pub fn look(&self, rate: Rate, now: OffsetDateTime) -> Pace {
        let full_in = Duration::try_from(self.full_at - now).unwrap_or_default().min(rate.window);
        let room = rate.window.saturating_sub(full_in);
        let remaining = u32::try_from(room.as_nanos() / rate.share().as_nanos().max(1)).unwrap_or(u32::MAX);
        let remaining = remaining.min(rate.requests);
        let wait = if remaining > 0 { Duration::ZERO } else { rate.share().saturating_sub(room) };
        Pace { rate, remaining, full_in, wait }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-09-21 13:35:23 UTC);

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap()
    }

    #[test]
    fn a_window_may_be_used_at_once_and_comes_back_piece_by_piece() {
        let (rate, mut meter) = (rate("3/30s"), Meter::default());
        let left: Vec<_> = (0..3).map(|_| meter.take(rate, NOW).unwrap().remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = meter.take(rate, NOW).unwrap_err();
        assert_eq!((refused.wait, refused.full_in), (Duration::from_secs(10), Duration::from_secs(30)));
        let later = |seconds: f64| NOW + Duration::from_secs_f64(seconds);
        assert_eq!((refused.wait_seconds(), refused.full_in_seconds()), (10, 30));
        let refused = meter.take(rate, later(9.5)).unwrap_err();
        assert_eq!((refused.wait, refused.wait_seconds()), (Duration::from_millis(500), 1), "nobody comes too early");
        assert_eq!(meter.take(rate, later(10.0)).unwrap().remaining, 0);
        assert_eq!(meter.look(rate, later(60.0)).remaining, 3);
    }

    #[test]
    fn a_refused_request_costs_nothing() {
        let (rate, mut meter) = (rate("1/s"), Meter::default());
        meter.take(rate, NOW).unwrap();
        for _ in 0..1000 {
            meter.take(rate, NOW).unwrap_err();
        }
        assert!(meter.take(rate, NOW + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn as_many_as_are_allowed_pass_whatever_the_shares_come_to() {
        for text in ["7/s", "300/min", "50000/s", "3/s", "11/h"] {
            let (rate, mut meter) = (rate(text), Meter::default());
            let passed = (0..rate.requests() + 5).filter(|_| meter.take(rate, NOW).is_ok()).count();
            assert_eq!(u32::try_from(passed), Ok(rate.requests()), "{text}");
        }
    }

    #[test]
    fn a_clock_that_jumps_costs_one_window_at_most() {
        let (rate, mut meter) = (rate("2/10s"), Meter::default());
        meter.take(rate, NOW).unwrap();
        let before = NOW - Duration::from_secs(3600);
        assert_eq!(meter.take(rate, before).unwrap_err().wait, Duration::from_secs(5));
        assert_eq!(meter.take(rate, before + Duration::from_secs(10)).unwrap().remaining, 1);
        assert_eq!(meter.look(rate, NOW + Duration::from_secs(3600)).remaining, 2);
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        let read = |value| serde_json::from_value::<Rate>(value);
        assert_eq!(read(json!("300/min")).unwrap(), Rate::new(300, Duration::from_secs(60)).unwrap());
        assert_eq!(read(json!("2 / 300s")).unwrap(), Rate::new(2, Duration::from_secs(300)).unwrap());
        assert_eq!(read(json!(80)).unwrap(), rate("80/s"));
        for wrong in
            [json!("0/s"), json!(0), json!(-1), json!("many"), json!("5/d"), json!("5/"), json!([]), json!("1/0s")]
        {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
