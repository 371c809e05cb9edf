//! What clients leave with us beside their transactions: sessions, settings and files.
//!
//! All of it is found by its key, one row at a time, so one implementation serves both databases ([`sql`]).

pub(super) mod sql;

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;

use super::StoreError;
use crate::secret::KeyHash;

/// The part of the store that keeps what clients leave with us. What holds for all methods of [`super::Store`] holds for
/// these too. Each is atomic, and durable when it returns.
#[async_trait]
pub trait Clients: Send + Sync {
    /// Opens a session for whoever has this token; one that the token had already is replaced.
    async fn open_session(&self, token: &KeyHash, session: &Session) -> Result<(), StoreError>;

    /// The session of this token. It may have expired: the caller compares. `Ok(None)` where there is none.
    async fn session(&self, token: &KeyHash) -> Result<Option<Session>, StoreError>;

    /// Ends the session of this token; false where there was none.
    async fn end_session(&self, token: &KeyHash) -> Result<bool, StoreError>;

    /// Removes the sessions that expired before this time and returns how many there were.
    async fn sweep_sessions(&self, before: OffsetDateTime) -> Result<u64, StoreError>;

    /// The account's setting of this name. `Ok(None)` where it was never set, or was cleared; a null that was set is
    /// there.
    async fn setting(&self, account: &str, name: &str) -> Result<Option<Value>, StoreError>;

    /// Sets it; the value takes the place of the one before.
    async fn set(&self, account: &str, name: &str, value: &Value) -> Result<(), StoreError>;

    /// Clears it; false where it was not set.
    async fn clear(&self, account: &str, name: &str) -> Result<bool, StoreError>;

    /// Adds a file that a client uploaded. An id that is there already, whosever it is, is a [`StoreError::Defect`].
    async fn add_media(&self, media: &StoredMedia) -> Result<(), StoreError>;

    /// The account's file of this id. `Ok(None)` where there is none, and where it is another account's.
    async fn media(&self, account: &str, id: &str) -> Result<Option<StoredMedia>, StoreError>;

    /// Deletes it; false where there is none. What upstreams gave for its bytes stays known.
    async fn delete_media(&self, account: &str, id: &str) -> Result<bool, StoreError>;

    /// The id that an upstream gave for a file. It may have expired: the caller compares. `Ok(None)` where none is known.
    async fn upstream_media(&self, upload: &UploadKey) -> Result<Option<UpstreamMedia>, StoreError>;

    /// Remembers the id; it takes the place of the one before.
    async fn remember_upstream_media(&self, upload: &UploadKey, media: &UpstreamMedia) -> Result<(), StoreError>;

    /// Forgets this id, as when the upstream does not know it any more; false where another one is known, or none.
    async fn forget_upstream_media(&self, upload: &UploadKey, media_id: &str) -> Result<bool, StoreError>;

    /// Forgets the ids that expired before this time and returns how many there were.
    async fn sweep_upstream_media(&self, before: OffsetDateTime) -> Result<u64, StoreError>;
}

/// What a token stands for that a client got when it logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who logged in.
    pub account: String,
    /// What binds it to the account's key that gave it; sessions of older versions have none.
    pub binding: Option<KeyHash>,
    /// Until when the token is good.
    pub expires_at: OffsetDateTime,
}

/// A file that a client uploaded; its bytes lie elsewhere, under the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMedia {
    /// The id that the client was given.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// Its type, as the client named it.
    pub mime_type: String,
    /// Its name, where the client gave one.
    pub filename: Option<String>,
    /// How many bytes it has.
    pub size: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// When it came.
    pub created_at: OffsetDateTime,
}

/// What an upstream's id is known by: where the file went and what is in it. Two uploads with one key are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UploadKey {
    /// The upstream that took it.
    pub upstream: String,
    /// The sender that it may be sent from; empty where the upstream has but one.
    pub sender: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// The type that it was uploaded as.
    pub mime_type: String,
}

/// An upstream's id for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamMedia {
    /// The id, as messages name it.
    pub media_id: String,
    /// Until when the upstream keeps the file.
    pub expires_at: OffsetDateTime,
}
