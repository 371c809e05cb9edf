//! The whole gateway over real HTTP on loopback: router, delivery, a temporary SQLite file, the sandbox.

mod bad_input;
mod harness;
mod matrix;
mod record;
mod samples;
mod shared_path;
mod upstreams;
