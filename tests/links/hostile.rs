//! What a server can do to hold the gateway up, or to lead it astray.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use sabir::media::links::{Ask, Credentials, Redirects};
use sabir::secret::Secret;

use crate::origin::{Body, Origin, Reply};
use crate::{Bench, ask, read};

const PICTURE: &str = "valid/image_rgb_640x480.jpg";

/// The code of the fault that an answer leads to, and how long that took.
async fn code(reply: Reply) -> (&'static str, Duration) {
    let origin = Origin::start(move |_| reply.clone()).await;
    let bench = Bench::with(&["127.0.0.0/8"], |config| config.min_speed = ByteSize::kb(4));
    let begin = Instant::now();
    let fault = bench.links.fetch(&ask(&origin.url)).await.unwrap_err();
    assert_eq!(bench.files(), 0, "{}", fault.code);
    (fault.code.as_str(), begin.elapsed())
}

fn whole(name: &str) -> Body {
    Body::Whole(Arc::new(read(name)))
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_cut_off() {
    let lines = |line: &str| Body::Raw(Arc::new([b"HTTP/1.1 200 X\r\n", line.repeat(60_000).as_bytes()].concat()));
    for reply in [
        Reply { body: Body::Silence, ..Reply::default() },
        Reply { body: Body::Raw(Arc::new(b"HTTP/1.1 200 X\r\nContent-Type: image/jp".to_vec())), ..Reply::default() },
        Reply::new(200, &[("Content-Length", "100000")], Body::Drip(Arc::new(read(PICTURE)), 10)),
    ] {
        let (code, took) = code(reply).await;
        assert_eq!(code, "HTTP-TIMEOUT");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    for line in ["X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "no colon ", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let (code, took) = code(Reply { body: lines(line), ..Reply::default() }).await;
        assert!(["HTTP-STATUS", "HTTP-TIMEOUT"].contains(&code), "{line}: {code}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[tokio::test]
async fn a_long_head_is_refused() {
    let long = "a".repeat(70_000);
    assert_eq!(code(Reply::new(200, &[("X-Long", &long)], whole(PICTURE))).await.0, "HTTP-STATUS");
}

#[tokio::test]
async fn lengths_that_are_wrong() {
    let length = |length: &str| Reply::new(200, &[("Content-Length", length)], Body::Bare(Arc::new(read(PICTURE))));
    let longer = (read(PICTURE).len() + 1).to_string();
    assert_eq!(code(length(&longer)).await.0, "TRUNC");
    assert_eq!(code(length("1000001")).await.0, "SIZE-OVER");
    assert_eq!(code(length("many")).await.0, "HTTP-STATUS");
    let twice = [("Content-Length", "5"), ("content-length", "6")];
    assert_eq!(code(Reply::new(200, &twice, Body::Bare(Arc::new(read(PICTURE))))).await.0, "HTTP-STATUS");
}

#[tokio::test]
async fn what_is_compressed_is_refused_in_any_spelling() {
    for encoding in ["gzip", "br", "GZIP", "identity, gzip", "x-unknown"] {
        assert_eq!(code(Reply::new(200, &[("Content-Encoding", encoding)], whole(PICTURE))).await.0, "HTTP-ENCODING");
    }
    let origin = Origin::start(|_| Reply::new(200, &[("Content-Encoding", "Identity")], whole(PICTURE))).await;
    Bench::new().links.fetch(&ask(&origin.url)).await.unwrap();
}

#[tokio::test]
async fn other_statuses_bring_no_file() {
    for (status, expected) in
        [(201, "HTTP-STATUS"), (206, "HTTP-STATUS"), (300, "HTTP-STATUS"), (304, "HTTP-STATUS"), (410, "HTTP-GONE")]
    {
        assert_eq!(code(Reply::new(status, &[], Body::Empty)).await.0, expected, "{status}");
    }
    assert_eq!(code(Reply::new(302, &[], Body::Empty)).await.0, "HTTP-STATUS", "a redirect to nowhere");
}

#[tokio::test]
async fn redirects_lead_nowhere_that_a_link_may_not() {
    for (to, expected) in [
        ("http://10.0.0.7/a", "NET-PRIVATE"),
        ("http://169.254.169.254/latest/meta-data/", "NET-METADATA"),
        ("http://[::ffff:10.0.0.7]/a", "NET-EMBEDDED"),
        ("http://localhost/a", "URL-HOST"),
        ("http://user:secret@example.com/a", "URL-USERINFO"),
        ("http://example.com:22/a", "URL-PORT"),
        ("ftp://example.com/a", "URL-SCHEME"),
        ("http://inside.example.test/a", "NET-PRIVATE"),
        ("\\\\10.0.0.7\\a", "URL-CHARS"),
        ("http://", "URL-PARSE"),
    ] {
        let origin = Origin::start(move |_| Reply::new(302, &[("Location", to)], Body::Empty)).await;
        let bench = Bench::new();
        bench.names.tell("inside.example.test", &[&["10.0.0.7"]]);
        let fault = bench.links.fetch(&ask(&origin.url)).await.unwrap_err();
        assert_eq!(fault.code.as_str(), expected, "{to}");
        assert!(!fault.text.contains("10.0.0.7") && !fault.text.contains("secret"), "{}", fault.text);
        let refused = Ask { redirects: Redirects::Refuse, ..ask(&origin.url) };
        let fault = bench.links.preflight(&refused).await.unwrap_err();
        assert!(!fault.text.contains("secret"), "{}", fault.text);
    }
}

#[tokio::test]
async fn three_redirects_are_followed_and_no_fourth() {
    let origin = Origin::start(|request| match request.path.trim_start_matches('/').parse::<u8>().unwrap() {
        0 => Reply::new(200, &[], whole(PICTURE)),
        left => Reply::new(307, &[("Location", &format!("{}", left - 1)), ("Refresh", "0; /9")], Body::Empty),
    })
    .await;
    let bench = Bench::new();
    let fetched = bench.links.fetch(&ask(&format!("{}/3", origin.url))).await.unwrap();
    let notes: Vec<_> = fetched.seen.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(notes, ["HTTP-REDIRECT"]);
    let fault = bench.links.fetch(&ask(&format!("{}/4", origin.url))).await.unwrap_err();
    assert_eq!(fault.code.as_str(), "HTTP-LOOP");
}

#[tokio::test]
async fn credentials_do_not_follow_to_another_host() {
    let far = Origin::start(|_| Reply::new(200, &[], whole(PICTURE))).await;
    let to = format!("{}/far", far.url);
    let near = Origin::start(move |request| match request.path.as_str() {
        "/a" => Reply::new(302, &[("Location", "/b")], Body::Empty),
        _ => Reply::new(302, &[("Location", &to)], Body::Empty),
    })
    .await;
    let credentials = Credentials::basic("user", &Secret::new("password")).unwrap();
    let url = format!("{}/a", near.url);
    Bench::new().links.fetch(&Ask { credentials: Some(&credentials), ..ask(&url) }).await.unwrap();
    let sent = |origin: &Origin| -> Vec<_> {
        origin.requests().iter().map(|request| request.headers.get("authorization").cloned()).collect()
    };
    let basic = Some("Basic dXNlcjpwYXNzd29yZA==".to_owned());
    assert_eq!(sent(&near), [basic.clone(), basic]);
    assert_eq!(sent(&far), [None]);
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_told_as_what_is_not_public() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let bench = Bench::new();
    let unreachable = bench.links.fetch(&ask(&format!("http://{free}/"))).await.unwrap_err();
    let blocked = bench.links.fetch(&ask("http://10.0.0.7/")).await.unwrap_err();
    assert_eq!((unreachable.code.as_str(), blocked.code.as_str()), ("NET-UNREACHABLE", "NET-PRIVATE"));
    assert_eq!(unreachable.text, blocked.text);
}

#[tokio::test]
async fn a_server_without_a_certificate_is_told_as_one() {
    let origin = Origin::start(|_| Reply::default()).await;
    let url = origin.url.replace("http:", "https:");
    let fault = Bench::new().links.fetch(&ask(&url)).await.unwrap_err();
    assert_eq!(fault.code.as_str(), "TLS");
}
