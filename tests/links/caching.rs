//! Every case of the corpus's list of caching, at a clock that is set by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::TryStreamExt;
use sabir::media::links::{Ask, Credentials, Fetched};
use sabir::secret::Secret;
use serde::Deserialize;
use serde_json::Value;

use crate::origin::{Body, Origin, Reply};
use crate::{Bench, ask, read};

#[derive(Deserialize)]
struct List {
    caching: Caching,
}

#[derive(Deserialize)]
struct Caching {
    cases: Vec<Case>,
}

#[derive(Clone, Deserialize)]
struct Case {
    id: String,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    age_s: u64,
    first_status: Option<u16>,
    second: Option<u16>,
    second_url_differs_in: Option<String>,
    #[serde(default)]
    second_tenant: bool,
    requests: usize,
    #[serde(default)]
    conditional: Value,
    served: Option<String>,
}

const FIRST: &str = "valid/image_rgb_640x480.jpg";
const SECOND: &str = "valid/image_rgb8_320x240.png";

/// A server that gives one file at first and another later, or says that nothing changed.
async fn origin(headers: BTreeMap<String, String>, first: u16, later: u16) -> Origin {
    let asked = AtomicUsize::new(0);
    Origin::start(move |_| {
        let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = |name: &str| Body::Whole(Arc::new(read(name)));
        match if is_first { first } else { later } {
            304 => Reply::new(304, &[], Body::Empty),
            status => Reply::new(status, &headers, body(if is_first { FIRST } else { SECOND })),
        }
    })
    .await
}

async fn bytes(fetched: &Fetched) -> Vec<u8> {
    let chunks: Vec<Bytes> = fetched.bytes.open().await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn every_link_is_asked_for_as_often_as_its_origin_wants() {
    let list: List = serde_json::from_slice(&read("http-scenarios.json")).unwrap();
    for case in list.caching.cases {
        let origin = origin(case.headers.clone(), case.first_status.unwrap_or(200), case.second.unwrap_or(200)).await;
        let bench = Bench::new();
        let url = format!("{}/a.jpg?v=1", origin.url);
        let first = bench.links.fetch(&ask(&url)).await;
        assert_eq!(first.is_ok(), case.first_status.is_none(), "{}", case.id);
        drop(first);
        bench.clock.go_on(case.age_s);
        let url = if case.second_url_differs_in.is_some() { url.replace("v=1", "v=2") } else { url };
        let account = if case.second_tenant { "depot" } else { "shop" };
        let second = bench.links.fetch(&Ask { account, ..ask(&url) }).await.unwrap();
        let requests = origin.requests();
        assert_eq!(requests.len(), case.requests, "{}", case.id);
        let condition = |name: &str| requests.get(1).and_then(|request| request.headers.get(name)).cloned();
        let told = condition("if-none-match").map(|tag| format!("If-None-Match: {tag}"));
        let told = told.or(condition("if-modified-since").map(|date| format!("If-Modified-Since: {date}")));
        match &case.conditional {
            Value::Bool(false) => assert_eq!(told, None, "{}", case.id),
            Value::String(wanted) => assert_eq!(told.as_ref(), Some(wanted), "{}", case.id),
            _ => {}
        }
        if let Some(served) = &case.served {
            let expected = read(if served == "first" { FIRST } else { SECOND });
            assert!(bytes(&second).await == expected, "{}", case.id);
        }
    }
}

/// How often the origin is asked for two fetches with so much time between.
async fn asked(headers: &[(&str, &str)], later: u16, seconds: u64, credentials: Option<&Credentials>) -> usize {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (origin, bench) = (origin(headers, 200, later).await, Bench::new());
    let ask = Ask { credentials, ..ask(&origin.url) };
    bench.links.fetch(&ask).await.unwrap();
    bench.clock.go_on(seconds);
    bench.links.fetch(&ask).await.unwrap();
    origin.requests().len()
}

#[tokio::test]
async fn the_strictest_reading_wins() {
    const MONTH: u64 = 30 * 24 * 60 * 60;
    for (headers, seconds, requests) in [
        (vec![("Cache-Control", "no-store, max-age=600")], 1, 2),
        (vec![("Cache-Control", "No-Store"), ("ETag", "\"v1\"")], 1, 2),
        (vec![("Cache-Control", "max-age=600, max-age=5")], 1, 2),
        (vec![("Cache-Control", "max-age=600"), ("cache-control", "max-age=600")], 1, 2),
        (vec![("Cache-Control", "max-age=soon")], 1, 2),
        (vec![("Cache-Control", "max-age=-1")], 1, 2),
        (vec![("Cache-Control", "Max-Age=\"600\"")], 1, 1),
        (vec![("Cache-Control", "max-age=600"), ("Vary", "*")], 1, 2),
        (vec![("Cache-Control", "max-age=600"), ("Vary", "Accept-Encoding, Origin")], 1, 1),
        (vec![("Cache-Control", "max-age=99999999")], 28 * 24 * 60 * 60, 1),
        (vec![("Cache-Control", "max-age=99999999")], MONTH, 2),
        (vec![("Last-Modified", "Tue, 22 Feb 2022 22:22:22 GMT")], 1, 2),
        (vec![("Expires", "0")], 1, 2),
        (vec![("Cache-Control", "max-age=600"), ("Set-Cookie", "a=b")], 1, 2),
    ] {
        assert_eq!(asked(&headers, 200, seconds, None).await, requests, "{headers:?}");
    }
}

#[tokio::test]
async fn what_was_fetched_with_credentials_is_kept_only_where_its_origin_allows_that() {
    let credentials = Credentials::bearer(&Secret::new("token")).unwrap();
    for (value, requests) in [("max-age=600", 2), ("public, max-age=600", 1), ("s-maxage=600", 1)] {
        assert_eq!(asked(&[("Cache-Control", value)], 200, 1, Some(&credentials)).await, requests, "{value}");
    }
}

#[tokio::test]
async fn credentials_are_part_of_the_key() {
    let origin = origin([("Cache-Control".to_owned(), "public, max-age=600".to_owned())].into(), 200, 200).await;
    let bench = Bench::new();
    let tokens = ["one", "two"].map(|token| Credentials::bearer(&Secret::new(token)).unwrap());
    for credentials in [Some(&tokens[0]), Some(&tokens[1]), None, Some(&tokens[0])] {
        bench.links.fetch(&Ask { credentials, ..ask(&origin.url) }).await.unwrap();
    }
    let sent: Vec<_> = origin.requests().iter().map(|it| it.headers.get("authorization").cloned()).collect();
    assert_eq!(sent, [Some("Bearer one".to_owned()), Some("Bearer two".to_owned()), None]);
}

#[tokio::test]
async fn a_304_renews_what_is_kept_and_one_of_another_version_does_not() {
    let asked = AtomicUsize::new(0);
    let origin = Origin::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let headers = [("ETag", "\"v1\""), ("Cache-Control", "max-age=5"), ("Age", "4")];
            Reply::new(200, &headers, Body::Whole(Arc::new(read(FIRST))))
        }
        1 => Reply::new(304, &[("ETag", "\"v1\""), ("Cache-Control", "max-age=60")], Body::Empty),
        2 => Reply::new(304, &[("ETag", "\"v9\"")], Body::Empty),
        _ => Reply::new(200, &[("ETag", "\"v9\"")], Body::Whole(Arc::new(read(SECOND)))),
    })
    .await;
    let bench = Bench::new();
    let mut asked = Vec::new();
    for pause in [0, 10, 50, 11] {
        bench.clock.go_on(pause);
        let fetched = bench.links.fetch(&ask(&origin.url)).await.unwrap();
        asked.push((origin.requests().len(), fetched.size));
    }
    let (first, second) = (read(FIRST).len() as u64, read(SECOND).len() as u64);
    assert_eq!(asked, [(1, first), (2, first), (2, first), (4, second)]);
}

#[tokio::test]
async fn nothing_stays_on_the_disk_that_may_not_be_kept() {
    for (value, kept) in [("no-store", 0), ("private, max-age=600", 0), ("max-age=600", 1)] {
        let origin = origin([("Cache-Control".to_owned(), value.to_owned())].into(), 200, 200).await;
        let bench = Bench::new();
        let fetched = bench.links.fetch(&ask(&origin.url)).await.unwrap();
        assert!(bytes(&fetched).await == read(FIRST));
        assert!(bytes(&fetched).await == read(FIRST), "a second time");
        drop(fetched);
        assert_eq!(bench.files(), kept, "{value}");
        bench.links.forget("shop");
        assert_eq!(bench.files(), 0, "{value}");
    }
}

#[tokio::test]
async fn what_is_kept_is_bounded_by_bytes_and_by_number() {
    let size = read(FIRST).len() as u64;
    for (bytes, entries) in [(10 * size + 10, 1000), (1 << 30, 10)] {
        let origin = origin([("Cache-Control".to_owned(), "max-age=600".to_owned())].into(), 200, 200).await;
        let bench = Bench::with(&["127.0.0.0/8"], |config| {
            config.cache_size = bytesize::ByteSize::b(bytes);
            config.cache_entries = entries;
        });
        for at in 0..40 {
            bench.links.fetch(&ask(&format!("{}/{at}", origin.url))).await.unwrap();
        }
        assert!((5..=20).contains(&bench.files()), "{} files for {bytes} bytes", bench.files());
    }
}

#[tokio::test]
async fn a_preflight_and_a_fetch_use_what_the_other_kept_where_it_is_enough() {
    let origin = origin([("Cache-Control".to_owned(), "max-age=600".to_owned())].into(), 200, 200).await;
    let bench = Bench::new();
    bench.links.preflight(&ask(&origin.url)).await.unwrap();
    bench.links.preflight(&ask(&origin.url)).await.unwrap();
    assert_eq!(origin.requests().len(), 1);
    let fetched = bench.links.fetch(&ask(&origin.url)).await.unwrap();
    assert_eq!(origin.requests().len(), 2);
    let seen = bench.links.preflight(&ask(&origin.url)).await.unwrap();
    assert_eq!((origin.requests().len(), seen.size), (2, Some(fetched.size)));
    let fault = bench.links.fetch(&Ask { max_bytes: 100, ..ask(&origin.url) }).await.unwrap_err();
    assert_eq!((origin.requests().len(), fault.code.as_str()), (2, "SIZE-OVER"));
}
