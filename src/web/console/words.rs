//! Times, numbers and durations as pages show them.

use std::fmt;
use std::iter::Sum;
use std::time::Duration;

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

const SECONDS: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const MILLIS: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second].[subsecond digits:3]");

/// A time, for machines and for people, in UTC.
pub struct Moment(OffsetDateTime);

impl From<OffsetDateTime> for Moment {
    fn from(at: OffsetDateTime) -> Self {
        Self(at.to_offset(UtcOffset::UTC))
    }
}

impl Moment {
    /// As the attribute `datetime` has it.
    pub fn iso(&self) -> String {
        self.0.format(&Rfc3339).unwrap_or_default()
    }

    /// Day and time, to the second.
    pub fn seconds(&self) -> String {
        self.0.format(SECONDS).unwrap_or_default()
    }

    /// The time of day, to the millisecond.
    pub fn millis(&self) -> String {
        self.0.format(MILLIS).unwrap_or_default()
    }
}

/// So many of something: `1,234,567`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub u64);

impl Count {
    /// Whether there is one.
    pub fn any(self) -> bool {
        self.0 > 0
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&grouped(self.0))
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        Self(counts.map(|count| count.0).sum())
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `850 µs`, `12 ms`, `3.4 s`, `5 min`, `2 h`, `3 d`: as exact as people want it.
pub fn lasted(duration: Duration) -> String {
    let (micros, seconds) = (duration.as_micros(), duration.as_secs());
    match seconds {
        0 if micros < 1000 => format!("{micros} µs"),
        0 if micros < 10_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        0 => format!("{} ms", micros / 1000),
        1..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let shown = [0, 12, 123, 1234, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "12", "123", "1,234", "1,234,567"]);
    }

    #[test]
    fn durations_are_as_exact_as_people_want_them() {
        let shown = [850, 1_500, 12_300, 3_400_000, 300_000_000, 7_200_000_000, 259_200_000_000];
        let shown = shown.map(|micros| lasted(Duration::from_micros(micros)));
        assert_eq!(shown, ["850 µs", "1.5 ms", "12 ms", "3.4 s", "5 min", "2 h", "3 d"]);
    }
}
