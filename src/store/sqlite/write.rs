//! Batches: a few statements of many rows for each kind of entry.

use std::collections::{HashMap, HashSet};

use sqlx::{QueryBuilder, SqliteConnection};
use uuid::Uuid;

use super::ROWS;
use super::settle::{settle, turn};
use crate::model::TransactionId;
use crate::store::params::{BeginRow, NewAttemptRow, NewRow};
use crate::store::rounds::{Round, Tally, rounds};
use crate::store::rows::KeyRow;
use crate::store::{Begin, NewTransaction, StoreError, Write, Written};

pub(super) type Query = QueryBuilder<sqlx::Sqlite>;

pub(super) async fn write(connection: &mut SqliteConnection, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
    let mut tally = Tally::new(batch);
    for round in rounds(batch) {
        write_round(connection, &round, &mut tally).await?;
    }
    Ok(tally.written())
}

async fn write_round(
    connection: &mut SqliteConnection,
    round: &Round<'_>,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    for settlements in round.settlements.chunks(ROWS) {
        settle(connection, settlements).await?;
    }
    for records in round.records.chunks(ROWS) {
        record(connection, records, tally).await?;
    }
    for begins in round.begins.chunks(ROWS) {
        begin(connection, begins, tally).await?;
    }
    for turns in round.turns.chunks(ROWS) {
        turn(connection, turns, tally).await?;
    }
    Ok(())
}

async fn record(
    connection: &mut SqliteConnection,
    records: &[(usize, &NewTransaction)],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let repeated = take_keys(connection, records, tally).await?;
    let records: Vec<_> = records.iter().filter(|(_, new)| !repeated.contains(&new.id.0)).collect();
    if records.is_empty() {
        return Ok(());
    }
    let mut new = records.iter().map(|(_, new)| NewRow::try_from(*new)).collect::<Result<Vec<_>, _>>()?;
    let queued = insert_jobs(connection, &new).await?;
    for (row, (index, _)) in new.iter_mut().zip(&records).filter(|(row, _)| queued.contains(&row.id)) {
        row.state = "accepted";
        tally.set(*index, Written::Queued);
    }
    insert_transactions(connection, &new).await?;
    insert_bodies(connection, &new).await?;
    let started = records.iter().filter(|(_, new)| !queued.contains(&new.id.0));
    let attempts: Vec<_> = started.filter_map(|(_, new)| NewAttemptRow::first_of(new)).collect();
    insert_attempts(connection, &attempts).await
}

/// Gives keys to whoever uses them first, and returns those that repeat one.
async fn take_keys(
    connection: &mut SqliteConnection,
    records: &[(usize, &NewTransaction)],
    tally: &mut Tally,
) -> Result<HashSet<Uuid>, StoreError> {
    let mut keyed: Vec<_> = records.iter().copied().filter(|(_, new)| new.idempotency.is_some()).collect();
    if keyed.is_empty() {
        return Ok(HashSet::new());
    }
    let new = keyed.iter().map(|(_, new)| NewRow::try_from(*new)).collect::<Result<Vec<_>, _>>()?;
    let taken = insert_keys(&mut *connection, &new).await?;
    keyed.retain(|(_, new)| !taken.contains(&new.id.0));
    if !keyed.is_empty() {
        tally.repeat(&keyed, keys(connection, &new).await?)?;
    }
    Ok(keyed.iter().map(|(_, new)| new.id.0).collect())
}

async fn insert_keys(connection: &mut SqliteConnection, new: &[NewRow<'_>]) -> Result<HashSet<Uuid>, StoreError> {
    let mut query = Query::new("insert into idempotency (account, key, payload, transaction_id, used_at, expires_at) ");
    query.push_values(new, |mut row, new| {
        row.push_bind(&*new.account).push_bind(new.key.as_deref()).push_bind(new.payload).push_bind(new.id);
        row.push_bind(new.received_at).push_bind(new.expires_at);
    });
    query.push(
        " on conflict (account, key) do update set payload = excluded.payload, \
           transaction_id = excluded.transaction_id, used_at = excluded.used_at, expires_at = excluded.expires_at \
         where idempotency.expires_at <= excluded.used_at \
         returning transaction_id",
    );
    Ok(query
        .build_query_as::<(Uuid,)>()
        .persistent(false)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|(id,)| id)
        .collect())
}

async fn keys(connection: &mut SqliteConnection, new: &[NewRow<'_>]) -> Result<Vec<KeyRow>, StoreError> {
    let mut query =
        Query::new("select account, key, payload, transaction_id from idempotency where (account, key) in (");
    query.push_values(new, |mut row, new| {
        row.push_bind(&*new.account).push_bind(new.key.as_deref());
    });
    query.push(")");
    Ok(query.build_query_as().persistent(false).fetch_all(connection).await?)
}

/// Jobs go first: they tell who has to wait for its pair.
async fn insert_jobs(connection: &mut SqliteConnection, new: &[NewRow<'_>]) -> Result<HashSet<Uuid>, StoreError> {
    let with_job: Vec<_> = new.iter().filter(|row| row.due_at.is_some()).collect();
    if with_job.is_empty() {
        return Ok(HashSet::new());
    }
    let mut query = Query::new("with new (id, upstream, pair, state, attempts, due_at, holder, received_at) as (");
    query.push_values(&with_job, |mut row, new| {
        row.push_bind(new.id).push_bind(new.upstream.as_deref()).push_bind(new.pair.as_deref()).push_bind(new.state);
        row.push_bind(new.attempts).push_bind(new.due_at).push_bind(new.holder).push_bind(new.received_at);
    });
    query.push(
        "), judged as ( \
           select *, attempts > 0 and exists ( \
             select 1 from jobs j where j.pair = new.pair and j.state <> 'unknown') as queued \
           from new \
         ) \
         insert into jobs (transaction_id, upstream, pair, state, attempts, due_at, holder) \
         select id, upstream, pair, iif(queued, 'accepted', state), iif(queued, 0, attempts), \
           iif(queued, received_at, due_at), iif(queued, null, holder) from judged where true \
         returning transaction_id, attempts",
    );
    let inserted: HashMap<Uuid, i32> =
        query.build_query_as::<(Uuid, i32)>().persistent(false).fetch_all(connection).await?.into_iter().collect();
    let queued = with_job.iter().filter(|row| row.attempts > 0 && inserted.get(&row.id) == Some(&0));
    Ok(queued.map(|row| row.id).collect())
}

async fn insert_transactions(connection: &mut SqliteConnection, new: &[NewRow<'_>]) -> Result<(), StoreError> {
    let mut query = Query::new(
        "insert into transactions (id, account, dialect, upstream, channel, kind, state, sender, recipient, fault, \
         received_at, updated_at) ",
    );
    query.push_values(new, |mut row, new| {
        row.push_bind(new.id).push_bind(&*new.account).push_bind(&*new.dialect).push_bind(new.upstream.as_deref());
        row.push_bind(new.channel).push_bind(new.kind).push_bind(new.state);
        row.push_bind(new.sender.as_deref()).push_bind(new.recipient.as_deref()).push_bind(new.fault);
        row.push_bind(new.received_at).push_bind(new.received_at);
    });
    execute(connection, query).await
}

async fn insert_bodies(connection: &mut SqliteConnection, new: &[NewRow<'_>]) -> Result<(), StoreError> {
    let mut query = Query::new(
        "insert into bodies (transaction_id, client_request, request, return_address, warnings, refusal, pair) ",
    );
    query.push_values(new, |mut row, new| {
        row.push_bind(new.id).push_bind(&*new.client_request).push_bind(&*new.request);
        row.push_bind(&*new.return_address);
        row.push_bind(&*new.warnings).push_bind(new.refusal.as_deref()).push_bind(new.pair.as_deref());
    });
    execute(connection, query).await
}

async fn insert_attempts(connection: &mut SqliteConnection, new: &[NewAttemptRow<'_>]) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let mut query =
        Query::new("insert into attempts (transaction_id, number, upstream, method, url, body, started_at) ");
    query.push_values(new, |mut row, new| {
        row.push_bind(new.transaction_id).push_bind(new.number).push_bind(&*new.upstream);
        row.push_bind(&*new.method).push_bind(&*new.url).push_bind(&*new.body).push_bind(new.started_at);
    });
    execute(connection, query).await
}

async fn begin(
    connection: &mut SqliteConnection,
    begins: &[(usize, &Begin)],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let mut new = begins.iter().map(|(_, begin)| BeginRow::try_from(*begin)).collect::<Result<Vec<_>, _>>()?;
    let taken = take_jobs(connection, &new).await?;
    tally.stale_but(begins.iter().map(|(index, begin)| (*index, begin.transaction)), &taken);
    new.retain(|row| taken.contains(&row.attempt.transaction_id));
    if new.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("with new (id, upstream, at) as (");
    query.push_values(&new, |mut row, new| {
        row.push_bind(new.attempt.transaction_id).push_bind(&*new.attempt.upstream).push_bind(new.attempt.started_at);
    });
    query.push(
        ") update transactions set state = 'sending', upstream = new.upstream, updated_at = new.at \
         from new where transactions.id = new.id",
    );
    execute(connection, query).await?;
    note_warnings(connection, &new).await?;
    let attempts: Vec<_> = new.into_iter().map(|row| row.attempt).collect();
    insert_attempts(connection, &attempts).await
}

async fn note_warnings(connection: &mut SqliteConnection, new: &[BeginRow<'_>]) -> Result<(), StoreError> {
    let noted: Vec<_> = new.iter().filter(|row| row.warnings.is_some()).collect();
    if noted.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("with new (id, warnings) as (");
    query.push_values(noted, |mut row, new| {
        row.push_bind(new.attempt.transaction_id).push_bind(new.warnings.as_deref());
    });
    query.push(") update bodies set warnings = new.warnings from new where bodies.transaction_id = new.id");
    execute(connection, query).await
}

/// Takes those whose holder has the lease, and says which.
async fn take_jobs(connection: &mut SqliteConnection, new: &[BeginRow<'_>]) -> Result<Vec<Uuid>, StoreError> {
    let mut query = Query::new("with new (id, holder, number, upstream, lease_until) as (");
    query.push_values(new, |mut row, new| {
        row.push_bind(new.attempt.transaction_id).push_bind(new.holder).push_bind(new.attempt.number);
        row.push_bind(&*new.attempt.upstream).push_bind(new.lease_until);
    });
    query.push(
        ") update jobs set state = 'sending', attempts = new.number, upstream = new.upstream, due_at = new.lease_until \
         from new where jobs.transaction_id = new.id and jobs.holder = new.holder and jobs.state <> 'sending' \
           and jobs.attempts < new.number \
         returning transaction_id",
    );
    Ok(query
        .build_query_as::<(Uuid,)>()
        .persistent(false)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|(id,)| id)
        .collect())
}

/// Forgets the requests of those that are at their end.
pub(super) async fn forget_requests(
    connection: &mut SqliteConnection,
    ids: &[TransactionId],
) -> Result<(), StoreError> {
    for ids in ids.chunks(ROWS) {
        let mut query = Query::new("update bodies set request = '' where transaction_id in (");
        query.push_values(ids, |mut row, id| {
            row.push_bind(id.0);
        });
        query.push(") and not exists (select 1 from jobs j where j.transaction_id = bodies.transaction_id)");
        execute(connection, query).await?;
    }
    Ok(())
}

/// Its text depends on the number of rows, so the statement is not worth remembering.
pub(super) async fn execute(connection: &mut SqliteConnection, mut query: Query) -> Result<(), StoreError> {
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}
