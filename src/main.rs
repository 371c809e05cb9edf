//! The `sabir` program.

use std::process::ExitCode;

use mimalloc as _;

fn main() -> ExitCode {
    sabir::cli::run()
}
