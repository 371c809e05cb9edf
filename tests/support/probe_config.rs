//! What holds for every configuration, whoever wrote it: as `probe.rs` for files.

use sabir::config;

/// Any text is a configuration, or has faults that are told with their keys.
pub fn configuration(text: &str) {
    // A secret in a file would be read from there, and some files have no end.
    if text.contains("file:") {
        return;
    }
    if let Err(problems) = config::load_text(text) {
        assert!(!problems.0.is_empty(), "refused without a fault: {text}");
        assert!(problems.0.iter().all(|problem| !problem.text.is_empty()), "{problems}");
    }
}
