//! What the gateway is built with: every direct dependency has its reason.

#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The names that stand before `=` in a section of `Cargo.toml`.
fn dependencies(section: &str) -> BTreeSet<String> {
    let text = read("Cargo.toml");
    let lines = text.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
}

/// The names in the first column of the tables of the page, each with its reasons.
fn documented() -> Vec<(String, bool)> {
    let text = read("docs/dependencies.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    rows.map(|(name, reasons)| {
        (name.to_owned(), reasons.split('|').filter(|reason| reason.trim().len() > 3).count() == 2)
    })
    .collect()
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let built =
        dependencies("[dependencies]").union(&dependencies("[dev-dependencies]")).cloned().collect::<BTreeSet<_>>();
    let documented = documented();
    assert!(built.len() > 40, "{built:?}");
    assert_eq!(documented.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>(), built, "docs/dependencies.md");
    let bare: Vec<_> = documented.iter().filter(|(_, has_reasons)| !has_reasons).collect();
    assert!(bare.is_empty(), "without a reason: {bare:?}");
}

#[test]
fn every_dependency_comes_from_the_public_registry() {
    let lock = read("Cargo.lock");
    let sources: BTreeSet<_> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    assert_eq!(sources.into_iter().collect::<Vec<_>>(), ["\"registry+https://github.com/rust-lang/crates.io-index\""]);
}
