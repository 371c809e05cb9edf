//! The clients in docs/examples: each sends a message, and each that receives is told what became of it. Those whose
//! language is not on this machine are named and left out.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::program::{Gateway, read, sabir};

const SECRET: &str = "callback-secret";

/// A language: its program, and how it is asked whether it is there.
struct Language {
    program: &'static str,
    asked: &'static str,
    extension: &'static str,
}

const LANGUAGES: [Language; 4] = [
    Language { program: "sh", asked: "-c", extension: "sh" },
    Language { program: "python3", asked: "--version", extension: "py" },
    Language { program: "node", asked: "--version", extension: "mjs" },
    Language { program: "go", asked: "version", extension: "go" },
];

impl Language {
    fn is_here(&self) -> bool {
        let mut command = Command::new(self.program);
        let asked = command.args([self.asked, "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let is_here = asked.is_ok_and(|status| status.success());
        if !is_here {
            eprintln!("not run: docs/examples/*.{}, because {} is not here", self.extension, self.program);
        }
        is_here
    }

    fn example(&self, name: &str) -> Option<PathBuf> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/examples/{name}.{}", self.extension));
        path.exists().then_some(path)
    }

    fn command(&self, path: &Path, folder: &Path) -> Command {
        let mut command = if self.extension == "go" {
            Command::new(built(path, folder))
        } else {
            let mut command = Command::new(self.program);
            command.arg(path);
            command
        };
        command.current_dir(folder);
        command
    }
}

/// `go run` would leave its program behind when it is killed.
fn built(path: &Path, folder: &Path) -> PathBuf {
    let program = folder.join(path.file_stem().unwrap());
    let mut build = Command::new("go");
    build.arg("build").arg("-o").args([&program, path]).current_dir(folder);
    let output = build.env("GOCACHE", folder.join("cache")).env("GOTOOLCHAIN", "local").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    program
}

/// An example that receives; it ends with the test.
struct Receiver {
    process: Child,
    lines: Box<dyn Iterator<Item = String>>,
    url: String,
}

impl Receiver {
    fn start(mut command: Command) -> Self {
        let command = command.env("CALLBACK_SECRET", SECRET).env("PORT", "0").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().expect("it did not start");
        let url = first.strip_prefix("listens on ").unwrap().to_owned();
        Self { process, lines: Box::new(lines), url }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn gateway(folder: &Path, callbacks: Option<&str>) -> Gateway {
    let hook = callbacks.map_or_else(String::new, |url| {
        let address = url.trim_start_matches("http://");
        format!(
            "callbacks = [\"{url}/hook\"]\ncallback_secret = \"{SECRET}\"\n[net]\nallow_private = [\"{address}\"]\n"
        )
    });
    let account = "[[accounts]]\nname = \"shop\"\nkey = \"key-of-shop\"\ndialect = \"cloud\"\n";
    let config = format!("{account}{hook}[sandbox]\ndelay = \"10ms\"\n");
    std::fs::write(folder.join("sabir.toml"), config).unwrap();
    Gateway::spawn(sabir(folder).args(["--config", "sabir.toml"]).stderr(Stdio::null()), folder)
}

fn send(language: &Language, gateway: &Gateway, folder: &Path, to: &str) -> Output {
    let mut command = language.command(&language.example("send").unwrap(), folder);
    command.args([to, "Bay 2 is open"]).env("SABIR_URL", &gateway.url).env("SABIR_KEY", "key-of-shop");
    command.output().unwrap()
}

#[test]
fn each_example_sends_a_message_and_says_why_one_is_refused() {
    let folder = TempDir::new().unwrap();
    let gateway = gateway(folder.path(), None);
    for language in LANGUAGES.iter().filter(|language| language.is_here()) {
        let (code, out, error) = read(&send(language, &gateway, folder.path(), "447700900123"));
        assert!(code == 0 && out.contains('-'), "{}: {out}{error}", language.extension);
        let (code, out, error) = read(&send(language, &gateway, folder.path(), "12"));
        assert!(code != 0 && format!("{out}{error}").contains("to: has 2 digits"), "{}: {error}", language.extension);
    }
}

#[test]
fn each_example_that_receives_is_told_what_became_of_a_message_and_believes_nobody_else() {
    for language in LANGUAGES.iter().filter(|language| language.is_here()) {
        let Some(example) = language.example("receive") else { continue };
        let folder = TempDir::new().unwrap();
        let mut receiver = Receiver::start(language.command(&example, folder.path()));
        let forged = ["--silent", "--write-out", "%{http_code}", "--data", "{}", receiver.url.as_str()];
        assert_eq!(read(&Command::new("curl").args(forged).output().unwrap()).1, "401", "{}", language.extension);
        let gateway = gateway(folder.path(), Some(&receiver.url));
        let sent = read(&send(language, &gateway, folder.path(), "447700900123")).1;
        let id = sent.split_whitespace().next().unwrap();
        for step in ["sent", "delivered", "read"] {
            assert_eq!(receiver.lines.next().unwrap(), format!("status {id} {step}"), "{}", language.extension);
        }
    }
}
