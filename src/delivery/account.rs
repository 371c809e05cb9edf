//! Who calls us.

use serde::Deserialize;

use crate::dialect::{Dialect, Losses};
use crate::model::{HealthForm, Manner};
use crate::secret::KeyHash;

/// An account as the configuration describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountConfig {
    /// Its name in records and labels.
    pub name: String,
    /// Its key, or the key's hash.
    pub key: KeyHash,
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
}
