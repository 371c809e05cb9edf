//! What can go wrong with the store, and which of it passes by itself.

use std::borrow::Cow;
use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// The error underneath, for the log; shared, because one failed commit is told to everybody who waited for it.
type Cause = Arc<dyn Error + Send + Sync>;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The address names no store that we have.
    #[error("store.url is no store's address; give sqlite://PATH or postgres://user:password@host/database")]
    Address,
    /// The database cannot be reached, is too slow, or is shutting down.
    #[error("the store cannot be reached")]
    Unreachable(#[source] Cause),
    /// The same, but a write may have been committed, now or in a few seconds: its answer did not come.
    #[error("the store did not say whether it committed")]
    InDoubt(#[source] Cause),
    /// More writes wait than the gateway takes at once.
    #[error("the store is behind: too many writes are waiting")]
    Overloaded,
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] Cause),
    /// What is kept may be sealed with these keys, and they are not there.
    #[error("store.encryption_keys lacks keys that bodies are sealed with: {}; add them, behind the one that is to seal", .0.join(", "))]
    Keys(Vec<String>),
    /// The database refused a statement, or a row does not read back: a defect.
    #[error("the store refused")]
    Defect(#[source] Cause),
}

impl StoreError {
    /// The store cannot be reached, for a reason of ours.
    pub(super) fn unreachable(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreachable(Arc::new(cause))
    }

    /// The same error of a write that was sent. Where the connection took no more of it, as after a restart of the server,
    /// where nothing could be begun or all was given up, it was not: what commits a batch stands at its end.
    pub(super) fn in_doubt(self) -> Self {
        match self {
            Self::Unreachable(cause) if !is_unsent(&cause) => Self::InDoubt(cause),
            error => error,
        }
    }

    /// Whether the server gave the statement up for the sake of others, in a deadlock or a race, and changed nothing: at once
    /// it may succeed.
    pub(super) fn was_given_up(&self) -> bool {
        match self {
            Self::Unreachable(cause) => is_given_up(cause),
            _ => false,
        }
    }

    /// A defect, for a reason of ours.
    pub(super) fn defect(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Defect(Arc::new(cause))
    }
}

impl StoreError {
    /// Logs that something was not done and will be tried again. That the store is away is told once elsewhere; what will
    /// never pass by itself has to be seen.
    pub fn log(&self, what: &'static str) {
        match self {
            Self::Unreachable(_) | Self::InDoubt(_) | Self::Overloaded => {
                tracing::debug!(error = self as &dyn Error, "{what}");
            }
            Self::Address | Self::Migration(_) | Self::Keys(_) | Self::Defect(_) => {
                tracing::error!(error = self as &dyn Error, "{what}")
            }
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if passes(&error) { Self::unreachable(error) } else { Self::defect(error) }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) if passes(&error) => {
                Self::unreachable(error)
            }
            error => Self::Migration(Arc::new(error)),
        }
    }
}

fn is_unsent(cause: &Cause) -> bool {
    match cause.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Io(error)) => error.kind() == ErrorKind::BrokenPipe,
        // Somebody else has the file's lock, which is taken before anything is written.
        Some(sqlx::Error::Database(error)) if error.try_downcast_ref::<SqliteError>().is_some() => {
            is_busy(error.code())
        }
        _ => is_given_up(cause),
    }
}

/// By the codes for a deadlock and a lost race. Not by their class: one of it says that nobody knows what was done.
fn is_given_up(cause: &Cause) -> bool {
    let Some(sqlx::Error::Database(error)) = cause.downcast_ref() else { return false };
    error.try_downcast_ref::<PgDatabaseError>().is_some() && matches!(error.code().as_deref(), Some("40P01" | "40001"))
}

fn is_busy(code: Option<Cow<'_, str>>) -> bool {
    code.and_then(|code| code.parse().ok()).is_some_and(|code: i32| code & 0xff == 5)
}

/// Whether the same statement may succeed a little later, when the database is back.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::BeginFailed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => database_is_away(error.as_ref()),
        _ => false,
    }
}

fn database_is_away(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else { return false };
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        postgres_is_away(&code)
    } else if error.try_downcast_ref::<SqliteError>().is_some() {
        code.parse().is_ok_and(sqlite_is_away)
    } else {
        false
    }
}

/// By the class of the code, <https://www.postgresql.org/docs/current/errcodes-appendix.html>: connection (08), wrong
/// password (28), no such database (3D), deadlock or lost race (40), out of connections, memory or disk (53), not in the
/// state for it (55), shutting down or cut off (57), system (58); and a standby, or a database made read-only.
fn postgres_is_away(code: &str) -> bool {
    const CLASSES: [&str; 9] = ["08", "28", "3D", "40", "53", "55", "57", "58", "25006"];
    CLASSES.iter().any(|class| code.starts_with(class))
}

/// By the primary code, <https://www.sqlite.org/rescode.html>: busy, locked, out of memory, read-only, interrupted,
/// input or output failed, disk full, cannot open, locking protocol.
fn sqlite_is_away(code: i32) -> bool {
    matches!(code & 0xff, 5..=10 | 13..=15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_defects() {
        for code in ["08006", "28P01", "3D000", "40P01", "53100", "53300", "55000", "57014", "57P01", "58030", "25006"]
        {
            assert!(postgres_is_away(code), "{code}");
        }
        for code in ["22021", "23505", "25001", "42P01", "42501", "XX000"] {
            assert!(!postgres_is_away(code), "{code}");
        }
        // Busy, busy in recovery, input or output while syncing; a constraint, no such table, not a database.
        assert!([5, 261, 1034, 8, 13, 14].into_iter().all(sqlite_is_away));
        assert!(![19, 1, 26, 2067].into_iter().any(sqlite_is_away));
    }
}
