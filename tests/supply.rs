//! What the gateway is built with: every direct dependency has its reason.

#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

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

/// The texts in a list of `deny.toml`.
fn listed(key: &str) -> BTreeSet<String> {
    let text = read("deny.toml");
    let list = text.split_once(&format!("\n{key} = [")).unwrap().1.split(']').next().unwrap();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A crate that is built in, for one of the platforms that `deny.toml` names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Built {
    name: String,
    version: String,
    licence: String,
}

/// What is built in and what builds it, told by cargo itself; needs no network.
fn built() -> BTreeSet<Built> {
    let mut found = BTreeSet::new();
    for platform in listed("targets") {
        let arguments = ["tree", "--offline", "--locked", "--edges", "normal,build", "--prefix", "none"];
        let mut cargo = Command::new(env!("CARGO"));
        let cargo = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).args(["--target", &platform]);
        let told = cargo.args(["--format", "{p}|{l}"]).output().unwrap();
        let remedy = "`cargo fetch` gets what is not here yet";
        assert!(told.status.success(), "{remedy}: {}", String::from_utf8_lossy(&told.stderr));
        found.extend(String::from_utf8(told.stdout).unwrap().lines().filter(|line| !line.is_empty()).map(|line| {
            let (package, licence) = line.split_once('|').unwrap();
            let mut words = package.split(' ');
            let [name, version] = [words.next().unwrap(), words.next().unwrap()].map(str::to_owned);
            Built { name, version, licence: licence.trim_end_matches(" (*)").to_owned() }
        }));
    }
    found
}

/// Whether one of the ways in which a licence may be chosen is allowed. An exception makes another licence of it.
fn is_allowed(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let is_allowed = one_of(&mut words, allowed);
    is_allowed && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn one_of(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut found = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        found |= all_of(words, allowed);
    }
    found
}

fn all_of(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut found = single(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        found &= single(words, allowed);
    }
    found
}

fn single(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let found = one_of(words, allowed);
        return words.next_if_eq(&")").is_some() && found;
    }
    let is_allowed = words.next().is_some_and(|name| allowed.contains(name));
    let has_exception = words.next_if_eq(&"WITH").is_some() && words.next().is_some();
    is_allowed && !has_exception
}

#[test]
fn licences_are_judged_by_what_may_be_chosen() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "ISC".to_owned()]);
    for licence in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(GPL-3.0 OR ISC) AND MIT", "GPL-3.0 WITH A OR MIT"] {
        assert!(is_allowed(licence, &allowed), "{licence}");
    }
    for licence in ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT WITH A", "(GPL-3.0 OR MIT) AND GPL-3.0", "MIT MIT"] {
        assert!(!is_allowed(licence, &allowed), "{licence}");
    }
}

/// What `scripts/deny` checks with a tool of its own, which takes minutes to build.
#[test]
fn what_is_built_in_is_under_an_allowed_licence_and_is_not_banned() {
    let (built, allowed) = (built(), listed("allow"));
    assert!(built.len() > 200 && allowed.len() > 5, "{} {allowed:?}", built.len());
    let others = built.iter().filter(|built| !is_allowed(&built.licence, &allowed)).collect::<Vec<_>>();
    assert!(others.is_empty(), "no licence of deny.toml: {others:?}");
    let text = read("deny.toml");
    let banned = text.lines().filter_map(|line| line.trim().strip_prefix("{ crate = \"")?.split_once('"'));
    let mut count = 0;
    for (name, rule) in banned {
        let versions: BTreeSet<_> =
            built.iter().filter(|built| built.name == name).map(|built| &built.version).collect();
        let most = usize::from(rule.contains("deny-multiple-versions"));
        assert!(versions.len() <= most, "{name} is banned, or so many versions of it are: {versions:?}");
        count += 1;
    }
    assert!(count > 5, "{count} rules");
}
