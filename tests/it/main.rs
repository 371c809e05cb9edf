//! The whole gateway over real HTTP on loopback: router, delivery, a temporary SQLite file, the sandbox.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails, and says where"
)]

#[path = "../support/alone.rs"]
mod alone;
mod bad_input;
mod canary;
mod console;
mod defect;
mod delivery;
mod deploy;
mod docs;
mod examples;
mod faults;
mod flood;
mod gate;
#[path = "../support/golden.rs"]
#[allow(dead_code, reason = "shared with the tests of dialects")]
mod golden;
mod harness;
mod inbound;
mod inbox;
mod keys;
mod legacy;
mod limits;
mod made_up;
mod matrix;
mod media;
mod media_memory;
mod openapi;
mod operator;
mod overload;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests of stores")]
mod postgres;
mod program;
mod provider;
#[path = "../support/receiver.rs"]
mod receiver;
mod record;
mod roundtrip;
mod samples;
mod sandbox;
mod shared_path;
mod sockets;
mod traces;
mod uploads;
mod upstreams;
mod webhooks;
