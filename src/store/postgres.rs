//! The record in Postgres: for production, with any number of gateways on one database.
//!
//! Rows go in as arrays, a column each (`unnest`), so a batch is one statement of one text whatever its size. Every
//! method has a time limit of its own: a database that hangs is as good as none.

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres as Database};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::clients::sql::{Backend, Statement};
use super::rows::{self, AttemptRow, NewAttemptRow, NewOutcomeRow, NewRow, Round, SummaryRow, TransactionRow};
use super::{
    Config, Filter, NewTransaction, Settlement, Store, StoreError, Summary, Transaction, Transactions, Write, Written,
    queries,
};
use crate::model::TransactionId;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a method waits for a connection that works, and a write for its commit.
const PATIENCE: Duration = Duration::from_secs(1);

/// One for the ledger, one for whoever else writes.
const WRITERS: u32 = 2;

/// How long a list may look through the record.
const READING: Duration = Duration::from_secs(5);

/// The store.
pub(super) struct Postgres {
    options: PgConnectOptions,
    /// Apart from the readers, so that long lists never keep a write waiting.
    writers: PgPool,
    readers: PgPool,
}

impl Postgres {
    pub async fn connect(config: &Config) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(config.url.expose())
            .map_err(|_| StoreError::Address)?
            .application_name("sabir")
            .disable_statement_logging();
        // The server's own limit ends what nobody waits for any more.
        let limited = options.clone().options([("statement_timeout", format!("{}s", READING.as_secs()))]);
        let writers = pool(WRITERS).connect_lazy_with(limited.clone());
        let readers = pool(config.connections.max(1)).connect_lazy_with(limited);
        writers.acquire().await?;
        Ok(Self { options, writers, readers })
    }
}

#[async_trait]
impl Store for Postgres {
    async fn migrate(&self) -> Result<(), StoreError> {
        // On a connection without a limit: the migrator waits for its advisory lock, and a large table takes its time.
        let connecting = timeout(PATIENCE, PgConnection::connect_with(&self.options)).await;
        let mut connection = connecting.map_err(StoreError::unreachable)??;
        // `run` cannot be used in a future that has to be `Send`.
        MIGRATIONS.run_direct(None, &mut connection, false).await?;
        Ok(connection.close().await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let mut connection = self.writers.acquire().await?;
        let pinged = timeout(PATIENCE, ping(&mut connection)).await;
        in_time(connection, pinged)
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

#[async_trait]
impl Transactions for Postgres {
    async fn write(&self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let mut connection = self.writers.acquire().await?;
        let written = timeout(PATIENCE, write(&mut connection, batch)).await;
        in_time(connection, written)?;
        Ok(vec![Written::Done; batch.len()])
    }

    async fn find(&self, id: &str) -> Result<Option<Transaction>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let found = timeout(PATIENCE, find(&mut connection, id)).await;
        in_time(connection, found)
    }

    async fn list(
        &self,
        filter: &Filter,
        after: Option<TransactionId>,
        limit: u32,
    ) -> Result<Vec<Summary>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let listed = timeout(READING, list(&mut connection, filter, after, limit)).await;
        in_time(connection, listed)
    }
}

#[async_trait]
impl Backend for Postgres {
    type Database = Database;

    async fn execute(&self, statement: Statement<Database>) -> Result<u64, StoreError> {
        let mut connection = self.writers.acquire().await?;
        let executed = timeout(PATIENCE, statement.execute(&mut *connection)).await;
        Ok(in_time(connection, executed)?.rows_affected())
    }

    async fn fetch(&self, statement: Statement<Database>) -> Result<Option<PgRow>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let fetched = timeout(PATIENCE, statement.fetch_optional(&mut *connection)).await;
        in_time(connection, fetched)
    }
}

/// A connection is tested before it is used, so that a restart of the server costs nobody a request.
fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE)
}

/// Gives the connection back. One whose work was cut off may still be busy with it, so that one is hung up.
fn in_time<T>(
    connection: PoolConnection<Database>,
    done: Result<Result<T, impl Into<StoreError>>, Elapsed>,
) -> Result<T, StoreError> {
    match done {
        Ok(done) => done.map_err(Into::into),
        Err(late) => {
            drop(connection.detach());
            Err(StoreError::unreachable(late))
        }
    }
}

async fn write(connection: &mut PgConnection, batch: &[Write]) -> Result<(), StoreError> {
    let rounds = rows::rounds(batch);
    if let [round] = rounds.as_slice()
        && round.is_uniform()
    {
        // A statement is a transaction by itself: one round trip where it would be three.
        return write_round(connection, round).await;
    }
    let mut transaction = connection.begin().await?;
    for round in &rounds {
        write_round(&mut transaction, round).await?;
    }
    Ok(transaction.commit().await?)
}

async fn write_round(connection: &mut PgConnection, round: &Round<'_>) -> Result<(), StoreError> {
    record(connection, &round.records).await?;
    settle(connection, &round.settlements).await
}

async fn find(connection: &mut PgConnection, id: &str) -> Result<Option<Transaction>, StoreError> {
    let own = TransactionId::from_str(id).ok().map(|id| id.0);
    let found: Option<TransactionRow> =
        sqlx::query_as(queries::FIND).bind(own).bind(rows::text(id)).fetch_optional(&mut *connection).await?;
    let Some(found) = found else { return Ok(None) };
    let attempts: Vec<AttemptRow> =
        sqlx::query_as(queries::ATTEMPTS).bind(found.id()).fetch_all(&mut *connection).await?;
    found.with(attempts).map(Some)
}

async fn list(
    connection: &mut PgConnection,
    filter: &Filter,
    after: Option<TransactionId>,
    limit: u32,
) -> Result<Vec<Summary>, StoreError> {
    let mut query = queries::list(filter, after, limit);
    let found: Vec<SummaryRow> = query.build_query_as().fetch_all(connection).await?;
    found.into_iter().map(Summary::try_from).collect()
}

async fn ping(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(queries::PING).execute(connection).await?;
    Ok(())
}

/// One statement and so one round trip for the four tables.
async fn record(connection: &mut PgConnection, records: &[&NewTransaction]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let new = records.iter().map(|new| NewRow::try_from(*new)).collect::<Result<Vec<_>, _>>()?;
    let calls: Vec<_> = records.iter().filter_map(|new| NewAttemptRow::first_of(new)).collect();
    let insert = "\
        with hot as ( \
          insert into transactions (id, account, dialect, upstream, channel, kind, state, sender, recipient, fault, \
            received_at, updated_at) \
          select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], \
            $8::text[], $9::text[], $10::text[], $11::timestamptz[], $11::timestamptz[]) \
        ), cold as ( \
          insert into bodies (transaction_id, client_request, request, warnings, refusal) \
          select * from unnest($1::uuid[], $12::text[], $13::text[], $14::text[], $15::text[]) \
        ), calls as ( \
          insert into attempts (transaction_id, number, upstream, method, url, body, started_at) \
          select * from unnest($16::uuid[], $17::integer[], $18::text[], $19::text[], $20::text[], $21::text[], \
            $22::timestamptz[]) \
        ) \
        insert into under_way (transaction_id, number, started_at) \
        select * from unnest($16::uuid[], $17::integer[], $22::timestamptz[])";
    sqlx::query(insert)
        .bind(column(&new, |row| row.id))
        .bind(column(&new, |row| &*row.account))
        .bind(column(&new, |row| &*row.dialect))
        .bind(column(&new, |row| row.upstream.as_deref()))
        .bind(column(&new, |row| row.channel))
        .bind(column(&new, |row| row.kind))
        .bind(column(&new, |row| row.state))
        .bind(column(&new, |row| row.sender.as_deref()))
        .bind(column(&new, |row| row.recipient.as_deref()))
        .bind(column(&new, |row| row.fault))
        .bind(column(&new, |row| row.received_at))
        .bind(column(&new, |row| &*row.client_request))
        .bind(column(&new, |row| &*row.request))
        .bind(column(&new, |row| &*row.warnings))
        .bind(column(&new, |row| row.refusal.as_deref()))
        .bind(column(&calls, |row| row.transaction_id))
        .bind(column(&calls, |row| row.number))
        .bind(column(&calls, |row| &*row.upstream))
        .bind(column(&calls, |row| &*row.method))
        .bind(column(&calls, |row| &*row.url))
        .bind(column(&calls, |row| &*row.body))
        .bind(column(&calls, |row| row.started_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// One statement again. Only outcomes that are the first of their attempt, and whose transaction is there, change it.
async fn settle(connection: &mut PgConnection, settlements: &[&Settlement]) -> Result<(), StoreError> {
    if settlements.is_empty() {
        return Ok(());
    }
    let ended = settlements.iter().map(|ended| NewOutcomeRow::try_from(*ended)).collect::<Result<Vec<_>, _>>()?;
    let insert = "\
        with ended as ( \
          select * from unnest($1::uuid[], $2::integer[], $3::text[], $4::integer[], $5::text[], $6::text[], \
            $7::text[], $8::text[], $9::timestamptz[]) \
          as ended (transaction_id, number, state, status, message_id, answer, fault, fault_code, finished_at) \
        ), first as ( \
          insert into outcomes (transaction_id, number, status, message_id, answer, fault, finished_at) \
          select transaction_id, number, status, message_id, answer, fault, finished_at from ended \
          where exists (select 1 from transactions where id = ended.transaction_id) \
          on conflict do nothing \
          returning transaction_id, number \
        ), done as ( \
          delete from under_way u using first f where u.transaction_id = f.transaction_id and u.number = f.number \
        ) \
        update transactions t set state = e.state, fault = e.fault_code, updated_at = e.finished_at \
        from ended e join first f on f.transaction_id = e.transaction_id and f.number = e.number \
        where t.id = e.transaction_id";
    sqlx::query(insert)
        .bind(column(&ended, |row| row.transaction_id))
        .bind(column(&ended, |row| row.number))
        .bind(column(&ended, |row| row.state))
        .bind(column(&ended, |row| row.status))
        .bind(column(&ended, |row| row.message_id.as_deref()))
        .bind(column(&ended, |row| row.answer.as_deref()))
        .bind(column(&ended, |row| row.fault.as_deref()))
        .bind(column(&ended, |row| row.fault_code))
        .bind(column(&ended, |row| row.finished_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// One column of many rows.
fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
