//! The record in Postgres: for production, with any number of gateways on one database.
//!
//! Rows go in as arrays, a column each (`unnest`), so a batch is one statement of one text whatever its size. Every
//! method has a time limit of its own: a database that hangs is as good as none.

mod changes;
mod queue;
mod write;

use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use changes::Changes;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres as Database};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};

use super::cell::Built;
use super::clients::sql::{Backend, Statement};
use super::rows::{self, AttemptRow, TransactionRow, TurnedRow};
use super::seal::Seal;
use super::{Bodies, Config, Store, StoreError, Transaction, Transactions, Write, Written, queries};
use crate::model::TransactionId;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a method waits for a connection that works, and a write for its commit.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a batch is written that the server gives up: who lost a race once may well win it the next time.
const TRIES: u32 = 3;

/// Batches that are committed side by side. While one waits for the disk or for its answer the other is worked on; a third
/// would only make them smaller.
const BATCHES: usize = 2;

/// Those of the batches, the others for claims and whoever else writes.
const WRITERS: u32 = 5;

/// How long a list may look through the record.
const READING: Duration = Duration::from_secs(5);

/// How the server plans what writers ask. All of it is looked up by keys, a few rows of tables that may have millions. The
/// server cannot know that while the tables are new and nobody has counted them: it would scan them, and keep that plan
/// for minutes. Nor is a plan made anew for each batch, which costs more than to run it.
///
/// The queue is empty at one time and has a million jobs at another, and a plan that is made for the one is kept for the
/// other. So writers look jobs up by `= any(array[id])`: to the server that is no join, for which it would go through all
/// jobs in the order of their ids where it believes that there are none. A state that they must have stands in a `case`,
/// in which it does not see that an index holds only such jobs, all of which it would go through as well.
const BY_KEYS: [(&str, &str); 6] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("random_page_cost", "0"),
    ("seq_page_cost", "0"),
];

/// How long a connection may lie unused and be used again untested.
const FRESH: Duration = Duration::from_secs(1);

/// The store.
pub(super) struct Postgres {
    options: PgConnectOptions,
    /// Apart from the readers, so that long lists never keep a write waiting.
    writers: PgPool,
    readers: PgPool,
    /// The connections of the last batches and when those were. The pool tests what is given back and what is taken, which
    /// is two round trips to a commit's one, so between batches they stay here.
    at_hand: Mutex<Vec<(PoolConnection<Database>, Instant)>>,
    changes: Changes,
    bodies: Bodies,
    seal: Seal,
}

impl Postgres {
    pub async fn connect(config: &Config) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(config.url.expose())
            .map_err(|_| StoreError::Address)?
            .application_name("sabir")
            .disable_statement_logging();
        // The server's own limit ends what nobody waits for any more. To translate a statement takes longer than to run it: a
        // search for what is under way took 265 ms with it.
        let limit = format!("{}s", READING.as_secs());
        let limited = options.clone().options([("statement_timeout", limit.as_str()), ("jit", "off")]);
        let writers = pool(WRITERS).connect_lazy_with(limited.clone().options(BY_KEYS));
        let readers = pool(config.connections.max(1)).connect_lazy_with(limited);
        writers.acquire().await?;
        let (at_hand, changes) = (Mutex::default(), Changes::default());
        Ok(Self { options, writers, readers, at_hand, changes, bodies: config.bodies, seal: Seal::new(config) })
    }

    /// The connection at hand; another where it was not used just now, or somebody else uses it.
    async fn for_batch(&self) -> Result<PoolConnection<Database>, StoreError> {
        let at_hand = self.hand().pop();
        match at_hand {
            Some((connection, since)) if since.elapsed() < FRESH => Ok(connection),
            _ => Ok(self.writers.acquire().await?),
        }
    }

    async fn write_once(&self, batch: &[Write], deadline: Instant) -> Result<Vec<Written>, StoreError> {
        let mut connection = self.for_batch().await?;
        let written = timeout_at(deadline, write::write(&mut connection, batch, self.bodies, &self.seal)).await;
        if let Ok(Ok(written)) = written {
            self.hand().push((connection, Instant::now()));
            return Ok(written);
        }
        in_time(connection, written).map_err(StoreError::in_doubt)
    }

    fn hand(&self) -> MutexGuard<'_, Vec<(PoolConnection<Database>, Instant)>> {
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.changes.stop();
        self.hand().clear();
        self.readers.close().await;
        self.writers.close().await;
    }
}

#[async_trait]
impl Transactions for Postgres {
    async fn write(&self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        // Clients wait for it, so the connection and all tries have one limit together.
        let deadline = Instant::now() + PATIENCE;
        for _ in 1..TRIES {
            match self.write_once(batch, deadline).await {
                Err(error) if error.was_given_up() => {}
                written => return written,
            }
        }
        self.write_once(batch, deadline).await
    }

    fn side_by_side(&self) -> usize {
        BATCHES
    }

    async fn find(&self, id: &str) -> Result<Option<Transaction>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let found = timeout(PATIENCE, find(&mut connection, id, &self.seal)).await;
        in_time(connection, found)
    }
}

#[async_trait]
impl Backend for Postgres {
    type Database = Database;

    fn seal(&self) -> &Seal {
        &self.seal
    }

    const SKIP_LOCKED: &str = " for update skip locked";

    fn bodies(&self) -> Bodies {
        self.bodies
    }

    async fn execute(&self, statement: Statement<Database>) -> Result<u64, StoreError> {
        let mut connection = self.writers.acquire().await?;
        let executed = timeout(PATIENCE, statement.execute(&mut *connection)).await;
        Ok(in_time(connection, executed)?.rows_affected())
    }

    async fn execute_all(&self, statements: Vec<Statement<Database>>) -> Result<u64, StoreError> {
        let mut connection = self.writers.acquire().await?;
        let executed = timeout(PATIENCE, execute_all(&mut connection, statements)).await;
        in_time(connection, executed)
    }

    async fn fetch(&self, statement: Statement<Database>) -> Result<Option<PgRow>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let fetched = timeout(PATIENCE, statement.fetch_optional(&mut *connection)).await;
        in_time(connection, fetched)
    }

    async fn run_all(&self, built: Vec<Built<Database>>) -> Result<u64, StoreError> {
        let mut connection = self.writers.acquire().await?;
        let run = timeout(PATIENCE, run_all(&mut connection, built)).await;
        in_time(connection, run)
    }

    async fn take(&self, built: Built<Database>) -> Result<Vec<PgRow>, StoreError> {
        let mut connection = self.writers.acquire().await?;
        let taken = timeout(PATIENCE, fetch_all(&mut connection, built)).await;
        in_time(connection, taken)
    }

    async fn read(&self, built: Built<Database>) -> Result<Vec<PgRow>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let read = timeout(READING, fetch_all(&mut connection, built)).await;
        in_time(connection, read)
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

async fn execute_all(connection: &mut PgConnection, statements: Vec<Statement<Database>>) -> Result<u64, StoreError> {
    let mut transaction = connection.begin().await?;
    let mut last = 0;
    for statement in statements {
        last = statement.execute(&mut *transaction).await?.rows_affected();
    }
    transaction.commit().await?;
    Ok(last)
}

/// The texts depend on the number of values, so none is worth remembering.
async fn run_all(connection: &mut PgConnection, built: Vec<Built<Database>>) -> Result<u64, StoreError> {
    let mut transaction = connection.begin().await?;
    let mut last = 0;
    for built in built {
        let mut query = built.into_inner();
        last = query.build().persistent(false).execute(&mut *transaction).await?.rows_affected();
    }
    transaction.commit().await?;
    Ok(last)
}

async fn fetch_all(connection: &mut PgConnection, built: Built<Database>) -> Result<Vec<PgRow>, StoreError> {
    Ok(built.into_inner().build().persistent(false).fetch_all(connection).await?)
}

async fn find(connection: &mut PgConnection, id: &str, seal: &Seal) -> Result<Option<Transaction>, StoreError> {
    let own = TransactionId::from_str(id).ok().map(|id| id.0);
    let found: Option<TransactionRow> =
        sqlx::query_as(queries::FIND).bind(own).bind(rows::text(id)).fetch_optional(&mut *connection).await?;
    let Some(found) = found else { return Ok(None) };
    let attempts: Vec<AttemptRow> =
        sqlx::query_as(queries::ATTEMPTS).bind(found.id()).fetch_all(&mut *connection).await?;
    let turns: Vec<TurnedRow> = sqlx::query_as(queries::TURNS).bind(found.id()).fetch_all(&mut *connection).await?;
    found.with(attempts, turns, seal).map(Some)
}

async fn ping(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(queries::PING).execute(connection).await?;
    Ok(())
}

/// One column of many rows.
fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
