//! The `sabir` program.

use std::process::ExitCode;

// Linked, it takes the place of the system's `malloc`, for the C of SQLite too: docs/benchmarks.md has what that is worth.
use mimalloc as _;

fn main() -> ExitCode {
    sabir::cli::run()
}
