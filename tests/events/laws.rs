//! What is true of every dialect, whatever it tells.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sabir::dialect::{self, Dialect};
use sabir::model::{Event, EventKind, Fault, Problem};
use serde_json::Value;

use super::bend::{bend, insert, places, put, unknown};
use super::golden::fixtures;
use super::matrix::is_part_of;
use super::{arbitrary, hear, meaning, probe_dialect, random, tell, webhook};

/// As many cases as `PROPTEST_CASES` says. A failing one belongs into a golden file or a unit test.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Dialects have fewer codes than there are kinds of fault: one that shares its code with others is heard as one of them.
/// Of the references a client gave only those that its dialect has.
fn undo(heard: &mut Event, told: &Event) {
    let (Event::Status(heard), Event::Status(told)) = (heard, told) else { return };
    let (references, given) = (&mut heard.references, &told.references);
    references.client_id = references.client_id.take().or_else(|| given.client_id.clone());
    references.external_id = references.external_id.take().or_else(|| given.external_id.clone());
    let kind = |problem: &Problem| problem.fault.kind;
    for (heard, told) in heard.problems.iter_mut().zip(&told.problems) {
        heard.fault.kind = kind(told);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn decode_undoes_encode_or_the_loss_is_named(event in random::event()) {
        for &dialect in dialect::all() {
            let (told, warnings) = tell(dialect, dialect, &event);
            let Some(callback) = told.first() else {
                prop_assert!(!warnings.is_empty(), "{} leaves it out in silence", dialect.name());
                continue;
            };
            let mut heard = meaning(hear(dialect, callback), &event);
            undo(&mut heard, &event);
            if warnings.is_empty() {
                prop_assert_eq!(&heard, &event, "{}: {:?}", dialect.name(), callback);
            } else {
                let (part, whole) = (serde_json::to_value(&heard).unwrap(), serde_json::to_value(&event).unwrap());
                prop_assert!(is_part_of(&part, &whole), "{}:\n{}\nis no part of\n{}", dialect.name(), part, whole);
            }
        }
    }

    #[test]
    fn encode_after_decode_settles_at_once(event in random::event()) {
        for &dialect in dialect::all() {
            let Some(callback) = tell(dialect, dialect, &event).0.pop() else { continue };
            let again = tell(dialect, dialect, &hear(dialect, &callback)).0.remove(0);
            prop_assert_eq!(again.body(), callback.body(), "{}", dialect.name());
        }
    }

    #[test]
    fn every_loss_between_dialects_is_named(event in random::event()) {
        for &provider in dialect::all() {
            for &client in dialect::all() {
                let (told, warnings) = tell(provider, client, &event);
                for warning in &warnings {
                    prop_assert!(!warning.member.is_empty() && warning.text.contains(&warning.member), "{:?}", warning);
                    prop_assert!(warning.text.contains(client.name()), "{:?}", warning);
                }
                prop_assert!(told.len() == 1 || !warnings.is_empty(), "{} to {}", provider.name(), client.name());
            }
        }
    }
}

/// The bodies of the golden files of one dialect, to be bent.
struct Seeds {
    dialect: &'static dyn Dialect,
    bodies: Vec<Value>,
}

static SEEDS: LazyLock<Vec<Seeds>> = LazyLock::new(|| {
    let of = |dialect| {
        let files = fixtures(dialect, "event.").into_iter().chain(fixtures(dialect, "webhook."));
        Seeds { dialect, bodies: files.map(|(_, file)| file["body"].clone()).collect() }
    };
    dialect::all().iter().map(|&dialect| of(dialect)).collect()
});

fn unreadable(event: Event) -> Option<Fault> {
    if let Event::Unreadable(unreadable) = event { Some(unreadable.fault) } else { None }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_body_makes_a_decoder_panic(body in arbitrary::json(), bytes in any::<Vec<u8>>()) {
        for &dialect in dialect::all() {
            probe_dialect::webhook(dialect, body.to_string().into_bytes());
            probe_dialect::webhook(dialect, bytes.clone());
        }
    }

    #[test]
    fn no_bent_webhook_makes_a_decoder_panic(of in any::<Index>(), bends in vec(bend(), 1..4)) {
        for seeds in SEEDS.iter() {
            let mut body = of.get(&seeds.bodies).clone();
            bends.iter().for_each(|bend| bend.apply(&mut body));
            probe_dialect::webhook(seeds.dialect, body.to_string().into_bytes());
        }
    }

    #[test]
    fn what_is_said_of_an_unreadable_entry_never_repeats_a_value(of in any::<Index>(), at in any::<Index>()) {
        for seeds in SEEDS.iter() {
            let mut body = of.get(&seeds.bodies).clone();
            let places = places(&body);
            put(&mut body, at.get::<String>(&places), "zq-secret".into());
            let heard = seeds.dialect.decode_webhook(&webhook(body.to_string()));
            let faults = match heard {
                Ok(heard) => heard.into_iter().filter_map(|heard| unreadable(heard.value)).collect(),
                Err(fault) => vec![fault],
            };
            for fault in faults {
                prop_assert!(!fault.detail.contains("zq-secret"), "{}: {}", seeds.dialect.name(), fault);
            }
        }
    }

    #[test]
    fn an_unknown_member_is_told_again_or_named(of in any::<Index>(), unknown in vec(unknown(), 1..3)) {
        for seeds in SEEDS.iter() {
            let mut body = of.get(&seeds.bodies).clone();
            let inserted = insert(&mut body, &unknown);
            let heard = seeds.dialect.decode_webhook(&webhook(body.to_string())).unwrap();
            let (mut said, mut named) = (String::new(), String::new());
            for heard in heard {
                let (told, warnings) = tell(seeds.dialect, seeds.dialect, &heard.value);
                let warnings = heard.warnings.iter().chain(&warnings);
                named.extend(warnings.map(|warning| format!("{} ", warning.member)));
                // What could not be read, or is not told, is kept whole.
                let kept = told.is_empty() || heard.value.kind() == EventKind::Unreadable;
                said += &if kept { serde_json::to_string(&heard.value).unwrap() } else { String::new() };
                said.extend(told.iter().map(|told| String::from_utf8_lossy(told.body())));
            }
            for (place, value) in inserted {
                let name = place.rsplit('/').next().unwrap();
                // Errors at the top repeat those of a status.
                let found = value.is_null() || place.starts_with("/errors/") || said.contains(name) || named.contains(name);
                prop_assert!(found, "{}: {} is neither told nor named", seeds.dialect.name(), place);
            }
        }
    }
}
