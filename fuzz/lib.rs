//! What the targets run: the bodies of the property tests, each target with the beginning that its reader wants.

#[path = "../tests/support/golden.rs"]
#[allow(dead_code)]
mod golden;
#[path = "../tests/support/probe.rs"]
mod probe;
#[path = "../tests/support/probe_config.rs"]
mod probe_config;
#[path = "../tests/support/probe_dialect.rs"]
mod probe_dialect;
#[path = "../tests/support/probe_link.rs"]
mod probe_link;

use sabir::dialect::{self, Call, Dialect, golden_sends};
use serde_json::Value;

/// Probes a file after its beginning was made to be one that leads to a reader: each piece is laid over its place.
pub fn file(data: &[u8], beginning: &[(usize, &[u8])]) {
    // The first byte says in which buffers it comes, so that a found case can be run again.
    let Some((buffer, data)) = data.split_first() else { return };
    let mut file = data.to_vec();
    for (at, piece) in beginning {
        file.resize(file.len().max(at + piece.len()), 0);
        file[*at..at + piece.len()].copy_from_slice(piece);
    }
    probe::file(&file, usize::from(*buffer) * 16 + 1);
}

/// Probes a link.
pub fn link(text: &str) {
    probe_link::link(text);
}

/// Probes a request to send: a dialect, one of its golden requests, whose path and headers it has, and the body.
pub fn send(data: &[u8]) {
    let Some((dialect, [which, body @ ..])) = spoken(data) else { return };
    let golden = golden_sends(dialect);
    let Some(golden) = golden.get(usize::from(*which) % golden.len().max(1)) else { return };
    // What is no JSON never comes to a dialect.
    let Ok(body) = serde_json::from_slice(body) else { return };
    probe_dialect::send(dialect, Call { body, ..golden.request.call() });
}

/// Probes a call that is no send: a dialect, then the method, the path, the type of the body and the body, a line each.
pub fn call(data: &[u8]) {
    let Some((dialect, text)) = spoken(data) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (Ok(method), path) = (line().parse(), line().to_owned()) else { return };
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = line().parse() {
        headers.insert(http::header::CONTENT_TYPE, value);
    }
    let body = serde_json::from_str(line()).unwrap_or(Value::Null);
    probe_dialect::other_call(dialect, &Call { method, path, headers, body });
}

/// Probes an upstream's answer: a dialect, the status above 100 in two bytes, and the body.
pub fn outcome(data: &[u8]) {
    let Some((dialect, [high, low, body @ ..])) = spoken(data) else { return };
    let status = 100 + u16::from_be_bytes([*high, *low]) % 900;
    probe_dialect::outcome(dialect, status, None, body.to_vec());
}

/// Probes a provider's webhook: a dialect and the body.
pub fn event(data: &[u8]) {
    let Some((dialect, body)) = spoken(data) else { return };
    probe_dialect::webhook(dialect, body.to_vec());
}

/// Probes a configuration.
pub fn configuration(text: &str) {
    probe_config::configuration(text);
}

/// The dialect that the first byte stands for, and what follows it.
fn spoken(data: &[u8]) -> Option<(&'static dyn Dialect, &[u8])> {
    let (first, rest) = data.split_first()?;
    let all = dialect::all();
    Some((all[usize::from(*first) % all.len()], rest))
}
