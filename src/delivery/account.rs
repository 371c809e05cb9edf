//! Who calls us.

use serde::Deserialize;

use super::access::{Access, Key, KeyConfig, Limits};
use crate::dialect::{Dialect, Losses};
use crate::model::{HealthForm, Manner, Rate};
use crate::secret::KeyHash;

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
    /// The shape of the answer about health.
    #[serde(default)]
    pub health: HealthForm,
    /// The version that the gateway goes for.
    pub version: Option<String>,
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
    /// How it wants to be answered where clients contradict each other.
    pub manner: Manner,
    /// Its keys, and how fast it may go.
    pub access: Access,
}
