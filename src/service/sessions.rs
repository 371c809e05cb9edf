//! Logins: a name and a password for a token, a token for its account.
//!
//! The password is the account's key, under any name: a client that is pointed at the gateway keeps the name that its old
//! server knew. A client that insists on a new password gets one, beside the key. Passwords and tokens are kept as hashes.
//!
//! Both are good only together with the key that gave them: when it expires, is changed or removed, so are they. They may
//! do what it may.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::{Desk, store_fault};
use crate::clock::Clock;
use crate::delivery::{Account, Holder, Key, Scope};
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
    /// The account's key: that of the call, or the one that gave its token.
    pub key: Key,
    /// The dialect that it speaks, where that is known: by its configuration, or by the login that gave the token.
    pub dialect: Option<&'static dyn Dialect>,
    /// The token that the call came with; none where it was the account's key.
    token: Option<KeyHash>,
}

impl Desk {
    /// Whoever has this key or token, of which this is the hash.
    ///
    /// # Errors
    /// Where the store is away: a token is not wrong because nobody can look it up.
    pub async fn caller(&self, key: &str, hash: KeyHash) -> Result<Option<Caller>, Fault> {
        if let Some(Holder { account, key }) = self.delivery.directory().holder(&hash, self.clock.now()) {
            return Ok(Some(Caller { dialect: account.dialect, account, key, token: None }));
        }
        if !key.starts_with(TOKEN) {
            return Ok(None);
        }
        let (holder, spoken) = (self.holder(&hash).await?, spoken_in(key));
        let caller = |Holder { account, key }: Holder| {
            let dialect = account.dialect.or(spoken);
            Caller { dialect, account, key, token: Some(hash) }
        };
        Ok(holder.map(caller))
    }

    /// Whoever a session stands for, where it is still good and so is the key that gave it.
    async fn holder(&self, token: &KeyHash) -> Result<Option<Holder>, Fault> {
        let now = self.clock.now();
        let session = self.store.session(token).await.map_err(store_fault)?;
        let Some(session) = session.filter(|session| session.expires_at > now) else { return Ok(None) };
        let is_bound = |key: &KeyHash| session.binding == Some(token.joined(key));
        Ok(self.delivery.directory().holder_named(&session.account, now, is_bound))
    }

    /// A token, for whoever knows a password. Tokens of earlier logins stay good: some clients log in before every send.
    ///
    /// # Errors
    /// Where the store is away, or a new password cannot be used.
    pub async fn login(&self, dialect: &dyn Dialect, login: Login) -> Result<Served, Fault> {
        let password = KeyHash::of(login.password.expose_secret());
        let holder = match self.delivery.directory().holder(&password, self.clock.now()) {
            Some(holder) => Some(holder),
            None => self.holder(&hash(&login.user, &login.password)).await?,
        };
        let Some(holder) = holder else {
            tracing::info!(dialect = dialect.name(), "login refused");
            return Ok(Served::LoginRefused);
        };
        if let Some(new_password) = &login.new_password {
            holder.key.allow(Scope::Admin)?;
            self.set_password(&holder, hash(&login.user, new_password)).await?;
        }
        let token = format!("{TOKEN}{}.{}{}", dialect.name(), Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let expires_at = self.open(KeyHash::of(&token), &holder, login.life).await?;
        Ok(Served::LoggedIn { token: SecretString::from(token), expires_at })
    }

    async fn open(&self, token: KeyHash, holder: &Holder, life: Duration) -> Result<OffsetDateTime, Fault> {
        let expires_at = self.clock.now() + life;
        let binding = Some(token.joined(&holder.key.hash));
        let session = Session { account: holder.account.name.clone(), binding, expires_at };
        self.store.open_session(&token, &session).await.map_err(store_fault)?;
        Ok(expires_at)
    }

    /// A password is a session that does not expire. It takes the place of the one before.
    async fn set_password(&self, holder: &Holder, password: KeyHash) -> Result<(), Fault> {
        let account = &holder.account.name;
        let taken = self.holder(&password).await?;
        if taken.is_some_and(|holder| holder.account.name != *account) {
            return Err(Fault::invalid("new_password", "cannot be used; give another"));
        }
        let before = self.store.setting(account, PASSWORD).await.map_err(store_fault)?;
        if let Some(before) = before.and_then(|before| serde_json::from_value::<KeyHash>(before).ok()) {
            self.store.end_session(&before).await.map_err(store_fault)?;
        }
        self.open(password, holder, FOR_EVER).await?;
        self.store.set(account, PASSWORD, &password.to_config().into()).await.map_err(store_fault)?;
        tracing::info!(target: "sabir::audit", action = "set password", account.name = account, "account");
        Ok(())
    }

    /// Ends the token that the call came with. An account's key has no end here.
    pub(super) async fn logout(&self, caller: &Caller) -> Result<Served, Fault> {
        if let Some(token) = &caller.token {
            self.store.end_session(token).await.map_err(store_fault)?;
        }
        Ok(Served::Done)
    }
}

/// The dialect in which a token was got, as it says itself; none of what is no token.
pub fn spoken_in(key: &str) -> Option<&'static dyn Dialect> {
    key.strip_prefix(TOKEN)?.split_once('.').and_then(|(name, _)| dialect::named(name))
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
