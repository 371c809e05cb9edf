//! A database of the version before, brought up to date.

use std::path::Path;
use std::time::Duration;

use sabir::model::State;
use sabir::store::{NewTransaction, Turn};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::backends::{Backend, Kind};
use crate::contract::found;
use crate::fixtures::{abandoned, at, sending, turn};

/// The last migration that the version before has.
const BEFORE: i64 = 2;

/// What it left of an attempt under way; id and time as the database writes them.
fn rows(new: &NewTransaction, id: &str, time: &str) -> AssertSqlSafe<String> {
    let (channel, request) = (new.request.channel(), serde_json::to_string(&new.request).unwrap());
    AssertSqlSafe(format!(
        "insert into transactions values ({id}, 'shop', 'aisoule', 'main', '{channel}', 'text', 'sending', null, null, \
           null, {time}, {time}); \
         insert into bodies values ({id}, '{{}}', '{request}', '[]', null); \
         insert into attempts values ({id}, 1, 'main', 'POST', 'https://provider.example.net', '', {time}); \
         insert into under_way values ({id}, 1, {time});"
    ))
}

/// The migrations up to the version before.
async fn before(folder: &str) -> Migrator {
    let mut migrator = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).await.unwrap();
    migrator.migrations.to_mut().retain(|migration| migration.version <= BEFORE);
    migrator
}

/// Leaves a transaction in a database of the version before.
async fn fill(backend: &Backend) -> NewTransaction {
    let new = sending();
    match &backend.kind {
        Kind::Sqlite { .. } => {
            // Connecting makes the file.
            drop(backend.connect().await.unwrap());
            let mut connection = SqliteConnection::connect(&backend.url()).await.unwrap();
            before("migrations/sqlite").await.run_direct(None, &mut connection, false).await.unwrap();
            let micros = at(0).unix_timestamp_nanos() / 1000;
            let rows = rows(&new, &format!("x'{}'", new.id.0.simple()), &micros.to_string());
            sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
        }
        Kind::Postgres(_) => {
            let mut connection = PgConnection::connect(&backend.url()).await.unwrap();
            before("migrations/postgres").await.run_direct(None, &mut connection, false).await.unwrap();
            let rows = rows(&new, &format!("'{}'", new.id), &format!("'{}'", at(0)));
            sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
        }
    }
    new
}

pub async fn what_was_under_way_before_is_a_job(backend: Backend) {
    let new = fill(&backend).await;
    let store = backend.open().await;
    assert_eq!(found(&store, new.id).await.due_at, Some(at(120)));
    assert_eq!(store.lapsed(at(119), 5).await.unwrap(), []);
    let [lapsed] = store.lapsed(at(120), 5).await.unwrap().try_into().unwrap();
    assert_eq!((lapsed.transaction, lapsed.attempt, lapsed.upstream.as_str()), (new.id, 1, "main"));

    let late = Turn { at: at(120), ..abandoned(&new) };
    store.write(&[turn(&late)]).await.unwrap();
    assert_eq!(found(&store, new.id).await.summary.state, State::Unknown);
}

/// Keeps migrations from going on until it is dropped.
enum Lock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Lock {
    /// In Postgres one that the third migration stands before when it has made half of its changes.
    async fn take(backend: &Backend) -> Self {
        match &backend.kind {
            Kind::Sqlite { .. } => {
                let mut connection = SqliteConnection::connect(&backend.url()).await.unwrap();
                sqlx::query("begin immediate").execute(&mut connection).await.unwrap();
                Self::Sqlite(connection)
            }
            Kind::Postgres(_) => {
                let mut connection = PgConnection::connect(&backend.url()).await.unwrap();
                sqlx::raw_sql("begin; lock table outcomes").execute(&mut connection).await.unwrap();
                Self::Postgres(connection)
            }
        }
    }

    async fn release(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.unwrap(),
            Self::Postgres(connection) => connection.close().await.unwrap(),
        }
    }
}

pub async fn a_migration_that_is_broken_off_is_done_the_next_time(backend: Backend) {
    let new = fill(&backend).await;
    let lock = Lock::take(&backend).await;
    let store = backend.connect().await.unwrap();
    let broken_off = tokio::time::timeout(Duration::from_millis(300), store.migrate()).await;
    assert!(broken_off.is_err(), "{broken_off:?}");
    lock.release().await;
    store.migrate().await.unwrap();
    assert_eq!(found(&store, new.id).await.due_at, Some(at(120)));
    assert_eq!(store.lapsed(at(120), 5).await.unwrap().len(), 1);
}
