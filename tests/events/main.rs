//! Events in every dialect: golden files, what holds for all, and every provider told to every client.
//!
//! Golden files are written from the vendors' documents, never from our own output. In `src/dialect/NAME/fixtures/`:
//!
//! | File | Holds | Shown |
//! |---|---|---|
//! | `event.SAMPLE.json` | `body`, `warnings`? (members left out), `decodes`? (the event, where less is heard) | the sample encodes to it and decodes from it |
//! | `untold.json` | sample → member | no callback is written, and the warning names the member |
//! | `webhook.*.json` | `why`, `body`, `events`, `warnings`? (members) | decodes to that |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop where it stands"
)]

#[path = "../support/arbitrary.rs"]
#[allow(dead_code, reason = "shared with the laws of requests")]
mod arbitrary;
#[path = "../support/bend.rs"]
#[allow(dead_code, reason = "shared with the laws of requests")]
mod bend;
mod files;
#[path = "../support/golden.rs"]
#[allow(dead_code, reason = "shared with the tests of requests")]
mod golden;
mod laws;
mod matrix;
#[path = "../support/probe_dialect.rs"]
#[allow(dead_code, reason = "shared with the laws of requests")]
mod probe_dialect;
mod random;
mod signatures;

use bytes::Bytes;
use http::{HeaderMap, Method};
use sabir::dialect::{self, Dialect, EventContext, Telling, Webhook};
use sabir::model::{Business, Event, Problem, Tastes, Warning};
use time::OffsetDateTime;

/// The hour of the golden files.
pub fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_790_000_123).unwrap()
}

/// A provider's call with that body.
pub fn webhook(body: impl Into<Bytes>) -> Webhook {
    let (method, path) = (Method::POST, "/webhooks/main".to_owned());
    Webhook { method, path, query: String::new(), headers: HeaderMap::new(), body: body.into() }
}

/// An event by its name.
pub fn sample(name: &str) -> Event {
    let found = dialect::events().iter().find(|sample| sample.name == name);
    let found = found.unwrap_or_else(|| panic!("no sample {name}"));
    found.event().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Tells a provider's event to a client.
pub fn tell(provider: &dyn Dialect, client: &dyn Dialect, event: &Event) -> (Vec<http::Request<Bytes>>, Vec<Warning>) {
    let (business, tastes) = (Business::default(), Tastes::default());
    let context = EventContext { business: &business, tastes: &tastes, at: now() };
    let mut telling = Telling::new(provider, client);
    let told = telling.tell(event, &context);
    (told, telling.into_warnings())
}

/// What a client hears in one callback.
pub fn hear(dialect: &dyn Dialect, callback: &http::Request<Bytes>) -> Event {
    let heard = dialect.decode_webhook(&webhook(callback.body().clone()));
    let mut heard = heard.unwrap_or_else(|fault| panic!("{} refuses what it says: {fault}", dialect.name()));
    assert_eq!(heard.len(), 1, "{}: one event per callback: {heard:?}", dialect.name());
    heard.remove(0).value
}

/// What was heard, with the differences undone that are none of meaning: how much of the business is named, what a
/// notice is called, the hour of what had none, the provider's own words for a fault, and a "no" that is not said.
pub fn meaning(mut heard: Event, told: &Event) -> Event {
    match (&mut heard, told) {
        (Event::Status(heard), Event::Status(told)) => {
            heard.business.clone_from(&told.business);
            heard.at = heard.at.filter(|_| told.at.is_some());
            heard.message_kind = heard.message_kind.or(told.message_kind);
            own_words(&mut heard.problems, &told.problems);
        }
        (Event::Inbound(heard), Event::Inbound(told)) => {
            use sabir::model::InboundContent::{Media, Unsupported};
            heard.business.clone_from(&told.business);
            match (&mut heard.content, &told.content) {
                (Media(heard), Media(told)) => heard.voice = heard.voice.or(told.voice.filter(|voice| !voice)),
                (Unsupported(heard), Unsupported(told)) => own_words(&mut heard.problems, &told.problems),
                _ => {}
            }
        }
        (Event::Trouble(heard), Event::Trouble(told)) => {
            heard.business.clone_from(&told.business);
            heard.problem.fault.upstream.clone_from(&told.problem.fault.upstream);
        }
        (Event::Other(heard), Event::Other(told)) => {
            heard.business.clone_from(&told.business);
            heard.name.clone_from(&told.name);
        }
        _ => {}
    }
    heard
}

fn own_words(heard: &mut [Problem], told: &[Problem]) {
    for (heard, told) in heard.iter_mut().zip(told) {
        heard.fault.upstream.clone_from(&told.fault.upstream);
    }
}
