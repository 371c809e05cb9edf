//! What the gateway itself has to tell: no provider knows of a message that never reached one.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::delivery::Delivery;
use crate::model::{Event, Fault, Person, Progress, Request, Status, TransactionId};
use crate::store::{DecodedWebhook, NewEvent};

impl Delivery {
    /// A client that was answered before its message failed is told of that as of a status of its provider.
    pub(in crate::delivery) async fn tell_of_failure(
        &self,
        id: TransactionId,
        request: Option<&Request>,
        fault: &Fault,
    ) {
        let now = self.clock.now();
        let event = NewEvent {
            id: self.clock.record_id(),
            webhook: Uuid::nil(),
            upstream: self.upstream_of(id).await,
            identity: Sha256::digest(format!("{id}/failed/{}", now.unix_timestamp_nanos())).into(),
            replaces: None,
            received_at: now,
            event: Event::Status(failed(id, request, fault, now)),
        };
        let told = DecodedWebhook { webhook: Uuid::nil(), events: vec![event], problem: None };
        if let Err(error) = self.store.keep_events(self.process, &[told]).await {
            tracing::error!(transaction.id = %id, error = &error as &dyn std::error::Error, "a client is not told that its message failed");
        }
        self.told.notify_one();
    }

    async fn upstream_of(&self, id: TransactionId) -> String {
        let found = self.store.find(&id.to_string()).await.ok().flatten();
        found.and_then(|found| found.summary.upstream).unwrap_or_default()
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
