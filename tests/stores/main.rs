//! The store: what its contract promises, on each back end, and the ledger in front of it.
//!
//! A test of the contract is a function in `contract.rs` or `clients.rs` and a line in a list below. Postgres comes from
//! `scripts/test`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests are tests too")]

mod backends;
mod clients;
mod contract;
mod fixtures;
mod ledger;
#[path = "../support/postgres.rs"]
mod postgres;

use sabir::secret::Secret;
use sabir::store::{self, Config, StoreError};
use sqlx::{Connection, PgConnection};

/// Runs each test of the contract on each back end.
macro_rules! on_each_back_end {
    ($($contract:ident { $($test:ident,)+ })+) => {
        mod on_sqlite {
            use super::backends::Backend;
            $($(
                #[tokio::test]
                async fn $test() {
                    super::$contract::$test(Backend::sqlite().await).await;
                }
            )+)+
        }

        mod on_postgres {
            use super::backends::Backend;
            $($(
                #[tokio::test]
                async fn $test() {
                    super::$contract::$test(Backend::postgres().await).await;
                }
            )+)+
        }
    };
}

on_each_back_end! {
    contract {
        what_was_recorded_is_found_with_everything,
        a_refused_request_is_found_with_its_fault,
        settling_ends_the_attempt_and_the_transaction,
        a_transaction_is_found_by_each_of_its_ids,
        an_id_that_nothing_has_finds_nothing,
        the_latest_of_several_with_one_message_id_is_found,
        each_filter_keeps_what_fits,
        lists_are_paged_from_the_latest,
        a_batch_is_written_whole_or_not_at_all,
        entries_of_a_batch_apply_in_their_order,
        a_settlement_of_an_unknown_transaction_changes_nothing,
        a_repeated_settlement_keeps_the_first_outcome,
        any_text_comes_back,
        a_batch_may_be_larger_than_a_statement,
        migrations_may_run_twice_and_at_once,
        gateways_on_one_database_see_the_same,
        nothing_is_lost_when_the_store_is_opened_again,
        a_store_that_is_away_says_so_and_comes_back_by_itself,
        a_closed_store_is_unreachable,
        ten_thousand_concurrent_records_are_all_there,
    }
    clients {
        a_session_is_found_by_its_token_until_it_ends,
        a_session_that_is_opened_again_is_replaced,
        expired_sessions_are_swept,
        a_setting_is_kept_until_it_is_cleared,
        settings_are_apart_by_account_and_name,
        any_json_comes_back_as_a_setting,
        a_file_is_found_by_its_account_alone,
        a_file_comes_back_with_any_name_and_size,
        an_id_of_a_file_is_given_once,
        an_upstreams_id_is_remembered_until_it_is_forgotten,
        an_upstreams_id_holds_for_its_whole_key,
        expired_ids_of_upstreams_are_swept,
        what_clients_left_is_there_when_the_store_is_back,
    }
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused() {
    for url in
        ["mysql://localhost/sabir", "sabir.db", "", "postgres:// /", "sqlite::memory:", "sqlite://sabir.db?mode=odd"]
    {
        let refused = store::connect(&Config { url: Secret::new(url), connections: 1 }).await.err();
        assert!(matches!(refused, Some(StoreError::Address)), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    for url in ["postgres://sabir@localhost:1/sabir", "postgres://sabir@localhost/sabir?host=/nowhere"] {
        let refused = store::connect(&Config { url: Secret::new(url), connections: 1 }).await.err();
        assert!(matches!(refused, Some(StoreError::Unreachable(_))), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_is_unreachable() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let url = format!("sqlite://{}/sabir.db", file.display());
    let refused = store::connect(&Config { url: Secret::new(url), connections: 1 }).await.err();
    assert!(matches!(refused, Some(StoreError::Unreachable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_hangs_is_as_good_as_none() {
    let database = postgres::Database::create().await;
    let store = store::connect(&Config { url: Secret::new(database.url()), connections: 1 }).await.unwrap();
    store.migrate().await.unwrap();

    let mut other = PgConnection::connect(&database.url()).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    sqlx::query("lock table transactions").execute(&mut *lock).await.unwrap();
    let refused = store.write(&[fixtures::record(&fixtures::sending())]).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");

    lock.rollback().await.unwrap();
    store.write(&[fixtures::record(&fixtures::sending())]).await.unwrap();
}
