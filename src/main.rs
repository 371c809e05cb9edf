//! The `sabir` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    sabir::cli::run()
}
