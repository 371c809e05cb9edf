//! The program itself: a first run, its commands, its exit codes, and what is left after it was killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A gateway in a process of its own, killed when the test ends.
pub struct Gateway {
    pub process: Child,
    pub url: String,
    /// What it printed when it was ready, up to the line that ends the greeting.
    greeting: Vec<String>,
}

impl Gateway {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(sabir(folder).args(arguments).stderr(Stdio::null()), folder)
    }

    /// One that writes all that it can say into a file.
    pub fn logging(folder: &Path, arguments: &[&str], log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        Self::spawn(sabir(folder).args(arguments).env("RUST_LOG", "debug").env("NO_COLOR", "1").stderr(log), folder)
    }

    pub fn spawn(command: &mut Command, folder: &Path) -> Self {
        let command = command.env("SABIR__SERVER__LISTEN", "127.0.0.1:0").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().expect("the gateway did not start");
        let url = first.strip_prefix("Sabir listens on ").unwrap().to_owned();
        let has_key = folder.join("data/dev.key").exists();
        let greeting =
            if has_key { lines.by_ref().take_while(|line| !line.starts_with("Then look")).collect() } else { vec![] };
        Self { process, url, greeting }
    }

    /// The output of a command that talks to this gateway.
    pub fn client(&self, folder: &Path, arguments: &[&str]) -> Output {
        sabir(folder).args(arguments).env("SABIR_URL", &self.url).output().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn sabir(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sabir"));
    command.current_dir(folder).env_remove("SABIR_ADMIN_TOKEN").env_remove("SABIR_CONFIG").env_remove("RUST_LOG");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    read(&sabir(folder).args(arguments).output().unwrap())
}

pub fn read(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_first_run_prints_a_key_and_a_line_for_each_dialect_that_delivers_when_pasted() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path(), &[]);
    let lines: Vec<_> = gateway.greeting.iter().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(lines.len(), sabir::dialect::all().len(), "{:?}", gateway.greeting);
    for line in &lines {
        let pasted = Command::new("sh").args(["-c", &format!("{line} --fail")]).output().unwrap();
        assert!(pasted.status.success(), "{line}: {pasted:?}");
    }
    // One of the dialects answers before it forwards.
    let sent = || read(&gateway.client(folder.path(), &["transactions", "list"])).1;
    while sent().matches(" sent ").count() < lines.len() {
        std::thread::yield_now();
    }
    let table = sent();
    for dialect in sabir::dialect::all() {
        assert!(table.contains(&format!(" {} ", dialect.name())), "{table}");
    }
    let key = std::fs::read_to_string(folder.path().join("data/dev.key")).unwrap();
    assert!(gateway.greeting.iter().any(|line| line.trim() == key.trim()));
    for name in ["dev.key", "sabir.db", "sabir.db-wal"] {
        let mode = std::fs::metadata(folder.path().join("data").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} holds what is nobody else's affair");
    }
    drop(gateway);
    let again = Gateway::start(folder.path(), &["serve"]);
    assert!(again.greeting.iter().any(|line| line.trim() == key.trim()), "the key is made once");
}

#[test]
fn no_log_holds_a_key_password_or_token() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let gateway = Gateway::logging(folder.path(), &[], &log);
    let key = std::fs::read_to_string(folder.path().join("data/dev.key")).unwrap().trim().to_owned();
    let curl = |arguments: &[&str]| {
        let output = Command::new("curl").args(["--silent", "--fail-with-body"]).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let at = |path: &str| format!("{}{path}", gateway.url);
    let login =
        curl(&["-u", &format!("admin:{key}"), "-d", r#"{"new_password":"Sunny-Days-4"}"#, &at("/v1/users/login")]);
    let token = json(&login)["users"][0]["token"].as_str().unwrap().to_owned();
    let text = r#"{"messaging_product":"whatsapp","to":"447700900123","text":{"body":"Hi"}}"#;
    let json_body = ["-H", "content-type: application/json", "-d", text];
    curl(&[json_body.as_slice(), &[&at(&format!("/v23.0/5512000/messages?access_token={key}"))]].concat());
    curl(&[json_body.as_slice(), &[&at(&format!("/messages?access_token={token}"))]].concat());
    curl(&[&at(&format!("/nowhere?access_token={key}"))]);
    drop(gateway);
    let logged = std::fs::read_to_string(log).unwrap();
    assert_eq!(logged.matches("state=\"sent\"").count(), 2, "{logged}");
    for secret in [key.as_str(), token.as_str(), "Sunny-Days-4", "447700900123"] {
        assert!(!logged.contains(secret), "{logged}");
    }
}

#[test]
fn send_show_and_health_work_against_a_running_gateway() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path(), &[]);
    let client = |arguments: &[&str]| read(&gateway.client(folder.path(), arguments));
    assert_eq!(client(&["health"]), (0, "ready\n".to_owned(), String::new()));
    let (code, sent, error) = client(&["send", "--to", "+44 7700 900123", "--text", "Hello"]);
    assert_eq!(code, 0, "{error}");
    let transaction = sent.split_whitespace().nth(2).unwrap().trim_end_matches(',').to_owned();
    let (code, shown, _) = client(&["transactions", "show", &transaction, "--json"]);
    assert_eq!(code, 0);
    assert_eq!(json(&shown)["client_request"]["text"]["body"], "Hello");
    let (code, shown, _) = client(&["transactions", "show", &transaction]);
    assert!(code == 0 && shown.contains("POST sandbox://in-process/messages"), "{shown}");
    let (code, _, error) = client(&["send", "--to", "12", "--text", "Hello"]);
    assert!(code == 1 && error.contains("to: has 2 digits"), "{error}");
    let (code, report, _) = client(&["send", "--to", "447700900123", "--template", "x", "--dry-run"]);
    assert!(code == 0 && json(&report)["would_send"] == true, "{report}");
    assert_eq!(client(&["transactions", "show", "nothing"]).0, 1);
    assert_eq!(json(&client(&["transactions", "list", "--json"]).1)["transactions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_gateway_that_is_killed_between_forward_and_answer_leaves_the_record() {
    let folder = TempDir::new().unwrap();
    let mut gateway = Gateway::start(folder.path(), &[]);
    let key = std::fs::read_to_string(folder.path().join("data/dev.key")).unwrap();
    // The sandbox takes the message for this recipient and gives no answer.
    let body = r#"{"messaging_product":"whatsapp","to":"99900000408","text":{"body":"Hi"}}"#;
    let address = gateway.url.trim_start_matches("http://");
    let send = || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!("authorization: Bearer {}\r\ncontent-length: {}", key.trim(), body.len());
        write!(stream, "POST /messages HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n{body}").unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let mut stream = send();
    let received = || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET /sandbox/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.contains("99900000408")
    };
    while !received() {
        // An answer by now says that the disk was too slow to record it.
        if stream.read(&mut [0; 1024]).is_ok() {
            stream = send();
        }
    }
    gateway.process.kill().unwrap();
    gateway.process.wait().unwrap();
    let again = Gateway::start(folder.path(), &[]);
    let listed = json(&read(&again.client(folder.path(), &["transactions", "list", "--json"])).1);
    let transactions = listed["transactions"].as_array().unwrap();
    assert_eq!(transactions.len(), 1);
    assert_eq!(transactions[0]["recipient"], "99900000408");
    assert_eq!(transactions[0]["state"], "sending", "nobody knows yet; it becomes unknown when no call lasts as long");
}

#[test]
fn check_reports_every_fault_at_once_with_its_key_and_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bad.toml");
    let text = r#"
        [servr]
        x = 1
        [server]
        listn = "x"
        max_body = "many"
        [[accounts]]
        name = "a"
        key = "env:SABIR_NO_SUCH_VARIABLE"
        mode = "sync"
        [[accounts]]
        name = "b"
        key = "abc"
        dialect = "klingon"
        upstream = "nowhere"
        [[upstreams]]
        name = "m"
        provider = "meta"
        [[routes]]
        channel = "FAX"
        upstreams = ["m"]
    "#;
    std::fs::write(&file, text).unwrap();
    let (code, out, error) = run(folder.path(), &["--config", "bad.toml", "check"]);
    assert_eq!((code, out.as_str()), (78, ""));
    let expected = [
        "servr: unknown key; did you mean `server`? (in bad.toml:2)",
        "server.listn: unknown key; did you mean `listen`? (in bad.toml:5)",
        "server.max_body: ",
        "accounts[0].key: the environment has no variable SABIR_NO_SUCH_VARIABLE",
        " --> bad.toml:5:9\n  |\n5 |         listn = …\n  |         ^^^^^\n",
        "accounts[1].dialect: is no dialect; give one of aisoule",
        " --> bad.toml:14:9\n",
        "accounts[1].upstream: names no upstream; there is: m",
        "upstreams[0].key: is missing",
        "routes[0].channel: ",
    ];
    for line in expected {
        assert!(error.contains(line), "{line:?} is not in\n{error}");
    }
    assert!(!error.contains("mode"), "an option of the contract is no fault: {error}");
}

#[test]
fn exit_codes_tell_what_happened() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ok.toml"), "[[accounts]]\nname = \"a\"\nkey = \"k\"\n").unwrap();
    let (code, out, error) = run(folder.path(), &["--config", "ok.toml", "check"]);
    assert!(code == 0 && out.contains("can be run: 1 account, 0 upstreams, 0 routes"), "{out}{error}");
    assert_eq!(run(folder.path(), &["--config", "missing.toml", "check"]).0, 78);
    assert_eq!(run(folder.path(), &["no-such-command"]).0, 2);
    assert_eq!(run(folder.path(), &["health", "--url", "http://127.0.0.1:1"]).0, 69);
    let open = sabir(folder.path()).env("SABIR__SERVER__LISTEN", "0.0.0.0:0").output().unwrap();
    let (code, _, error) = read(&open);
    assert!(code == 78 && error.contains("[[accounts]]"), "no account, no start beyond this machine: {error}");
    let away = sabir(folder.path()).env("SABIR__STORE__URL", "postgres://x@127.0.0.1:1/x").output().unwrap();
    assert_eq!(read(&away).0, 69, "{away:?}");
    assert_eq!(run(folder.path(), &["migrate"]).0, 0);
}

#[test]
fn a_key_is_printed_once_and_its_hash_opens_the_gateway() {
    let folder = TempDir::new().unwrap();
    let made = json(&run(folder.path(), &["key", "new", "--account", "shop", "--json"]).1);
    let (key, hash) = (made["key"].as_str().unwrap(), made["hash"].as_str().unwrap());
    assert!(hash.starts_with("sha256:") && !hash.contains(key));
    let config = format!("[[accounts]]\nname = \"shop\"\nkey = \"{hash}\"\n");
    std::fs::write(folder.path().join("shop.toml"), config).unwrap();
    let gateway = Gateway::start(folder.path(), &["--config", "shop.toml"]);
    let send = ["send", "--to", "447700900123", "--text", "Hi", "--key"];
    assert_eq!(read(&gateway.client(folder.path(), &[&send[..], &[key]].concat())).0, 0);
    assert_eq!(read(&gateway.client(folder.path(), &[&send[..], &["wrong"]].concat())).0, 1);
}

#[test]
fn a_secret_of_digits_is_taken_from_the_environment_as_it_is() {
    let folder = TempDir::new().unwrap();
    let gateway =
        Gateway::spawn(sabir(folder.path()).env("SABIR__ADMIN__TOKEN", "007").stderr(Stdio::null()), folder.path());
    let list = |token: &str| read(&gateway.client(folder.path(), &["transactions", "list", "--token", token])).0;
    assert_eq!((list("007"), list("7")), (0, 1));
}

#[test]
fn a_proxy_of_the_environment_does_not_stand_before_this_machine() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path(), &[]);
    let mut health = sabir(folder.path());
    let asked = health.args(["health", "--url", &gateway.url]).env("http_proxy", "http://127.0.0.1:1").output();
    assert_eq!(read(&asked.unwrap()).0, 0);
}

#[test]
fn messages_go_through_a_proxy_of_the_environment() {
    let (folder, proxy) = (TempDir::new().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let (asked, hears) = mpsc::channel();
    std::thread::spawn(move || {
        let line = BufReader::new(proxy.accept().unwrap().0).lines().next();
        asked.send(line.unwrap().unwrap()).unwrap();
    });
    let config = "accounts = [{ name = 'shop', key = 'k', dialect = 'cloud', upstream = 'main' }]\n\
        upstreams = [{ name = 'main', dialect = 'cloud', base_url = 'http://provider.example.net', key = 'x', \
        phone_number_id = '5512000' }]\n";
    std::fs::write(folder.path().join("proxied.toml"), config).unwrap();
    let mut command = sabir(folder.path());
    command.args(["--config", "proxied.toml"]).env("http_proxy", address).stderr(Stdio::null());
    let gateway = Gateway::spawn(&mut command, folder.path());
    gateway.client(folder.path(), &["send", "--to", "447700900123", "--text", "Hi", "--key", "k"]);
    let line = hears.recv_timeout(Duration::from_secs(30)).expect("nothing asks the proxy");
    assert_eq!(line, "POST http://provider.example.net/5512000/messages HTTP/1.1");
}

#[test]
fn translate_prints_the_other_dialect_and_names_what_is_lost() {
    let folder = TempDir::new().unwrap();
    let request = r#"{"messaging_product":"whatsapp","to":"447700900123","type":"text",
        "text":{"body":"https://example.net","preview_url":true}}"#;
    std::fs::write(folder.path().join("request.json"), request).unwrap();
    let translate = |more: &[&str]| {
        let arguments = ["translate", "--from", "cloud", "--to", "aisoule", "request.json"];
        run(folder.path(), &[&arguments[..], more].concat())
    };
    let (code, out, _) = translate(&[]);
    assert_eq!(code, 0);
    assert!(out.starts_with("POST /v1/messages"), "{out}");
    assert!(out.contains("lost: text.preview_url"), "{out}");
    assert_eq!(json(&translate(&["--json"]).1)["losses"][0]["member"], "text.preview_url");
    assert_eq!(translate(&["--strict"]).0, 1);
}

#[test]
fn dialects_prints_the_table_that_stands_in_the_documents() {
    let folder = TempDir::new().unwrap();
    let (code, table, _) = run(folder.path(), &["dialects", "--markdown"]);
    assert_eq!(code, 0);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dialects/README.md")).unwrap();
    let (_, rest) = page.split_once("<!-- capabilities:begin -->").unwrap();
    let (written, _) = rest.split_once("<!-- capabilities:end -->").unwrap();
    assert_eq!(written.trim(), table.trim(), "fill it again: sabir dialects --markdown");
}

#[test]
fn a_hangup_loads_accounts_again_and_a_bad_file_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, "[[accounts]]\nname = \"a\"\nkey = \"first\"\n").unwrap();
    let log = folder.path().join("log");
    let gateway = Gateway::logging(folder.path(), &["--config", "shop.toml"], &log);
    let opens = |key: &str| {
        let send = ["send", "--to", "447700900123", "--text", "Hi", "--key", key];
        read(&gateway.client(folder.path(), &send)).0 == 0
    };
    let hang_up = || Command::new("kill").args(["-HUP", &gateway.process.id().to_string()]).status().unwrap();
    assert!(opens("first") && !opens("second"));
    std::fs::write(&file, "[[accounts]]\nname = \"a\"\nkey = \"second\"\n").unwrap();
    hang_up();
    while !opens("second") {
        std::thread::yield_now();
    }
    assert!(!opens("first"));
    std::fs::write(&file, "[[accounts]]\nname = \"a\"\nkee = \"third\"\n").unwrap();
    hang_up();
    while !std::fs::read_to_string(&log).unwrap().contains("configuration not loaded") {
        std::thread::yield_now();
    }
    assert!(opens("second"), "the old configuration stays in force");
}

#[test]
fn media_check_tells_whether_a_file_would_be_sent() {
    let folder = TempDir::new().unwrap();
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/media");
    let check = |file: &str, more: &[&str]| {
        let file = format!("{corpus}/{file}");
        run(folder.path(), &[&["media", "check", file.as_str()], more].concat())
    };
    let (code, out, _) = check("valid/video_h264_baseline_aac.mp4", &["--json"]);
    assert_eq!((code, json(&out)["verdict"].as_str()), (0, Some("accept")));
    assert_eq!(json(&out)["facts"]["tracks"][0]["codec"], "H.264");
    let (code, out, _) = check("invalid/image_gray.jpg", &["--as", "image", "--json"]);
    assert_eq!((code, json(&out)["codes"][0].as_str()), (0, Some("IMG-COLOR")));
    let (code, out, error) = check("valid/doc_letter.docx", &["--dialect", "channel-request"]);
    assert_eq!(code, 1);
    assert!(out.contains("FMT-NOT-OFFERED: This API takes PDF as document; the file is DOCX."), "{out}");
    assert_eq!(error, "sabir: the file would not be sent\n");
    let generic = ["--route", "link", "--content-type", "application/octet-stream", "--json"];
    assert_eq!(json(&check("valid/doc_report.pdf", &generic).1)["codes"][0], "MIME-LABEL");
    let named = ["--filename", "../a.docx", "--json"];
    assert_eq!(json(&check("valid/doc_report.pdf", &named).1)["facts"]["filename"], "a.pdf");
    assert_eq!(check("missing.jpg", &[]).0, 69);
    assert_eq!(check("valid/doc_report.pdf", &["--as", "film"]).0, 2);
}

#[test]
fn a_replay_that_is_waited_for_says_how_it_ended() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path(), &[]);
    let client = |arguments: &[&str]| read(&gateway.client(folder.path(), arguments));
    for _ in 0..2 {
        assert_eq!(client(&["send", "--to", "99900131047", "--text", "Hello"]).0, 1);
    }
    let replay = ["transactions", "replay", "--fault", "window_closed", "--rate", "100"];
    let (code, said, _) = client(&replay);
    assert!(code == 0 && said.contains("2 would be sent once more"), "{said}");
    let (code, said, error) = client(&[&replay[..], &["--yes", "--wait"]].concat());
    assert!(said.ends_with("0 sent, 2 failed, 0 unknown\n"), "{said}");
    assert_eq!((code, error.as_str()), (1, "sabir: 2 of 2 were not sent\n"));
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = TempDir::new().unwrap();
    let (code, page, _) = run(folder.path(), &["man"]);
    assert!(code == 0 && page.contains(".TH sabir 1"), "{page}");
    assert_eq!(run(folder.path(), &["man", "pages"]).0, 0);
    for page in ["sabir.1", "sabir-check.1", "sabir-transactions-replay.1"] {
        let written = std::fs::read_to_string(folder.path().join("pages").join(page)).unwrap();
        assert!(written.contains("Example"), "{written}");
    }
}

#[test]
fn metrics_count_and_time_without_a_number_or_a_text() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path(), &[]);
    for (to, code) in [("447700900123", 0), ("99900131047", 1), ("12", 1)] {
        let sent = gateway.client(folder.path(), &["send", "--to", to, "--text", "canary"]);
        assert_eq!(read(&sent).0, code, "{sent:?}");
    }
    let read_all = Command::new("curl").args(["-sS", "--fail", &format!("{}/metrics", gateway.url)]).output().unwrap();
    let text = read(&read_all).1;
    for line in [
        "sabir_transactions_total{account=\"dev\",dialect=\"cloud\",upstream=\"sandbox\",kind=\"text\",outcome=\"sent\"} 1",
        "outcome=\"failed\"} 1",
        "sabir_refused_total{dialect=\"cloud\",fault=\"invalid_recipient\"} 1",
        "sabir_overhead_seconds_bucket",
        "sabir_upstream_seconds_count{upstream=\"sandbox\"} 2",
        "sabir_commit_seconds_bucket",
        "sabir_commit_batch_size_bucket",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains("canary") && !text.contains("447700900123") && !text.contains("99900131047"));
}

#[test]
fn webhooks_are_counted_by_what_came_of_them() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("webhooks.toml");
    let config = "[server]\nmax_webhook = \"1 KiB\"\n[[upstreams]]\nname = \"main\"\nprovider = \"sandbox\"\n\
                  webhook_secret = \"demo-secret-42\"\n";
    std::fs::write(&path, config).unwrap();
    let gateway = Gateway::start(folder.path(), &["serve", "--config", path.to_str().unwrap()]);
    let curl = |arguments: &[&str], to: &str| {
        let url = format!("{}{to}", gateway.url);
        let called = Command::new("curl").args(["-sS", &url]).args(arguments).output().unwrap();
        read(&called).1
    };
    let large = format!("[{}]", " ".repeat(2000));
    let wrong = "X-Hub-Signature-256: sha256=00";
    for (to, arguments) in [
        ("/webhooks/nowhere", &["-d", "{}"] as &[&str]),
        ("/webhooks/main", &["-d", "{}"]),
        ("/webhooks/main", &["-d", "{}", "-H", wrong]),
        ("/webhooks/main?token=demo-secret-42", &["-d", &large]),
        ("/webhooks/main?token=demo-secret-42", &["-d", "{\"entry\":"]),
        ("/webhooks/main?token=demo-secret-42", &["-d", "{\"entry\":[]}"]),
    ] {
        curl(arguments, to);
    }
    let text = curl(&[], "/metrics");
    for (upstream, outcome) in [
        ("none", "unknown_upstream"),
        ("main", "unauthenticated"),
        ("main", "forbidden"),
        ("main", "body_too_large"),
        ("main", "malformed_body"),
        ("main", "kept"),
    ] {
        let line = format!("sabir_webhooks_total{{upstream=\"{upstream}\",outcome=\"{outcome}\"}} 1");
        assert!(text.contains(&line), "{line:?} is not in\n{text}");
    }
}
