//! What holds for everybody who knocks, before anybody knows who it is: so many requests at once, so many from one
//! address, and so many keys tried from it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Extensions, HeaderMap};
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::{self, Network, Visitor};
use super::recent::Recent;
use super::{Config, Peer};
use crate::delivery::too_fast;
use crate::model::{Fault, FaultKind, Meter, Rate};
use crate::secret::KeyHash;

/// Addresses that are remembered: about 10 MB where there are so many.
const REMEMBERED: usize = 100_000;

/// The door.
pub struct Door {
    limits: ArcSwap<Limits>,
    requests: Mutex<Recent<Visitor, Meter>>,
    tries: Mutex<Recent<Visitor, Meter>>,
    /// Keys that were looked at, with where they came from, and whether they were right. To see one again is no try, since
    /// nobody learns from it: an address that many share, as that of a proxy, is not closed to those who have a key because
    /// of one that has an old one.
    seen: Mutex<Recent<(Visitor, KeyHash), bool>>,
}

/// What may be changed while the door is open; what was counted by then stays.
struct Limits {
    proxies: Vec<Network>,
    address_rate: Option<Rate>,
    key_rate: Rate,
    max_requests: usize,
    places: Arc<Semaphore>,
}

impl Limits {
    fn of(config: &Config, places: Arc<Semaphore>) -> Self {
        Self {
            proxies: config.trusted_proxies.clone(),
            address_rate: config.address_rate,
            key_rate: config.wrong_key_rate,
            max_requests: config.max_requests,
            places,
        }
    }
}

impl Door {
    /// A door as it is configured.
    pub fn new(config: &Config) -> Self {
        Self {
            limits: ArcSwap::from_pointee(Limits::of(config, Arc::new(Semaphore::new(config.max_requests)))),
            requests: Mutex::new(Recent::new(REMEMBERED)),
            tries: Mutex::new(Recent::new(REMEMBERED)),
            seen: Mutex::new(Recent::new(REMEMBERED)),
        }
    }

    /// Puts other limits in force. Where another number of requests may be under way, those that are count no more.
    pub fn replace_limits(&self, config: &Config) {
        let old = self.limits.load();
        let is_same = old.max_requests == config.max_requests;
        let places = if is_same { Arc::clone(&old.places) } else { Arc::new(Semaphore::new(config.max_requests)) };
        self.limits.store(Arc::new(Limits::of(config, places)));
    }

    /// The address that a request came from; none where nobody knows, as in a test without a network.
    pub fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = extensions.get::<Peer>()?;
        Some(address::of(peer.0.ip(), headers, &self.limits.load().proxies))
    }

    /// Who sent it.
    pub fn visitor(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Visitor> {
        self.address(extensions, headers).map(Visitor::of)
    }

    /// Lets a request in, to be counted until the permit is dropped.
    ///
    /// # Errors
    /// [`FaultKind::RateLimited`] where too many come from this address, [`FaultKind::Overloaded`] where there are too many
    /// altogether.
    pub fn knock(&self, visitor: Option<Visitor>, now: OffsetDateTime) -> Result<OwnedSemaphorePermit, Fault> {
        let limits = self.limits.load();
        if let (Some(visitor), Some(rate)) = (visitor, limits.address_rate) {
            open(&self.requests).entry(visitor).take(rate, now).map_err(too_fast)?;
        }
        Arc::clone(&limits.places).try_acquire_owned().map_err(|_| {
            let detail = "the gateway has as many requests under way as it takes; try again";
            Fault::gateway(FaultKind::Overloaded, detail).retry_after(Some(Duration::from_secs(1)))
        })
    }

    /// Counts the try of a key, unless it was seen before.
    ///
    /// # Errors
    /// [`FaultKind::RateLimited`] where too many were tried: then it must not be looked at.
    pub fn try_key(&self, visitor: Option<Visitor>, key: KeyHash, now: OffsetDateTime) -> Result<(), Fault> {
        let Some(visitor) = visitor else { return Ok(()) };
        if open(&self.seen).contains(&(visitor, key)) {
            return Ok(());
        }
        let tried = open(&self.tries).entry(visitor).take(self.limits.load().key_rate, now);
        tried.map(|_| _ = open(&self.seen).entry((visitor, key))).map_err(|pace| {
            let wait = pace.wait_seconds();
            let detail = format!("too many wrong keys came from this address; wait {wait}s, then send the right one");
            Fault::client(FaultKind::RateLimited, detail).retry_after(Some(Duration::from_secs(wait)))
        })
    }

    /// The key that was tried is right, so it was no try.
    pub fn was_right(&self, visitor: Option<Visitor>, key: KeyHash) {
        let Some(visitor) = visitor else { return };
        let was_known = std::mem::replace(open(&self.seen).entry((visitor, key)), true);
        if !was_known {
            open(&self.tries).entry(visitor).give_back(self.limits.load().key_rate);
        }
    }

    /// A key that is right and was not tried, since it was made just now.
    pub fn know(&self, visitor: Option<Visitor>, key: KeyHash) {
        if let Some(visitor) = visitor {
            *open(&self.seen).entry((visitor, key)) = true;
        }
    }
}

fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
