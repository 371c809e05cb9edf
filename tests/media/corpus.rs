//! Every case of the corpus gets the verdict that its list states, and one of the codes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sabir::media::check::{self, Code, Question, Report, Route, Verdict, Weight};
use sabir::model::MediaKind;
use serde::Deserialize;

use crate::{dialects, inspect, manifest, read};

/// A file, sent as something.
#[derive(Deserialize)]
pub struct Case {
    message_type: String,
    content_type: String,
    filename: String,
    expect: BTreeMap<String, Expected>,
}

/// What is expected in a dialect: the same by both routes, or apart.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Expected {
    Apart { upload: Outcome, link: Outcome },
    Same(Outcome),
}

#[derive(Clone, Deserialize)]
struct Outcome {
    verdict: String,
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
}

/// A name for a document.
#[derive(Deserialize)]
pub struct NameCase {
    given: String,
    bytes: String,
    verdict: String,
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    sent: Option<String>,
    sent_max_bytes: Option<usize>,
    sent_ends_with: Option<String>,
}

/// A voice message.
#[derive(Deserialize)]
pub struct VoiceCase {
    bytes: String,
    voice: bool,
    verdict: String,
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    bytes_total: Option<String>,
}

pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accept",
        Verdict::Warn => "warn",
        Verdict::Reject => "reject",
    }
}

impl Outcome {
    /// What the report gets wrong.
    fn fault(&self, report: &Report) -> Option<String> {
        let found: Vec<_> = report.codes(|_| true).iter().map(|code| code.as_str()).collect();
        let names = |wanted: &[String]| wanted.iter().any(|code| found.contains(&code.as_str()));
        let lacks_code = self.verdict != "accept" && !names(&self.any_of);
        let lacks_note = self.verdict == "accept" && !self.notes.iter().all(|note| found.contains(&note.as_str()));
        let is_wrong = word(report.verdict) != self.verdict || lacks_code || lacks_note;
        let (any_of, notes) = (&self.any_of, &self.notes);
        is_wrong.then(|| format!("{} {found:?}, not {} {any_of:?} notes {notes:?}", word(report.verdict), self.verdict))
    }
}

#[derive(Default)]
struct Totals {
    right: usize,
    false_accepts: usize,
    false_rejects: usize,
    faults: Vec<String>,
    by_verdict: BTreeMap<(&'static str, &'static str, &'static str), usize>,
}

#[test]
fn every_case_gets_its_verdict_and_one_of_its_codes() {
    let mut totals = Totals::default();
    for file in manifest().files {
        let inspection = inspect(&read(&file.file), 1000);
        for case in &file.cases {
            for dialect in dialects() {
                for route in [Route::Upload, Route::Link] {
                    let expected = case.expect.get(dialect.name()).unwrap_or_else(|| &case.expect["cloud"]);
                    let outcome = match (expected, route) {
                        (Expected::Same(outcome), _) => outcome,
                        (Expected::Apart { upload, .. }, Route::Upload) => upload,
                        (Expected::Apart { link, .. }, Route::Link) => link,
                    };
                    let question = Question {
                        route,
                        content_type: Some(&case.content_type),
                        filename: Some(&case.filename),
                        ..Question::new(MediaKind::named(&case.message_type).unwrap(), dialect.media_promise())
                    };
                    let report = check::check(&inspection, &question);
                    let label = format!(
                        "{} as {} ({}) {} {route:?}",
                        file.file,
                        case.message_type,
                        case.content_type,
                        dialect.name()
                    );
                    totals.count(
                        &label,
                        outcome,
                        &report,
                        (dialect.name(), if route == Route::Upload { "upload" } else { "link" }),
                    );
                }
            }
        }
    }
    println!("{}", totals.table());
    assert!(totals.faults.is_empty(), "\n{}\n", totals.faults.join("\n"));
}

impl Totals {
    fn count(&mut self, label: &str, outcome: &Outcome, report: &Report, of: (&'static str, &'static str)) {
        *self.by_verdict.entry((of.0, of.1, word(report.verdict))).or_default() += 1;
        match (outcome.verdict.as_str(), report.verdict) {
            ("reject", Verdict::Accept | Verdict::Warn) => self.false_accepts += 1,
            ("accept" | "warn", Verdict::Reject) => self.false_rejects += 1,
            _ => {}
        }
        match outcome.fault(report) {
            None => self.right += 1,
            Some(fault) => self.faults.push(format!("{label}: {fault}")),
        }
    }

    fn table(&self) -> String {
        let mut table = format!("{:<16} {:<7} {:>7} {:>7} {:>7}\n", "dialect", "route", "accept", "warn", "reject");
        for dialect in dialects() {
            for route in ["upload", "link"] {
                let count =
                    |verdict| self.by_verdict.get(&(dialect.name(), route, verdict)).copied().unwrap_or_default();
                let (accept, warn, reject) = (count("accept"), count("warn"), count("reject"));
                let name = dialect.name();
                writeln!(table, "{name:<16} {route:<7} {accept:>7} {warn:>7} {reject:>7}").unwrap();
            }
        }
        let (accepts, rejects) = (self.false_accepts, self.false_rejects);
        let all = self.right + self.faults.len();
        write!(table, "{} of {all} right, {accepts} false accepts, {rejects} false rejects", self.right).unwrap();
        table
    }
}

#[test]
fn names_are_sent_so_that_recipients_can_open_the_file() {
    for case in manifest().filename_cases {
        let inspection = inspect(&read(&case.bytes), 1000);
        let promise = dialects()[0].media_promise();
        let question = Question { filename: Some(&case.given), ..Question::new(MediaKind::Document, promise) };
        let report = check::check(&inspection, &question);
        let outcome = Outcome { verdict: case.verdict, any_of: case.any_of, notes: case.notes };
        assert_eq!(outcome.fault(&report), None, "{}", case.given);
        let sent = report.filename.unwrap();
        assert!(case.sent.is_none_or(|wanted| wanted == sent), "{} is sent as {sent}", case.given);
        assert!(case.sent_max_bytes.is_none_or(|most| sent.len() <= most), "{sent}");
        assert!(case.sent_ends_with.is_none_or(|end| sent.ends_with(&end)), "{sent}");
    }
}

#[test]
fn voice_messages_are_ogg_opus_and_small() {
    for case in manifest().voice_cases {
        let mut inspection = inspect(&read(&case.bytes), 1000);
        if case.bytes_total.is_some() {
            inspection.bytes = 524_289;
        }
        let question = Question { voice: case.voice, ..Question::new(MediaKind::Audio, dialects()[0].media_promise()) };
        let outcome = Outcome { verdict: case.verdict, any_of: case.any_of, notes: case.notes };
        assert_eq!(outcome.fault(&check::check(&inspection, &question)), None, "{}", case.bytes);
    }
}

/// The codes of a list.
#[derive(Deserialize)]
struct Codes {
    codes: BTreeMap<String, String>,
}

/// The lists know repairs of pictures alone, and nothing of what is only told or of what is the gateway's own affair.
const UNLISTED: &[Code] =
    &[Code::AudioRepaired, Code::VideoRepaired, Code::NetUnreachable, Code::HttpExpiring, Code::HttpOwnCdn, Code::Disk];

#[test]
fn the_codes_are_those_of_the_list_and_of_the_documents() {
    let of_links = ["url-cases.json", "http-scenarios.json"]
        .map(|list| serde_json::from_slice::<Codes>(&read(list)).unwrap().codes);
    let mut listed = manifest().codes;
    listed.extend(of_links.into_iter().flatten().filter(|(code, _)| code != "NET-*"));
    let documents = include_str!("../../docs/media.md");
    for code in Code::ALL {
        let is_listed = listed.contains_key(code.as_str()) || UNLISTED.contains(code);
        assert!(is_listed, "{code} is not in a list");
        assert!(documents.contains(&format!("| `{code}` |")), "docs/media.md does not explain {code}");
    }
    let unknown: Vec<_> = listed.keys().filter(|code| !Code::ALL.iter().any(|known| known.as_str() == *code)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_report_names_the_strongest_finding_first() {
    for file in manifest().files {
        let inspection = inspect(&read(&file.file), 1000);
        for kind in MediaKind::ALL {
            let report = check::check(&inspection, &Question::new(kind, dialects()[3].media_promise()));
            assert!(report.findings.is_sorted_by(|a, b| a.weight >= b.weight), "{}", file.file);
            assert_eq!(report.codes(|weight| weight == Weight::Reject).is_empty(), report.verdict != Verdict::Reject);
        }
    }
}
