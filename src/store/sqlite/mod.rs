//! The record in an SQLite file: nothing to install, for one process.
//!
//! One connection writes, the others read; with a write-ahead log neither waits for the other. A commit is on the disk
//! when it returns (`synchronous = full`). Every text costs a hop to the connection's thread, so a batch is one text of
//! statements of many rows.

mod checkpoints;
mod queue;
mod script;
mod settle;
mod write;

use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use checkpoints::Checkpoints;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool, SqliteTransaction};

use super::cell::Built;
use super::clients::sql::{Backend, Statement};
use super::events::statements::told;
use super::rounds::{Round, Tally};
use super::rows::{self, AttemptRow, TransactionRow, TurnedRow};
use super::seal::Seal;
use super::{Bodies, Config, Store, StoreError, Transaction, Transactions, Write, Written, queries};
use crate::model::TransactionId;
use crate::secret::private_file;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard, Notify};
use tokio::time::timeout;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a method waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it waits for another process that holds the file's lock. Less, as somebody may have waited for the connection
/// of one that waits for the lock: whoever sends a message shall know within about a second.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// How long a migration waits for one that another process runs.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(60);

/// A write takes the lock as it begins: one that read first and upgraded would fail at once, without waiting.
const BEGIN: &str = "begin immediate";

/// Writes a page although nothing changes: what changes nothing otherwise would not find out that the disk is full.
const PROVE: &str = "pragma user_version = 0";

/// How long that is proof, so that however many ask, the disk has one more commit to do in that time.
const PROOF: Duration = Duration::from_secs(1);

/// The one connection that writes: none once it is closed, or where it is to be opened again. Not a pool of one, which would
/// test the connection after each commit.
type Writer = Arc<Mutex<Option<SqliteConnection>>>;

/// The store.
pub(super) struct Sqlite {
    options: SqliteConnectOptions,
    writer: Writer,
    checkpoints: Checkpoints,
    /// When it was last seen that the disk takes something.
    proved_at: Mutex<Option<Instant>>,
    readers: SqlitePool,
    /// Keeps one word for whoever asks next that a job is due which waited for its pair.
    woken: Notify,
    bodies: Bodies,
    seal: Seal,
}

impl Sqlite {
    pub async fn connect(config: &Config) -> Result<Self, StoreError> {
        if config.url.expose().contains(":memory:") {
            // Each connection would see a database of its own, and the record is to last.
            return Err(StoreError::Address);
        }
        let options = SqliteConnectOptions::from_str(config.url.expose())
            .map_err(|_| StoreError::Address)?
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(LOCK_PATIENCE)
            .disable_statement_logging();
        make_private(options.get_filename())?;
        turn_on_write_ahead_log(&options).await?;
        let readers = pool(config.connections.max(1)).connect_lazy_with(options.clone().read_only(true));
        let writer = Writer::new(Mutex::new(Some(open_writer(&options).await?)));
        Ok(Self {
            checkpoints: Checkpoints::start(options.clone(), Arc::clone(&writer)),
            options,
            writer,
            proved_at: Mutex::new(None),
            readers,
            woken: Notify::new(),
            bodies: config.bodies,
            seal: Seal::new(config),
        })
    }

    /// The connection that writes, once nobody else uses it.
    async fn writer(&self) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        let writer = self.lock_writer().await?;
        MutexGuard::try_map(writer, Option::as_mut).map_err(|_| StoreError::unreachable(sqlx::Error::PoolClosed))
    }

    async fn lock_writer(&self) -> Result<MutexGuard<'_, Option<SqliteConnection>>, StoreError> {
        let mut writer = timeout(PATIENCE, self.writer.lock()).await.map_err(StoreError::unreachable)?;
        if self.readers.is_closed() {
            return Err(StoreError::unreachable(sqlx::Error::PoolClosed));
        }
        // A transaction that broke off is still open to the one side where SQLite has ended it by itself, as on a full disk.
        // Nothing could be begun on such a connection any more.
        if writer.as_ref().is_none_or(Connection::is_in_transaction) {
            *writer = Some(open_writer(&self.options).await?);
        }
        self.checkpoints.written();
        Ok(writer)
    }

    async fn write_at_once(&self, piece: &Round<'_>, tally: &mut Tally) -> Result<(), StoreError> {
        let mut writer = self.lock_writer().await?;
        // Out of its place: where this fails or breaks off, its transaction may be open, and it is closed with that.
        let Some(mut connection) = writer.take() else { return Err(StoreError::unreachable(sqlx::Error::PoolClosed)) };
        let wakes =
            write::write_at_once(&mut connection, piece, tally, &self.seal).await.map_err(StoreError::in_doubt)?;
        *writer = Some(connection);
        self.committed(wakes);
        Ok(())
    }

    fn committed(&self, wakes: bool) {
        if wakes {
            self.woken.notify_one();
        }
    }
}

/// Takes the file's lock; whoever has it goes on to the end.
async fn begin(connection: &mut SqliteConnection) -> Result<SqliteTransaction<'_>, StoreError> {
    Ok(timeout(PATIENCE, connection.begin_with(BEGIN)).await.map_err(StoreError::unreachable)??)
}

#[async_trait]
impl Store for Sqlite {
    async fn migrate(&self) -> Result<(), StoreError> {
        // The migrator takes no lock of its own here, so all of it runs under the file's.
        let options = self.options.clone().busy_timeout(MIGRATION_PATIENCE);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let mut transaction = connection.begin_with(BEGIN).await?;
        // `run` cannot be used in a future that has to be `Send`.
        MIGRATIONS.run_direct(None, &mut *transaction, false).await?;
        transaction.commit().await?;
        Ok(connection.close().await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        sqlx::query(queries::PING).execute(&mut *writer).await?;
        let mut proved_at = self.proved_at.lock().await;
        if proved_at.is_none_or(|at| at.elapsed() >= PROOF) {
            *proved_at = None;
            sqlx::raw_sql(PROVE).execute(&mut *writer).await?;
            *proved_at = Some(Instant::now());
        }
        Ok(())
    }

    async fn close(&self) {
        self.checkpoints.close().await;
        self.readers.close().await;
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(error) = writer.close().await
        {
            tracing::debug!(error = &error as &dyn Error, "the file was not closed properly");
        }
    }
}

#[async_trait]
impl Transactions for Sqlite {
    async fn write(&self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let (told, ended, batch) = (told(batch, &self.seal)?, self.bodies.maybe_ended(batch), self.bodies.kept(batch));
        let (mut tally, pieces) = (Tally::new(&batch), write::pieces(&batch));
        if let [piece] = pieces.as_slice()
            && told.is_none()
            && ended.is_empty()
        {
            self.write_at_once(piece, &mut tally).await?;
            return Ok(tally.written());
        }
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await?;
        let wakes = write::write(&mut transaction, &pieces, &mut tally, &self.seal).await?;
        if let Some(told) = told {
            told.into_inner().build().persistent(false).execute(&mut *transaction).await?;
        }
        write::forget_requests(&mut transaction, &ended).await?;
        transaction.commit().await.map_err(|error| StoreError::from(error).in_doubt())?;
        self.committed(wakes);
        Ok(tally.written())
    }

    async fn find(&self, id: &str) -> Result<Option<Transaction>, StoreError> {
        let own = TransactionId::from_str(id).ok().map(|id| id.0);
        let found: Option<TransactionRow> =
            sqlx::query_as(queries::FIND).bind(own).bind(rows::text(id)).fetch_optional(&self.readers).await?;
        let Some(found) = found else { return Ok(None) };
        let attempts: Vec<AttemptRow> =
            sqlx::query_as(queries::ATTEMPTS).bind(found.id()).fetch_all(&self.readers).await?;
        let turns: Vec<TurnedRow> = sqlx::query_as(queries::TURNS).bind(found.id()).fetch_all(&self.readers).await?;
        found.with(attempts, turns, &self.seal).map(Some)
    }
}

#[async_trait]
impl Backend for Sqlite {
    type Database = sqlx::Sqlite;

    fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Only one writes.
    const SKIP_LOCKED: &str = "";

    fn bodies(&self) -> Bodies {
        self.bodies
    }

    async fn execute(&self, statement: Statement<sqlx::Sqlite>) -> Result<u64, StoreError> {
        Ok(statement.execute(&mut *self.writer().await?).await?.rows_affected())
    }

    async fn execute_all(&self, statements: Vec<Statement<sqlx::Sqlite>>) -> Result<u64, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await?;
        let mut last = 0;
        for statement in statements {
            last = statement.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(last)
    }

    async fn fetch(&self, statement: Statement<sqlx::Sqlite>) -> Result<Option<SqliteRow>, StoreError> {
        Ok(statement.fetch_optional(&self.readers).await?)
    }

    async fn run_all(&self, built: Vec<Built<sqlx::Sqlite>>) -> Result<u64, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await?;
        let mut last = 0;
        for built in built {
            let mut query = built.into_inner();
            last = query.build().persistent(false).execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(last)
    }

    async fn take(&self, built: Built<sqlx::Sqlite>) -> Result<Vec<SqliteRow>, StoreError> {
        Ok(built.into_inner().build().persistent(false).fetch_all(&mut *self.writer().await?).await?)
    }

    async fn read(&self, built: Built<sqlx::Sqlite>) -> Result<Vec<SqliteRow>, StoreError> {
        Ok(built.into_inner().build().persistent(false).fetch_all(&self.readers).await?)
    }
}

/// Makes the file where it is missing. It holds people's messages and numbers, so it is its owner's alone; SQLite's
/// other files beside it follow it in this.
fn make_private(path: &Path) -> Result<(), StoreError> {
    match private_file(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(StoreError::unreachable(error)),
        _ => Ok(()),
    }
}

/// The file's own setting, kept in it. SQLite does not wait for the lock that the change needs, so where another process
/// has the file open at this moment it is tried again.
async fn turn_on_write_ahead_log(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let options = options.clone().journal_mode(SqliteJournalMode::Wal);
    let mut tries = 20;
    loop {
        match SqliteConnection::connect_with(&options).await.map_err(StoreError::from) {
            Ok(connection) => return Ok(connection.close().await?),
            Err(error) if tries == 0 => return Err(error),
            Err(_) => tries -= 1,
        }
        tokio::time::sleep(PATIENCE / 20).await;
    }
}

/// The one connection that writes.
async fn open_writer(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    // What is put aside for a statement is small and gone with it: it need not go through files.
    let options = options.clone().pragma("temp_store", "memory").pragma("wal_autocheckpoint", checkpoints::TOO_LONG);
    let mut writer = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(write::TABLES).execute(&mut writer).await?;
    Ok(writer)
}

/// Connections to a file do not go stale, so they are neither tested nor renewed.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
