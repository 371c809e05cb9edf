//! The same statements for both databases, put together for the number of their rows.

use std::collections::HashMap;
use std::error::Error;

use async_trait::async_trait;
use sqlx::{Database, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    CallbackFilter, CallbackOutcome, CallbackState, Callbacks, ClaimedCallback, KeptCallback, NewCallback,
    SettledCallback, Which,
};
use crate::model::TransactionId;
use crate::store::cell::{Built, Cell};
use crate::store::clients::sql::Backend;
use crate::store::events::rows::event;
use crate::store::events::sql::ROWS;
use crate::store::events::statements::forget_told;
use crate::store::retention::first_id;
use crate::store::rows::{Moment, all, column, named};
use crate::store::seal::{Seal, Sealed};
use crate::store::{Bodies, Clue, Correlated, Events, StoreError};

/// The servers that something waits for, found step by step: each costs one look into the index, whatever waits.
const ORIGINS: &str = "\
    with recursive origins (origin) as ( \
      select min(origin) from callbacks where state = 'pending' \
      union all \
      select (select min(c.origin) from callbacks c where c.state = 'pending' and c.origin > o.origin) \
      from origins o where o.origin is not null \
    )";

/// Those of its message before it are at their end.
const FIRST: &str = "not exists (select 1 from callbacks e where e.state = 'pending' and e.order_key = c.order_key \
                     and e.target = c.target and e.id < c.id)";

#[async_trait]
impl<B, DB> Callbacks for B
where
    B: Backend<Database = DB> + Events,
    DB: Database,
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
    ClaimedRow: for<'r> FromRow<'r, DB::Row>,
    KeptRow: for<'r> FromRow<'r, DB::Row>,
    DepthRow: for<'r> FromRow<'r, DB::Row>,
    (Uuid,): for<'r> FromRow<'r, DB::Row>,
    (Option<Moment>,): for<'r> FromRow<'r, DB::Row>,
{
    async fn claim_callbacks(
        &self,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
        skip_origins: &[String],
    ) -> Result<Vec<ClaimedCallback>, StoreError> {
        // A claim writes, and while the store is away it would stand in front of a send; most find nothing.
        if self.next_due_callback(skip_origins).await?.is_none_or(|at| at > now) {
            return Ok(Vec::new());
        }
        let claim = claim(B::SKIP_LOCKED, holder, now, lease_until, limit, skip_origins);
        let claimed = column::<DB, Uuid>(&self.take(claim).await?)?;
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let with_events = "select c.id, c.account, c.dialect, c.target, c.origin, c.order_key, c.attempts, c.created_at, c.event_id, \
                             c.transaction_id, e.upstream, e.received_at, e.body \
                           from callbacks c join events e on e.id = c.event_id where c.id in ";
        let with_events = Built::new(with_events).list(claimed.into_iter().map(Cell::id)).sql(" order by c.id");
        let rows = self.read(with_events).await?;
        let rows = rows.iter().map(ClaimedRow::from_row).collect::<Result<Vec<_>, _>>()?;
        let transactions = transactions_of(self, &rows).await?;
        Ok(rows.into_iter().filter_map(|row| opened(row, self.seal())).map(|row| row.with(&transactions)).collect())
    }

    async fn settle_callbacks(&self, holder: Uuid, settled: &[SettledCallback]) -> Result<u64, StoreError> {
        if settled.is_empty() {
            return Ok(0);
        }
        let count = self.run_all(vec![settle(holder, settled)]).await?;
        if self.bodies() != Bodies::Full {
            let ids: Vec<_> = settled.iter().map(|settled| settled.id).collect();
            self.run_all(vec![forget_told("(select event_id from callbacks where id in ", &ids, ")")]).await?;
        }
        Ok(count)
    }

    async fn release_callbacks(&self, holder: Uuid, ids: &[Uuid], due_at: OffsetDateTime) -> Result<u64, StoreError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let release = Built::new("update callbacks set holder = null, due_at = ").bind(Cell::time(due_at));
        let release = release.sql(" where state = 'pending' and holder = ").bind(Cell::id(holder));
        self.run_all(vec![release.sql(" and id in ").list(ids.iter().copied().map(Cell::id))]).await
    }

    async fn next_due_callback(&self, skip_origins: &[String]) -> Result<Option<OffsetDateTime>, StoreError> {
        let next = Built::new(ORIGINS).sql(
            " select min((select min(c.due_at) from callbacks c where c.state = 'pending' and c.origin = o.origin)) \
             from origins o where o.origin is not null",
        );
        let next: Vec<Option<Moment>> = column::<DB, Option<Moment>>(&self.read(skipping(next, skip_origins)).await?)?;
        Ok(next.into_iter().flatten().next().map(|moment| moment.0))
    }

    async fn callback_depth(&self) -> Result<Vec<(CallbackState, u64)>, StoreError> {
        let depth = "select state, count(*) as count from callbacks where state = 'pending' group by state \
                     union all select state, count(*) from callbacks where state = 'dead' group by state";
        all::<DB, DepthRow, _>(&self.read(Built::new(depth)).await?)
    }

    async fn callbacks(
        &self,
        filter: &CallbackFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<KeptCallback>, StoreError> {
        let list = "select id, event_id, account, transaction_id, dialect, target, state, attempts, due_at, last_status, \
                    last_error, created_at, finished_at from callbacks where true";
        let list = fitting(Built::new(list), filter).and(" and id < ", after.map(Cell::id));
        let list = list.sql(" order by id desc limit ").bind(Cell::number(limit));
        all::<DB, KeptRow, _>(&self.read(list).await?)
    }

    async fn replay_callbacks(&self, which: &Which, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let replay = Built::new("update callbacks set state = 'pending', attempts = 0, holder = null, due_at = ");
        let replay =
            replay.bind(Cell::time(now)).sql(", finished_at = null where id in (select id from callbacks where ");
        let replay = match which {
            Which::Ids(ids) => replay.sql("state <> 'pending' and id in ").list(ids.iter().copied().map(Cell::id)),
            Which::Filter(filter) => {
                let state = Some(filter.state.unwrap_or(CallbackState::Dead));
                fitting(replay.sql("state <> 'pending'"), &CallbackFilter { state, ..filter.clone() })
            }
        };
        self.run_all(vec![replay.sql(" order by id limit ").bind(Cell::number(limit)).sql(")")]).await
    }
}

/// The transactions of claimed callbacks, by their ids.
async fn transactions_of(
    store: &impl Events,
    rows: &[ClaimedRow],
) -> Result<HashMap<TransactionId, Correlated>, StoreError> {
    let clue = |id| Clue::transaction(TransactionId(id));
    let clues: Vec<_> = rows.iter().filter_map(|row| row.transaction_id).map(clue).collect();
    let found = store.correlate(&clues).await?;
    Ok(found.into_iter().flatten().map(|found| (found.id, found)).collect())
}

/// Takes what is due, server by server. The locked rows are looked at once more: of two claims at once the second sees
/// what the first took.
fn claim<DB: Database>(
    skip_locked: &str,
    holder: Uuid,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
    limit: u32,
    skip_origins: &[String],
) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let due = Built::new(ORIGINS)
        .sql(
            ", due as materialized ( \
               select c.id from origins o join callbacks c on c.origin = o.origin and c.state = 'pending' \
               where c.due_at <= ",
        )
        .bind(Cell::time(now));
    let due = skipping(due, skip_origins).sql(" and ").sql(FIRST).sql(" order by c.due_at, c.id limit ");
    due.bind(Cell::number(limit))
        .sql("), locked as materialized (select id from callbacks where id in (select id from due) and due_at <= ")
        .bind(Cell::time(now))
        .sql(" and state = 'pending'")
        .sql(skip_locked)
        .sql(") update callbacks set holder = ")
        .bind(Cell::id(holder))
        .sql(", due_at = ")
        .bind(Cell::time(lease_until))
        .sql(" where id in (select id from locked) returning id")
}

fn skipping<DB: Database>(query: Built<DB>, skip_origins: &[String]) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    if skip_origins.is_empty() {
        return query;
    }
    query.sql(" and o.origin not in ").list(skip_origins.iter().map(|origin| Cell::text(origin.as_str())))
}

/// Callbacks of events that this holder has just ended; what somebody else holds by now is told by them.
pub(in crate::store) fn insert_callbacks<DB: Database>(holder: Uuid, callbacks: &[&NewCallback]) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = callbacks.iter().map(|new| {
        let [account, dialect] = [&new.account, &new.dialect].map(|text| Cell::text(text.as_str()));
        let [target, order_key] = [&new.target, &new.order_key].map(|text| Cell::text(text.as_str()));
        let transaction = Cell::id(new.transaction.map(|id| id.0));
        let created_at = Cell::time(new.created_at);
        [Cell::id(new.id), Cell::id(new.event), account, transaction, dialect, target, order_key, created_at]
    });
    let columns = "with new (id, event_id, account, transaction_id, dialect, target, order_key, created_at) as (";
    let insert = Built::new(columns).values(rows).sql(
        ") insert into callbacks (id, event_id, account, transaction_id, dialect, target, order_key, state, attempts, \
           due_at, created_at) \
         select new.id, new.event_id, new.account, new.transaction_id, new.dialect, new.target, new.order_key, \
           'pending', 0, new.created_at, new.created_at \
         from new join events e on e.id = new.event_id where e.due_at is null and e.holder = ",
    );
    insert.bind(Cell::id(holder))
}

fn settle<DB: Database>(holder: Uuid, settled: &[SettledCallback]) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = settled.iter().take(ROWS).map(|settled| {
        let (state, due_at, finished_at) = match settled.outcome {
            CallbackOutcome::Delivered => (CallbackState::Delivered, None, Some(settled.at)),
            CallbackOutcome::Retry { due_at } => (CallbackState::Pending, Some(due_at), None),
            CallbackOutcome::Dead => (CallbackState::Dead, None, Some(settled.at)),
        };
        // 0 where no answer came: a null would have no type.
        let status = Cell::number(settled.status.unwrap_or(0));
        let error = Cell::text(settled.error.as_deref());
        [Cell::id(settled.id), Cell::text(state.as_str()), Cell::time(due_at), Cell::time(finished_at), status, error]
    });
    let settle = Built::new("with done (id, state, due_at, finished_at, status, error) as (").values(rows).sql(
        ") update callbacks set state = done.state, due_at = done.due_at, finished_at = done.finished_at, \
           attempts = attempts + 1, last_status = nullif(done.status, 0), last_error = done.error, holder = null \
         from done where callbacks.id = done.id and callbacks.state = 'pending' and callbacks.holder = ",
    );
    settle.bind(Cell::id(holder))
}

fn fitting<DB: Database>(query: Built<DB>, filter: &CallbackFilter) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    query
        .and(" and state = ", filter.state.map(|state| Cell::text(state.as_str())))
        .and(" and account = ", filter.account.as_deref().map(Cell::text))
        .and(" and target = ", filter.target.as_deref().map(Cell::text))
        .and(" and transaction_id = ", filter.transaction.map(|transaction| Cell::id(transaction.0)))
        .and(" and event_id = ", filter.event.map(Cell::id))
        .and(" and id >= ", filter.since.map(|since| Cell::id(first_id(since))))
        .and(" and id < ", filter.until.map(|until| Cell::id(first_id(until))))
}

#[derive(FromRow)]
pub(in crate::store) struct ClaimedRow {
    id: Uuid,
    account: String,
    dialect: String,
    target: String,
    origin: String,
    order_key: String,
    attempts: i32,
    created_at: Moment,
    event_id: Uuid,
    transaction_id: Option<Uuid>,
    upstream: String,
    received_at: Moment,
    body: String,
}

/// What does not open stops none but those of its message behind it: it is left to its lease, as its key may be there then.
fn opened(row: ClaimedRow, seal: &Seal) -> Option<ClaimedRow> {
    let id = row.id;
    let log = |error: &StoreError| {
        tracing::error!(callback.id = %id, error = error as &dyn Error, "what a callback tells does not read back; it waits");
    };
    row.open(seal).inspect_err(log).ok()
}

impl Sealed for ClaimedRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.body = seal.open("events.body", self.body)?;
        Ok(self)
    }
}

impl ClaimedRow {
    fn with(self, transactions: &HashMap<TransactionId, Correlated>) -> ClaimedCallback {
        ClaimedCallback {
            id: self.id,
            account: self.account,
            dialect: self.dialect,
            target: self.target,
            origin: self.origin,
            order_key: self.order_key,
            attempts: self.attempts.unsigned_abs(),
            created_at: self.created_at.0,
            event_id: self.event_id,
            upstream: self.upstream,
            received_at: self.received_at.0,
            event: event(self.body),
            transaction: self.transaction_id.and_then(|id| transactions.get(&TransactionId(id)).cloned()),
        }
    }
}

#[derive(FromRow)]
pub(in crate::store) struct KeptRow {
    id: Uuid,
    event_id: Uuid,
    account: String,
    transaction_id: Option<Uuid>,
    dialect: String,
    target: String,
    state: String,
    attempts: i32,
    due_at: Option<Moment>,
    last_status: Option<i32>,
    last_error: Option<String>,
    created_at: Moment,
    finished_at: Option<Moment>,
}

impl TryFrom<KeptRow> for KeptCallback {
    type Error = StoreError;

    fn try_from(row: KeptRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            event: row.event_id,
            account: row.account,
            transaction: row.transaction_id.map(TransactionId),
            dialect: row.dialect,
            target: row.target,
            state: named("state", &row.state)?,
            attempts: row.attempts.unsigned_abs(),
            due_at: row.due_at.map(|moment| moment.0),
            last_status: row.last_status.and_then(|status| status.try_into().ok()),
            last_error: row.last_error,
            created_at: row.created_at.0,
            finished_at: row.finished_at.map(|moment| moment.0),
        })
    }
}

#[derive(FromRow)]
pub(in crate::store) struct DepthRow {
    state: String,
    count: i64,
}

impl TryFrom<DepthRow> for (CallbackState, u64) {
    type Error = StoreError;

    fn try_from(row: DepthRow) -> Result<Self, StoreError> {
        Ok((named("state", &row.state)?, row.count.unsigned_abs()))
    }
}
