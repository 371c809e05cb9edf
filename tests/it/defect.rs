//! A defect of the gateway's own, which panics while it answers.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use sabir::clock::{Clock, FixedClock};
use sabir::config;
use sabir::model::TransactionId;
use sabir::secret::Secret;
use sabir::store;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::bad_input::clients;
use crate::harness::{KEY, TestApp};

/// A clock with a defect: no file gets an id.
struct Broken(FixedClock);

impl Clock for Broken {
    fn now(&self) -> OffsetDateTime {
        self.0.now()
    }

    fn transaction_id(&self) -> TransactionId {
        self.0.transaction_id()
    }

    fn media_id(&self) -> String {
        panic!("a defect")
    }

    fn process_id(&self) -> Uuid {
        self.0.process_id()
    }

    fn chance(&self) -> f64 {
        self.0.chance()
    }
}

#[tokio::test]
async fn a_panic_is_answered_in_the_accounts_dialect_and_names_a_transaction() {
    let folder = TempDir::new().unwrap();
    let account = format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\ndialect = \"on-premises\"");
    let mut config = config::load_text(&account).unwrap().config;
    config.store.url = Secret::new(format!("sqlite://{}", folder.path().join("sabir.db").display()));
    let store = store::connect(&config.store).await.unwrap();
    store.migrate().await.unwrap();
    let clock = Broken(FixedClock::at(datetime!(2026-09-21 13:35:23 UTC)));
    let app = TestApp::at(Arc::new(clock), config, store, folder).await;
    let file = Request::post(format!("{}/v1/media", app.url())).header("authorization", format!("Bearer {KEY}"));
    let file = file.header("content-type", "text/plain").body(Bytes::from("Hi")).unwrap();
    let answer = app.call(file).await;
    clients()[2].assert_refused("panic", &answer, 500, &["its log says why"]);
    assert!(answer.headers.contains_key("sabir-transaction-id"));
    app.stop().await;
}
