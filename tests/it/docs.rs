//! What the documents tell people to type works: every ```sh block is run beside a gateway, every ```toml block is
//! loaded as a configuration.
//!
//! A comment on the line before a block says what a reader sees anyway: `<!-- exits with 1 -->`, or why it cannot be run
//! here: `<!-- not run: needs Docker -->`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sabir::config;
use sabir::model::FaultKind;
use tempfile::TempDir;

use crate::program::{Gateway, json, read, sabir};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The token of the gateway that the commands talk to.
const TOKEN: &str = "operator";
/// The transaction of the documents.
const EXAMPLE_ID: &str = "0199c0de-7a11-7000-8000-2b7e1c905d44";

/// A fenced block of a page.
struct Block {
    page: String,
    line: usize,
    text: String,
    /// The comment on the line before.
    comment: Option<String>,
}

impl Block {
    fn is_run(&self) -> bool {
        !self.comment.as_deref().is_some_and(|comment| comment.starts_with("not run: "))
    }

    fn exit_code(&self) -> i32 {
        let code = self.comment.as_deref().and_then(|comment| comment.strip_prefix("exits with "));
        code.map_or(0, |code| code.parse().unwrap())
    }
}

/// The pages that people read, the README first.
fn pages() -> Vec<PathBuf> {
    let inside = |folder: &str| {
        let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect::<Vec<_>>()
    };
    let mut pages: Vec<_> =
        ["docs", "docs/dialects", "docs/examples", "docs/migrating"].into_iter().flat_map(inside).collect();
    pages.sort();
    ["README.md", "CONTRIBUTING.md"].iter().map(|name| Path::new(ROOT).join(name)).chain(pages).collect()
}

/// The blocks of a language on every page.
fn blocks(language: &str) -> Vec<Block> {
    pages().iter().flat_map(|path| blocks_of(path, language)).collect()
}

fn blocks_of(path: &Path, language: &str) -> Vec<Block> {
    let text = fs::read_to_string(path).unwrap();
    let page = path.strip_prefix(ROOT).unwrap().display().to_string();
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line == format!("```{language}") {
            let comment = before.strip_prefix("<!-- ").and_then(|comment| comment.strip_suffix(" -->"));
            let text = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text = text.collect::<Vec<_>>().join("\n");
            blocks.push(Block { page: page.clone(), line: at + 1, text, comment: comment.map(str::to_owned) });
        }
        before = line;
    }
    blocks
}

/// Files that the documents speak of.
const FILES: [(&str, &str); 3] = [
    ("photo.jpg", "image_rgb_640x480.jpg"),
    ("clip.mp4", "video_h264_baseline_aac.mp4"),
    ("invoice.pdf", "doc_report.pdf"),
];

/// A folder as a reader has it after `cargo run --release`: the project's configuration, a gateway and its data.
struct Desk {
    folder: TempDir,
    gateway: Gateway,
    transaction: String,
}

impl Desk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let root = Path::new(ROOT);
        fs::create_dir_all(folder.path().join("config/examples")).unwrap();
        for name in ["config/default.toml", "config/example.toml", "config/compose.toml", "config/examples/meta.toml"] {
            fs::copy(root.join(name), folder.path().join(name)).unwrap();
        }
        for (name, file) in FILES {
            fs::copy(root.join("tests/fixtures/media/valid").join(file), folder.path().join(name)).unwrap();
        }
        let gateway = Gateway::spawn(sabir(folder.path()).env("SABIR__ADMIN__TOKEN", TOKEN), folder.path());
        let sent = read(&gateway.client(folder.path(), &["send", "--to", "447700900123", "--text", "Hi"])).1;
        let transaction = sent.split_whitespace().nth(2).unwrap().trim_end_matches(',').to_owned();
        let desk = Self { folder, gateway, transaction };
        desk.command("sabir", &format!("exec {} \"$@\"", env!("CARGO_BIN_EXE_sabir")));
        // `cargo run --release -- key new` and its like.
        desk.command("cargo", "shift 3\nexec sabir \"$@\"");
        desk.command("curl", "PATH=${PATH#*:}\nexec curl --fail \"$@\"");
        desk.command("pidof", &format!("echo {}", desk.gateway.process.id()));
        desk
    }

    /// Puts a command before all others of that name.
    fn command(&self, name: &str, script: &str) {
        let folder = self.folder.path().join("bin");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, block: &Block) -> Output {
        let script =
            block.text.replace("http://127.0.0.1:8080", &self.gateway.url).replace(EXAMPLE_ID, &self.transaction);
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-eu", "-c", &script]).current_dir(self.folder.path()).env("PATH", path);
        command.env_remove("SABIR_CONFIG").env_remove("SABIR_KEY").env("SABIR_URL", &self.gateway.url);
        command.env("SABIR_ADMIN_TOKEN", TOKEN).output().unwrap()
    }
}

#[test]
fn what_the_documents_tell_people_to_type_works() {
    let desk = Desk::new();
    let mut run = 0;
    for block in blocks("sh").iter().filter(|block| block.is_run()) {
        let output = desk.run(block);
        let place = format!("{}:{}\n{}\n{output:?}", block.page, block.line, block.text);
        assert_eq!(output.status.code(), Some(block.exit_code()), "{place}");
        run += 1;
    }
    assert!(run >= 10, "only {run} blocks were run");
    let listed = desk.gateway.client(desk.folder.path(), &["transactions", "list", "--json", "--token", TOKEN]);
    let sent = json(&read(&listed).1)["transactions"].as_array().unwrap().len();
    assert!(sent >= 3, "the documents send messages: {sent}");
}

#[test]
fn the_configurations_in_the_documents_can_be_run() {
    for block in blocks("toml").iter().filter(|block| block.is_run()) {
        // Where a secret would come from is the reader's affair.
        let text = block.text.replace("\"env:", "\"").replace("\"file:", "\"");
        // This one has to look like what it is.
        let text = text.replace("SABIR_STORE_KEY", &"5a".repeat(32));
        let problems = config::load_text(&text).err().map(|problems| problems.to_string());
        assert_eq!(problems, None, "{}:{}", block.page, block.line);
    }
}

/// What a link on a page leads to: the file, and the place in it.
fn links(page: &Path) -> Vec<(PathBuf, Option<String>)> {
    let text = fs::read_to_string(page).unwrap();
    // What stands in blocks and in `code` is no link.
    let prose = text.split("```").step_by(2).flat_map(|part| part.split('`').step_by(2)).collect::<String>();
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let ours = targets.filter(|target| !target.contains("://"));
    ours.map(|target| {
        let (file, place) = target.split_once('#').map_or((target, None), |(file, place)| (file, Some(place)));
        let file = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
        (file, place.map(str::to_owned))
    })
    .collect()
}

/// The places on a page, as web pages of repositories name them.
fn places(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let headings = text.split("```").step_by(2).flat_map(str::lines).filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let root = ["ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"].map(|name| Path::new(ROOT).join(name));
    let mut dead = Vec::new();
    let mut seen = 0;
    for page in pages().into_iter().chain(root) {
        for (file, place) in links(&page) {
            seen += 1;
            let is_there = file.exists() && place.as_ref().is_none_or(|place| places(&file).contains(place));
            if !is_there {
                dead.push(format!("{}: {} {}", page.display(), file.display(), place.unwrap_or_default()));
            }
        }
    }
    assert!(seen > 150, "only {seen} links were found");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_page_is_in_the_contents() {
    let contents = Path::new(ROOT).join("docs/README.md");
    let listed: Vec<_> = links(&contents).into_iter().map(|(file, _)| file.canonicalize().unwrap()).collect();
    let pages = pages().into_iter().filter(|page| page.starts_with(Path::new(ROOT).join("docs")) && *page != contents);
    let missing: Vec<_> = pages.filter(|page| !listed.contains(&page.canonicalize().unwrap())).collect();
    assert!(missing.is_empty(), "docs/README.md leads to none of {missing:?}");
}

#[test]
fn every_fault_and_every_option_is_explained() {
    let errors = fs::read_to_string(Path::new(ROOT).join("docs/errors.md")).unwrap();
    for kind in FaultKind::ALL {
        let row = errors.lines().find(|line| line.starts_with(&format!("| `{}` |", kind.code())));
        let row = row.unwrap_or_else(|| panic!("docs/errors.md has no row for {}", kind.code()));
        let cells: Vec<_> = row.split(" | ").collect();
        assert!(cells.len() == 5 && cells[4].len() > 8, "a remedy is missing: {row}");
        let verdict = format!("{:?}", kind.verdict()).to_lowercase();
        assert!(cells[3].contains(&verdict), "{row} says another verdict than {verdict}");
    }
    let options = fs::read_to_string(Path::new(ROOT).join("docs/configuration.md")).unwrap();
    let default = fs::read_to_string(Path::new(ROOT).join("config/default.toml")).unwrap();
    let keys = default.lines().filter_map(|line| line.trim_start_matches("# ").split_once(" = ")).map(|(key, _)| key);
    for key in keys.filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
        assert!(options.contains(&format!("`{key}`")), "docs/configuration.md does not explain {key}");
    }
}
