//! Charts as lines of SVG: an hour from left to right, drawn to fill whatever room there is. What they say in words stands
//! beside them.

use crate::measure::Minute;
use crate::model::State;

/// Units from left to right of one minute.
const STEP: u32 = 10;
/// Units from bottom to top.
const HEIGHT: f64 = 100.0;

/// One bar of a minute, on top of those before it.
pub struct Bar {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: String,
    /// How high it is.
    pub height: String,
    /// What it counts.
    pub class: &'static str,
}

/// What came to an end, minute by minute.
pub struct Bars {
    /// Those of nothing are left out.
    pub bars: Vec<Bar>,
    /// What the top stands for.
    pub top: u32,
}

/// A time, minute by minute, as the points of lines: two where nothing was timed between.
pub struct Lines {
    /// Each as SVG's `points`.
    pub lines: Vec<String>,
}

/// Sent, failed, unknown, and what waits or was only taken, by their classes.
pub fn outcomes(minute: &Minute) -> [(u32, &'static str); 4] {
    let sent = minute.ended(State::Sent) + minute.ended(State::Delivered) + minute.ended(State::Read);
    let (failed, unknown) = (minute.ended(State::Failed), minute.ended(State::Unknown));
    [(sent, "sent"), (failed, "failed"), (unknown, "unknown"), (minute.all() - sent - failed - unknown, "other")]
}

/// Bars of an hour.
pub fn bars(minutes: &[Minute]) -> Bars {
    let top = round_up(minutes.iter().map(Minute::all).max().unwrap_or_default());
    let scale = HEIGHT / f64::from(top);
    let mut bars = Vec::new();
    for (minute, x) in minutes.iter().zip((0..).step_by(STEP as usize)) {
        let mut y = HEIGHT;
        for (count, class) in outcomes(minute).into_iter().filter(|(count, _)| *count > 0) {
            let height = f64::from(count) * scale;
            y -= height;
            bars.push(Bar { x, y: format!("{y:.1}"), height: format!("{height:.1}"), class });
        }
    }
    Bars { bars, top }
}

/// Lines through milliseconds, up to what the top stands for.
pub fn lines(millis: &[Option<f64>], top: f64) -> Lines {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    for (value, nth) in millis.iter().zip(0_u32..) {
        match value {
            Some(value) => line.push(format!("{},{:.1}", nth * STEP + STEP / 2, HEIGHT - value / top * HEIGHT)),
            None => lines.extend(drawn(std::mem::take(&mut line))),
        }
    }
    lines.extend(drawn(line));
    Lines { lines }
}

/// A single minute is drawn too, as a short line.
fn drawn(points: Vec<String>) -> Option<String> {
    let only = points.first()?;
    if points.len() > 1 {
        return Some(points.join(" "));
    }
    let (x, y) = only.split_once(',')?;
    let x: u32 = x.parse().ok()?;
    Some(format!("{},{y} {},{y}", x - 3, x + 3))
}

/// The next of 1, 2, 5, 10, 20, 50, …
pub fn round_up(most: u32) -> u32 {
    let steps = (0..9).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u32.pow(power)));
    steps.into_iter().find(|step| *step >= most).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_number() {
        assert_eq!([0, 1, 3, 6, 11, 201, 1_000_000].map(round_up), [1, 1, 5, 10, 20, 500, 1_000_000]);
    }

    #[test]
    fn a_line_breaks_where_nothing_was_timed() {
        let drawn = lines(&[Some(0.0), Some(5.0), None, Some(10.0)], 10.0).lines;
        assert_eq!(drawn, ["5,100.0 15,50.0", "32,0.0 38,0.0"]);
    }
}
