//! The gateway's own locks under schedules that are drawn: `scripts/schedules`.
//!
//! The sources are taken as they are, with another standard library (`played.rs`) and another tokio, in which each lock,
//! permit and await is a point where a scheduler says who goes on. Each case of `cases.rs` is played under many schedules,
//! half of them drawn evenly, half with few changes of the one that goes on, which finds what needs one change at the wrong
//! place. A failure prints its schedule, and `SCHEDULE=… schedules` plays it once more.

extern crate played as std;

mod cases;
#[path = "../../src/net/lanes.rs"]
mod crowds;
#[path = "../../src/media/links/flights.rs"]
mod fetches;
#[path = "../../src/delivery/lanes.rs"]
mod lanes;
mod model;
#[path = "../../src/delivery/files/flights.rs"]
mod works;

use std::env;
use std::time::Instant;

/// How many schedules of each case, and of each kind, unless something else is asked for.
const SCHEDULES: usize = 20_000;

/// Changes of the one that goes on, in schedules that have few.
const CHANGES: usize = 3;

fn main() {
    if let Ok(schedule) = env::var("SCHEDULE") {
        let name = env::args().nth(1).unwrap_or_default();
        let (_, case) = cases::ALL.iter().find(|(known, _)| *known == name).expect("the name of a case");
        return shuttle::replay(*case, &schedule);
    }
    let schedules = env::args().nth(1).map_or(SCHEDULES, |count| count.parse().expect("a number of schedules"));
    for (name, case) in cases::ALL {
        let started = Instant::now();
        shuttle::check_random(*case, schedules);
        shuttle::check_pct(*case, schedules, CHANGES);
        println!("{name}: {} schedules, {:.1} s", 2 * schedules, started.elapsed().as_secs_f64());
    }
}
