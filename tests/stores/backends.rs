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

    /// The names by which transactions are found are those that stand in their rows, each once. For transactions of one outcome.
    pub async fn has_each_name_once(&self) {
        let recipients = "select (select count(*) from recipients), \
            (select count(distinct r.transaction_id) from recipients r \
             join transactions t on t.id = r.transaction_id and t.recipient = r.recipient), \
            (select count(*) from transactions where recipient is not null)";
        let message_ids = "select (select count(*) from message_ids), \
            (select count(distinct m.transaction_id) from message_ids m \
             join outcomes o on o.transaction_id = m.transaction_id and o.number = m.number and o.message_id = m.message_id), \
            (select count(*) from outcomes where message_id is not null)";
        for names in [recipients, message_ids] {
            let (names, fitting, rows): (i64, i64, i64) = match &self.kind {
                Kind::Sqlite { .. } => {
                    let mut connection = SqliteConnection::connect(&self.url()).await.unwrap();
                    sqlx::query_as(names).fetch_one(&mut connection).await.unwrap()
                }
                Kind::Postgres(_) => {
                    let mut connection = PgConnection::connect(&self.url()).await.unwrap();
                    sqlx::query_as(names).fetch_one(&mut connection).await.unwrap()
                }
            };
            assert_eq!((names, fitting), (rows, rows));
        }
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
