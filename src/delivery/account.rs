//! Who calls us, and what becomes of the messages.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde::Deserialize;

use super::access::{Access, Key, KeyConfig, Limits};
use super::life::{OnUnknown, Policy};
use super::retry::Backoff;
use crate::dialect::{self, Dialect, Losses};
use crate::media::check::Repair;
use crate::media::links::{CredentialHost, Credentials};
use crate::model::{EventKind, HealthForm, Manner, Rate, Tastes};
use crate::secret::{KeyHash, Secret};

/// Options of delivery. What accounts may want otherwise stands here for those that say nothing.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Config {
    /// How long a process that is not heard of holds a message before others may take it.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// How long a client that waits for the upstream's answer is kept waiting.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    /// The age at which a message that could not be sent fails.
    #[serde(with = "humantime_serde")]
    pub give_up_after: Duration,
    /// How long there may be evidence of a message whose outcome is unknown, before it is sent again.
    #[serde(with = "humantime_serde")]
    pub unknown_window: Duration,
    /// The longest wait before the second try; it doubles with each.
    #[serde(with = "humantime_serde")]
    pub first_retry: Duration,
    /// The longest wait between tries.
    #[serde(with = "humantime_serde")]
    pub longest_retry: Duration,
    /// How long idempotency keys are remembered.
    #[serde(with = "humantime_serde")]
    pub keep_keys: Duration,
}

/// An account as the configuration describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountConfig {
    /// Its name in records and labels.
    pub name: String,
    /// Its key, or the key's hash: one that may do everything.
    pub key: Option<KeyHash>,
    /// More keys, or others in its place.
    #[serde(default)]
    pub keys: Vec<KeyConfig>,
    /// How many messages it may send.
    pub rate: Option<Rate>,
    /// How many other calls it may make.
    pub call_rate: Option<Rate>,
    /// How many of its requests may be under way at once.
    pub concurrency: Option<usize>,
    /// The dialect that it speaks; told from each request where it is not said.
    pub dialect: Option<String>,
    /// The upstream of requests that no route matches; may be left out where there is only one.
    pub upstream: Option<String>,
    /// What happens to members that an upstream cannot say.
    #[serde(default)]
    pub losses: Losses,
    /// Which files are made to fit on their way.
    #[serde(default)]
    pub repair: Repair,
    /// Credentials for media links, which messages name (On-Premises).
    #[serde(default)]
    pub media_providers: Vec<ProviderConfig>,
    /// The shape of the answer about health.
    #[serde(default)]
    pub health: HealthForm,
    /// The version that the gateway goes for.
    pub version: Option<String>,
    /// The language of an `hsm` that names none (On-Premises).
    pub hsm_language: Option<String>,
    /// What comes first, the answer or the upstream; as clients of each dialect expect, where it is not said.
    pub mode: Option<Mode>,
    /// How long a client that waits for the upstream's answer is kept waiting.
    #[serde(default, with = "humantime_serde::option")]
    pub deadline: Option<Duration>,
    /// The age at which a message that could not be sent fails.
    #[serde(default, with = "humantime_serde::option")]
    pub give_up_after: Option<Duration>,
    /// What becomes of a message of which nobody knows whether it went out.
    #[serde(default)]
    pub unknown: OnUnknown,
    /// How long there may be evidence of such a message, before it is sent again.
    #[serde(default, with = "humantime_serde::option")]
    pub unknown_window: Option<Duration>,
    /// How long an equal request counts as a repeat, of clients that send no `Idempotency-Key`.
    #[serde(default, with = "humantime_serde::option")]
    pub dedupe_window: Option<Duration>,
    /// Where its events go, beside the addresses that a request names; where none is given, the address that the client
    /// set itself.
    #[serde(default)]
    pub callbacks: Vec<String>,
    /// The secret that its callbacks are signed with.
    pub callback_secret: Option<Secret>,
    /// The kinds of event that its client cannot parse.
    #[serde(default)]
    pub suppress: BTreeSet<EventKind>,
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The upstream, then the answer, which is the upstream's.
    Sync,
    /// The answer, as soon as the request is recorded.
    Queued,
}

/// A credential for media links: a bearer token, or a user with a password.
#[derive(Clone, Debug, Deserialize)]
pub struct ProviderConfig {
    /// The name under which messages call for it.
    pub name: String,
    /// The token.
    pub bearer: Option<Secret>,
    /// The user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// Where it may go: the links that it fetches are the client's.
    #[serde(default)]
    pub hosts: Vec<CredentialHost>,
}

impl ProviderConfig {
    /// The credential, where it is one that a header can carry.
    pub fn credentials(&self) -> Option<Credentials> {
        match (&self.bearer, &self.user, &self.password) {
            (Some(token), None, None) => Credentials::bearer(token).ok(),
            (None, Some(user), Some(password)) => Credentials::basic(user, password).ok(),
            _ => None,
        }
    }

    /// In force, with its name.
    pub fn named(&self) -> Option<(String, MediaProvider)> {
        let provider = MediaProvider { credentials: self.credentials()?, hosts: self.hosts.clone() };
        Some((self.name.clone(), provider))
    }
}

/// A credential for media links that is in force.
#[derive(Clone, Debug)]
pub struct MediaProvider {
    credentials: Credentials,
    hosts: Vec<CredentialHost>,
}

impl MediaProvider {
    /// The credential, where it may go to the host of the link.
    pub fn credentials_for(&self, link: &str) -> Option<&Credentials> {
        self.hosts.iter().any(|host| host.is_of(link)).then_some(&self.credentials)
    }
}

impl AccountConfig {
    /// Its keys, and how fast it may go.
    pub fn access(&self) -> Access {
        let keys = self.key.map(Key::unlimited).into_iter().chain(self.keys.iter().map(Key::from));
        let limits = Limits { rate: self.rate, call_rate: self.call_rate, concurrency: self.concurrency };
        Access::new(keys.collect(), limits)
    }
}

/// An account that is in force.
pub struct Account {
    /// Its name.
    pub name: String,
    /// The dialect that it speaks, where it always speaks the same.
    pub dialect: Option<&'static dyn Dialect>,
    /// The upstream of requests that no route matches.
    pub upstream: String,
    /// What happens to members that an upstream cannot say.
    pub losses: Losses,
    /// Which files are made to fit on their way.
    pub repair: Repair,
    /// Credentials for media links by the names under which messages call for them.
    pub media_providers: HashMap<String, MediaProvider>,
    /// How it wants to be answered where clients contradict each other.
    pub manner: Manner,
    /// Its keys, and how fast it may go.
    pub access: Access,
    /// How long its clients wait.
    pub deadline: Duration,
    /// How long an equal request counts as a repeat.
    pub dedupe_window: Option<Duration>,
    /// Where its events go.
    pub callbacks: Vec<String>,
    /// The secret that its callbacks are signed with.
    pub callback_secret: Option<Secret>,
    /// What it wants to hear of.
    pub tastes: Tastes,
    /// What becomes of its messages.
    pub(super) policy: Policy,
    mode: Option<Mode>,
}

impl Config {
    /// What becomes of the messages of an account that says nothing, or is not there any more.
    pub(super) fn policy(&self) -> Policy {
        Policy {
            backoff: Backoff { first: self.first_retry, longest: self.longest_retry },
            give_up_after: self.give_up_after,
            unknown: OnUnknown::default(),
            unknown_window: self.unknown_window,
        }
    }
}

impl AccountConfig {
    /// An account of that name and key that says nothing else.
    pub fn new(name: &str, key: KeyHash) -> Self {
        Self {
            name: name.to_owned(),
            key: Some(key),
            keys: Vec::new(),
            dialect: None,
            upstream: None,
            losses: Losses::default(),
            repair: Repair::default(),
            media_providers: Vec::new(),
            health: HealthForm::default(),
            version: None,
            hsm_language: None,
            rate: None,
            call_rate: None,
            concurrency: None,
            mode: None,
            deadline: None,
            give_up_after: None,
            unknown: OnUnknown::default(),
            unknown_window: None,
            dedupe_window: None,
            callbacks: Vec::new(),
            callback_secret: None,
            suppress: BTreeSet::new(),
        }
    }
}

impl Account {
    /// An account as it is configured; `only` is the upstream of those that name none.
    pub fn new(config: &AccountConfig, defaults: &Config, only: &str) -> Self {
        let policy = defaults.policy();
        Self {
            name: config.name.clone(),
            dialect: config.dialect.as_deref().and_then(dialect::named),
            upstream: config.upstream.clone().unwrap_or_else(|| only.to_owned()),
            losses: config.losses,
            repair: config.repair,
            media_providers: config.media_providers.iter().filter_map(ProviderConfig::named).collect(),
            manner: Manner {
                health: config.health,
                version: config.version.clone(),
                hsm_language: config.hsm_language.clone(),
            },
            access: config.access(),
            deadline: config.deadline.unwrap_or(defaults.deadline),
            dedupe_window: config.dedupe_window,
            callbacks: config.callbacks.clone(),
            callback_secret: config.callback_secret.clone(),
            tastes: Tastes { suppress: config.suppress.clone() },
            policy: Policy {
                give_up_after: config.give_up_after.unwrap_or(policy.give_up_after),
                unknown: config.unknown,
                unknown_window: config.unknown_window.unwrap_or(policy.unknown_window),
                ..policy
            },
            mode: config.mode,
        }
    }

    /// What comes first for a request in a dialect.
    pub fn mode(&self, dialect: &dyn Dialect) -> Mode {
        let expected = if dialect.answers_first() { Mode::Queued } else { Mode::Sync };
        self.mode.unwrap_or(expected)
    }
}
