//! How much of everything a run measures.

use std::time::Duration;

/// Connections of the load at saturation.
pub const CONNECTIONS: usize = 64;

/// Messages a second at which latency is measured.
pub const RATE: u32 = 1000;

/// Messages a second while three times as many statuses come.
pub const TOLD_RATE: u32 = 500;

/// Rounds and their lengths.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Rounds of each subject; figures are their medians.
    pub rounds: usize,
    /// Rounds in which two programs take turns: many and short, since what a change is worth is mostly less than the noise.
    pub turns: usize,
    /// One of these.
    pub turn: Duration,
    /// A round at saturation.
    pub saturation: Duration,
    /// A round at a fixed rate.
    pub latency: Duration,
    /// A round of a kind of message.
    pub kind: Duration,
    /// Transactions in a filled store.
    pub rows: u64,
    /// Messages that are queued before they are counted out.
    pub queued: u64,
    /// A round under callgrind.
    pub instructions: Duration,
}

impl Plan {
    /// A few minutes.
    pub fn usual(rows: u64) -> Self {
        let seconds = Duration::from_secs;
        Self {
            rounds: 5,
            turns: 12,
            turn: Duration::from_millis(1500),
            saturation: seconds(3),
            latency: seconds(4),
            kind: seconds(1),
            rows,
            queued: 1_000_000,
            instructions: seconds(20),
        }
    }

    /// Under a minute, for a look.
    pub fn quick(rows: u64) -> Self {
        let millis = Duration::from_millis;
        Self {
            rounds: 2,
            turns: 2,
            turn: millis(600),
            saturation: millis(600),
            latency: millis(1000),
            kind: millis(250),
            rows,
            queued: 20_000,
            instructions: millis(5000),
        }
    }
}
