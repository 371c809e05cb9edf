//! Files against the rules: every case of the corpus under `tests/fixtures/media`, with its sizes, names and voices;
//! and files bent in ways that nobody thought of.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop where it stands"
)]

mod bent;
mod corpus;
mod made;
mod pad;
#[path = "../support/probe.rs"]
mod probe;
mod repaired;
mod sizes;
mod speed;

use std::collections::BTreeMap;
use std::path::PathBuf;

use probe::inspect;
use sabir::dialect::{self, Dialect};
use serde::Deserialize;

/// The corpus's own list, as far as these tests read it.
#[derive(Deserialize)]
struct Manifest {
    codes: BTreeMap<String, String>,
    files: Vec<File>,
    recipes: Vec<serde_json::Value>,
    filename_cases: Vec<corpus::NameCase>,
    voice_cases: Vec<corpus::VoiceCase>,
}

#[derive(Deserialize)]
struct File {
    file: String,
    cases: Vec<corpus::Case>,
}

fn manifest() -> Manifest {
    serde_json::from_slice(&read("manifest.json")).unwrap()
}

fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/media").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The dialects that the corpus speaks of.
fn dialects() -> Vec<&'static dyn Dialect> {
    ["cloud", "on-premises", "aisoule", "channel-request"].map(|name| dialect::named(name).unwrap()).to_vec()
}
