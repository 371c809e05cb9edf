//! Every answer of the corpus's list gets the verdict that it states, by upload and by link.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sabir::dialect;
use sabir::media::check::{self, Question, Route, Verdict, Weight};
use sabir::media::links::{Ask, LinkFault, Redirects, Seen};
use sabir::model::MediaKind;
use serde::Deserialize;
use serde_json::Value;

use crate::origin::{Body, Origin, Reply};
use crate::{Bench, ask, read};

#[derive(Deserialize)]
struct List {
    codes: BTreeMap<String, String>,
    scenarios: Vec<Scenario>,
}

#[derive(Clone, Deserialize)]
struct Scenario {
    id: String,
    message_type: String,
    #[serde(default)]
    redirects: Value,
    #[serde(default)]
    response: Response,
    expect: Expected,
}

#[derive(Clone, Default, Deserialize)]
struct Response {
    #[serde(default)]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    text: Option<String>,
    endless: Option<String>,
    gzip: Option<String>,
    gzip_zeros: Option<u64>,
    #[serde(default)]
    chunked: bool,
    #[serde(default)]
    close_early: bool,
    bytes_per_second: Option<usize>,
    #[serde(default)]
    accept_only: bool,
}

/// What is expected: the same by both routes, or apart.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Expected {
    Same(Outcome),
    Apart(BTreeMap<String, Outcome>),
}

#[derive(Clone, Deserialize)]
struct Outcome {
    verdict: String,
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    retry: bool,
    max_seconds: Option<f64>,
    max_bytes_read: Option<u64>,
    max_requests: Option<usize>,
}

/// A way to send.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    dialect: &'static str,
    route: Route,
    redirects: Redirects,
}

const WAYS: [Way; 3] = [
    Way { name: "upload", dialect: "cloud", route: Route::Upload, redirects: Redirects::Follow },
    Way { name: "link", dialect: "cloud", route: Route::Link, redirects: Redirects::Refuse },
    Way { name: "channel-request", dialect: "channel-request", route: Route::Upload, redirects: Redirects::Refuse },
];

fn list() -> List {
    serde_json::from_slice(&read("http-scenarios.json")).unwrap()
}

impl Scenario {
    fn expected(&self, way: Way) -> Option<&Outcome> {
        match &self.expect {
            Expected::Same(outcome) if way.name != "channel-request" => Some(outcome),
            Expected::Same(_) => None,
            Expected::Apart(by_way) => by_way.get(way.name),
        }
    }

    /// What the server answers to the path of a hop.
    fn reply(&self, path: &str) -> Reply {
        let hop = path.rsplit('/').next().unwrap();
        let to = |status: u64, location: &str| {
            Reply::new(u16::try_from(status).unwrap(), &[("Location", location)], Body::Empty)
        };
        match &self.redirects {
            Value::String(_) => to(302, &format!("/{}/{hop}", self.id)),
            Value::Array(hops) if hop != "final.jpg" => {
                to(hops[0]["status"].as_u64().unwrap(), hops[0]["location"].as_str().unwrap())
            }
            _ => self.response.reply(),
        }
    }
}

impl Response {
    fn reply(&self) -> Reply {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Reply::new(self.status, &headers, self.body())
    }

    fn body(&self) -> Body {
        let has_length = self.headers.contains_key("Content-Length");
        let file = |name: &String| Arc::new(read(name));
        match self {
            Self { accept_only: true, .. } => Body::Silence,
            Self { endless: Some(name), .. } => Body::Endless(file(name)),
            Self { gzip: Some(name), .. } => Body::Whole(Arc::new(gzip(&read(name)))),
            Self { gzip_zeros: Some(_), .. } => Body::Endless(Arc::new(gzip(&vec![0; 1 << 20]))),
            Self { body: Some(name), bytes_per_second: Some(rate), .. } => Body::Drip(file(name), rate / 10),
            Self { body: Some(name), chunked: true, .. } => Body::Chunked(file(name)),
            Self { body: Some(name), close_early, .. } if *close_early || has_length => Body::Bare(file(name)),
            Self { body: Some(name), .. } => Body::Whole(file(name)),
            Self { text: Some(text), .. } if !text.is_empty() => Body::Whole(Arc::new(text.clone().into_bytes())),
            _ => Body::Empty,
        }
    }
}

/// Packed as servers do.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3];
    packed.extend(miniz_oxide::deflate::compress_to_vec(bytes, 6));
    packed.write_all(&crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes).to_le_bytes()).unwrap();
    packed.write_all(&u32::try_from(bytes.len()).unwrap().to_le_bytes()).unwrap();
    packed
}

/// The judgement of a file that was seen, the link's own findings included.
fn judged(seen: &Seen, way: Way, kind: MediaKind) -> (Verdict, Vec<&'static str>) {
    let promise = dialect::named(way.dialect).unwrap().media_promise();
    let question = Question { route: way.route, content_type: Some(seen.declared()), ..Question::new(kind, promise) };
    let report = check::check(&seen.inspection, &question);
    let of_link = seen.findings.iter().map(|finding| finding.weight).max();
    let verdict = match of_link {
        Some(Weight::Warn) => report.verdict.max(Verdict::Warn),
        Some(Weight::Reject) => Verdict::Reject,
        _ => report.verdict,
    };
    let codes = report.findings.iter().chain(&seen.findings).map(|finding| finding.code.as_str()).collect();
    (verdict, codes)
}

async fn seen(bench: &Bench, ask: &Ask<'_>) -> Result<Seen, LinkFault> {
    match ask.route {
        Route::Upload => Ok(bench.links.fetch(ask).await?.seen),
        Route::Link => bench.links.preflight(ask).await,
    }
}

/// What became of a scenario: the verdict, and what is wrong with it.
async fn play(bench: &Bench, scenario: &Scenario, way: Way, expected: &Outcome) -> (Verdict, Option<String>) {
    let played = scenario.clone();
    let origin = Origin::start(move |request| played.reply(&request.path)).await;
    let kind = MediaKind::named(&scenario.message_type).unwrap();
    let url = format!("{}/{}/a.jpg", origin.url, scenario.id);
    let begin = Instant::now();
    let ask = Ask { kind, redirects: way.redirects, route: way.route, ..ask(&url) };
    let seen = seen(bench, &ask).await;
    let took = begin.elapsed();
    let retry = seen.as_ref().err().is_some_and(|fault| fault.retry);
    let (verdict, codes) = match &seen {
        Ok(seen) => judged(seen, way, kind),
        Err(fault) => (Verdict::Reject, vec![fault.code.as_str()]),
    };
    let names = |wanted: &[String]| wanted.iter().any(|code| codes.contains(&code.as_str()));
    let is_right = word(verdict) == expected.verdict
        && (expected.verdict == "accept" || names(&expected.any_of))
        && expected.notes.iter().all(|note| codes.contains(&note.as_str()))
        && retry == expected.retry | codes.contains(&"TRUNC")
        && expected.max_seconds.is_none_or(|most| took < Duration::from_secs_f64(most))
        && expected.max_bytes_read.is_none_or(|most| origin.sent() < most + BUFFERS)
        && expected.max_requests.is_none_or(|most| origin.requests().len() <= most);
    let (sent, asked) = (origin.sent(), origin.requests().len());
    let told = format!("{verdict:?} {codes:?} retry {retry} in {took:?}, {sent} bytes, {asked} requests");
    (verdict, (!is_right).then(|| format!("{} by {}: {told}", scenario.id, way.name)))
}

/// What may lie unread between both ends.
const BUFFERS: u64 = 3 << 20;

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accept",
        Verdict::Warn => "warn",
        Verdict::Reject => "reject",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_gets_its_verdict_and_one_of_its_codes() {
    let (scenarios, bench) = (list().scenarios, Bench::new());
    let mut plays = Vec::new();
    for scenario in &scenarios {
        for way in WAYS {
            let Some(expected) = scenario.expected(way) else { continue };
            let bench = &bench;
            plays.push(async move { (way, expected, play(bench, scenario, way, expected).await) });
        }
    }
    let (mut counts, mut faults) = (BTreeMap::new(), Vec::new());
    let (mut false_accepts, mut false_rejects) = (0, 0);
    for (way, expected, (verdict, fault)) in join_all(plays).await {
        *counts.entry((way.name, word(verdict))).or_insert(0) += 1;
        false_accepts += usize::from(expected.verdict == "reject" && verdict != Verdict::Reject);
        false_rejects += usize::from(expected.verdict != "reject" && verdict == Verdict::Reject);
        faults.extend(fault);
    }
    println!("{:<16} {:>7} {:>7} {:>7}", "way", "accept", "warn", "reject");
    for way in WAYS {
        let count = |verdict| counts.get(&(way.name, verdict)).copied().unwrap_or(0);
        println!("{:<16} {:>7} {:>7} {:>7}", way.name, count("accept"), count("warn"), count("reject"));
    }
    let all: i32 = counts.values().sum();
    println!("{all} played, {} wrong, {false_accepts} false accepts, {false_rejects} false rejects", faults.len());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_codes_are_known() {
    for code in list().codes.into_keys().filter(|code| code != "NET-*") {
        assert!(check::Code::ALL.iter().any(|known| known.as_str() == code), "{code}");
    }
}

#[tokio::test]
async fn faults_say_what_to_do() {
    for (id, words) in [
        ("redirect_same_site", "The link redirects (302) to http://"),
        ("signed_link_expired", "The signed link expired on 2024-01-01 00:05 UTC."),
        ("forbidden", "The link answered 403. The file must be readable without login."),
        ("promise_too_big", "The image has 99999999999 bytes; at most 1000000 are read."),
    ] {
        let scenario = list().scenarios.into_iter().find(|scenario| scenario.id == id).unwrap();
        let origin = Origin::start(move |request| scenario.reply(&request.path)).await;
        let url = format!("{}/{id}/a.jpg?signature=secret", origin.url);
        let fault = Bench::new().links.preflight(&Ask { redirects: Redirects::Refuse, ..ask(&url) }).await.unwrap_err();
        assert!(fault.text.starts_with(words) && !fault.text.contains("secret"), "{}", fault.text);
    }
}

#[tokio::test]
async fn when_to_come_back_is_what_the_server_says() {
    for (told, seconds) in [("7", 7), ("Sun, 01 Mar 2026 12:01:00 GMT", 60)] {
        let origin = Origin::start(move |_| Reply::new(429, &[("Retry-After", told)], Body::Empty)).await;
        let fault = Bench::new().links.fetch(&ask(&origin.url)).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.retry), ("HTTP-RATE", true));
        assert_eq!(fault.retry_after, Some(Duration::from_secs(seconds)));
    }
}
