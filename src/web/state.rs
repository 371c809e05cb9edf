//! What every handler can reach.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytesize::ByteSize;
use serde::Deserialize;

use super::Network;
use super::console::Counted;
use super::door::Door;
use super::page::Live;
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::delivery::callbacks::Callbacks;
use crate::delivery::events::Listener;
use crate::media::check::DialectLimits;
use crate::media::{Known, Vault};
use crate::model::Rate;
use crate::secret::KeyHash;
use crate::service::Desk;
use crate::store::Store;
use crate::upstream::Sandbox;

/// Options of the server.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Where the gateway keeps what it makes itself.
    pub data_dir: std::path::PathBuf,
    /// The gateway's address as clients see it, where they cannot tell it themselves.
    pub public_url: Option<url::Url>,
    /// Largest body of a send.
    pub max_body: ByteSize,
    /// Largest webhook of a provider.
    pub max_webhook: ByteSize,
    /// Largest file of an upload.
    pub max_upload: ByteSize,
    /// How long a request's head may take to arrive.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// How long its body may take to arrive.
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    /// How long requests under way may take to end after the signal to stop.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    /// Connections that are open at once at most.
    pub max_connections: usize,
    /// Connections of one address.
    pub connections_per_address: usize,
    /// Requests that are under way at once at most.
    pub max_requests: usize,
    /// Proxies whose word on where a request comes from is taken.
    pub trusted_proxies: Vec<Network>,
    /// Requests from one address.
    pub address_rate: Option<Rate>,
    /// Wrong keys from one address.
    pub wrong_key_rate: Rate,
    /// Whether this machine itself needs neither an admin token nor, for webhooks, a secret, where none is configured.
    pub trust_local: bool,
}

/// Options of the admin API.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AdminConfig {
    /// The token, or its hash; without one only this machine may ask, where it is trusted.
    pub token: Option<KeyHash>,
}

/// The state behind an `Arc`.
pub type Shared = Arc<AppState>;

/// What every handler can reach.
pub struct AppState {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Delivery, with accounts and upstreams.
    pub delivery: Arc<Delivery>,
    /// What providers tell.
    pub listener: Arc<Listener>,
    /// What clients are told.
    pub callbacks: Arc<Callbacks>,
    /// What is done for clients beside sends.
    pub desk: Desk,
    /// The record.
    pub store: Arc<dyn Store>,
    /// The bytes of clients' files.
    pub vault: Vault,
    /// What is known of them.
    pub known: Known,
    /// Whether a dialect's narrower promises of media count.
    pub dialect_limits: DialectLimits,
    /// The simulated provider.
    pub sandbox: Arc<Sandbox>,
    /// Limits, those in force now.
    pub limits: ArcSwap<Config>,
    /// What holds for everybody who knocks.
    pub door: Door,
    /// Who may see the record.
    pub admin: AdminConfig,
    /// Pages that are kept up to date.
    pub live: Live,
    /// What the overview shows, counted once for all who look.
    pub counted: Counted,
}

impl AppState {
    /// The limits in force.
    pub fn config(&self) -> Arc<Config> {
        self.limits.load_full()
    }

    /// Puts other limits in force. What was opened by the old ones stays: the address and the folder, and whatever
    /// connections and requests are there.
    pub fn replace_limits(&self, config: Config) {
        self.door.replace_limits(&config);
        self.limits.store(Arc::new(config));
    }
}
