//! Who calls us.

use std::collections::HashMap;

use serde::Deserialize;

use crate::dialect::{Dialect, Losses};
use crate::media::check::Repair;
use crate::media::links::Credentials;
use crate::model::{HealthForm, Manner};
use crate::secret::{KeyHash, Secret};

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

    /// With its name.
    pub fn named(&self) -> Option<(String, Credentials)> {
        Some((self.name.clone(), self.credentials()?))
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
    pub media_providers: HashMap<String, Credentials>,
    /// How it wants to be answered where clients contradict each other.
    pub manner: Manner,
}
