//! The databases that the contract is tried on.

use std::sync::Arc;

use sabir::secret::Secret;
use sabir::store::{self, Bodies, Config, Store, StoreError};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::postgres::Database;

/// An empty database that can be taken away and given back.
pub enum Backend {
    Sqlite { directory: TempDir, lock: Option<SqliteConnection> },
    Postgres(Database),
}

impl Backend {
    pub async fn sqlite() -> Self {
        Self::Sqlite { directory: TempDir::new().unwrap(), lock: None }
    }

    pub async fn postgres() -> Self {
        Self::Postgres(Database::create().await)
    }

    /// Connects to it once more, as another gateway would.
    pub async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        store::connect(&Config::new(Secret::new(self.url()), 4)).await
    }

    /// Connects to it and brings its schema up to date.
    pub async fn open(&self) -> Arc<dyn Store> {
        let store = self.connect().await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// The same, keeping of bodies what is said.
    pub async fn open_keeping(&self, bodies: Bodies) -> Arc<dyn Store> {
        let config = Config { bodies, ..Config::new(Secret::new(self.url()), 4) };
        let store = store::connect(&config).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// From here on nothing can be written.
    pub async fn take_away(&mut self) {
        let url = self.url();
        match self {
            Self::Sqlite { lock, .. } => {
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::query("begin immediate").execute(&mut connection).await.unwrap();
                *lock = Some(connection);
            }
            Self::Postgres(database) => database.shut().await,
        }
    }

    /// From here on everything is as before.
    pub async fn give_back(&mut self) {
        match self {
            Self::Sqlite { lock, .. } => lock.take().unwrap().close().await.unwrap(),
            Self::Postgres(database) => database.open().await,
        }
    }

    /// Changes something behind the store's back.
    pub async fn spoil(&self, statement: &'static str) {
        match self {
            Self::Sqlite { .. } => {
                let mut connection = SqliteConnection::connect(&self.url()).await.unwrap();
                sqlx::query(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres(_) => {
                let mut connection = PgConnection::connect(&self.url()).await.unwrap();
                sqlx::query(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite { directory, .. } => format!("sqlite://{}", directory.path().join("data/sabir.db").display()),
            Self::Postgres(database) => database.url(),
        }
    }
}
