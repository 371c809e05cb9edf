//! An event in the words of the client that is told it: with the ids, the references and the numbers that it knows.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde_json::Value;

use super::Callbacks;
use crate::delivery::Account;
use crate::dialect::{self, Dialect, EventContext, Signing, Telling};
use crate::model::{Business, Event, Inbound, InboundContent, Known, Setting, Status, Tastes};
use crate::store::{ClaimedCallback, Clue, Correlated, StoreError};

/// Headers that a client cannot set for its callbacks: they say what the body is.
const OURS: [&str; 3] = ["content-type", "content-length", "host"];

impl Callbacks {
    /// The posts of a callback, signed; none where its dialect has no words for the event.
    pub(super) async fn say(&self, callback: &ClaimedCallback) -> Result<Vec<Request<Bytes>>, StoreError> {
        let directory = self.delivery.directory();
        let account = directory.account_named(&callback.account);
        let upstream = directory.upstream(&callback.upstream);
        let client = dialect::named(&callback.dialect).unwrap_or_else(dialect::reference);
        let event = self.in_the_clients_terms(callback, client).await?;
        let tastes = account.as_ref().map(|account| account.tastes.clone()).unwrap_or_default();
        let number = upstream.as_ref().and_then(|upstream| upstream.sender.clone());
        let business = business(number, callback.transaction.as_ref());
        let provider = upstream.map_or(client, |upstream| upstream.dialect);
        let mut said = self.words(&event, (provider, client), &business, &tastes);
        let headers = self.headers_for(callback).await?;
        for request in &mut said {
            request.headers_mut().extend(headers.clone());
            self.sign(request, client, account.as_deref(), callback);
        }
        Ok(said)
    }

    fn words(
        &self,
        event: &Event,
        (provider, client): (&dyn Dialect, &dyn Dialect),
        business: &Business,
        tastes: &Tastes,
    ) -> Vec<Request<Bytes>> {
        let context = EventContext { business, tastes, at: self.clock.now() };
        let mut telling = Telling::new(provider, client);
        let said = telling.tell(event, &context);
        for warning in telling.into_warnings() {
            tracing::debug!(member = warning.member, dialect = client.name(), "a client is not told a member");
        }
        said
    }

    /// With the id of the event, the same in every attempt, so that the client can tell a repeat.
    fn sign(
        &self,
        request: &mut Request<Bytes>,
        client: &dyn Dialect,
        account: Option<&Account>,
        callback: &ClaimedCallback,
    ) {
        let Some(secret) = account.and_then(|account| account.callback_secret.as_ref()) else { return };
        let id = callback.event_id.to_string();
        client.sign_callback(request, &Signing { secret: secret.expose(), id: &id, at: self.clock.now() });
    }

    async fn in_the_clients_terms(
        &self,
        callback: &ClaimedCallback,
        client: &dyn Dialect,
    ) -> Result<Event, StoreError> {
        Ok(match callback.event.clone() {
            Event::Status(status) => Event::Status(match &callback.transaction {
                Some(transaction) => known_as(status, transaction),
                None => status,
            }),
            Event::Inbound(mut inbound) => {
                let person = inbound.sender.id().map(str::to_owned);
                if let InboundContent::Media(media) = &mut inbound.content {
                    self.delivery.inbound.tell(callback, client, person, media).await?;
                }
                Event::Inbound(self.written_by_somebody_known(callback, inbound).await?)
            }
            other => other,
        })
    }

    /// A message to the business, whose writer and whose quoted messages are called as the client calls them.
    async fn written_by_somebody_known(
        &self,
        callback: &ClaimedCallback,
        mut inbound: Inbound,
    ) -> Result<Inbound, StoreError> {
        let ids: Vec<_> = inbound.message_ids().into_iter().map(|id| id.clone()).collect();
        let clues: Vec<_> = ids.into_iter().map(Clue::message).collect();
        let known = if clues.is_empty() { Vec::new() } else { self.store.correlate(&clues).await? };
        for (id, known) in inbound.message_ids().into_iter().zip(known) {
            if let Some(known) = known.filter(|known| known.account == callback.account) {
                *id = id_for_client(&known);
            }
        }
        if let Some(id) = inbound.sender.id()
            && let Some(known_as) = self.store.alias(&callback.account, &callback.upstream, id).await?
        {
            inbound.sender.wa_id = Some(known_as);
        }
        Ok(inbound)
    }

    /// The headers that the client wants to see at the address that it set itself.
    async fn headers_for(&self, callback: &ClaimedCallback) -> Result<HeaderMap, StoreError> {
        let setting = self.store.setting(&callback.account, Setting::Webhook.name()).await?;
        let setting = setting.filter(|setting| setting.get("url").and_then(Value::as_str) == Some(&callback.target));
        let headers = setting.as_ref().and_then(|setting| setting.get("headers")).and_then(Value::as_object);
        Ok(headers.into_iter().flatten().filter_map(|(name, value)| header(name, value.as_str()?)).collect())
    }
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name: HeaderName = name.parse().ok()?;
    let mut value = HeaderValue::from_str(value).ok().filter(|_| !OURS.contains(&name.as_str()))?;
    value.set_sensitive(true);
    Some((name, value))
}

/// A status with the id and the number that the client knows, and with what it sent along.
fn known_as(status: Status, transaction: &Correlated) -> Status {
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    status.known_as(&Known {
        message_id: &id_for_client(transaction),
        references: &transaction.return_address.references,
        kind: transaction.kind,
        number: transaction.recipient.as_deref().filter(is_number),
    })
}

/// The id by which the client knows its message: as it was answered, so in the dialect that it was answered in.
fn id_for_client(transaction: &Correlated) -> String {
    let client = dialect::named(&transaction.dialect).unwrap_or_else(dialect::reference);
    client.message_id(transaction.id, transaction.given_id.as_deref())
}

/// The business as the client named it: by the number that is the upstream's, or by the number's id.
fn business(number: Option<String>, transaction: Option<&Correlated>) -> Business {
    let named = transaction.and_then(|transaction| transaction.sender.clone());
    let phone_number_id = named.filter(|named| Some(named) != number.as_ref());
    Business { number, phone_number_id, account_id: None }
}
