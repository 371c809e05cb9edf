//! What is done for clients beside sends and media: logins, contact checks, health, settings.
//!
//! Knows neither wire formats nor status codes: a dialect reads the call and writes the answer.

mod sessions;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
pub use sessions::{Caller, spoken_in, watch as watch_sessions};

use crate::clock::Clock;
use crate::delivery::{Account, Delivery, Scope};
use crate::dialect::Dialect;
use crate::model::{CheckedContact, Fault, FaultKind, Served, Service, Setting};
use crate::store::{Store, StoreError};

/// The desk at which clients are served.
pub struct Desk {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    delivery: Arc<Delivery>,
}

impl Desk {
    /// A desk over the accounts of a delivery.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, delivery: Arc<Delivery>) -> Self {
        Self { store, clock, delivery }
    }

    /// Does what a caller asks for, in the dialect that it was asked in. Only a login needs no caller.
    ///
    /// # Errors
    /// That nobody calls, or with a key that may not; that the store is away; that the gateway has no part in it.
    pub async fn serve(
        &self,
        caller: Result<Caller, Fault>,
        dialect: &dyn Dialect,
        service: Service,
    ) -> Result<Served, Fault> {
        if let (Ok(caller), Some(scope)) = (&caller, scope(&service)) {
            caller.key.allow(scope)?;
        }
        match service {
            Service::Login(login) => self.login(dialect, login).await,
            Service::Logout => self.logout(&caller?).await,
            Service::CheckContacts(inputs) => caller.map(|_| check(inputs)),
            Service::Health => caller.and(Ok(Served::Health { ready: self.store.ping().await.is_ok() })),
            Service::Profile => caller.map(|caller| Served::Profile(caller.account.name.clone())),
            Service::Statistics => caller.and(Ok(Served::Statistics)),
            Service::Templates => caller.and(Ok(Served::Templates)),
            Service::Read(setting) => self.read(&caller?.account, setting).await,
            Service::Change(setting, value) => self.change(&caller?.account, setting, value).await,
            Service::Clear(setting) => self.clear(&caller?.account, setting).await,
            Service::Nothing => caller.and(Ok(Served::Done)),
            Service::Refuse(fault) => caller.and(Err(fault)),
        }
    }

    async fn read(&self, account: &Account, setting: Setting) -> Result<Served, Fault> {
        let value = self.store.setting(&account.name, setting.name()).await.map_err(store_fault)?;
        Ok(Served::Setting(setting, value))
    }

    async fn change(&self, account: &Account, setting: Setting, change: Value) -> Result<Served, Fault> {
        let mut value = change;
        if setting.changes_by_member() {
            let before = self.store.setting(&account.name, setting.name()).await.map_err(store_fault)?;
            value = changed(before.unwrap_or_default(), value);
        }
        self.store.set(&account.name, setting.name(), &value).await.map_err(store_fault)?;
        audit(account, "change setting", setting);
        Ok(Served::Changed(setting, value))
    }

    async fn clear(&self, account: &Account, setting: Setting) -> Result<Served, Fault> {
        self.store.clear(&account.name, setting.name()).await.map_err(store_fault)?;
        audit(account, "clear setting", setting);
        Ok(Served::Done)
    }
}

/// What an account's clients changed of it: which setting, not what it was set to.
fn audit(account: &Account, action: &str, setting: Setting) {
    tracing::info!(target: "sabir::audit", action, account.name = account.name, setting = setting.name(), "account");
}

/// What a key must be allowed for a service; nothing for a login, where it is the password, and for what is refused anyway.
fn scope(service: &Service) -> Option<Scope> {
    match service {
        Service::Login(_) | Service::Logout | Service::Refuse(_) => None,
        Service::Change(..) | Service::Clear(_) => Some(Scope::Admin),
        _ => Some(Scope::Read),
    }
}

fn check(inputs: Vec<String>) -> Served {
    Served::Contacts(inputs.into_iter().map(CheckedContact::new).collect())
}

/// An object with the members of another over its own; `null` takes a member away (RFC 7396).
fn changed(before: Value, change: Value) -> Value {
    let Value::Object(changes) = change else { return change };
    let mut members = match before {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    for (name, change) in changes {
        let before = members.shift_remove(&name).unwrap_or_default();
        if !change.is_null() {
            members.insert(name, changed(before, change));
        }
    }
    Value::Object(members)
}

fn store_fault(error: StoreError) -> Fault {
    tracing::error!(error = &error as &dyn std::error::Error, "a client could not be served");
    let detail = "the gateway cannot reach its store at the moment; try again";
    Fault::gateway(FaultKind::StoreUnavailable, detail).retry_after(Some(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_says_only_what_is_different() {
        let before =
            json!({"webhooks": {"url": "https://a.example.net", "max_concurrent_requests": 6}, "sent_status": true});
        let change = json!({"webhooks": {"url": "https://b.example.net"}, "sent_status": null, "pass_through": true});
        assert_eq!(
            changed(before, change),
            json!({"webhooks": {"url": "https://b.example.net", "max_concurrent_requests": 6}, "pass_through": true})
        );
        assert_eq!(changed(Value::Null, json!({"a": {"b": null, "c": 1}})), json!({"a": {"c": 1}}));
    }
}
