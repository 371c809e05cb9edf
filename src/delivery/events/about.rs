//! Which message a status is about. What stands in it was chosen by others: a provider may name any id, and a client's own
//! references, which a provider repeats, may hold the id of somebody else's transaction.

use std::sync::Arc;

use super::Listener;
use crate::model::{Event, References, Status, TransactionId};
use crate::secret::{KeyHash, Secret};
use crate::store::{Clue, Correlated, HeardEvent, StoreError};
use crate::upstream::Upstream;

impl Listener {
    /// The transaction of each event, where it is about one of its upstream's.
    pub(super) async fn correlate(&self, events: &[HeardEvent]) -> Result<Vec<Option<Correlated>>, StoreError> {
        let first = |event: &HeardEvent| match &event.event {
            Event::Status(status) => clues(status).into_iter().next().unwrap_or_default(),
            // Nothing else is about one of ours.
            _ => Clue::default(),
        };
        let mut found = self.store.correlate(&events.iter().map(first).collect::<Vec<_>>()).await?;
        for (event, found) in events.iter().zip(&mut found) {
            let Event::Status(status) = &event.event else { continue };
            let is_it = match found {
                Some(found) => self.is_about(event, status, found).await?,
                None => false,
            };
            if !is_it {
                *found = self.by_others(event, status, found.is_some()).await?;
            }
        }
        Ok(found)
    }

    /// The first clue led astray or nowhere: the others, where there are any, each by itself and in their order. Where it led
    /// astray, another provider may have given its message the same id since: then it is the one of the teller's own.
    async fn by_others(
        &self,
        event: &HeardEvent,
        status: &Status,
        was_astray: bool,
    ) -> Result<Option<Correlated>, StoreError> {
        let mut clues = clues(status).split_off(1);
        if was_astray && status.message_id.is_some() {
            let own = |over| Clue { over: Some(over), message_id: status.message_id.clone(), ..Clue::default() };
            clues.extend(self.told_of_by(&event.upstream).into_iter().map(own));
        }
        for found in self.store.correlate(&clues).await?.into_iter().flatten() {
            if self.is_about(event, status, &found).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The upstream that tells, then those that the same provider tells of.
    fn told_of_by(&self, teller: &str) -> Vec<String> {
        let directory = self.delivery.directory();
        let own = directory.upstream(teller);
        let is_its = |other: &&Arc<Upstream>| {
            own.as_ref().is_some_and(|own| own.name != other.name && secret(own) == secret(other))
        };
        let others = directory.upstreams().filter(is_its).map(|other| other.name.clone());
        [teller.to_owned()].into_iter().chain(others).collect()
    }

    async fn is_about(&self, event: &HeardEvent, status: &Status, found: &Correlated) -> Result<bool, StoreError> {
        Ok(fits(status, found.id, &found.return_address.references) && self.may_tell(&event.upstream, found).await?)
    }

    /// Whether what an upstream tells may be about a transaction: one that went over it, or over another that is told of by
    /// the same provider, whose secret it is. Nobody but the gateway itself tells of what went over none.
    async fn may_tell(&self, teller: &str, found: &Correlated) -> Result<bool, StoreError> {
        let Some(over) = &found.upstream else { return Ok(teller.is_empty()) };
        if teller.is_empty() || teller == over {
            return Ok(true);
        }
        let directory = self.delivery.directory();
        let (Some(teller), Some(over)) = (directory.upstream(teller), directory.upstream(over)) else {
            // One of them was renamed, or taken out of the configuration, since.
            return Ok(true);
        };
        if secret(&teller) == secret(&over) {
            return Ok(true);
        }
        // It may have gone over this one before.
        let whole = self.store.find(&found.id.to_string()).await?;
        Ok(whole.is_some_and(|whole| whole.attempts.iter().any(|attempt| attempt.upstream == teller.name)))
    }
}

/// What leads to the message of a status. The first is all together.
fn clues(status: &Status) -> Vec<Clue> {
    let message_id = &status.message_id;
    let mut named = status.transactions();
    let first = Clue { transaction: named.next(), message_id: message_id.clone(), over: None };
    let others = named.map(Clue::transaction);
    // Without a transaction the first is that already; most of what is about nobody's message is so.
    let id = message_id.as_ref().filter(|_| first.transaction.is_some());
    let by_id = id.map(Clue::message);
    [first].into_iter().chain(others).chain(by_id).collect()
}

/// Whether what is repeated beside a transaction's id went along with that transaction.
fn fits(status: &Status, transaction: TransactionId, given: &References) -> bool {
    let References { client_id, external_id, .. } = &status.references;
    let ours = transaction.to_string();
    if ![client_id, external_id].into_iter().flatten().any(|told| *told == ours) {
        return true;
    }
    let slots = [(client_id, &given.client_id), (external_id, &given.external_id)];
    slots.into_iter().all(|(told, given)| told.as_deref().is_none_or(|told| told == ours) || told == given)
}

fn secret(upstream: &Upstream) -> Option<KeyHash> {
    upstream.webhook_secret.as_ref().map(Secret::expose).map(KeyHash::of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Progress;

    fn references(client_id: Option<&str>, external_id: Option<&str>) -> References {
        let [client_id, external_id] = [client_id, external_id].map(|id| id.map(str::to_owned));
        References { client_id, external_id, opaque: None }
    }

    #[test]
    fn what_one_clue_says_is_looked_for_once() {
        let mut status = Status::new(Progress::Failed);
        status.message_id = Some("wamid.HBgM".to_owned());
        assert_eq!(clues(&status).len(), 1);
        status.references.opaque = Some("0199c0de-7a11-7000-8000-2b7e1c905d44".to_owned());
        assert_eq!(clues(&status).len(), 2, "the transaction may be another's, then the message's id is left");
    }

    #[test]
    fn what_stands_beside_a_transactions_id_has_to_be_its_own() {
        let (ours, another) = ("0199c0de-7a11-7000-8000-2b7e1c905d44", "0199c0de-7a11-7000-8000-2b7e1c905d45");
        for (told, given, expected) in [
            (references(Some(ours), None), references(None, None), true),
            (references(Some(ours), Some("ord")), references(None, Some("ord")), true),
            (references(Some("cust"), Some(ours)), references(Some("cust"), None), true),
            (references(Some("cust"), Some("ord")), references(None, None), true),
            (references(Some(ours), Some(another)), references(None, None), false),
            (references(Some(another), Some(ours)), references(None, None), false),
            (references(Some(ours), Some("ord")), references(None, None), false),
            (references(Some(another), Some(ours)), references(Some(another), None), true),
        ] {
            let status = Status { references: told, ..Status::new(Progress::Failed) };
            assert_eq!(fits(&status, ours.parse().unwrap(), &given), expected, "{status:?} {given:?}");
        }
    }
}
