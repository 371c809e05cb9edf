//! Files that people sent: which accounts were told of them, and how they are asked of the provider.
//!
//! A file is named when an account is first told of it and fetched when it is first wanted; from then on it is one of the
//! account's files ([`super::Clients::media`]) under the same id. It goes in three steps, so that its bytes, which lie
//! elsewhere, go for certain: it is doomed, then its bytes are removed, then its rows.

mod sql;

use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, StoredMedia};

/// The part of the store that keeps what is known of such files. What holds for all methods of [`super::Store`] holds for
/// these too. Each is atomic, and durable when it returns. None finds what is doomed.
#[async_trait]
pub trait InboundFiles: Send + Sync {
    /// Names a file to an account, and returns it; where the account knows the event's file already, that one.
    async fn name_inbound(&self, file: &InboundFile) -> Result<InboundFile, StoreError>;

    /// The account's file of this id. `Ok(None)` where there is none, and where it is another account's.
    async fn inbound(&self, account: &str, id: &str) -> Result<Option<InboundFile>, StoreError>;

    /// The file whose link holds this token.
    async fn inbound_behind(&self, token: &str) -> Result<Option<InboundFile>, StoreError>;

    /// Adds the file to its account's, now that its bytes are there, or says so anew; false where it went meanwhile.
    async fn keep_inbound(&self, media: &StoredMedia) -> Result<bool, StoreError>;

    /// Notes that the provider has not got it any more since this time.
    async fn end_inbound(&self, id: &str, gone_at: OffsetDateTime) -> Result<(), StoreError>;

    /// Dooms up to `limit` of these, with any that are doomed already, and returns their ids.
    async fn doom_inbound(&self, which: Doomed<'_>, limit: u32) -> Result<Vec<String>, StoreError>;

    /// Deletes the rows of these, doomed ones alone.
    async fn forget_inbound(&self, ids: &[String]) -> Result<(), StoreError>;
}

/// A file that somebody sent, as one account knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundFile {
    /// The id that the account is told.
    pub id: String,
    /// Which account.
    pub account: String,
    /// The event that told of it.
    pub event: Uuid,
    /// What opens its link.
    pub token: String,
    /// What the account's client speaks.
    pub dialect: String,
    /// The upstream that has it.
    pub upstream: String,
    /// The id that the provider gave it.
    pub source_id: Option<String>,
    /// The address that the provider gave it.
    pub link: Option<String>,
    /// Its type, as the provider told.
    pub mime_type: Option<String>,
    /// Its name, where the provider told one.
    pub filename: Option<String>,
    /// Who sent it, as the provider calls them.
    pub person: Option<String>,
    /// When its event came.
    pub received_at: OffsetDateTime,
    /// From when on the provider has not got it, where that is known.
    pub gone_at: Option<OffsetDateTime>,
}

/// Which files go.
#[derive(Clone, Copy, Debug)]
pub enum Doomed<'a> {
    /// Those that came before this time.
    Before(OffsetDateTime),
    /// Those of a person.
    Of(&'a str),
    /// One of an account.
    One {
        /// The account.
        account: &'a str,
        /// Its id.
        id: &'a str,
    },
}
