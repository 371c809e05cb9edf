//! How much memory files behind links cost the gateway.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::origin::corpus;
use crate::media_memory::{LARGEST, PIECE, call, expected, over, piece};
use crate::sandbox::Sandbox;

/// What the largest document may add to the gateway's memory.
const MOST_OF_ONE: usize = 32 * 1024 * 1024;
/// What the videos together may add.
const MOST_OF_MANY: usize = 128 * 1024 * 1024;
const VIDEOS: usize = 64;
/// WhatsApp's limit for videos in the decimal reading.
const VIDEO: usize = 16_000_000;

/// Answers one call.
type Serve = dyn Fn(usize, &mut TcpStream) -> std::io::Result<()> + Send + Sync;

/// A server of files that no test has to hold, by the number in their path; it ends with the test.
fn serve(serve: Arc<Serve>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let serve = Arc::clone(&serve);
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let at = first.split(['/', ' ']).nth(2).and_then(|at| at.parse().ok()).unwrap_or_default();
                // Who has seen enough hangs up.
                let _ = serve(at, &mut stream);
            });
        }
    });
    url
}

fn head(stream: &mut TcpStream, content_type: &str, length: usize) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

fn send(url: &str, key: &str, kind: &str, link: &str) {
    let message =
        json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": kind, kind: { "link": link } });
    let answer = call(url, &format!("POST /messages HTTP/1.1\r\n{key}"), &message.to_string());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// The files that came to the provider.
fn files(sandbox: &Sandbox) -> Value {
    let files = call(&sandbox.url, "GET /sandbox/files HTTP/1.1", "");
    serde_json::from_str(files.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn key_in(folder: &TempDir) -> String {
    let key = std::fs::read_to_string(folder.path().join("data/dev.key")).unwrap();
    format!("Authorization: Bearer {}", key.trim())
}

#[test]
#[cfg(target_os = "linux")]
fn the_largest_document_goes_from_its_link_to_the_upstream_without_being_held_in_memory() {
    let origin = serve(Arc::new(|_, stream| {
        head(stream, "text/plain", LARGEST)?;
        (0..LARGEST / PIECE).try_for_each(|at| stream.write_all(&piece(at)))
    }));
    let (sandbox, folder) = (Sandbox::start(), TempDir::new().unwrap());
    let gateway = over(&sandbox, &folder, "cloud");
    let before = gateway.peak();
    send(&gateway.url, &key_in(&folder), "document", &format!("{origin}/1"));
    let files = files(&sandbox);
    assert_eq!(
        (files[0]["size"].as_u64(), files[0]["sha256"].as_str()),
        (Some(LARGEST as u64), Some(expected().1.as_str()))
    );
    let measured = call(&gateway.url, "GET /metrics HTTP/1.1", "");
    assert!(measured.contains("sabir_media_checks_total{verdict=\"warn\",code=\"SIZE-GREY\"} 1"), "{measured}");
    let grown = gateway.peak() - before;
    println!("{before} bytes before, {grown} more for a document of {LARGEST}");
    assert!(grown < MOST_OF_ONE, "the gateway grew by {grown} bytes");
}

#[test]
#[cfg(target_os = "linux")]
fn many_videos_at_once_are_not_held_in_memory() {
    let video = corpus("valid/video_h264_baseline_aac.mp4");
    let origin = serve(Arc::new(move |at, stream| {
        let missing = VIDEO - video.len();
        head(stream, "video/mp4", VIDEO)?;
        stream.write_all(&video)?;
        stream.write_all(&u32::try_from(missing).unwrap().to_be_bytes())?;
        stream.write_all(b"free")?;
        // Each differs, so that none is the same file as another.
        let mut filling = vec![at as u8; missing - 8];
        filling[..8].copy_from_slice(&at.to_be_bytes());
        stream.write_all(&filling)
    }));
    let (sandbox, folder) = (Sandbox::start(), TempDir::new().unwrap());
    let gateway = over(&sandbox, &folder, "cloud");
    let (before, key) = (gateway.peak(), key_in(&folder));
    thread::scope(|scope| {
        for at in 0..VIDEOS {
            let (url, key, link) = (&gateway.url, &key, format!("{origin}/{at}"));
            scope.spawn(move || send(url, key, "video", &link));
        }
    });
    assert_eq!(files(&sandbox).as_array().unwrap().len(), VIDEOS);
    let grown = gateway.peak() - before;
    println!("{before} bytes before, {grown} more for {VIDEOS} videos of {VIDEO}");
    assert!(grown < MOST_OF_MANY, "the gateway grew by {grown} bytes");
}
