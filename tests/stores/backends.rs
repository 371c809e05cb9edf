//! The databases that the contract is tried on.

use std::sync::Arc;

use sabir::secret::Secret;
use sabir::store::{self, Bodies, Config, SealingKey, Store, StoreError};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::postgres::Database;

/// An empty database that can be taken away and given back, and what is sealed in it.
pub struct Backend {
    pub kind: Kind,
    keys: Vec<SealingKey>,
}

pub enum Kind {
    Sqlite { directory: TempDir, lock: Option<SqliteConnection> },
    Postgres(Database),
}

impl Backend {
    pub async fn sqlite() -> Self {
        Self { kind: Kind::Sqlite { directory: TempDir::new().unwrap(), lock: None }, keys: Vec::new() }
    }

    pub async fn postgres() -> Self {
        Self { kind: Kind::Postgres(Database::create().await), keys: Vec::new() }
    }

    /// The same, with its bodies sealed.
    pub fn sealed(self) -> Self {
        Self { keys: vec![key('a')], ..self }
    }

    /// Its configuration.
    pub fn config(&self) -> Config {
        Config { encryption_keys: self.keys.clone(), ..Config::new(Secret::new(self.url()), 4) }
    }

    /// Connects to it once more, as another gateway would.
    pub async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        store::connect(&self.config()).await
    }

    /// Connects to it and brings its schema up to date.
    pub async fn open(&self) -> Arc<dyn Store> {
        let store = self.connect().await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// The same, keeping of bodies what is said.
    pub async fn open_keeping(&self, bodies: Bodies) -> Arc<dyn Store> {
        let config = Config { bodies, ..self.config() };
        let store = store::connect(&config).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// From here on nothing can be written.
    pub async fn take_away(&mut self) {
        let url = self.url();
        match &mut self.kind {
            Kind::Sqlite { lock, .. } => {
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::query("begin immediate").execute(&mut connection).await.unwrap();
                *lock = Some(connection);
            }
            Kind::Postgres(database) => database.shut().await,
        }
    }

    /// From here on everything is as before.
    pub async fn give_back(&mut self) {
        match &mut self.kind {
            Kind::Sqlite { lock, .. } => lock.take().unwrap().close().await.unwrap(),
            Kind::Postgres(database) => database.open().await,
        }
    }

    /// Changes something behind the store's back.
    pub async fn spoil(&self, statement: &'static str) {
        match &self.kind {
            Kind::Sqlite { .. } => {
                let mut connection = SqliteConnection::connect(&self.url()).await.unwrap();
                sqlx::query(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Kind::Postgres(_) => {
                let mut connection = PgConnection::connect(&self.url()).await.unwrap();
                sqlx::query(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// What really stands in a column of texts, `table.column`.
    pub async fn kept(&self, column: &str) -> Vec<String> {
        let (table, name) = column.split_once('.').unwrap();
        let select = AssertSqlSafe(format!("select {name} from {table} where {name} is not null order by {name}"));
        match &self.kind {
            Kind::Sqlite { .. } => {
                let mut connection = SqliteConnection::connect(&self.url()).await.unwrap();
                sqlx::query_scalar(select).fetch_all(&mut connection).await.unwrap()
            }
            Kind::Postgres(_) => {
                let mut connection = PgConnection::connect(&self.url()).await.unwrap();
                sqlx::query_scalar(select).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        match &self.kind {
            Kind::Sqlite { directory, .. } => format!("sqlite://{}", directory.path().join("data/sabir.db").display()),
            Kind::Postgres(database) => database.url(),
        }
    }
}

/// A key of 64 such digits.
pub fn key(digit: char) -> SealingKey {
    serde_json::from_value(json!(digit.to_string().repeat(64))).unwrap()
}
