//! Who is told of an event, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::delivery::{Account, Directory};
use crate::model::{Event, EventKind, Setting};
use crate::store::{Correlated, HeardEvent, NewCallback, Store, StoreError};

/// Longest address that is called.
const MAX_ADDRESS: usize = 2048;

/// The accounts that events of a batch concern, each with where it wants to be told.
pub struct Addresses {
    accounts: BTreeMap<String, Addressee>,
    /// Who hears of what people write to each upstream.
    listeners: BTreeMap<String, Vec<String>>,
    /// What each upstream speaks, for those that have no dialect of their own.
    spoken: BTreeMap<String, &'static str>,
}

/// An account.
struct Addressee {
    account: Arc<Account>,
    targets: Vec<String>,
    /// The steps that its client's old server was told to keep to itself.
    unwanted: Vec<EventKind>,
}

/// One address that is told.
pub struct Told<'a> {
    account: &'a str,
    dialect: &'a str,
    target: &'a str,
}

impl Addresses {
    /// Finds out where the events of a batch may go.
    pub async fn of(
        directory: &Directory,
        store: &dyn Store,
        events: &[HeardEvent],
        found: &[Option<Correlated>],
    ) -> Result<Self, StoreError> {
        let upstreams: BTreeSet<&str> = events.iter().map(|event| event.upstream.as_str()).collect();
        let listeners = upstreams.iter().map(|name| ((*name).to_owned(), directory.listeners(name))).collect();
        let spoken =
            upstreams.iter().filter_map(|name| Some(((*name).to_owned(), directory.upstream(name)?.dialect.name())));
        let mut addresses = Self { accounts: BTreeMap::new(), listeners, spoken: spoken.collect() };
        let of_messages = found.iter().flatten().map(|found| found.account.clone());
        let names: BTreeSet<_> = of_messages.chain(addresses.listeners.values().flatten().cloned()).collect();
        for account in names.into_iter().filter_map(|name| directory.account_named(&name)) {
            addresses.accounts.insert(account.name.clone(), Addressee::of(account, store).await?);
        }
        Ok(addresses)
    }

    /// Who is told of an event. A status goes to the addresses of its message and to its account's; what people write, and
    /// notices, to every account that listens to the upstream.
    pub fn told<'a>(&'a self, event: &'a HeardEvent, found: Option<&'a Correlated>) -> Vec<Told<'a>> {
        match (&event.event, found) {
            (Event::Status(_), Some(found)) => self.of_message(event, found),
            (Event::Status(_) | Event::Unreadable(_), _) => Vec::new(),
            (Event::Inbound(_) | Event::Trouble(_) | Event::Other(_), _) => self.of_upstream(event),
        }
    }

    fn of_message<'a>(&'a self, event: &HeardEvent, found: &'a Correlated) -> Vec<Told<'a>> {
        let addressee = self.accounts.get(&found.account);
        if addressee.is_some_and(|addressee| !addressee.wants(&event.event)) {
            return Vec::new();
        }
        let own = found.return_address.callbacks.iter();
        let all = own.chain(addressee.into_iter().flat_map(|addressee| &addressee.targets));
        let each: BTreeSet<_> = all.map(String::as_str).filter(is_callable).collect();
        each.into_iter().map(|target| Told { account: &found.account, dialect: &found.dialect, target }).collect()
    }

    fn of_upstream<'a>(&'a self, event: &'a HeardEvent) -> Vec<Told<'a>> {
        let listeners = self.listeners.get(&event.upstream).into_iter().flatten();
        let listeners = listeners.filter_map(|name| self.accounts.get(name));
        let listeners = listeners.filter(|addressee| addressee.wants(&event.event));
        listeners.flat_map(|addressee| self.all_of(addressee, &event.upstream)).collect()
    }

    fn all_of<'a>(&'a self, addressee: &'a Addressee, upstream: &str) -> impl Iterator<Item = Told<'a>> {
        let account = addressee.account.name.as_str();
        let own = addressee.account.dialect.map(crate::dialect::Dialect::name);
        let dialect = own.or_else(|| self.spoken.get(upstream).copied()).unwrap_or_default();
        let each: BTreeSet<_> = addressee.targets.iter().map(String::as_str).filter(is_callable).collect();
        each.into_iter().map(move |target| Told { account, dialect, target })
    }
}

impl Addressee {
    async fn of(account: Arc<Account>, store: &dyn Store) -> Result<Self, StoreError> {
        let application = store.setting(&account.name, Setting::Application.name()).await?;
        let webhook = store.setting(&account.name, Setting::Webhook.name()).await?;
        let targets = match account.callbacks.is_empty() {
            true => set_by_client(webhook.as_ref(), application.as_ref()).into_iter().collect(),
            false => account.callbacks.clone(),
        };
        Ok(Self { account, targets, unwanted: application.as_ref().map(turned_off).unwrap_or_default() })
    }

    fn wants(&self, event: &Event) -> bool {
        self.account.tastes.want(event) && !self.unwanted.contains(&event.kind())
    }
}

/// The steps that a client does not want to be told: by the options of its old server, of which the later take the place
/// of `sent_status`.
fn turned_off(options: &Value) -> Vec<EventKind> {
    let is_off = |pointers: &[&str]| {
        let mut said = pointers.iter().filter_map(|pointer| options.pointer(pointer)?.as_bool());
        said.next() == Some(false)
    };
    let steps = [
        (EventKind::Sent, ["/webhooks/message/sent", "/sent_status"].as_slice()),
        (EventKind::Delivered, &["/webhooks/message/delivered"]),
        (EventKind::Read, &["/webhooks/message/read"]),
    ];
    steps.into_iter().filter(|(_, pointers)| is_off(pointers)).map(|(kind, _)| kind).collect()
}

impl Told<'_> {
    /// The callback that tells it. What is told of one message goes in its order; all else waits for nobody.
    pub fn callback(
        &self,
        event: &HeardEvent,
        found: Option<&Correlated>,
        id: Uuid,
        created_at: OffsetDateTime,
    ) -> NewCallback {
        NewCallback {
            id,
            event: event.id,
            account: self.account.to_owned(),
            transaction: found.map(|found| found.id),
            dialect: self.dialect.to_owned(),
            target: self.target.to_owned(),
            order_key: found.map_or(event.id, |found| found.id.0).to_string(),
            created_at,
        }
    }
}

/// The address that the client set at its old server, in either of the two places.
fn set_by_client(webhook: Option<&Value>, application: Option<&Value>) -> Option<String> {
    let of_webhook = webhook.and_then(|webhook| webhook.get("url"));
    let of_options = application.and_then(|options| options.get("webhooks")?.get("url"));
    let url = of_webhook.or(of_options)?.as_str()?.trim();
    (!url.is_empty()).then(|| url.to_owned())
}

fn is_callable(target: &&str) -> bool {
    !target.is_empty() && target.len() <= MAX_ADDRESS
}
