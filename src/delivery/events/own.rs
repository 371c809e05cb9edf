//! What the gateway itself has to tell: no provider knows of a message that never reached one.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::Clock;
use crate::model::{Event, Fault, Person, Progress, Request, Status, TransactionId};
use crate::store::NewEvent;

/// What a client that was answered before its message failed is told: a status, as of its provider. It is kept with the
/// commit by which the message fails, so that neither is there without the other.
pub fn failure(id: TransactionId, request: Option<&Request>, fault: &Fault, clock: &dyn Clock) -> NewEvent {
    let now = clock.now();
    NewEvent {
        id: clock.record_id(),
        webhook: Uuid::nil(),
        upstream: String::new(),
        identity: Sha256::digest(format!("{id}/failed/{}", now.unix_timestamp_nanos())).into(),
        replaces: None,
        received_at: now,
        event: Event::Status(failed(id, request, fault, now)),
    }
}

fn failed(id: TransactionId, request: Option<&Request>, fault: &Fault, at: OffsetDateTime) -> Status {
    let mut status = Status::new(Progress::Failed);
    status.references.opaque = Some(id.to_string());
    status.at = Some(at);
    let wa_id = request.and_then(Request::recipient).map(|recipient| recipient.address.as_str().to_owned());
    status.recipient = Person { wa_id, ..Person::default() };
    status.problems = vec![fault.clone().into()];
    status
}
