//! Which keys the store is sealed with, and sealing it anew: the same statements for both databases.

use async_trait::async_trait;
use sqlx::{Database, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use super::cell::{Built, Cell};
use super::clients::sql::Backend;
use super::rows::column;
use super::seal::SealingKey;

/// Keys of the store. What holds for all methods of [`super::Store`] holds for these too.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Notes the key that seals from now on. Called once, before anything else is written.
    ///
    /// # Errors
    /// [`StoreError::Keys`] where something may be sealed with keys that the configuration lacks.
    async fn take_keys(&self, now: OffsetDateTime) -> Result<(), StoreError>;

    /// Seals a part of what is kept as it would be written today, beginning where the last step ended and with the first
    /// step where there is none: at most `limit` rows of one table by their owners. What changes meanwhile is left as it
    /// is: it was written by today's keys. None where nothing follows.
    async fn rewrap(&self, from: Option<Rewrapped>, limit: u32) -> Result<Option<Rewrapped>, StoreError>;

    /// Forgets which keys were used but for the one that seals. Called when all is sealed with it, and no gateway writes
    /// with another.
    async fn forget_keys(&self) -> Result<u64, StoreError>;
}

/// How far sealing anew has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// How many texts were sealed anew in this step.
    pub changed: u64,
    /// Which of the columns is next.
    at: usize,
    /// Behind which owner.
    after: Uuid,
}

/// A column of sealed texts: its table, whose rows they are, and its name in a seal.
struct Column {
    table: &'static str,
    owner: &'static str,
    name: &'static str,
    sealed: &'static str,
}

/// All of them but the settings of accounts, which have no id and come last.
const COLUMNS: [Column; 12] = [
    column_of("bodies", "transaction_id", "client_request", "bodies.client_request"),
    column_of("bodies", "transaction_id", "request", "bodies.request"),
    column_of("bodies", "transaction_id", "return_address", "bodies.return_address"),
    column_of("bodies", "transaction_id", "warnings", "bodies.warnings"),
    column_of("bodies", "transaction_id", "refusal", "bodies.refusal"),
    column_of("bodies", "transaction_id", "first_body", "attempts.body"),
    column_of("attempts", "transaction_id", "body", "attempts.body"),
    column_of("outcomes", "transaction_id", "answer", "outcomes.answer"),
    column_of("outcomes", "transaction_id", "fault", "outcomes.fault"),
    column_of("turns", "transaction_id", "fault", "turns.fault"),
    column_of("webhooks", "id", "body", "webhooks.body"),
    column_of("events", "id", "body", "events.body"),
];

const fn column_of(table: &'static str, owner: &'static str, name: &'static str, sealed: &'static str) -> Column {
    Column { table, owner, name, sealed }
}

#[async_trait]
impl<B, DB> Keys for B
where
    B: Backend<Database = DB>,
    DB: Database,
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
    (String,): for<'r> FromRow<'r, DB::Row>,
    (Uuid,): for<'r> FromRow<'r, DB::Row>,
    (Uuid, Option<String>): for<'r> FromRow<'r, DB::Row>,
    (String, String, String): for<'r> FromRow<'r, DB::Row>,
{
    async fn take_keys(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        let used = Built::new("select id from sealing_keys order by id");
        let used = column::<DB, String>(&self.read(used).await?)?;
        let missing: Vec<_> = used.iter().filter(|id| !self.seal().has(id)).cloned().collect();
        if !missing.is_empty() {
            return Err(StoreError::Keys(missing));
        }
        let Some(first) = self.seal().first().map(SealingKey::id).filter(|id| !used.iter().any(|used| used == id))
        else {
            return Ok(());
        };
        let note = Built::new("insert into sealing_keys (id, since) ").values([[Cell::text(first), Cell::time(now)]]);
        self.run_all(vec![note.sql(" on conflict (id) do nothing")]).await?;
        Ok(())
    }

    async fn rewrap(&self, from: Option<Rewrapped>, limit: u32) -> Result<Option<Rewrapped>, StoreError> {
        let Rewrapped { at, after, .. } = from.unwrap_or_default();
        let Some(which) = COLUMNS.get(at) else {
            let changed = if at == COLUMNS.len() { rewrap_settings(self).await? } else { return Ok(None) };
            return Ok(Some(Rewrapped { changed, at: at + 1, after }));
        };
        let owners = Built::new("select distinct ").sql(which.owner).sql(" from ").sql(which.table).sql(" where ");
        let owners = owners.sql(which.owner).sql(" > ").bind(Cell::id(after)).sql(" order by 1 limit ");
        let owners = column::<DB, Uuid>(&self.read(owners.bind(Cell::number(limit))).await?)?;
        let Some(last) = owners.last().copied() else {
            return Ok(Some(Rewrapped { changed: 0, at: at + 1, after: Uuid::nil() }));
        };
        let kept = Built::new("select ").sql(which.owner).sql(", ").sql(which.name).sql(" from ").sql(which.table);
        let kept = kept.sql(" where ").sql(which.owner).sql(" in ").list(owners.into_iter().map(Cell::id));
        let mut changes = Vec::new();
        for row in self.read(kept).await? {
            let (owner, kept) = <(Uuid, Option<String>)>::from_row(&row)?;
            let Some(kept) = kept else { continue };
            if let Some(anew) = self.seal().rewrapped(which.sealed, &kept)? {
                changes.push(exchange(which, owner, &kept, &anew));
            }
        }
        let changed = changes.len() as u64;
        if changed > 0 {
            self.run_all(changes).await?;
        }
        Ok(Some(Rewrapped { changed, at, after: last }))
    }

    async fn forget_keys(&self) -> Result<u64, StoreError> {
        let first = self.seal().first().map(SealingKey::id).unwrap_or_default();
        let forget = Built::new("delete from sealing_keys where id <> ").bind(Cell::text(first));
        self.run_all(vec![forget]).await
    }
}

/// All settings at once: an account has a handful.
async fn rewrap_settings<B, DB>(store: &B) -> Result<u64, StoreError>
where
    B: Backend<Database = DB>,
    DB: Database,
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
    (String, String, String): for<'r> FromRow<'r, DB::Row>,
{
    let mut changes = Vec::new();
    for row in store.read(Built::new("select account, name, value from settings")).await? {
        let (account, name, kept) = <(String, String, String)>::from_row(&row)?;
        if let Some(anew) = store.seal().rewrapped("settings.value", &kept)? {
            let set = Built::new("update settings set value = ").bind(Cell::text(&*anew));
            let set =
                set.sql(" where account = ").bind(Cell::text(&*account)).sql(" and name = ").bind(Cell::text(&*name));
            changes.push(set.sql(" and value = ").bind(Cell::text(&*kept)));
        }
    }
    let changed = changes.len() as u64;
    if changed > 0 {
        store.run_all(changes).await?;
    }
    Ok(changed)
}

/// Exchanges a text for the same one sealed anew, unless it is another by now.
fn exchange<DB: Database>(which: &Column, owner: Uuid, kept: &str, anew: &str) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let exchange = Built::new("update ").sql(which.table).sql(" set ").sql(which.name).sql(" = ");
    let exchange = exchange.bind(Cell::text(anew)).sql(" where ").sql(which.owner).sql(" = ").bind(Cell::id(owner));
    exchange.sql(" and ").sql(which.name).sql(" = ").bind(Cell::text(kept))
}
