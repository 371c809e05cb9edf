//! The golden files.

use std::collections::BTreeMap;

use sabir::dialect::{self, Dialect};
use sabir::model::{Event, EventKind};
use serde::Deserialize;
use serde_json::Value;

use super::golden::fixtures;
use super::{hear, meaning, sample, tell, webhook};

fn read<T: serde::de::DeserializeOwned>(dialect: &dyn Dialect, name: &str, value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{} {name}: {error}", dialect.name()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    body: Value,
    #[serde(default)]
    warnings: Vec<String>,
    decodes: Option<Event>,
}

#[test]
fn every_event_is_told_as_the_golden_file_says_or_left_out_by_name() {
    for &dialect in dialect::all() {
        let mut said: Vec<String> = Vec::new();
        for (file, value) in fixtures(dialect, "event.") {
            let case = format!("{} {file}", dialect.name());
            let name = file.trim_start_matches("event.").trim_end_matches(".json").to_owned();
            let golden: Told = read(dialect, &file, value);
            let sample = sample(&name);
            let (told, warnings) = tell(dialect, dialect, &sample);
            assert_eq!(told.len(), 1, "{case}");
            assert_eq!(told[0].headers()["content-type"], "application/json", "{case}");
            let body: Value = serde_json::from_slice(told[0].body()).unwrap();
            assert_eq!(body, golden.body, "{case}");
            let members: Vec<_> = warnings.into_iter().map(|warning| warning.member).collect();
            assert_eq!(members, golden.warnings, "{case}");
            let heard = meaning(hear(dialect, &told[0]), &sample);
            match golden.decodes {
                Some(less) => assert_eq!(heard, meaning(less, &sample), "{case}"),
                None if golden.warnings.is_empty() => assert_eq!(heard, sample, "{case}"),
                None => assert_eq!(heard.kind(), sample.kind(), "{case}"),
            }
            said.push(name);
        }
        for (file, value) in fixtures(dialect, "untold.") {
            let untold: BTreeMap<String, String> = read(dialect, &file, value);
            for (name, member) in untold {
                let (told, warnings) = tell(dialect, dialect, &sample(&name));
                assert!(told.is_empty(), "{} tells {name}", dialect.name());
                assert!(warnings.iter().any(|warning| warning.member == member), "{} {name}", dialect.name());
                said.push(name);
            }
        }
        let samples = dialect::events().iter().map(|sample| sample.name);
        let missing: Vec<_> = samples.filter(|name| !said.iter().any(|said| said == name)).collect();
        assert!(missing.is_empty(), "{} has no golden file for {missing:?}", dialect.name());
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heard {
    #[allow(dead_code, reason = "for the reader of the file")]
    why: String,
    body: Value,
    events: Vec<Event>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[test]
fn webhooks_mean_what_their_golden_file_says() {
    for &dialect in dialect::all() {
        let files = fixtures(dialect, "webhook.");
        assert!(!files.is_empty(), "{} has no webhook.*.json", dialect.name());
        for (file, value) in files {
            let case = format!("{} {file}", dialect.name());
            let golden: Heard = read(dialect, &file, value);
            let heard = dialect.decode_webhook(&webhook(golden.body.to_string()));
            let heard = heard.unwrap_or_else(|fault| panic!("{case}: {fault}"));
            let warnings = heard.iter().flat_map(|heard| &heard.warnings).map(|warning| warning.member.clone());
            assert_eq!(warnings.collect::<Vec<_>>(), golden.warnings, "{case}");
            let events: Vec<_> = heard.into_iter().map(|heard| heard.value).collect();
            assert_eq!(events, golden.events, "{case}");
        }
    }
}

#[test]
fn what_was_heard_is_told_again_in_the_same_dialect() {
    for &dialect in dialect::all() {
        for (file, value) in fixtures(dialect, "webhook.") {
            let golden: Heard = read(dialect, &file, value);
            for event in golden.events {
                let (told, warnings) = tell(dialect, dialect, &event);
                match told.first() {
                    Some(callback) => {
                        let heard = meaning(hear(dialect, callback), &event);
                        let lost = warnings.is_empty().then_some(heard);
                        assert!(lost.is_none_or(|heard| heard == event), "{} {file}: {event:?}", dialect.name());
                    }
                    None => assert_eq!(event.kind(), EventKind::Unreadable, "{} {file}", dialect.name()),
                }
            }
        }
    }
}

#[test]
fn what_is_no_webhook_is_refused_as_a_whole() {
    for &dialect in dialect::all() {
        for body in ["", "{", "[]", "7", "\u{0}"] {
            let refused = dialect.decode_webhook(&webhook(body)).is_err();
            assert!(refused, "{} reads {body:?}", dialect.name());
        }
    }
}

#[test]
fn every_sample_reads_back() {
    for sample in dialect::events() {
        let event = sample.event().unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        let written: Value = serde_json::to_value(&event).unwrap();
        let golden: Value = serde_json::from_str(sample.json).unwrap();
        assert_eq!(written, golden, "{}", sample.name);
    }
}
