//! The store: what its contract promises, on each back end, and the ledger in front of it.
//!
//! A test of the contract is a function in `contract.rs`, `at_once.rs`, `jobs.rs`, `keeping.rs`, `sealing.rs`, `events.rs`, `callbacks.rs`,
//! `inbound.rs` or `clients.rs` and a line in a list below. Postgres comes from
//! `scripts/test`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests are tests too")]

mod at_once;
mod backends;
mod callbacks;
mod clients;
mod contract;
mod events;
mod fixtures;
mod inbound;
mod jobs;
mod keeping;
mod ledger;
mod migration;
#[path = "../support/postgres.rs"]
mod postgres;
mod schedules;
mod sealing;

use std::sync::Arc;
use std::time::Duration;

use sabir::model::State;
use sabir::secret::Secret;
use sabir::store::{self, Config, Next, Store, StoreError};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// Runs each test of the contract on each back end, with bodies in the clear and with sealed ones.
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

        mod sealed_on_sqlite {
            use super::backends::Backend;
            $($(
                #[tokio::test]
                async fn $test() {
                    super::$contract::$test(Backend::sqlite().await.sealed()).await;
                }
            )+)+
        }

        mod sealed_on_postgres {
            use super::backends::Backend;
            $($(
                #[tokio::test]
                async fn $test() {
                    super::$contract::$test(Backend::postgres().await.sealed()).await;
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
        what_came_long_ago_is_found_as_what_came_just_now,
        each_is_found_by_its_names_however_many_there_are,
        each_filter_keeps_what_fits,
        lists_are_paged_from_the_latest,
        a_search_looks_at_so_many_and_says_where_it_stopped,
        a_search_finds_what_is_not_at_its_end_and_what_went_to_a_number,
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
        whoever_waits_behind_another_for_a_store_that_is_away_waits_no_longer,
        a_closed_store_is_unreachable,
        ten_thousand_concurrent_records_are_all_there,
    }
    at_once {
        what_is_made_at_once_is_sent_by_its_outcome,
        what_fails_at_once_is_as_what_had_a_job,
        what_is_made_at_once_waits_behind_a_job_of_its_pair,
        what_is_to_be_tried_again_is_waited_for_in_the_same_batch,
        what_is_under_way_for_long_gets_a_job,
        what_its_process_left_behind_is_found_by_others,
        nobody_looks_further_back_than_somebody_may_have_left_something,
        nothing_is_made_at_once_beside_a_version_that_cannot_read_it,
        what_is_made_at_once_is_not_forgotten_while_it_is_under_way,
        the_request_of_what_is_made_at_once_is_kept_until_its_end,
        an_outcome_and_an_end_from_outside_never_both_count,
        what_is_sent_at_once_can_be_told_of_and_sent_once_more,
        for_a_version_before_it_stands_as_what_it_is,
    }
    jobs {
        a_due_job_is_claimed_with_all_that_sending_it_takes,
        only_what_is_due_and_free_is_claimed,
        the_longest_due_is_claimed_first,
        two_claimers_never_get_the_same_job,
        a_pair_keeps_its_order,
        who_waited_for_its_pair_is_heard_of,
        what_is_unknown_keeps_nobody_of_its_pair_waiting,
        a_pile_of_one_pair_keeps_nobody_from_the_rest,
        a_message_waits_for_its_pair_whoever_has_it,
        a_settlement_makes_room_for_a_record_of_the_same_batch,
        an_attempt_needs_the_lease,
        what_a_later_attempt_bends_is_noted,
        what_fails_for_a_while_is_tried_again,
        what_nobody_sends_any_more_lapses,
        what_is_unknown_is_claimed_only_to_be_sent_again,
        evidence_settles_what_is_unknown,
        an_older_attempt_counts_only_where_it_was_sent,
        a_turn_needs_the_state_and_the_lease,
        what_went_out_by_an_older_attempt_is_done_when_the_last_one_lapses,
        a_job_that_does_not_read_back_stops_no_other,
        postponing_by_the_pace_leaves_no_trace,
        what_is_at_its_end_can_be_sent_once_more,
        the_queue_says_how_long_it_is_and_when_to_look,
        processes_know_how_many_they_are,
        no_job_is_handed_out_while_the_store_is_away,
    }
    keeping {
        a_repeated_key_records_nothing,
        a_key_is_used_once_within_a_batch,
        an_expired_key_may_be_used_again,
        a_refused_request_keeps_its_key,
        old_bodies_are_forgotten_in_small_steps,
        old_transactions_are_forgotten_whole,
        what_somebody_is_still_to_be_told_of_is_not_forgotten,
        a_recipient_is_erased,
        redacted_bodies_keep_their_shape_and_go_at_the_end,
        a_turn_gives_a_key_free_where_it_applies,
        what_is_told_of_a_message_outlives_its_request,
        bodies_that_are_not_kept_are_there_as_long_as_they_are_needed,
        what_was_forgotten_cannot_be_sent_once_more,
    }
    migration {
        what_was_under_way_before_is_a_job,
        a_migration_that_is_broken_off_is_done_the_next_time,
    }
    sealing {
        what_is_kept_of_bodies_is_sealed_in_every_column,
        a_store_without_its_keys_says_which_it_lacks,
        a_new_key_takes_over_step_by_step,
        what_was_written_in_the_clear_is_sealed_later_and_opened_for_good,
    }
    events {
        a_webhook_is_kept_until_it_is_decoded_and_stays,
        a_webhook_whose_holder_is_gone_is_decoded_by_another,
        what_is_told_twice_is_kept_once,
        what_could_not_be_read_goes_when_it_is,
        webhooks_are_reopened_page_by_page,
        a_transaction_is_found_by_every_clue,
        a_client_that_was_answered_before_knows_our_id,
        an_upstreams_id_that_a_status_told_is_found,
        an_outcome_that_comes_after_its_status_is_kept_whole,
        a_failure_is_told_with_the_commit_that_ends_it,
        a_transaction_that_does_not_read_back_stops_no_other,
        a_webhook_that_does_not_open_stops_no_other,
        an_event_that_does_not_open_stops_no_other_nor_do_its_callbacks,
        evidence_by_a_status_ends_the_job,
        an_event_waits_or_ends_with_its_callbacks,
        events_are_listed_by_what_they_are,
        a_message_leads_to_what_its_recipient_was_called_before,
        people_are_known_by_the_clients_number,
        what_was_told_is_not_kept_beyond_its_telling_where_no_body_is,
        old_events_are_forgotten,
        what_is_told_of_a_person_is_erased_with_them,
        an_event_is_found_and_erased_by_each_name_in_it,
        what_an_event_names_is_forgotten_with_it,
    }
    callbacks {
        a_callback_is_claimed_with_all_that_telling_it_takes,
        what_is_told_of_one_message_goes_in_its_order,
        a_server_that_is_skipped_keeps_nobody_waiting,
        the_end_of_a_callback_needs_the_lease,
        what_was_not_tried_is_given_back,
        the_dead_are_seen_and_told_again,
        callbacks_are_listed_by_what_they_are,
    }
    inbound {
        an_account_knows_a_file_by_one_id_however_often_it_is_told,
        a_file_that_came_is_one_of_the_accounts,
        what_is_doomed_is_found_by_nobody_and_then_gone,
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
        let refused = store::connect(&Config::new(Secret::new(url), 1)).await.err();
        assert!(matches!(refused, Some(StoreError::Address)), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    for url in ["postgres://sabir@localhost:1/sabir", "postgres://sabir@localhost/sabir?host=/nowhere"] {
        let refused = store::connect(&Config::new(Secret::new(url), 1)).await.err();
        assert!(matches!(refused, Some(StoreError::Unreachable(_))), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_is_unreachable() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let url = format!("sqlite://{}/sabir.db", file.display());
    let refused = store::connect(&Config::new(Secret::new(url), 1)).await.err();
    assert!(matches!(refused, Some(StoreError::Unreachable(_))), "{refused:?}");
}

#[tokio::test]
async fn however_many_ask_whether_a_file_can_be_written_it_is_tried_once_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("sabir.db-wal");
    let url = format!("sqlite://{}/sabir.db", directory.path().display());
    let store = store::connect(&Config::new(Secret::new(url), 1)).await.unwrap();
    store.migrate().await.unwrap();
    store.write(&[fixtures::record(&fixtures::sending())]).await.unwrap();
    let before = std::fs::metadata(&log).unwrap().len();
    for _ in 0..400 {
        store.ping().await.unwrap();
    }
    let pages = (std::fs::metadata(&log).unwrap().len() - before) / 4096;
    assert!((1..100).contains(&pages), "{pages} pages were written");
}

/// Sixteen thousand messages and some make a period; who looks for one takes a step in each that is left, and reads none whole.
#[tokio::test]
async fn periods_of_a_file_that_nothing_is_left_of_are_not_looked_in() {
    let backend = backends::Backend::sqlite().await;
    backend.open().await.close().await;
    let mut file = SqliteConnection::connect(&backend.url()).await.unwrap();
    let write = "with recursive numbers (n) as (select ?1 union all select n + 1 from numbers where n < ?1 + 16999) \
                 insert into transactions (id, account, dialect, channel, kind, state, recipient, received_at, updated_at) \
                 select cast(printf('%016d', n) as blob), '', '', '', '', '', '15550100' || n, 0, 0 from numbers";
    for first in [0, 20_000, 40_000, 60_000, 80_000] {
        sqlx::query("delete from transactions where id < cast(printf('%016d', ?1 - 20000) as blob)")
            .bind(first)
            .execute(&mut file)
            .await
            .unwrap();
        sqlx::query(write).bind(first).execute(&mut file).await.unwrap();
        backend.has_each_name_once().await;
    }
    let periods: i64 = sqlx::query_scalar("select count(*) from recipient_periods").fetch_one(&mut file).await.unwrap();
    assert!((3..6).contains(&periods), "{periods} periods, two of them for what comes first and last");
    for (table, name, periods) in
        [("recipients", "recipient", "recipient_periods"), ("message_ids", "message_id", "message_periods")]
    {
        let look = AssertSqlSafe(format!(
            "explain query plan select transaction_id from {table} \
             where {name} = '' and period in (select period from {periods}) order by transaction_id desc limit 1"
        ));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(look).fetch_all(&mut file).await.unwrap();
        let by_key = format!("SEARCH {table}_sorted USING PRIMARY KEY (period=? AND {name}=?)");
        assert!(plan.iter().any(|(.., step)| *step == by_key), "{plan:?}");
    }
}

#[tokio::test]
async fn a_gateway_hears_of_jobs_that_another_left() {
    let database = postgres::Database::create().await;
    let config = Config::new(Secret::new(database.url()), 1);
    let (one, other) = (store::connect(&config).await.unwrap(), store::connect(&config).await.unwrap());
    one.migrate().await.unwrap();
    // The first says that it listens from now on.
    one.jobs_changed().await;
    let new = fixtures::accepted();
    other.write(&[fixtures::record(&new)]).await.unwrap();
    one.jobs_changed().await;

    // Cut off, it listens again by itself; what came meanwhile was missed, so it says so.
    database.shut().await;
    database.open().await;
    one.jobs_changed().await;
}

/// Two that wanted each other's second would wait for the server to find out, which is longer than anybody waits.
#[tokio::test]
async fn every_write_locks_jobs_before_their_transactions() {
    let database = postgres::Database::create().await;
    let store = store::connect(&Config::new(Secret::new(database.url()), 1)).await.unwrap();
    store.migrate().await.unwrap();
    let [settled, begun, turned] = [fixtures::sending(), fixtures::accepted(), fixtures::accepted()];
    store.write(&[&settled, &begun, &turned].map(fixtures::record)).await.unwrap();
    let claimed = store.claim("main", fixtures::HOLDER, fixtures::at(0), fixtures::at(60), 9).await.unwrap();
    assert_eq!(claimed.len(), 2);
    let give_up = fixtures::turned(&turned, &[State::Accepted], State::Failed, Next::Done);
    let writes = [
        fixtures::settle(&fixtures::sent(&settled, "wamid.1")),
        fixtures::begin(&begun, fixtures::HOLDER, 1),
        fixtures::turn(&give_up),
    ];
    for write in writes {
        let mut other = PgConnection::connect(&database.url()).await.unwrap();
        let mut watch = PgConnection::connect(&database.url()).await.unwrap();
        let mut lock = other.begin().await.unwrap();
        let (id, row) = (write.transaction().0, "select 1 from transactions where id = $1 for update");
        sqlx::query(row).bind(id).execute(&mut *lock).await.unwrap();
        let writing = tokio::spawn({
            let (store, write) = (store.clone(), write.clone());
            async move { store.write(&[write]).await }
        });
        let waits = "select exists (select 1 from pg_stat_activity \
                     where datname = current_database() and wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut watch).await.unwrap() {}
        let job = "select 1 from jobs where transaction_id = $1 for update skip locked";
        let free = sqlx::query(job).bind(id).fetch_optional(&mut watch).await.unwrap();
        assert!(free.is_none(), "{write:?} waits for its transaction without its job");
        lock.rollback().await.unwrap();
        assert_eq!(writing.await.unwrap().unwrap(), [store::Written::Done]);
    }
}

#[tokio::test]
async fn a_database_that_may_only_be_read_is_away_and_comes_back_by_itself() {
    let database = postgres::Database::create().await;
    let store = store::connect(&Config::new(Secret::new(database.url()), 1)).await.unwrap();
    store.migrate().await.unwrap();
    let before = fixtures::sending();
    store.write(&[fixtures::record(&before)]).await.unwrap();

    database.set_read_only(true).await;
    for refused in [store.write(&[fixtures::record(&fixtures::sending())]).await.err(), store.ping().await.err()] {
        assert!(matches!(refused, Some(StoreError::Unreachable(_) | StoreError::InDoubt(_))), "{refused:?}");
    }
    assert!(store.find(&before.id.to_string()).await.unwrap().is_some(), "what is there can be read");

    database.set_read_only(false).await;
    store.write(&[fixtures::record(&fixtures::sending())]).await.unwrap();
    store.ping().await.unwrap();
}

/// A server that gives up so many commits, one after the other: a deadlock with somebody else, or a race that was lost.
async fn that_gives_up(code: &str, times: i32) -> (Arc<dyn store::Store>, PgConnection) {
    let database = postgres::Database::create().await;
    let store = store::connect(&Config::new(Secret::new(database.url()), 1)).await.unwrap();
    store.migrate().await.unwrap();
    let mut beside = PgConnection::connect(&database.url()).await.unwrap();
    // A sequence goes on counting whatever becomes of the transaction.
    let trigger = format!(
        "create sequence tries; \
         create function give_up() returns trigger language plpgsql as $$ begin \
           if nextval('tries') <= {times} then raise exception using errcode = '{code}'; end if; return null; end $$; \
         create trigger give_up after insert on transactions for each statement execute function give_up()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&mut beside).await.unwrap();
    (store, beside)
}

#[tokio::test]
async fn a_batch_that_the_server_gave_up_is_written_again_at_once() {
    for code in ["40P01", "40001"] {
        let (store, mut beside) = that_gives_up(code, 2).await;
        let new = [fixtures::sending(), fixtures::sending()];
        let written = store.write(&[&new[0], &new[1]].map(fixtures::record)).await;
        assert_eq!(written.unwrap(), [store::Written::Done; 2], "{code}");
        let count: i64 = sqlx::query_scalar("select count(*) from transactions").fetch_one(&mut beside).await.unwrap();
        assert_eq!(count, 2, "{code}");
    }
}

#[tokio::test]
async fn a_batch_that_the_server_gives_up_again_and_again_is_not_committed_and_nobody_doubts_it() {
    let (store, mut beside) = that_gives_up("40001", 9).await;
    let refused = store.write(&[fixtures::record(&fixtures::sending())]).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    let tries: i64 = sqlx::query_scalar("select last_value from tries").fetch_one(&mut beside).await.unwrap();
    assert_eq!(tries, 3);
}

#[tokio::test]
async fn a_server_that_hangs_is_as_good_as_none() {
    let database = postgres::Database::create().await;
    let store = store::connect(&Config::new(Secret::new(database.url()), 1)).await.unwrap();
    store.migrate().await.unwrap();

    let mut other = PgConnection::connect(&database.url()).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    sqlx::query("lock table transactions").execute(&mut *lock).await.unwrap();
    let refused = store.write(&[fixtures::record(&fixtures::sending())]).await;
    assert!(matches!(refused, Err(StoreError::InDoubt(_))), "{refused:?}");

    lock.rollback().await.unwrap();
    store.write(&[fixtures::record(&fixtures::sending())]).await.unwrap();
}

/// A plan is kept while the queue grows: one that was made when it was counted as short must not go through all of it.
#[tokio::test]
async fn a_long_queue_is_not_gone_through_by_plans_for_a_short_one() {
    const LONG: i64 = 4000;
    let backend = backends::Backend::postgres().await;
    let store = backend.open().await;
    let later = |_| {
        let mut new = fixtures::accepted();
        new.job.as_mut().unwrap().due_at = fixtures::at(9999);
        fixtures::record(&new)
    };
    store.write(&[later(0)]).await.unwrap();
    backend.spoil("vacuum analyze jobs").await;
    few_jobs_live(&*store).await;
    for _ in 0..LONG / 500 {
        store.write(&(0..500).map(later).collect::<Vec<_>>()).await.unwrap();
    }
    for _ in 0..3 {
        few_jobs_live(&*store).await;
    }
    store.close().await;

    let mut connection = PgConnection::connect(&backend.url()).await.unwrap();
    let others =
        "select count(*) from pg_stat_activity where application_name = 'sabir' and datname = current_database()";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut connection).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await; // The server tells nobody that it has counted a session's reads.
    }
    let read = "select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'jobs'";
    let read: i64 = sqlx::query_scalar(read).fetch_one(&mut connection).await.unwrap();
    assert!((10..LONG).contains(&read), "{read} entries of indexes were read");
}

/// Jobs of one pair are claimed, tried twice, sent and given up.
async fn few_jobs_live(store: &dyn Store) {
    let all = [0; 3].map(|_| fixtures::of_pair("442079460000>447700900123", fixtures::accepted()));
    store.write(&all.each_ref().map(fixtures::record)).await.unwrap();
    let [first, second, _] = &all;
    for (number, end) in [(1, fixtures::waits(first, 1, fixtures::at(3))), (2, fixtures::sent(first, "wamid.1"))] {
        let now = fixtures::at(i64::from(number) * 5);
        let claimed = store.claim("main", fixtures::HOLDER, now, fixtures::at(60), 1).await.unwrap();
        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [first.id]);
        store.write(&[fixtures::begin(first, fixtures::HOLDER, number)]).await.unwrap();
        let end = store::Settlement { attempt: number, ..end };
        store.write(&[fixtures::settle(&end)]).await.unwrap();
    }
    let claimed = store.claim("main", fixtures::HOLDER, fixtures::at(20), fixtures::at(60), 1).await.unwrap();
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [second.id], "woken by the first's end");
    for new in [second, &all[2]] {
        let given_up = fixtures::turned(new, &[State::Accepted], State::Failed, Next::Done);
        assert_eq!(store.write(&[fixtures::turn(&given_up)]).await.unwrap(), [store::Written::Done]);
    }
}
