//! The processes that share the work, and what those leave behind that are gone.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{Database, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::cell::{Built, Cell};
use super::clients::sql::Backend;
use super::queries::first_open;
use super::retention::first_id;
use super::rows::{LapsedRow, all};
use super::{Lapsed, StoreError};
use crate::model::TransactionId;

/// How long a process counts as alive after it said so.
pub const ALIVE: Duration = Duration::from_secs(15);

/// How long ago a request may have come whose attempt is made at once.
pub const OLDEST_AT_ONCE: Duration = Duration::from_secs(10);

/// The ids of transactions have their time but for so much.
const SLACK: Duration = Duration::from_secs(5);

/// After so long a process that was not heard of is forgotten.
const LONG_GONE: Duration = Duration::from_secs(3600);

/// The part of the store that knows who shares it. What holds for all methods of [`super::Store`] holds for these too.
///
/// A job has the process that holds it. What is made at once has none, so each process says instead from which transaction on
/// it may have any under way; where it is gone nobody has to look further back than that.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Says that this process lives and returns which do: those that said so within [`ALIVE`], this one included.
    async fn beat(&self, beat: &Beat) -> Result<Living, StoreError>;

    /// Says that this process ends, with nothing under way.
    async fn leave(&self, process: Uuid) -> Result<(), StoreError>;

    /// Attempts that were made at once and began by then, of which no outcome came, the first first, at most `limit`. As of
    /// those that lapsed nobody knows whether they went out.
    async fn deserted(&self, begun_by: OffsetDateTime, limit: u32) -> Result<Vec<Lapsed>, StoreError>;
}

/// A sign of life.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    /// Whose.
    pub process: Uuid,
    /// When.
    pub now: OffsetDateTime,
    /// The first transaction of those that it makes at once and that are not settled, where there is one.
    pub open: Option<TransactionId>,
    /// What began by then and was deserted is looked after; none where that is not known.
    pub looked_after: Option<OffsetDateTime>,
}

impl Beat {
    /// Before this transaction the process has none under way, now or later.
    fn open_from(&self) -> Uuid {
        let coming = earliest(self.now);
        self.open.map_or(coming, |open| open.0.min(coming))
    }
}

/// The processes that live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Living {
    /// How many.
    pub processes: u32,
    /// Whether all of them can read what is made at once; those of an earlier version cannot.
    pub know_at_once: bool,
}

/// The least id of a transaction whose attempt is made at once at this time.
pub(super) fn earliest(begun_at: OffsetDateTime) -> Uuid {
    first_id(begun_at - OLDEST_AT_ONCE - SLACK)
}

#[async_trait]
impl<B, DB> Presence for B
where
    B: Backend<Database = DB>,
    DB: Database,
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
    LapsedRow: for<'r> FromRow<'r, DB::Row>,
    (i64, i64): for<'r> FromRow<'r, DB::Row>,
{
    async fn beat(&self, beat: &Beat) -> Result<Living, StoreError> {
        let lives = Built::new("insert into processes (id, seen_at, open_from) ")
            .values([[Cell::id(beat.process), Cell::time(beat.now), Cell::id(beat.open_from())]])
            .sql(" on conflict (id) do update set seen_at = excluded.seen_at, open_from = excluded.open_from");
        // Who died may have left something behind, and counts until that is looked after.
        let looked_after = beat.looked_after.map(earliest);
        let raised = looked_after.map(|from| {
            let raised = Built::new("update processes set open_from = ").bind(Cell::id(from));
            raised.sql(" where open_from < ").bind(Cell::id(from))
        });
        let long_ago = beat.now - LONG_GONE;
        let gone = Built::new("delete from processes where seen_at < ").bind(Cell::time(long_ago));
        let gone = gone.sql(" and (open_from is null or open_from > ").bind(Cell::id(first_id(long_ago))).sql(")");
        self.run_all([lives].into_iter().chain(raised).chain([gone]).collect()).await?;
        let living = Built::new("select count(*), count(open_from) from processes where seen_at > ");
        let living = self.read(living.bind(Cell::time(beat.now - ALIVE))).await?;
        let (processes, that_know) = living.first().map(<(i64, i64)>::from_row).transpose()?.unwrap_or_default();
        Ok(Living { processes: u32::try_from(processes).unwrap_or(u32::MAX), know_at_once: that_know == processes })
    }

    async fn leave(&self, process: Uuid) -> Result<(), StoreError> {
        self.run_all(vec![Built::new("delete from processes where id = ").bind(Cell::id(process))]).await?;
        Ok(())
    }

    async fn deserted(&self, begun_by: OffsetDateTime, limit: u32) -> Result<Vec<Lapsed>, StoreError> {
        let deserted = Built::new(concat!(
            "select t.id, t.account, t.dialect, t.kind, 'sending' as state, 1 as attempts, b.first_upstream as upstream \
             from transactions t join bodies b on b.transaction_id = t.id \
             where t.id >= ",
            first_open!(),
            " and t.state = 'at_once' \
               and not exists (select 1 from outcomes o where o.transaction_id = t.id) and b.first_at <= ",
        ));
        let deserted =
            deserted.bind(Cell::time(begun_by)).sql(" and t.id < ").bind(Cell::id(first_id(begun_by + SLACK)));
        let deserted = deserted.sql(" order by t.id limit ").bind(Cell::number(limit));
        all::<DB, LapsedRow, _>(&self.read(deserted).await?)
    }
}
