//! The same statements for both databases. A [`Backend`] runs them: it knows which connection, and how long to wait.

use async_trait::async_trait;
use serde_json::Value;
use sqlx::query::Query;
use sqlx::{Database, Encode, FromRow, Type};
use time::OffsetDateTime;

use super::{Clients, Session, StoredMedia, UploadKey, UpstreamMedia};
use crate::secret::KeyHash;
use crate::store::cell::Built;
use crate::store::rows::{Moment, json, parsed, text};
use crate::store::seal::Seal;
use crate::store::{Bodies, StoreError};

/// A statement with its values.
pub(in crate::store) type Statement<DB> = Query<'static, DB, <DB as Database>::Arguments>;

/// What runs a statement.
#[async_trait]
pub(in crate::store) trait Backend: Send + Sync {
    type Database: Database;

    /// What seals bodies and opens them.
    fn seal(&self) -> &Seal;

    /// What follows a selection of rows that no two callers may get, so that one does not wait for the other.
    const SKIP_LOCKED: &str;

    /// What is kept of bodies.
    fn bodies(&self) -> Bodies;

    /// Runs one that writes and returns how many rows it changed.
    async fn execute(&self, statement: Statement<Self::Database>) -> Result<u64, StoreError>;

    /// Runs several that write in one transaction and returns how many rows the last one changed.
    async fn execute_all(&self, statements: Vec<Statement<Self::Database>>) -> Result<u64, StoreError>;

    /// Runs one that reads a single row, where there is one.
    async fn fetch(
        &self,
        statement: Statement<Self::Database>,
    ) -> Result<Option<<Self::Database as Database>::Row>, StoreError>;

    /// Runs several that were put together and write, in one transaction, and returns how many rows the last one changed.
    async fn run_all(&self, built: Vec<Built<Self::Database>>) -> Result<u64, StoreError>;

    /// Runs one that writes, and returns its rows.
    async fn take(&self, built: Built<Self::Database>) -> Result<Vec<<Self::Database as Database>::Row>, StoreError>;

    /// Runs one that reads; it may take as long as a list.
    async fn read(&self, built: Built<Self::Database>) -> Result<Vec<<Self::Database as Database>::Row>, StoreError>;
}

/// What can stand in a column.
trait Column<DB: Database>: Type<DB> + for<'q> Encode<'q, DB> {}

impl<DB: Database, T: Type<DB> + for<'q> Encode<'q, DB>> Column<DB> for T {}

#[async_trait]
impl<B, DB> Clients for B
where
    B: Backend<Database = DB>,
    DB: Database,
    i64: Column<DB>,
    String: Column<DB>,
    Option<String>: Column<DB>,
    Vec<u8>: Column<DB>,
    Option<Vec<u8>>: Column<DB>,
    Moment: Column<DB>,
    SessionRow: for<'r> FromRow<'r, DB::Row>,
    SettingRow: for<'r> FromRow<'r, DB::Row>,
    MediaRow: for<'r> FromRow<'r, DB::Row>,
    UpstreamMediaRow: for<'r> FromRow<'r, DB::Row>,
{
    async fn open_session(&self, token: &KeyHash, session: &Session) -> Result<(), StoreError> {
        let open = "insert into sessions (token, account, binding, expires_at) values ($1, $2, $3, $4) \
                    on conflict (token) do update set account = excluded.account, binding = excluded.binding, \
                    expires_at = excluded.expires_at";
        let open = sqlx::query(open)
            .bind(bytes(token))
            .bind(owned(&session.account))
            .bind(session.binding.as_ref().map(bytes))
            .bind(Moment(session.expires_at));
        self.execute(open).await?;
        Ok(())
    }

    async fn session(&self, token: &KeyHash) -> Result<Option<Session>, StoreError> {
        let session =
            sqlx::query("select account, binding, expires_at from sessions where token = $1").bind(bytes(token));
        let Some(row) = self.fetch(session).await? else { return Ok(None) };
        Ok(Some(SessionRow::from_row(&row)?.into()))
    }

    async fn end_session(&self, token: &KeyHash) -> Result<bool, StoreError> {
        let end = sqlx::query("delete from sessions where token = $1").bind(bytes(token));
        Ok(self.execute(end).await? > 0)
    }

    async fn sweep_sessions(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        self.execute(sqlx::query("delete from sessions where expires_at < $1").bind(Moment(before))).await
    }

    async fn setting(&self, account: &str, name: &str) -> Result<Option<Value>, StoreError> {
        let setting = "select value from settings where account = $1 and name = $2";
        let setting = sqlx::query(setting).bind(owned(account)).bind(owned(name));
        let Some(row) = self.fetch(setting).await? else { return Ok(None) };
        parsed("value", &self.seal().open("settings.value", SettingRow::from_row(&row)?.value)?).map(Some)
    }

    async fn set(&self, account: &str, name: &str, value: &Value) -> Result<(), StoreError> {
        let set = "insert into settings (account, name, value) values ($1, $2, $3) \
                   on conflict (account, name) do update set value = excluded.value";
        let value = self.seal().keep_own("settings.value", json(value)?)?;
        let set = sqlx::query(set).bind(owned(account)).bind(owned(name)).bind(value);
        self.execute(set).await?;
        Ok(())
    }

    async fn clear(&self, account: &str, name: &str) -> Result<bool, StoreError> {
        let clear = "delete from settings where account = $1 and name = $2";
        let clear = sqlx::query(clear).bind(owned(account)).bind(owned(name));
        Ok(self.execute(clear).await? > 0)
    }

    async fn add_media(&self, media: &StoredMedia) -> Result<(), StoreError> {
        let add = "insert into media (id, account, mime_type, filename, size, sha256, created_at) \
                   values ($1, $2, $3, $4, $5, $6, $7)";
        let add = sqlx::query(add)
            .bind(owned(&media.id))
            .bind(owned(&media.account))
            .bind(owned(&media.mime_type))
            .bind(media.filename.as_deref().map(owned))
            .bind(i64::try_from(media.size).unwrap_or(i64::MAX))
            .bind(owned(&media.sha256))
            .bind(Moment(media.created_at));
        self.execute(add).await?;
        Ok(())
    }

    async fn media(&self, account: &str, id: &str) -> Result<Option<StoredMedia>, StoreError> {
        let media = "select id, account, mime_type, filename, size, sha256, created_at from media \
                     where id = $1 and account = $2";
        let media = sqlx::query(media).bind(owned(id)).bind(owned(account));
        let Some(row) = self.fetch(media).await? else { return Ok(None) };
        Ok(Some(MediaRow::from_row(&row)?.into()))
    }

    async fn delete_media(&self, account: &str, id: &str) -> Result<bool, StoreError> {
        let delete = "delete from media where id = $1 and account = $2";
        let delete = sqlx::query(delete).bind(owned(id)).bind(owned(account));
        Ok(self.execute(delete).await? > 0)
    }

    async fn upstream_media(&self, upload: &UploadKey) -> Result<Option<UpstreamMedia>, StoreError> {
        let media = "select media_id, expires_at from upstream_media \
                     where upstream = $1 and sender = $2 and sha256 = $3 and mime_type = $4";
        let Some(row) = self.fetch(keyed(media, upload)).await? else { return Ok(None) };
        Ok(Some(UpstreamMediaRow::from_row(&row)?.into()))
    }

    async fn remember_upstream_media(&self, upload: &UploadKey, media: &UpstreamMedia) -> Result<(), StoreError> {
        let remember = "insert into upstream_media (upstream, sender, sha256, mime_type, media_id, expires_at) \
                        values ($1, $2, $3, $4, $5, $6) \
                        on conflict (upstream, sender, sha256, mime_type) \
                        do update set media_id = excluded.media_id, expires_at = excluded.expires_at";
        let remember = keyed(remember, upload).bind(owned(&media.media_id)).bind(Moment(media.expires_at));
        self.execute(remember).await?;
        Ok(())
    }

    async fn forget_upstream_media(&self, upload: &UploadKey, media_id: &str) -> Result<bool, StoreError> {
        let forget = "delete from upstream_media \
                      where upstream = $1 and sender = $2 and sha256 = $3 and mime_type = $4 and media_id = $5";
        Ok(self.execute(keyed(forget, upload).bind(owned(media_id))).await? > 0)
    }

    async fn sweep_upstream_media(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        self.execute(sqlx::query("delete from upstream_media where expires_at < $1").bind(Moment(before))).await
    }
}

/// A statement whose first four values are the key.
fn keyed<DB>(statement: &'static str, upload: &UploadKey) -> Statement<DB>
where
    DB: Database,
    String: Column<DB>,
{
    sqlx::query(statement)
        .bind(owned(&upload.upstream))
        .bind(owned(&upload.sender))
        .bind(owned(&upload.sha256))
        .bind(owned(&upload.mime_type))
}

fn owned(value: &str) -> String {
    text(value).into_owned()
}

fn bytes(token: &KeyHash) -> Vec<u8> {
    token.as_bytes().to_vec()
}

#[derive(FromRow)]
struct SessionRow {
    account: String,
    binding: Option<Vec<u8>>,
    expires_at: Moment,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        let binding = row.binding.as_deref().and_then(KeyHash::from_bytes);
        Self { account: row.account, binding, expires_at: row.expires_at.0 }
    }
}

#[derive(FromRow)]
struct SettingRow {
    value: String,
}

#[derive(FromRow)]
struct MediaRow {
    id: String,
    account: String,
    mime_type: String,
    filename: Option<String>,
    size: i64,
    sha256: String,
    created_at: Moment,
}

impl From<MediaRow> for StoredMedia {
    fn from(row: MediaRow) -> Self {
        Self {
            id: row.id,
            account: row.account,
            mime_type: row.mime_type,
            filename: row.filename,
            size: row.size.unsigned_abs(),
            sha256: row.sha256,
            created_at: row.created_at.0,
        }
    }
}

#[derive(FromRow)]
struct UpstreamMediaRow {
    media_id: String,
    expires_at: Moment,
}

impl From<UpstreamMediaRow> for UpstreamMedia {
    fn from(row: UpstreamMediaRow) -> Self {
        Self { media_id: row.media_id, expires_at: row.expires_at.0 }
    }
}
