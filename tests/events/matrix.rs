//! Every provider's dialect × every client's × every sample: told with equal meaning, or with what is lost named.

use sabir::dialect;
use sabir::model::Event;
use serde_json::Value;

use crate::{hear, meaning, tell};

#[test]
fn every_event_arrives_with_equal_meaning_or_with_its_losses_named() {
    let mut told_whole = 0;
    for &provider in dialect::all() {
        for &client in dialect::all() {
            for sample in dialect::events() {
                let said = sample.event().unwrap();
                let Some(callback) = tell(provider, provider, &said).0.pop() else { continue };
                let event = hear(provider, &callback);
                let case = format!("{} to {}: {}", provider.name(), client.name(), sample.name);
                let (told, warnings) = tell(provider, client, &event);
                if told.is_empty() {
                    assert!(!warnings.is_empty(), "{case}: left out in silence");
                    assert_ne!(provider.name(), client.name(), "{case}: a dialect cannot tell its own event");
                    continue;
                }
                assert_eq!(told.len(), 1, "{case}");
                let heard = meaning(hear(client, &told[0]), &event);
                if warnings.is_empty() {
                    assert_eq!(heard, event, "{case}");
                    told_whole += 1;
                } else {
                    assert_ne!(provider.name(), client.name(), "{case}: {warnings:?}");
                    assert_is_part(&heard, &event, &case);
                }
            }
        }
    }
    assert!(told_whole > 0, "{told_whole}");
}

fn assert_is_part(heard: &Event, told: &Event, case: &str) {
    let (part, whole) = (serde_json::to_value(heard).unwrap(), serde_json::to_value(told).unwrap());
    assert!(is_part_of(&part, &whole), "{case}:\n{part}\nis no part of\n{whole}");
}

/// Whether nothing stands in `part` that does not stand in `whole` at the same place.
pub fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| is_part_of(part, whole)))
        }
        (part, whole) => part == whole,
    }
}
