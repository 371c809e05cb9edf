//! What a key lets its holder do, and how much of it at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::{Fault, FaultKind, Meter, Pace, Rate};
use crate::secret::KeyHash;

/// Requests of one account that may be under way at once, where the configuration says nothing.
const CONCURRENCY: usize = 1000;

/// One of an account's keys, as the configuration describes it. An unknown member is a fault here and not merely told: a
/// misspelt `scopes` would open everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// The key, or its hash.
    pub key: KeyHash,
    /// What it may do; everything where it is not said.
    pub scopes: Option<Vec<Scope>>,
    /// Until when it is good; for ever where it is not said.
    #[serde(default, deserialize_with = "moment")]
    pub expires: Option<OffsetDateTime>,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let moment = OffsetDateTime::parse(&String::deserialize(deserializer)?, &Rfc3339);
    moment.map(Some).map_err(|_| de::Error::custom("is no time with its zone; give one such as 2027-06-30T00:00:00Z"))
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Send messages, and rehearse it.
    Send,
    /// Upload files, fetch and delete them.
    Media,
    /// Ask for what changes nothing: contacts, health, profile, settings.
    Read,
    /// Change what the account is known by: settings and passwords.
    Admin,
}

impl Scope {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Media => "media",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

/// A key that is in force.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its hash; the key itself is nowhere.
    pub hash: KeyHash,
    scopes: Option<Arc<[Scope]>>,
    expires: Option<OffsetDateTime>,
}

impl Key {
    /// A key that may do everything and does not expire.
    pub fn unlimited(hash: KeyHash) -> Self {
        Self { hash, scopes: None, expires: None }
    }

    /// Whether it is still good.
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// What it may do; everything where there are none.
    pub fn scopes(&self) -> Option<&[Scope]> {
        self.scopes.as_deref()
    }

    /// Until when it is good; for ever where there is none.
    pub fn expires(&self) -> Option<OffsetDateTime> {
        self.expires
    }

    /// # Errors
    /// [`FaultKind::Forbidden`] where the key has not the scope.
    pub fn allow(&self, scope: Scope) -> Result<(), Fault> {
        if self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope)) {
            return Ok(());
        }
        let name = scope.name();
        let detail = format!("this key may not do it: it lacks the scope {name}; use another, or ask the operator");
        Err(Fault::client(FaultKind::Forbidden, detail))
    }
}

impl From<&KeyConfig> for Key {
    fn from(config: &KeyConfig) -> Self {
        Self { hash: config.key, scopes: config.scopes.as_deref().map(Arc::from), expires: config.expires }
    }
}

/// An account's keys, and how fast it may go with any of them.
pub struct Access {
    /// The keys, live and expired.
    pub keys: Vec<Key>,
    sends: Option<Metered>,
    calls: Option<Metered>,
    concurrency: usize,
    places: Arc<Semaphore>,
}

/// How fast an account may go, as the configuration describes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Of messages.
    pub rate: Option<Rate>,
    /// Of everything else.
    pub call_rate: Option<Rate>,
    /// Requests under way at once.
    pub concurrency: Option<usize>,
}

/// A request's leave to go on: for as long as this is kept, it counts as under way.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "kept for its end")] OwnedSemaphorePermit);

struct Metered {
    rate: Rate,
    meter: Mutex<Meter>,
}

impl Metered {
    fn new(rate: Rate) -> Self {
        Self { rate, meter: Mutex::default() }
    }

    fn take(&self, now: OffsetDateTime) -> Result<Pace, Pace> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner).take(self.rate, now)
    }
}

impl Access {
    /// Access with these keys, all of the rate at hand.
    pub fn new(keys: Vec<Key>, limits: Limits) -> Self {
        let concurrency = limits.concurrency.unwrap_or(CONCURRENCY);
        let places = Arc::new(Semaphore::new(concurrency));
        let metered = |rate: Option<Rate>| rate.map(Metered::new);
        Self { keys, sends: metered(limits.rate), calls: metered(limits.call_rate), concurrency, places }
    }

    /// Counts a request: a send, or another call. Where the account stands is told either way.
    pub fn count(&self, is_send: bool, now: OffsetDateTime) -> (Option<Pace>, Result<(), Fault>) {
        let metered = if is_send { &self.sends } else { &self.calls };
        match metered.as_ref().map(|metered| metered.take(now)) {
            None => (None, Ok(())),
            Some(Ok(pace)) => (Some(pace), Ok(())),
            Some(Err(pace)) => (Some(pace), Err(too_fast(pace))),
        }
    }

    /// A place among the requests under way.
    ///
    /// # Errors
    /// [`FaultKind::RateLimited`] where all are taken.
    pub fn place(&self) -> Result<Place, Fault> {
        Arc::clone(&self.places).try_acquire_owned().map(Place).map_err(|_| {
            let most = self.concurrency;
            let detail = format!("{most} requests of this account are under way, and no more may be; wait for answers");
            Fault::client(FaultKind::RateLimited, detail).retry_after(Some(Duration::from_secs(1)))
        })
    }
}

/// More than a rate allows.
pub fn too_fast(pace: Pace) -> Fault {
    let (requests, window, wait) = (pace.rate.requests(), pace.rate.window(), pace.wait_seconds());
    let detail = format!("more than {requests} requests in {window:?}; wait {wait}s, then go on more slowly");
    Fault::client(FaultKind::RateLimited, detail).retry_after(Some(Duration::from_secs(wait)))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-09-21 13:35:23 UTC);

    fn access(limits: Limits) -> Access {
        Access::new(vec![Key::unlimited(KeyHash::of("k"))], limits)
    }

    #[test]
    fn sends_and_other_calls_are_counted_apart() {
        let rate = |requests| Rate::new(requests, Duration::from_secs(60));
        let access = access(Limits { rate: rate(1), call_rate: rate(2), concurrency: None });
        assert!(access.count(true, NOW).1.is_ok());
        let (pace, refused) = access.count(true, NOW);
        let fault = refused.unwrap_err();
        assert_eq!((fault.kind, pace.unwrap().remaining), (FaultKind::RateLimited, 0));
        assert_eq!(fault.retry_after, Some(Duration::from_secs(60)));
        assert!(access.count(false, NOW).1.is_ok() && access.count(false, NOW).1.is_ok());
        assert!(access.count(false, NOW).1.is_err());
    }

    #[test]
    fn a_place_is_free_again_when_its_request_ends() {
        let access = access(Limits { concurrency: Some(1), ..Limits::default() });
        let place = access.place().unwrap();
        assert_eq!(access.place().unwrap_err().kind, FaultKind::RateLimited);
        drop(place);
        assert!(access.place().is_ok());
    }

    #[test]
    fn a_key_is_good_until_the_moment_it_expires_and_for_its_scopes() {
        let key = Key { hash: KeyHash::of("k"), scopes: Some(Arc::from([Scope::Send])), expires: Some(NOW) };
        assert!(key.is_live(NOW - Duration::from_secs(1)) && !key.is_live(NOW));
        assert!(key.allow(Scope::Send).is_ok());
        let fault = key.allow(Scope::Media).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Forbidden);
        assert!(fault.detail.contains("media"), "{fault}");
    }
}
