//! From a webhook's bytes to its events, each with what tells it from others. Pure.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Clock;
use crate::dialect::{Dialect, Webhook};
use crate::model::Event;
use crate::store::{DecodedWebhook, NewEvent, RawWebhook};

/// Digits of the shortest number that is a person's.
const LEAST_DIGITS: usize = 7;

/// Letters of the longest user id.
const LONGEST_NAME: usize = 128;

/// Reads a webhook in the dialect of its upstream. What cannot be read stays as it came, with the reason.
pub fn decode(raw: RawWebhook, dialect: &dyn Dialect, clock: &dyn Clock) -> DecodedWebhook {
    match dialect.decode_webhook(&as_it_came(&raw)) {
        Err(fault) => problem(raw, &fault.detail),
        Ok(read) => {
            let mut events = Vec::with_capacity(read.len());
            for (position, decoded) in (0_u32..).zip(read) {
                for warning in &decoded.warnings {
                    tracing::debug!(webhook.id = %raw.id, member = warning.member, "a webhook has a member that we do not know");
                }
                events.push(event(&raw, position, decoded.value, clock.record_id()));
            }
            let people = spoken_of(&raw.body, &events);
            DecodedWebhook { webhook: raw.id, events, people, problem: None }
        }
    }
}

/// A webhook that told nothing that could be read.
pub fn problem(raw: RawWebhook, problem: &str) -> DecodedWebhook {
    let (people, problem) = (whoever_stands_in(&raw.body), Some(problem.to_owned()));
    DecodedWebhook { webhook: raw.id, events: Vec::new(), people, problem }
}

/// Of whom a webhook speaks. Of what was not read as a message or a status nobody knows who is in it, so whatever looks like
/// a person counts.
fn spoken_of(body: &str, events: &[NewEvent]) -> BTreeSet<String> {
    let mut people = BTreeSet::new();
    for event in events {
        match event.event.person() {
            Some(_) => people.extend(event.event.names().map(str::to_owned)),
            None => people.extend(whoever_stands_in(body)),
        }
    }
    people
}

/// What looks like a number or a user id (`GB.1A2B3C4D5E`): a few digits, and letters and a dot at most.
fn whoever_stands_in(body: &str) -> BTreeSet<String> {
    let words = body.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
    let digits = |word: &&str| word.bytes().filter(u8::is_ascii_digit).count() >= LEAST_DIGITS;
    words.filter(|word| word.len() <= LONGEST_NAME).filter(digits).map(str::to_owned).collect()
}

fn as_it_came(raw: &RawWebhook) -> Webhook {
    let header = |(name, value): (&String, &String)| Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?));
    let headers: HeaderMap<HeaderValue> = raw.headers.iter().filter_map(header).collect();
    Webhook {
        method: Method::POST,
        path: format!("/webhooks/{}", raw.upstream),
        query: String::new(),
        headers,
        body: Bytes::from(raw.body.clone()),
    }
}

fn event(raw: &RawWebhook, position: u32, event: Event, id: Uuid) -> NewEvent {
    let place = digest(&[raw.upstream.as_bytes(), &digest(&[raw.body.as_bytes()]), &position.to_be_bytes()]);
    let identity = event.identity().map(|identity| digest(&[raw.upstream.as_bytes(), b"\0", identity.as_bytes()]));
    // What could not be read the first time is kept by its place.
    let replaces = identity.and(Some(place)).filter(|_| raw.tries > 1);
    NewEvent {
        id,
        webhook: raw.id,
        upstream: raw.upstream.clone(),
        identity: identity.unwrap_or(place),
        replaces,
        received_at: raw.received_at,
        event,
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::macros::datetime;

    use super::*;
    use crate::clock::FixedClock;
    use crate::dialect;
    use crate::model::EventKind;

    fn decoded(body: &str, tries: u32) -> DecodedWebhook {
        let at = datetime!(2026-09-21 13:35:23 UTC);
        let (upstream, body) = ("main".to_owned(), body.to_owned());
        let raw = RawWebhook { id: Uuid::nil(), upstream, received_at: at, headers: BTreeMap::new(), body, tries };
        decode(raw, dialect::named("cloud").unwrap(), &FixedClock::at(at))
    }

    fn statuses(statuses: &str) -> String {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{
            "messaging_product":"whatsapp","metadata":{{}},"statuses":[{statuses}]}}}}]}}]}}"#
        )
    }

    const SENT: &str = r#"{"id":"wamid.1","status":"sent","timestamp":"1790000123","recipient_id":"447700900123"}"#;

    #[test]
    fn a_bad_neighbour_is_kept_by_its_place_and_the_good_one_by_what_it_is() {
        let events = decoded(&statuses(&format!("{SENT},7,{SENT}")), 1).events;
        let kinds: Vec<_> = events.iter().map(|event| event.event.kind()).collect();
        assert_eq!(kinds, [EventKind::Sent, EventKind::Unreadable, EventKind::Sent]);
        assert_eq!(events[0].identity, events[2].identity);
        assert_ne!(events[0].identity, events[1].identity);
        assert!(events.iter().all(|event| event.replaces.is_none()));
        let again = decoded(&statuses(&format!("{SENT},7,{SENT}")), 2).events;
        assert_eq!(again[1].identity, events[1].identity, "the same bytes are the same, whenever they are read");
        assert!(again[0].replaces.is_some() && again[1].replaces.is_none());
    }

    #[test]
    fn what_is_no_webhook_has_its_reason() {
        let decoded = decoded("[]", 1);
        assert!(decoded.events.is_empty() && decoded.problem.is_some(), "{decoded:?}");
    }

    #[test]
    fn who_is_spoken_of_is_known_whether_it_could_be_read_or_not() {
        let people = |body: &str| decoded(body, 1).people.into_iter().collect::<Vec<_>>();
        assert_eq!(people(&statuses(SENT)), ["447700900123"]);
        let unread = people(&statuses(r#"{"wa_id":"+447700900124","user_id":"GB.1A2345678"}"#));
        assert!(
            unread.contains(&"447700900124".to_owned()) && unread.contains(&"GB.1A2345678".to_owned()),
            "{unread:?}"
        );
        assert_eq!(people(r#"["447700900125", 12]"#), ["447700900125"]);
    }
}
