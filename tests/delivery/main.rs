//! Delivery in simulated time: its policies over hours in no time, over a store in memory and providers that do as they are
//! told.
//!
//! Tokio's clock is paused, so whoever waits is woken at once and at the right time; nothing here touches disk or network
//! but for the folder of clients' files. `tests/it` has the same over real stores and sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails, and says where"
)]

mod doubt;
mod jumps;
mod memory;
mod order;
mod provider;
mod queue;
mod repeats;
mod replay;
mod silent;
mod sync;
mod unknown;
mod world;
