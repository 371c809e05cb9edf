//! Accounts, upstreams and the routes between them: what the configuration says, ready to use.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use time::OffsetDateTime;

use super::Account;
use super::access::Key;
use crate::model::{Channel, Fault, FaultKind, Request};
use crate::secret::KeyHash;
use crate::upstream::Upstream;

/// A route as the configuration describes it. The first that matches wins.
#[derive(Clone, Debug, Deserialize)]
pub struct RouteConfig {
    /// Of this account.
    pub account: Option<String>,
    /// Of this channel.
    pub channel: Option<Channel>,
    /// From this sender: its number in digits or its phone number id.
    pub sender: Option<String>,
    /// Over these, in order.
    pub upstreams: Vec<String>,
}

/// What a directory is made of.
#[derive(Default)]
pub struct Parts {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The upstreams.
    pub upstreams: Vec<Upstream>,
    /// The routes.
    pub routes: Vec<RouteConfig>,
}

/// An account, and the key with which somebody is it.
#[derive(Clone)]
pub struct Holder {
    /// The account.
    pub account: Arc<Account>,
    /// The key, which is live.
    pub key: Key,
}

/// Finds the account of a key and the upstream of a request.
pub struct Directory {
    keys: HashMap<KeyHash, Holder>,
    accounts: HashMap<String, Arc<Account>>,
    upstreams: HashMap<String, Arc<Upstream>>,
    routes: Vec<RouteConfig>,
}

impl Directory {
    /// A directory of parts whose names were checked.
    pub fn new(parts: Parts) -> Self {
        let accounts = parts.accounts.into_iter().map(|account| (account.name.clone(), Arc::new(account)));
        let accounts: HashMap<_, _> = accounts.collect();
        let keys = accounts.values().flat_map(|account| {
            let holder = |key: &Key| (key.hash, Holder { account: Arc::clone(account), key: key.clone() });
            account.access.keys.iter().map(holder)
        });
        let upstreams = parts.upstreams.into_iter().map(|upstream| (upstream.name.clone(), Arc::new(upstream)));
        Self { keys: keys.collect(), accounts, upstreams: upstreams.collect(), routes: parts.routes }
    }

    /// Whoever has this key, where it is live. The look-up is by the key's hash, and hashes are compared in constant time:
    /// how long it takes says nothing about any key.
    pub fn holder(&self, key: &KeyHash, now: OffsetDateTime) -> Option<Holder> {
        let holder = self.keys.get(key)?;
        if !holder.key.is_live(now) {
            tracing::info!(account.name = holder.account.name, "a key that has expired was used");
            return None;
        }
        Some(holder.clone())
    }

    /// The account of that name.
    pub fn account_named(&self, name: &str) -> Option<Arc<Account>> {
        self.accounts.get(name).cloned()
    }

    /// Whoever is the account of that name with a live key of which this holds.
    pub fn holder_named(&self, name: &str, now: OffsetDateTime, is_it: impl Fn(&KeyHash) -> bool) -> Option<Holder> {
        let account = self.accounts.get(name)?;
        let key = account.access.keys.iter().find(|key| key.is_live(now) && is_it(&key.hash))?;
        Some(Holder { account: Arc::clone(account), key: key.clone() })
    }

    /// The upstreams of a request, to be tried in their order: those of the first route that matches, else the account's
    /// own.
    ///
    /// # Errors
    /// [`FaultKind::NoUpstream`] where there is none.
    pub fn choose(&self, account: &Account, request: &Request) -> Result<Choice, Fault> {
        let route = self.routes.iter().find(|route| route.matches(account, request));
        let names = route.map_or(std::slice::from_ref(&account.upstream), |route| &route.upstreams);
        let mut upstreams = names.iter().filter_map(|name| self.upstreams.get(name).cloned());
        let first = upstreams.next().ok_or_else(|| no_upstream(request.channel()))?;
        Ok(Choice { first, spare: upstreams.collect() })
    }

    /// The upstream of that name.
    pub fn upstream(&self, name: &str) -> Option<Arc<Upstream>> {
        self.upstreams.get(name).cloned()
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// The routes, the first that matches first.
    pub fn routes(&self) -> &[RouteConfig] {
        &self.routes
    }

    /// Every upstream.
    pub fn upstreams(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.upstreams.values()
    }

    /// The accounts that hear of what people write to an upstream: those that it names, else all that use it.
    pub fn listeners(&self, upstream: &str) -> Vec<String> {
        let named = self.upstreams.get(upstream).and_then(|upstream| upstream.inbound.clone());
        let leading = || self.routes.iter().filter(|route| route.upstreams.iter().any(|name| name == upstream));
        named.unwrap_or_else(|| {
            let uses = |account: &Account| account.upstream == upstream || leading().any(|route| route.is_of(account));
            let users = self.accounts.values().filter(|account| uses(account));
            users.map(|account| account.name.clone()).collect()
        })
    }

    /// Whether messages that are meant for an upstream may go over another.
    pub fn has_spare(&self, name: &str) -> bool {
        let mut behind = self.routes.iter().filter_map(|route| route.upstreams.split_last());
        behind.any(|(_, before)| before.iter().any(|upstream| upstream == name))
    }
}

/// The upstreams of a request.
pub struct Choice {
    /// The one that is tried first.
    pub first: Arc<Upstream>,
    /// Those that are tried where a message certainly did not go out.
    pub spare: Vec<Arc<Upstream>>,
}

impl RouteConfig {
    fn matches(&self, account: &Account, request: &Request) -> bool {
        let channel = self.channel.is_none_or(|channel| channel == request.channel());
        let sender = self.sender.as_deref().is_none_or(|sender| Some(sender) == request.sender());
        self.is_of(account) && channel && sender
    }

    fn is_of(&self, account: &Account) -> bool {
        self.account.as_ref().is_none_or(|name| *name == account.name)
    }
}

/// No upstream serves a channel.
pub fn no_upstream(channel: Channel) -> Fault {
    let what = format_args!(
        "no upstream carries {channel} for this account; the operator can add a route for {channel} to an upstream that does"
    );
    Fault::at(FaultKind::NoUpstream, "channel", what)
}
