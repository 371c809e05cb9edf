//! Clients that say nothing, or say it slowly, or too much: on real sockets, since it is the server's own work.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

use crate::harness::{KEY, TestApp};

/// Long enough for a slow machine, short enough to tell that a limit works.
const SOON: Duration = Duration::from_secs(20);

async fn impatient() -> TestApp {
    TestApp::with("[server]\nheader_timeout = \"300ms\"\nbody_timeout = \"300ms\"").await
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.url().trim_start_matches("http://")).await.unwrap()
}

/// Everything until the other side closes; that it does is what is tested.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut answer)).await;
    // What was not read when the connection was closed resets it.
    let _ = read.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn said(app: &TestApp, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(app).await;
    // The server may have refused it before all was written.
    let _ = stream.write_all(bytes.as_ref()).await;
    until_closed(stream).await
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_said_is_closed() {
    let app = impatient().await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // Nothing; what may become either version of HTTP; a head that does not end; HTTP/2, and no request.
    for begun in ["", "P", "PRI * HT", "GET /healthz HTTP/1.1\r\nHost: gateway\r\n", preface] {
        let answer = said(&app, begun).await;
        assert!(!answer.contains("200 OK"), "{begun:?}: {answer}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_has_no_longer_than_another() {
    let app = impatient().await;
    let mut stream = connect(&app).await;
    let (started, mut pauses) = (Instant::now(), interval(Duration::from_millis(30)));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").await.unwrap();
    while stream.write_all(b"x").await.is_ok() {
        assert!(started.elapsed() < SOON, "the head may take for ever");
        pauses.tick().await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_told_in_the_callers_dialect() {
    let app = impatient().await;
    let head = format!(
        "POST /messages HTTP/1.1\r\nHost: gateway\r\nD360-API-KEY: {KEY}\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{{"
    );
    let answer = said(&app, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("did not arrive within 300ms") && answer.contains("fbtrace_id"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_comes_byte_by_byte_is_given_up() {
    let app = impatient().await;
    let (mut reader, mut writer) = connect(&app).await.into_split();
    let head = format!(
        "POST /v1/media HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Type: image/jpeg\r\nContent-Length: 5000000\r\n\r\n"
    );
    writer.write_all(head.as_bytes()).await.unwrap();
    // Each byte comes in time, and there are days of them.
    let trickle = tokio::spawn(async move {
        let mut pauses = interval(Duration::from_millis(30));
        while writer.write_all(b"x").await.is_ok() {
            pauses.tick().await;
        }
    });
    let mut status = [0; 12];
    timeout(SOON, reader.read_exact(&mut status)).await.expect("it may take for ever").unwrap();
    assert_eq!(&status, b"HTTP/1.1 408");
    trickle.abort();
    app.stop().await;
}

#[tokio::test]
async fn who_asks_for_a_file_and_never_reads_it_is_left() {
    let app = impatient().await;
    let upload = http::Request::post(format!("{}/v1/media", app.url()))
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "image/jpeg");
    let uploaded = app.call(upload.body(vec![0x5A; 40_000_000].into()).unwrap()).await;
    let id = uploaded.body["media"][0]["id"].as_str().unwrap().to_owned();
    let mut stream = connect(&app).await;
    let head = format!("GET /v1/media/{id} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {KEY}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // As much as the sockets hold, and no more of it is read until the gateway has given up.
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    // What has to be waited for is that nothing happens, for as long as the gateway bears it and a while longer.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let rest = until_closed(stream).await;
    assert!(rest.len() < 40_000_000, "all of it came");
    app.stop().await;
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let app = TestApp::start().await;
    let many: String = (0..101).map(|at| format!("X-{at}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(70_000));
    for (headers, status) in [(many, "431"), (large, "431")] {
        let answer = said(&app, format!("GET /healthz HTTP/1.1\r\nHost: gateway\r\n{headers}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:.60}");
    }
    let answer = said(&app, format!("GET /{} HTTP/1.1\r\nHost: gateway\r\n\r\n", "x".repeat(66_000))).await;
    assert!(answer.starts_with("HTTP/1.1 414 ") || answer.starts_with("HTTP/1.1 431 "), "{answer:.60}");
    app.stop().await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let app = TestApp::with("[server]\nconnections_per_address = 3\ntrusted_proxies = []").await;
    let asked = "GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&app).await;
        stream.write_all(asked.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        open.push(stream);
    }
    // Nothing has to be said for it, and who did say something hears it too.
    for answer in [until_closed(connect(&app).await).await, said(&app, asked).await] {
        let refused = answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n");
        assert!(refused && answer.ends_with("\r\n\r\ntoo many connections from this address\n"), "{answer}");
    }
    drop(open);
    // The gateway has to see that they are gone.
    let last = "GET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n";
    let mut answer = said(&app, last).await;
    while answer.starts_with("HTTP/1.1 503 ") {
        answer = said(&app, last).await;
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    app.stop().await;
}
