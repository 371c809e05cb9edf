//! Moves what stands in the write-ahead log into the file.
//!
//! By itself SQLite has the writer do it, each thousand pages, while everybody waits: a page that many messages change is then
//! moved for each few of them, and that took a third of the speed. Here a connection of its own moves a longer log while the
//! writer goes on. A log begins anew only where all of it was moved, which it never is as long as somebody writes; so for its
//! last few pages the writer is held up.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, FromRow, SqliteConnection};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::Writer;

/// How long the log is not looked at again.
const PAUSE: Duration = Duration::from_millis(100);

/// When a log is moved, and how much of it the writer waits for.
#[derive(Clone, Copy)]
struct Lengths {
    /// Pages of a log that is moved.
    long: i64,
    /// Pages for which the writer is held up.
    few: i64,
}

/// 64 MiB, and a few milliseconds.
const LENGTHS: Lengths = Lengths { long: 16 * 1024, few: 512 };

/// How often the rest is made smaller without holding it up. Where that does not help, readers keep old pages in use.
const PASSES: u32 = 4;

/// Pages of a log that the writer moves after all, as nobody else did.
pub(super) const TOO_LONG: &str = "65536";

/// The task that moves it, until this is closed or gone.
pub(super) struct Checkpoints {
    written: Arc<Notify>,
    task: TaskTracker,
    stop: CancellationToken,
    _gone: DropGuard,
}

impl Checkpoints {
    pub fn start(options: SqliteConnectOptions, writer: Writer) -> Self {
        let (written, task, stop) = (Arc::new(Notify::new()), TaskTracker::new(), CancellationToken::new());
        let keeper = Keeper { options, connection: None, writer, written: Arc::clone(&written), lengths: LENGTHS };
        task.spawn(keeper.run(stop.clone()));
        task.close();
        Self { written, task, _gone: stop.clone().drop_guard(), stop }
    }

    /// Something is written.
    pub fn written(&self) {
        self.written.notify_one();
    }

    pub async fn close(&self) {
        self.stop.cancel();
        self.task.wait().await;
    }
}

/// Moves nothing.
const LOOK: &str = "pragma wal_checkpoint(noop)";

/// Moves what nobody is in the way of, and waits for nobody.
const MOVE: &str = "pragma wal_checkpoint(passive)";

/// How much stands in the log, and how much of that was moved.
#[derive(FromRow)]
struct Log {
    #[sqlx(rename = "log")]
    pages: i64,
    #[sqlx(rename = "checkpointed")]
    moved: i64,
}

struct Keeper {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    writer: Writer,
    written: Arc<Notify>,
    lengths: Lengths,
}

impl Keeper {
    async fn run(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(self.look()).await.is_some() {}
        if let Some(connection) = self.connection.take() {
            // The file is closed either way.
            let _ = connection.close().await;
        }
    }

    async fn look(&mut self) {
        self.written.notified().await;
        sleep(PAUSE).await;
        if let Err(error) = self.move_if_long().await {
            tracing::debug!(error = &error as &dyn Error, "the write-ahead log is moved later");
            self.connection = None;
        }
    }

    async fn move_if_long(&mut self) -> Result<(), sqlx::Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        let connection = self.connection.insert(connection);
        if checkpoint(connection, LOOK).await?.pages < self.lengths.long {
            return Ok(());
        }
        for _ in 0..PASSES {
            checkpoint(connection, MOVE).await?;
            let log = checkpoint(connection, LOOK).await?;
            if log.pages - log.moved < self.lengths.few {
                break;
            }
        }
        if let Some(writer) = self.writer.lock().await.as_mut() {
            checkpoint(writer, MOVE).await?;
        }
        Ok(())
    }
}

async fn checkpoint(connection: &mut SqliteConnection, pragma: &'static str) -> Result<Log, sqlx::Error> {
    sqlx::query_as(pragma).fetch_one(connection).await
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteJournalMode;
    use tempfile::TempDir;
    use tokio::sync::Mutex;

    use super::*;

    const SHORT: Lengths = Lengths { long: 50, few: 10 };

    /// A file with a log of some pages, the writer and who moves it.
    async fn with_log(pages: i64) -> (Keeper, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(folder.path().join("test.db")).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal);
        let mut writer =
            SqliteConnection::connect_with(&options.clone().pragma("wal_autocheckpoint", "0")).await.unwrap();
        sqlx::raw_sql("create table t (n)").execute(&mut writer).await.unwrap();
        while look(&mut writer).await.pages < pages {
            write(&mut writer).await;
        }
        let (writer, written) = (Writer::new(Mutex::new(Some(writer))), Arc::default());
        (Keeper { options, connection: None, writer, written, lengths: SHORT }, folder)
    }

    async fn look(connection: &mut SqliteConnection) -> Log {
        checkpoint(connection, LOOK).await.unwrap()
    }

    async fn write(writer: &mut SqliteConnection) {
        sqlx::raw_sql("insert into t values (1)").execute(writer).await.unwrap();
    }

    /// The log behind one more write.
    async fn next(keeper: &Keeper) -> Log {
        let mut writer = keeper.writer.lock().await;
        let writer = writer.as_mut().unwrap();
        write(writer).await;
        look(writer).await
    }

    #[tokio::test]
    async fn a_long_log_begins_anew_and_all_of_it_is_in_the_file() {
        let (mut keeper, folder) = with_log(50).await;
        let rows = |file: &str| {
            let options = SqliteConnectOptions::new().filename(folder.path().join(file));
            async move {
                let mut other = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query_scalar::<_, i64>("select count(*) from t").fetch_one(&mut other).await.unwrap()
            }
        };
        let written = rows("test.db").await;
        keeper.move_if_long().await.unwrap();
        std::fs::copy(folder.path().join("test.db"), folder.path().join("without_log.db")).unwrap();
        assert_eq!(rows("without_log.db").await, written);
        assert!(next(&keeper).await.pages < 5, "it goes on behind what was moved");
    }

    #[tokio::test]
    async fn a_short_log_is_left_alone() {
        let (mut keeper, _folder) = with_log(49).await;
        keeper.move_if_long().await.unwrap();
        let log = next(&keeper).await;
        assert!(log.pages >= 50 && log.moved == 0, "{} of {} pages were moved", log.moved, log.pages);
    }

    #[tokio::test]
    async fn whoever_reads_what_was_keeps_the_log_and_stops_nobody() {
        let (mut keeper, _folder) = with_log(50).await;
        let mut reader = SqliteConnection::connect_with(&keeper.options).await.unwrap();
        sqlx::raw_sql("begin; select count(*) from t").execute(&mut reader).await.unwrap();
        for _ in 0..50 {
            next(&keeper).await;
        }
        keeper.move_if_long().await.unwrap();
        assert!(next(&keeper).await.pages > 100, "the reader would see what came later");
        sqlx::raw_sql("commit").execute(&mut reader).await.unwrap();
        keeper.move_if_long().await.unwrap();
        assert!(next(&keeper).await.pages < 5);
    }
}
