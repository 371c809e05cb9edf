//! Every provider's dialect × every client's × every sample: told with equal meaning, or with what is lost named.

use sabir::dialect;
use sabir::model::Event;
use serde_json::{Value, json};

use super::{hear, meaning, tell, webhook};

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
    assert!(told_whole > 800, "{told_whole}");
}

/// What a client hears of a failure that the provider tells with a code.
fn code_heard(provider: &str, client: &str, code: i64) -> Value {
    let [provider, client] = [provider, client].map(|name| dialect::named(name).unwrap());
    let status = json!({ "id": "wamid.A1", "status": "failed", "timestamp": "1790000123", "recipient_id": "447700900123",
        "errors": [{ "code": code, "title": "Title", "details": "Details" }] });
    let value = json!({ "statuses": [status] });
    let entry = json!([{ "id": "1", "changes": [{ "field": "messages", "value": value }] }]);
    let body = if provider.name() == "cloud" { json!({ "entry": entry }) } else { value };
    let event = provider.decode_webhook(&webhook(body.to_string())).unwrap().remove(0).value;
    let told: Value = serde_json::from_slice(tell(provider, client, &event).0[0].body()).unwrap();
    let error = ["/statuses/0/errors/0", "/entry/0/changes/0/value/statuses/0/errors/0", "/data/error", "/errors"];
    error.iter().find_map(|place| told.pointer(place)).unwrap()["code"].clone()
}

#[test]
fn codes_of_failures_are_those_of_the_clients_dialect() {
    for (cloud, on_premises) in [
        (131026, 1026),
        (131042, 402),
        (131043, 410),
        (131047, 470),
        (131048, 471),
        (130472, 472),
        (130429, 429),
        (131051, 501),
        (131021, 1021),
        (131031, 1031),
        (132000, 2000),
        (132001, 2001),
        (132005, 2005),
        (132007, 2007),
        (132015, 2061),
        (132016, 2062),
        (132068, 2068),
        (137000, 480),
        (131000, 500),
        (131045, 430),
        (132012, 2012),
    ] {
        assert_eq!(code_heard("cloud", "on-premises", cloud), on_premises, "{cloud}");
        assert_eq!(code_heard("on-premises", "cloud", on_premises), cloud, "{on_premises}");
        assert_eq!(code_heard("cloud", "cloud", cloud), cloud);
        assert_eq!(code_heard("on-premises", "on-premises", on_premises), on_premises);
    }
    assert_eq!(code_heard("cloud", "on-premises", 131049), 471);
    assert_eq!(code_heard("cloud", "on-premises", 135000), 500);
    assert_eq!(code_heard("on-premises", "cloud", 1000), 131000);
    assert_eq!(code_heard("on-premises", "cloud", 433), 131045);
    assert_eq!(code_heard("cloud", "on-premises", 139999), 500);
    assert_eq!(code_heard("cloud", "aisoule", 131047), "window_closed");
    assert_eq!(code_heard("on-premises", "channel-request", 470), "window_closed");
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
