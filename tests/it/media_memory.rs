//! How much memory the largest file costs the gateway.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::program::Gateway;
use crate::sandbox::Sandbox;

/// `server.max_upload`
pub const LARGEST: usize = 100 * 1024 * 1024;
/// What an upload and a download together may add to the gateway's memory.
const MOST: usize = 24 * 1024 * 1024;
pub const PIECE: usize = 64 * 1024;

impl Gateway {
    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.trim_start_matches("http://")).unwrap()
    }

    /// The most memory that it ever had resident, in bytes.
    pub fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }
}

/// One piece of the file, which is a text; each differs.
pub fn piece(at: usize) -> Vec<u8> {
    (0..PIECE).map(|n| b' ' + (n.wrapping_mul(31) ^ at.wrapping_mul(7)) as u8 % 95).collect()
}

/// Uploads the largest file between a beginning and an end and gives its id.
fn upload(gateway: &Gateway, head: &str, before: &str, after: &str) -> String {
    let mut stream = gateway.connect();
    let length = LARGEST + before.len() + after.len();
    write!(stream, "{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{before}").unwrap();
    for at in 0..LARGEST / PIECE {
        stream.write_all(&piece(at)).unwrap();
    }
    write!(stream, "{after}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, id) = answer.split_once("\"id\":\"").unwrap_or_else(|| panic!("{answer}"));
    id.split('"').next().unwrap().to_owned()
}

/// Downloads a file and gives its length and hash.
fn download(gateway: &Gateway, head: &str) -> (usize, String) {
    let mut stream = BufReader::with_capacity(PIECE, gateway.connect());
    write!(stream.get_mut(), "{head}\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
    }
    let (mut length, mut hash, mut buffer) = (0, Sha256::new(), vec![0; PIECE]);
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return (length, hex::encode(hash.finalize())),
            read => {
                length += read;
                hash.update(&buffer[..read]);
            }
        }
    }
}

/// The length and hash of the file.
pub fn expected() -> (usize, String) {
    let mut hash = Sha256::new();
    (0..LARGEST / PIECE).for_each(|at| hash.update(piece(at)));
    (LARGEST, hex::encode(hash.finalize()))
}

#[test]
#[cfg(target_os = "linux")]
fn the_largest_file_goes_through_each_surface_without_being_held_in_memory() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path(), &[]);
    let key = std::fs::read_to_string(folder.path().join("data/dev.key")).unwrap();
    let key = format!("Authorization: Bearer {}", key.trim());
    let expected = expected();
    let before = gateway.peak();
    let bare = format!("POST /v1/media HTTP/1.1\r\n{key}\r\nContent-Type: text/plain");
    let form =
        format!("POST /v23.0/5512000/media HTTP/1.1\r\n{key}\r\nContent-Type: multipart/form-data; boundary=x-y");
    let part = "--x-y\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n";
    for (head, begin, end) in [(bare, "", ""), (form, part, "\r\n--x-y--\r\n")] {
        let id = upload(&gateway, &head, begin, end);
        for path in [format!("/v1/media/{id}"), format!("/media/{id}")] {
            assert_eq!(download(&gateway, &format!("GET {path} HTTP/1.1\r\n{key}")), expected, "{path}");
        }
    }
    let grown = gateway.peak() - before;
    println!("{before} bytes at rest, {grown} more for files of {LARGEST}");
    assert!(grown < MOST, "the gateway grew by {grown} bytes");
}

/// A gateway whose upstream speaks that dialect, in a process of its own.
pub fn over(sandbox: &Sandbox, folder: &TempDir, dialect: &str) -> Gateway {
    let config = format!(
        "[net]\ntotal_timeout = \"60s\"\nallow_private = [\"127.0.0.1\"]\n[delivery]\nlease = \"90s\"\ndeadline = \"60s\"\n[[upstreams]]\nname = \"main\"\ndialect = \"{dialect}\"\nbase_url = \"{}\"\nkey = \"upstream-key\"\n",
        sandbox.url
    );
    let path = folder.path().join("sabir.toml");
    std::fs::write(&path, config).unwrap();
    Gateway::start(folder.path(), &["serve", "--config", path.to_str().unwrap()])
}

/// Makes a call and gives the whole answer.
pub fn call(url: &str, head: &str, body: &str) -> String {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{head}\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
#[cfg(target_os = "linux")]
fn the_largest_file_goes_on_to_an_upstream_without_being_held_in_memory() {
    let expected = expected();
    for dialect in ["cloud", "on-premises"] {
        let (sandbox, folder) = (Sandbox::start(), TempDir::new().unwrap());
        let gateway = over(&sandbox, &folder, dialect);
        let key = std::fs::read_to_string(folder.path().join("data/dev.key")).unwrap();
        let key = format!("Authorization: Bearer {}", key.trim());
        let id = upload(&gateway, &format!("POST /v1/media HTTP/1.1\r\n{key}\r\nContent-Type: text/plain"), "", "");
        let before = gateway.peak();
        let message = json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "document", "document": { "id": id } });
        let answer = call(&gateway.url, &format!("POST /messages HTTP/1.1\r\n{key}"), &message.to_string());
        assert!(answer.starts_with("HTTP/1.1 200"), "{dialect}: {answer}");
        let files = call(&sandbox.url, "GET /sandbox/files HTTP/1.1", "");
        let files: Value = serde_json::from_str(files.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(files[0]["size"], expected.0, "{dialect}");
        assert_eq!(files[0]["sha256"], expected.1, "{dialect}");
        assert_eq!(files[0]["dialect"], dialect);
        let grown = gateway.peak() - before;
        println!("{dialect}: {before} bytes before, {grown} more for a file of {LARGEST}");
        assert!(grown < MOST, "{dialect}: the gateway grew by {grown} bytes");
    }
}
