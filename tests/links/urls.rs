//! Every case of the corpus's list of links, with the resolver that the list states in the place of the system's.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use sabir::media::links::{LinkFault, Links};
use sabir::net::{FetchLimits, Fetcher, Guard, Refusal};
use serde::Deserialize;
use url::Url;

use crate::origin::{Origin, Reply};
use crate::{Bench, Names, ask, probe, read};

#[derive(Deserialize)]
struct List {
    codes: std::collections::BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    url: String,
    verdict: String,
    #[serde(default)]
    any_of: Vec<String>,
    host: Option<String>,
    ip: Option<String>,
    dns: Option<Vec<String>>,
    dns_sequence: Option<Vec<Vec<String>>>,
}

fn list() -> List {
    serde_json::from_slice(&read("url-cases.json")).unwrap()
}

/// What a public name resolves to.
const PUBLIC: &str = "93.184.216.34";

impl Case {
    /// The host as a resolver is asked for it.
    fn name(&self) -> String {
        Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    fn answers(&self) -> Vec<Vec<String>> {
        let once = |dns: &Vec<String>| vec![dns.clone()];
        self.dns_sequence.clone().or(self.dns.as_ref().map(once)).unwrap_or_else(|| vec![vec![PUBLIC.to_owned()]])
    }

    fn tell(&self, names: &Names) {
        let answers = self.answers();
        let answers: Vec<Vec<_>> = answers.iter().map(|answer| answer.iter().map(String::as_str).collect()).collect();
        names.tell(&self.name(), &answers.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
}

fn fetcher(names: &Arc<Names>) -> Fetcher {
    let second = Duration::from_secs(1);
    let limits =
        FetchLimits { connect: second, first_byte: second, total: second, min_speed: 0, per_host: 8, per_account: 8 };
    Fetcher::new(Guard::default(), limits, Arc::clone(names) as _).unwrap()
}

/// The code that a fetch is refused with before anything is called.
async fn refused(links: &Links, url: &str) -> Option<LinkFault> {
    links.fetch(&ask(url)).await.err()
}

#[tokio::test]
async fn every_link_gets_its_verdict_and_one_of_its_codes() {
    let (mut right, mut false_accepts, mut false_rejects, mut faults) = (0, 0, 0, Vec::new());
    for case in list().cases {
        let names = Arc::new(Names::default());
        case.tell(&names);
        let fetcher = fetcher(&names);
        let mut code = None;
        // A name that is resolved twice is judged twice.
        for _ in case.answers() {
            code = code.or(match fetcher.guard().link(&case.url) {
                Ok(link) => fetcher.look_up(&link).await.err().map(|error| error.to_string()),
                Err(refusal) => Some(refusal.to_string()),
            });
        }
        match (case.verdict.as_str(), &code) {
            ("allow", None) => right += 1,
            ("allow", Some(_)) => false_rejects += 1,
            (_, None) => false_accepts += 1,
            (_, Some(code)) if case.any_of.contains(code) => right += 1,
            _ => {}
        }
        if (case.verdict == "allow") != code.is_none() || code.as_ref().is_some_and(|code| !case.any_of.contains(code))
        {
            faults.push(format!("{}: {code:?}, not {} {:?}", case.url.escape_debug(), case.verdict, case.any_of));
        }
    }
    println!("{right} of {} right, {false_accepts} false accepts, {false_rejects} false rejects", list().cases.len());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[tokio::test]
async fn a_link_that_is_blocked_is_blocked_for_fetches_too_and_its_words_tell_nothing() {
    let bench = Bench::with(&[], |_| {});
    let mut of_network = Vec::new();
    for case in list().cases.iter().filter(|case| case.verdict == "block" && case.dns_sequence.is_none()) {
        case.tell(&bench.names);
        let fault = refused(&bench.links, &case.url).await.unwrap_or_else(|| panic!("{} passed", case.url));
        assert!(case.any_of.contains(&fault.code.to_string()), "{}: {}", case.url, fault.code);
        let told = fault.finding();
        for hidden in case.answers().iter().flatten().chain(&case.ip).map(String::as_str).chain(["secret", "user:"]) {
            assert!(!told.text.contains(hidden), "{}: {}", case.url, told.text);
        }
        if fault.code.as_str().starts_with("NET-") {
            of_network.push((Url::parse(&case.url).unwrap().domain().is_some(), told, fault.retry));
        }
    }
    let texts: std::collections::HashSet<_> = of_network.iter().map(|(_, told, _)| told.text.clone()).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    // Of a name it is not even told whether it exists.
    let of_names: std::collections::HashSet<_> =
        of_network.iter().filter(|(named, ..)| *named).map(|(_, told, retry)| (told.code.as_str(), retry)).collect();
    assert_eq!(of_names.into_iter().collect::<Vec<_>>(), [("NET-DNS", &false)]);
}

#[test]
fn a_link_is_read_as_a_parser_of_the_web_reads_it() {
    for case in list().cases.iter().filter(|case| case.verdict == "allow") {
        let link = Guard::default().link(&case.url).unwrap();
        assert!(case.host.as_ref().is_none_or(|host| host == link.host()), "{}: {}", case.url, link.host());
        let address = link.literal().map(|address| address.to_string());
        assert!(case.ip.is_none() || case.ip == address, "{}: {address:?}", case.url);
        let query = case.url.split_once('?').map(|(_, query)| query);
        assert_eq!(link.url().query(), query);
        assert!(query.is_none_or(|query| !format!("{link:?}").contains(query)));
    }
}

#[test]
fn the_codes_are_those_of_the_list() {
    let listed = list().codes;
    for refusal in Refusal::ALL {
        assert!(listed.contains_key(refusal.as_str()), "{refusal} is not in the list");
    }
    assert_eq!(listed.len(), Refusal::ALL.len());
}

#[tokio::test]
async fn a_name_is_resolved_once_for_each_call_and_a_literal_never() {
    let origin = Origin::start(|_| Reply::ok("image/jpeg", read("valid/image_rgb_640x480.jpg"))).await;
    let bench = Bench::new();
    // Public first, then inside: whoever asks twice calls the second.
    bench.names.tell("rebind.example.test", &[&["127.0.0.1"], &["10.0.0.7"]]);
    let url = format!("http://rebind.example.test:{}/a.jpg", origin.port());
    bench.links.fetch(&ask(&url)).await.unwrap();
    assert_eq!(bench.names.asked(), ["rebind.example.test"]);
    let fault = refused(&bench.links, &url).await.unwrap();
    assert_eq!((fault.code.as_str(), fault.finding().code.as_str()), ("NET-PRIVATE", "NET-DNS"));
    assert_eq!(origin.requests().len(), 1);
    bench.links.fetch(&ask(&format!("{}/b.jpg", origin.url))).await.unwrap();
    assert_eq!(bench.names.asked().len(), 2);
}

#[tokio::test]
async fn a_revalidation_is_judged_anew() {
    let origin = Origin::start(|_| {
        let body = crate::origin::Body::Whole(Arc::new(read("valid/image_rgb_640x480.jpg")));
        Reply::new(200, &[("Content-Type", "image/jpeg"), ("ETag", "\"v1\"")], body)
    })
    .await;
    let bench = Bench::new();
    bench.names.tell("files.example.test", &[&["127.0.0.1"], &["169.254.169.254"]]);
    let url = format!("http://files.example.test:{}/a.jpg", origin.port());
    bench.links.fetch(&ask(&url)).await.unwrap();
    assert_eq!(refused(&bench.links, &url).await.unwrap().code.as_str(), "NET-METADATA");
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn the_host_of_the_link_is_what_its_server_reads() {
    let origin = Origin::start(|_| Reply::ok("image/jpeg", read("valid/image_rgb_640x480.jpg"))).await;
    let bench = Bench::new();
    bench.names.tell("files.example.test", &[&["127.0.0.1"]]);
    bench.links.fetch(&ask(&format!("http://files.example.test:{}/a?b=%2F|c#d", origin.port()))).await.unwrap();
    let request = origin.requests().remove(0);
    assert_eq!(request.path, "/a?b=%2F|c");
    assert_eq!(request.headers["host"], format!("files.example.test:{}", origin.port()));
    assert_eq!(request.headers["accept-encoding"], "identity");
    assert!(request.headers["user-agent"].starts_with("sabir/"));
    assert!(!request.headers.contains_key("referer") && !request.headers.contains_key("cookie"));
}

#[test]
fn whatever_a_link_is_bent_to_it_leads_to_public_places_alone() {
    let urls: Vec<_> = list().cases.into_iter().map(|case| case.url).collect();
    let mut runner = TestRunner::new(ProptestConfig { cases: 5000, failure_persistence: None, ..Default::default() });
    let bent = (select(urls), vec((any::<Index>(), 0..3_usize, select(TELLING.to_vec())), 1..5));
    let bend = |(url, bends): (String, Vec<(Index, usize, &str)>)| {
        let mut signs: Vec<_> = url.chars().map(String::from).collect();
        for (at, count, with) in bends {
            let from = at.index(signs.len() + 1);
            let to = (from + count).min(signs.len());
            signs.splice(from..to, [with.to_owned()]);
        }
        probe::link(&signs.concat());
        Ok(())
    };
    runner.run(&bent, bend).unwrap();
}

/// Signs that parsers read in their own ways.
const TELLING: &[&str] = &[
    "",
    "/",
    "//",
    "\\",
    "@",
    ":",
    ".",
    "%",
    "%2e",
    "%00",
    "#",
    "?",
    "[",
    "]",
    "0",
    "1",
    "0x",
    "127.1",
    "localhost",
    "::",
    "::ffff:",
    "169.254.169.254",
    "\u{3002}",
    "\u{2460}",
    "\u{ff0e}",
    "\u{ad}",
    "\t",
    " ",
    "http:",
    "user:pw@",
    ":22",
];
