//! Logins: a name and a password for a token, a token for its account.
//!
//! The password is the account's key, under any name: a client that is pointed at the gateway keeps the name that its old
//! server knew. A client that insists on a new password gets one, beside the key. Passwords and tokens are kept as hashes.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::{Desk, store_fault};
use crate::clock::Clock;
use crate::delivery::Account;
use crate::dialect::{self, Dialect};
use crate::model::{Fault, Login, Served};
use crate::secret::KeyHash;
use crate::store::{Session, Store};

/// What every token begins with, so that the store is asked for nothing else; the dialect of the login comes next.
const TOKEN: &str = "sabir.";
/// The setting that holds the hash of the name and password that the client chose.
const PASSWORD: &str = "password";
/// How long a password is good for: until it is changed.
const FOR_EVER: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);
/// How often expired tokens are swept out.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Who calls.
#[derive(Clone)]
pub struct Caller {
    /// The account.
    pub account: Arc<Account>,
    /// The dialect that it speaks, where that is known: by its configuration, or by the login that gave the token.
    pub dialect: Option<&'static dyn Dialect>,
    /// The token that the call came with; none where it was the account's key.
    token: Option<KeyHash>,
}

impl Desk {
    /// Whoever has this key or token.
    ///
    /// # Errors
    /// Where the store is away: a token is not wrong because nobody can look it up.
    pub async fn caller(&self, key: &str) -> Result<Option<Caller>, Fault> {
        if let Some(account) = self.delivery.directory().account(key) {
            return Ok(Some(Caller { dialect: account.dialect, account, token: None }));
        }
        let Some(rest) = key.strip_prefix(TOKEN) else { return Ok(None) };
        let token = KeyHash::of(key);
        let account = self.holder(&token).await?;
        let spoken = rest.split_once('.').and_then(|(name, _)| dialect::named(name));
        Ok(account.map(|account| Caller { dialect: account.dialect.or(spoken), account, token: Some(token) }))
    }

    /// The account that a session stands for, where it is still good.
    async fn holder(&self, token: &KeyHash) -> Result<Option<Arc<Account>>, Fault> {
        let session = self.store.session(token).await.map_err(store_fault)?;
        let session = session.filter(|session| session.expires_at > self.clock.now());
        Ok(session.and_then(|session| self.delivery.directory().account_named(&session.account)))
    }

    /// A token, for whoever knows a password. Tokens of earlier logins stay good: some clients log in before every send.
    pub(super) async fn login(&self, dialect: &dyn Dialect, login: Login) -> Result<Served, Fault> {
        let account = match self.delivery.directory().account(login.password.expose_secret()) {
            Some(account) => Some(account),
            None => self.holder(&hash(&login.user, &login.password)).await?,
        };
        let Some(account) = account else {
            tracing::info!(dialect = dialect.name(), "login refused");
            return Ok(Served::LoginRefused);
        };
        if let Some(new_password) = &login.new_password {
            self.set_password(&account, hash(&login.user, new_password)).await?;
        }
        let token = format!("{TOKEN}{}.{}{}", dialect.name(), Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let expires_at = self.open(KeyHash::of(&token), &account, login.life).await?;
        Ok(Served::LoggedIn { token: SecretString::from(token), expires_at })
    }

    async fn open(&self, token: KeyHash, account: &Account, life: Duration) -> Result<OffsetDateTime, Fault> {
        let session = Session { account: account.name.clone(), expires_at: self.clock.now() + life };
        self.store.open_session(&token, &session).await.map_err(store_fault)?;
        Ok(session.expires_at)
    }

    /// A password is a session that does not expire. It takes the place of the one before.
    async fn set_password(&self, account: &Account, password: KeyHash) -> Result<(), Fault> {
        let taken = self.holder(&password).await?.is_some_and(|holder| holder.name != account.name);
        if taken {
            return Err(Fault::invalid("new_password", "cannot be used; give another"));
        }
        let before = self.store.setting(&account.name, PASSWORD).await.map_err(store_fault)?;
        if let Some(before) = before.and_then(|before| serde_json::from_value::<KeyHash>(before).ok()) {
            self.store.end_session(&before).await.map_err(store_fault)?;
        }
        self.open(password, account, FOR_EVER).await?;
        let value = password.to_config().into();
        self.store.set(&account.name, PASSWORD, &value).await.map_err(store_fault)
    }

    /// Ends the token that the call came with. An account's key has no end here.
    pub(super) async fn logout(&self, caller: &Caller) -> Result<Served, Fault> {
        if let Some(token) = &caller.token {
            self.store.end_session(token).await.map_err(store_fault)?;
        }
        Ok(Served::Done)
    }
}

/// What a name and a password are known by.
fn hash(user: &str, password: &SecretString) -> KeyHash {
    KeyHash::of(&format!("login:{user}:{}", password.expose_secret()))
}

/// Sweeps expired tokens out for ever; any number of processes may do so at once.
pub async fn watch(store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = store.sweep_sessions(clock.now()).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "expired tokens not swept out");
        }
    }
}
