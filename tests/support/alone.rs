//! A process of its own for a test that measures its process: under `cargo test` all tests of a program share one, and what
//! the others take at the same time would be measured with it.

use std::env;
use std::process::Command;

/// Set in a process that runs one test.
const ALONE: &str = "SABIR_TEST_ALONE";

/// Whether this process runs one test alone. Else one that runs this test is started, and has to pass.
pub fn is_alone(test: &str) -> bool {
    if env::var_os(ALONE).is_some() {
        return true;
    }
    let mut run = Command::new(env::current_exe().unwrap());
    let run = run.args([test, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    // Where no test has the name none fails either.
    assert!(run.status.success() && out.contains("1 passed"), "{out}{err}");
    println!("{out}");
    false
}
