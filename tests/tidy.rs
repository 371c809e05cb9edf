//! The order of the house, read off the sources: what may use what, what stands only where, and how tests behave.
//! `ARCHITECTURE.md` gives the reasons.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::fs;
use std::path::Path;

use sabir::dialect;

/// The modules from the bottom up, each with those that it may use. Nothing points up.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("dialect", &["model"]),
    ("clock", &["model"]),
    ("secret", &[]),
    ("text", &[]),
    ("measure", &["model"]),
    ("trace", &["model"]),
    ("telemetry", &["trace", "secret", "model"]),
    ("store", &["model", "secret", "measure", "trace"]),
    ("net", &["secret", "trace"]),
    ("media", &["net", "measure", "dialect", "model", "clock"]),
    ("upstream", &["net", "dialect", "model", "clock", "secret"]),
    (
        "delivery",
        &["measure", "trace", "media", "upstream", "net", "store", "dialect", "model", "clock", "secret", "text"],
    ),
    ("service", &["delivery", "store", "dialect", "model", "clock", "secret"]),
    ("openapi", &["dialect", "model"]),
    (
        "web",
        &[
            "openapi", "measure", "trace", "media", "service", "delivery", "upstream", "store", "dialect", "model",
            "clock", "secret", "net", "text",
        ],
    ),
    ("config", &["web", "delivery", "upstream", "store", "media", "dialect", "net", "telemetry", "secret"]),
    (
        "app",
        &[
            "measure",
            "config",
            "web",
            "service",
            "delivery",
            "upstream",
            "net",
            "media",
            "store",
            "telemetry",
            "secret",
            "clock",
            "dialect",
            "model",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "config",
            "web",
            "openapi",
            "measure",
            "delivery",
            "upstream",
            "net",
            "media",
            "store",
            "telemetry",
            "secret",
            "clock",
            "dialect",
            "model",
        ],
    ),
];

/// Crates that few modules know. Forms are read where they arrive: in the web, and in the sandbox.
const HOMES: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("reqwest", &["net"]),
    ("object_store", &["media"]),
    ("multer", &["web", "upstream"]),
    ("opentelemetry", &["trace", "telemetry"]),
];

/// What only a module without clock, chance and I/O does not name.
const IMPURE: &[&str] = &[
    "async fn",
    ".await",
    "tokio",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "now_utc",
    "now_local",
    "now_v7",
    "new_v4",
];

/// A dialect's folder that another may use: both are surfaces of one vendor.
const SURFACES: &[(&str, &str)] = &[("aisoule_app", "aisoule")];

/// Longest file, in lines.
const MAX_LINES: usize = 450;

/// One source file.
struct Source {
    /// Its path from the root of the project, with `/`.
    path: String,
    /// What stands in it.
    text: String,
}

/// Every source file below a folder, in the order of the paths.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let path = entry.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { path, text: fs::read_to_string(&entry).unwrap() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

impl Source {
    /// The modules that it is, from the crate's root: `src/dialect/cloud/mod.rs` is `["dialect", "cloud"]`.
    fn modules(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').collect()
    }

    /// The module of the table that it belongs to.
    fn layer(&self) -> &str {
        self.modules().first().copied().unwrap_or_default()
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(&format!("src/{folder}/"))
    }

    /// Where its own tests begin, as a number of lines: they stand at a file's end, or fill a file of their own.
    fn tests_begin(&self) -> usize {
        if self.path.starts_with("tests/") || self.path.ends_with("/tests.rs") {
            return 0;
        }
        let mut pairs = self.text.lines().zip(self.text.lines().skip(1));
        let begin = pairs.position(|(line, next)| line == "#[cfg(test)]" && next.ends_with('{'));
        begin.unwrap_or_else(|| self.text.lines().count())
    }

    /// The lines with their numbers, comments left out.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// As [`Self::lines`], without its tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.tests_begin();
        self.lines().take_while(move |(number, _)| *number <= end)
    }

    /// The names that follow a path's beginning, each with its line: `crate::net`, `crate::{net, store::Store}`.
    fn names_after(&self, beginning: &str) -> Vec<(usize, &str)> {
        let finds = self.text.match_indices(beginning).map(|(at, _)| self.text.split_at(at));
        let finds = finds.filter(|(before, _)| !before.ends_with(|c: char| is_of_word(c) || c == ':'));
        let finds = finds.filter(|(before, _)| !before.lines().last().unwrap_or_default().contains("//"));
        finds
            .flat_map(|(before, found)| {
                let number = before.matches('\n').count() + 1;
                first_names(found.split_at(beginning.len()).1).into_iter().map(move |name| (number, name))
            })
            .collect()
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The name at the beginning, or those of a group.
fn first_names(path: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|c| !is_of_word(c)).unwrap_or(text.len());
    let Some(group) = path.strip_prefix('{') else { return vec![path.split_at(word(path)).0] };
    let (mut names, mut depth, mut is_first) = (Vec::new(), 0, true);
    for (at, c) in group.char_indices() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => is_first = true,
            c if is_of_word(c) && is_first && depth == 0 => {
                let name = group.split_at(at).1;
                names.push(name.split_at(word(name)).0);
                is_first = false;
            }
            _ => {}
        }
    }
    names
}

/// Whether a word in the line begins so.
fn has_word(line: &str, beginning: &str) -> bool {
    line.match_indices(beginning).any(|(at, _)| !line.split_at(at).0.ends_with(is_of_word))
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn every_module_has_its_place_and_the_table_itself_points_down() {
    for (at, (module, uses)) in LAYERS.iter().enumerate() {
        let (lower, _) = LAYERS.split_at(at);
        let up = uses.iter().find(|used| !lower.iter().any(|(module, _)| module == *used));
        assert_eq!(up, None, "{module} would point up");
    }
    let sources = sources("src");
    let modules = sources.iter().map(Source::layer).filter(|module| !["lib", "main"].contains(module));
    let strangers = modules.filter(|module| !LAYERS.iter().any(|(known, _)| known == module));
    assert_none(
        &strangers.map(|module| format!("{module} is not in the table: say what it may use")).collect::<Vec<_>>(),
    );
}

#[test]
fn a_module_uses_only_those_below_it() {
    let mut violations = Vec::new();
    for source in sources("src") {
        let layer = source.layer();
        let Some((_, allowed)) = LAYERS.iter().find(|(module, _)| *module == layer) else { continue };
        // One `super` for each module that it is in leads to the root too.
        let roots = ["crate::".to_owned(), "super::".repeat(source.modules().len())];
        for (number, name) in roots.iter().flat_map(|root| source.names_after(root)) {
            let is_module = LAYERS.iter().any(|(module, _)| *module == name);
            if is_module && name != layer && !allowed.contains(&name) {
                let path = &source.path;
                violations.push(format!("{path}:{number}: {layer} uses {name}; it may use {}", allowed.join(", ")));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn the_database_is_known_to_the_store_alone_and_the_http_client_to_the_net() {
    let mut violations = Vec::new();
    for source in sources("src") {
        for (name, homes) in HOMES.iter().filter(|(_, homes)| !homes.contains(&source.layer())) {
            let named = source.lines().filter(|(_, line)| has_word(line, name));
            violations
                .extend(named.map(|(number, _)| format!("{}:{number}: {name} belongs to {homes:?}", source.path)));
        }
    }
    assert_none(&violations);
}

#[test]
fn model_and_dialects_read_no_clock_take_no_chance_and_do_no_io() {
    let mut violations = Vec::new();
    for source in sources("src").iter().filter(|source| ["model", "dialect"].contains(&source.layer())) {
        for (number, line) in source.code() {
            let impure = IMPURE.iter().filter(|word| line.contains(**word));
            violations.extend(impure.map(|word| format!("{}:{number}: {word} has no place here", source.path)));
        }
    }
    assert_none(&violations);
}

#[test]
fn a_dialect_is_named_in_its_folder_and_in_the_list_alone() {
    let mut violations = Vec::new();
    for source in sources("src") {
        for name in dialect::all().iter().map(|dialect| dialect.name()) {
            let (literal, folder) = (format!("\"{name}\""), name.replace('-', "_"));
            let is_at_home = source.is_in(&format!("dialect/{folder}"));
            let may_use = |(user, used): &(&str, &str)| source.is_in(&format!("dialect/{user}")) && *used == folder;
            let may_use = source.path == "src/dialect/mod.rs" || SURFACES.iter().any(may_use);
            let is_named = |line: &str| line.contains(&literal) || has_word(line, &format!("{folder}::")) && !may_use;
            let named = source.code().filter(|(_, line)| !is_at_home && is_named(line));
            violations.extend(named.map(|(number, _)| {
                format!("{}:{number}: names the dialect {name}; ask the trait, or dialect::reference()", source.path)
            }));
        }
    }
    assert_none(&violations);
}

#[test]
fn no_test_is_ignored() {
    let mut violations = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        let ignored = source.lines().filter(|(_, line)| line.trim_start().starts_with("#[ignore"));
        let remedy = "assert what happens today and say what is wrong with it";
        violations.extend(ignored.map(|(number, _)| format!("{}:{number}: ignored; {remedy}", source.path)));
    }
    assert_none(&violations);
}

#[test]
fn no_test_sleeps_without_saying_why() {
    let sleep = format!("{}(", "sleep");
    let mut violations = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        let begin = source.tests_begin();
        let mut said = false;
        for (at, line) in source.text.lines().enumerate() {
            if at >= begin && line.contains(&sleep) && !said && !line.contains("// ") {
                violations.push(format!("{}:{}: sleeps; wait for what is meant, or say why not", source.path, at + 1));
            }
            said = line.trim_start().starts_with("//");
        }
    }
    assert_none(&violations);
}

/// The rows of the tables of claims, each with the words in backticks of its last column.
fn claims(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut lines = text.lines();
    let mut claims = Vec::new();
    while lines.by_ref().any(|line| line == "| Claim | Test |") {
        let rows = lines.by_ref().skip(1).map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
        let rows = rows.filter_map(|row| row.rsplit_once(" | "));
        claims.extend(rows.map(|(claim, tests)| (claim, tests.split('`').skip(1).step_by(2).collect())));
    }
    claims
}

#[test]
fn every_claim_about_security_names_tests_that_are_there() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).unwrap();
    let sources: Vec<_> = sources("src").into_iter().chain(sources("tests")).collect();
    let is_there = |test: &str| sources.iter().any(|source| source.text.contains(&format!("fn {test}(")));
    let claims = claims(&text);
    assert_eq!(claims.len(), text.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |")).count());
    let mut violations = Vec::new();
    for (claim, tests) in &claims {
        if tests.is_empty() {
            violations.push(format!("no test: {claim}"));
        }
        violations
            .extend(tests.iter().filter(|test| !is_there(test)).map(|test| format!("{test} is not there: {claim}")));
    }
    assert_none(&violations);
}

#[test]
fn every_lint_that_is_promised_is_on() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    for lint in
        ["unsafe_code = \"forbid\"", "unwrap_used = \"warn\"", "indexing_slicing = \"warn\"", "panic = \"warn\""]
    {
        assert!(manifest.contains(lint), "{lint}");
    }
    let check = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check")).unwrap();
    assert!(check.contains("--deny warnings"));
}

/// A map of hashes compares them too, so that equality itself has to be the one that looks at every byte.
#[test]
fn keys_are_compared_in_one_place_and_in_constant_time() {
    let sources = sources("src");
    let secret = sources.iter().find(|source| source.path == "src/secret.rs").unwrap();
    assert!(secret.text.contains("#[derive(Clone, Copy)]\npub struct KeyHash([u8; 32]);"), "no equality is derived");
    assert!(secret.text.contains("self.0.ct_eq(&other.0).into()"));
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources("src").into_iter().filter(|source| !source.text.starts_with("//! "));
    assert_none(
        &silent.map(|source| format!("{}:1: begin with `//!` and what it is", source.path)).collect::<Vec<_>>(),
    );
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    let sources = sources("src").into_iter().map(|source| (source.text.lines().count(), source.path));
    let long = sources.filter(|(lines, _)| *lines > MAX_LINES);
    let said = long.map(|(lines, path)| format!("{path}:{lines}: ends here; {MAX_LINES} lines are the most"));
    assert_none(&said.collect::<Vec<_>>());
}

/// During an update the version before works on the new schema: columns that it does not know have to fill themselves, and
/// what it knows has to stay.
#[test]
fn a_migration_takes_nothing_away_from_the_version_before() {
    let mut violations = Vec::new();
    let folders = ["migrations/sqlite", "migrations/postgres"].map(|folder| {
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap().map(|entry| entry.unwrap().path())
    });
    for path in folders.into_iter().flatten() {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ");
        for statement in code.split(';').map(|statement| statement.trim().to_lowercase()) {
            let is_narrower = statement.contains(" add column ")
                && statement.contains("not null")
                && !statement.contains(" default ");
            let takes_away = ["drop table", "drop column", "rename ", "alter column", " set not null"]
                .iter()
                .any(|word| statement.contains(word));
            if is_narrower || takes_away {
                violations.push(format!("{}: {statement}", path.display()));
            }
        }
    }
    assert_none(&violations);
}
