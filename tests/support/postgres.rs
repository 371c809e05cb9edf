//! A database of its own for each test, on the throw-away server that `scripts/test` starts.

use std::env;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use url::Url;
use uuid::Uuid;

/// A fresh, empty database. It is not dropped: the server goes when the tests are done.
pub struct Database {
    server: Url,
    name: String,
}

impl Database {
    pub async fn create() -> Self {
        let server = env::var("SABIR_TEST_POSTGRES").expect(
            "this test needs a Postgres server: run it with `scripts/test`, which starts one, \
             or name a server for tests in SABIR_TEST_POSTGRES",
        );
        let server = Url::parse(&server).expect("SABIR_TEST_POSTGRES is an address");
        let name = format!("sabir_{}", Uuid::new_v4().simple());
        let database = Self { server, name };
        database.execute(format!("create database {}", database.name)).await;
        database
    }

    /// Its address.
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// Hangs up on everybody and takes nobody any more.
    pub async fn shut(&self) {
        self.execute(format!("alter database {} allow_connections false", self.name)).await;
        let mut server = self.connect().await;
        sqlx::query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1")
            .bind(&self.name)
            .execute(&mut server)
            .await
            .unwrap();
    }

    /// From here on it may be read alone, or written again: as where a standby takes over, everybody is hung up on.
    pub async fn set_read_only(&self, is_so: bool) {
        self.shut().await;
        self.execute(format!("alter database {} set default_transaction_read_only = {is_so}", self.name)).await;
        self.open().await;
    }

    /// Takes everybody again.
    pub async fn open(&self) {
        self.execute(format!("alter database {} allow_connections true", self.name)).await;
    }

    async fn execute(&self, statement: String) {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut self.connect().await).await.unwrap();
    }

    async fn connect(&self) -> PgConnection {
        let options = PgConnectOptions::from_url(&self.server).expect("SABIR_TEST_POSTGRES is an address");
        PgConnection::connect_with(&options).await.expect("the server in SABIR_TEST_POSTGRES answers")
    }
}
