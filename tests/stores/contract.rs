//! What every back end keeps. Each test gets an empty database of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sabir::model::{Channel, Fault, FaultKind, Kind, ReadMark, Request, State, TransactionId};
use sabir::store::{
    Attempt, Clue, Filter, Found, Ledger, Limits, NewTransaction, Next, Store, StoreError, Summary, Transaction,
};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::backends::Backend;
use crate::fixtures::{
    HOLDER, RECIPIENT, SENDER, aged, at, beat, begin, failed, id_of, record, refused, sending, sending_with, sent,
    settle, text_to,
};

pub async fn what_was_recorded_is_found_with_everything(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new)]).await.unwrap();

    let attempt = new.attempt.unwrap();
    let expected = Transaction {
        summary: Summary {
            id: new.id,
            account: new.account,
            dialect: new.dialect,
            upstream: new.upstream,
            channel: Channel::Whatsapp,
            kind: Kind::Text,
            state: State::Sending,
            sender: Some(SENDER.into()),
            recipient: Some(RECIPIENT.into()),
            message_id: None,
            fault: None,
            received_at: at(0),
            updated_at: at(0),
        },
        given_id: None,
        client_request: serde_json::from_str(&new.client_request).unwrap(),
        request: Some(Arc::unwrap_or_clone(new.request)),
        warnings: new.warnings,
        refusal: None,
        attempts: vec![Attempt {
            number: 1,
            upstream: attempt.upstream,
            method: attempt.method,
            url: attempt.url,
            body: attempt.body,
            started_at: at(1),
            finished_at: None,
            status: None,
            answer: None,
            fault: None,
            state: None,
        }],
        turns: Vec::new(),
        due_at: Some(at(60)),
    };
    assert_eq!(found(&store, new.id).await, expected);
}

pub async fn a_refused_request_is_found_with_its_fault(backend: Backend) {
    let store = backend.open().await;
    let new = refused();
    store.write(&[record(&new)]).await.unwrap();

    let found = found(&store, new.id).await;
    assert_eq!(found.summary.state, State::Failed);
    assert_eq!(found.summary.fault.as_deref(), Some("too_long"));
    assert_eq!(found.summary.upstream, None);
    assert_eq!(found.refusal, new.fault);
    assert_eq!(found.attempts, []);
}

pub async fn settling_ends_the_attempt_and_the_transaction(backend: Backend) {
    let store = backend.open().await;
    let (good, bad) = (sending(), sending());
    store.write(&[record(&good), record(&bad)]).await.unwrap();
    store.write(&[settle(&sent(&good, "wamid.1")), settle(&failed(&bad))]).await.unwrap();

    let good = found(&store, good.id).await;
    assert_eq!(good.summary.state, State::Sent);
    assert_eq!(good.summary.message_id.as_deref(), Some("wamid.1"));
    assert_eq!(good.summary.updated_at, at(2));
    assert_eq!(good.attempts[0].finished_at, Some(at(2)));
    assert_eq!(good.attempts[0].status, Some(200));
    assert_eq!(good.attempts[0].answer.as_deref(), Some(r#"{"messages":[{"id":"wamid.1"}]}"#));

    let fault = failed(&bad).fault;
    let bad = found(&store, bad.id).await;
    assert_eq!(bad.summary.state, State::Failed);
    assert_eq!(bad.summary.fault.as_deref(), Some("not_on_whatsapp"));
    assert_eq!(bad.refusal, None);
    assert_eq!(bad.attempts[0].fault, fault);
}

pub async fn a_transaction_is_found_by_each_of_its_ids(backend: Backend) {
    let store = backend.open().await;
    let (new, other) = (sending(), sending());
    store.write(&[record(&new), record(&other), settle(&sent(&new, "wamid.1"))]).await.unwrap();

    let uuid = new.id.0;
    let own = [uuid.hyphenated().to_string(), uuid.simple().to_string(), format!("msg_{}", uuid.simple())];
    for id in own.into_iter().chain(["wamid.1".to_owned()]) {
        let found = store.find(&id).await.unwrap().unwrap();
        assert_eq!(found.summary.id, new.id, "{id}");
    }

    // An upstream may use UUIDs as well.
    let theirs = Uuid::now_v7().to_string();
    store.write(&[settle(&sent(&other, &theirs))]).await.unwrap();
    assert_eq!(store.find(&theirs).await.unwrap().unwrap().summary.id, other.id);
}

pub async fn an_id_that_nothing_has_finds_nothing(backend: Backend) {
    let store = backend.open().await;
    store.write(&[record(&sending())]).await.unwrap();
    for id in ["", "wamid.none", "nul\0", "' or true --", "0199c0de-7a11-7000-8000-2b7e1c905d44"] {
        assert_eq!(store.find(id).await.unwrap(), None, "{id:?}");
    }
}

pub async fn the_latest_of_several_with_one_message_id_is_found(backend: Backend) {
    let store = backend.open().await;
    let (first, second) = (sending(), sending());
    store.write(&[record(&first), record(&second)]).await.unwrap();
    store.write(&[settle(&sent(&second, "wamid.1")), settle(&sent(&first, "wamid.1"))]).await.unwrap();
    assert_eq!(store.find("wamid.1").await.unwrap().unwrap().summary.id, second.id);
}

/// A text that came so many days after the first, with an id of that time.
fn after_days(days: u32) -> NewTransaction {
    aged(86_400 * i64::from(days), sending())
}

pub async fn what_came_long_ago_is_found_as_what_came_just_now(backend: Backend) {
    let store = backend.open().await;
    let all = [0, 1, 2, 40, 400].map(after_days);
    store.write(&all.each_ref().map(record)).await.unwrap();
    let message_ids = ["wamid.0", "wamid.1", "wamid.2", "wamid.1", "wamid.400"];
    let ends = std::array::from_fn::<_, 5, _>(|nth| settle(&sent(&all[nth], message_ids[nth])));
    store.write(&ends).await.unwrap();

    for (message_id, latest) in [("wamid.0", 0), ("wamid.1", 3), ("wamid.2", 2), ("wamid.400", 4)] {
        assert_eq!(store.find(message_id).await.unwrap().unwrap().summary.id, all[latest].id, "{message_id}");
        let clue = Clue::message(message_id);
        let [found] = store.correlate(&[clue]).await.unwrap().try_into().unwrap();
        assert_eq!(found.unwrap().id, all[latest].id, "{message_id}");
    }
    let to_them = Filter { recipient: Some(RECIPIENT.into()), ..Filter::default() };
    let from_the_latest = [4, 3, 2, 1, 0].map(|nth: usize| all[nth].id);
    assert_eq!(listed(&store, &to_them).await, from_the_latest);
    assert_eq!(ids(&store.search(&to_them, None, 9, 99).await.unwrap()), from_the_latest);
    assert_eq!(store.erase_recipient(RECIPIENT, 9).await.unwrap(), 5);
    assert_eq!(listed(&store, &to_them).await, []);
}

/// More than are sorted at a time, and more than one period of SQLite has.
pub async fn each_is_found_by_its_names_however_many_there_are(backend: Backend) {
    const MANY: usize = 17_000;
    let store = backend.open().await;
    let all: Vec<NewTransaction> = (0..MANY).map(|nth| aged(nth as i64, sending())).collect();
    let name = |nth: usize| format!("wamid.{:x}", nth * 7919 % MANY);
    for (round, some) in all.chunks(1000).enumerate() {
        store.write(&some.iter().map(record).collect::<Vec<_>>()).await.unwrap();
        let ends = some.iter().enumerate().map(|(nth, new)| settle(&sent(new, &name(round * 1000 + nth))));
        store.write(&ends.collect::<Vec<_>>()).await.unwrap();
    }
    backend.has_each_name_once().await;

    for nth in [0, 1, 1023, 1024, 9999, MANY - 617, MANY - 2, MANY - 1] {
        let found = store.find(&name(nth)).await.unwrap().unwrap();
        assert_eq!(found.summary.id, all[nth].id, "{nth}");
    }
    let to_them = Filter { recipient: Some(RECIPIENT.into()), ..Filter::default() };
    let found = store.search(&to_them, None, 20_000, 20_000).await.unwrap();
    assert!(ids(&found).into_iter().eq(all.iter().rev().map(|new| new.id)));

    let middle = at(MANY as i64 / 2);
    assert_eq!(store.forget_transactions(middle, 20_000).await.unwrap(), MANY as u64 / 2);
    assert_eq!(store.find(&name(0)).await.unwrap(), None);
    assert_eq!(store.erase_recipient(RECIPIENT, 20_000).await.unwrap(), MANY as u64 / 2);
    assert_eq!(listed(&store, &to_them).await, []);
    assert_eq!(store.find(&name(MANY - 1)).await.unwrap().unwrap().summary.recipient, None);
    backend.has_each_name_once().await;
}

pub async fn each_filter_keeps_what_fits(backend: Backend) {
    let store = backend.open().await;
    let mark = ReadMark { sender: None, message_id: "wamid.9".into(), typing: None, extra: Default::default() };
    let odd = sending_with(|new| {
        new.account = "bank".into();
        new.upstream = Some("spare".into());
    });
    let odd = aged(60, odd);
    let read = sending_with(|new| new.request = Request::Read(mark).into());
    let to_another = sending_with(|new| new.request = Request::Send(text_to("15550100200", "Hello")).into());
    let bad = sending();
    let all = [&odd, &read, &to_another, &bad];
    store.write(&all.map(record)).await.unwrap();
    store.write(&[settle(&failed(&bad))]).await.unwrap();

    let filter = Filter::default();
    let cases = [
        (Filter { account: Some("bank".into()), ..filter.clone() }, odd.id),
        (Filter { upstream: Some("spare".into()), ..filter.clone() }, odd.id),
        (Filter { state: Some(State::Failed), ..filter.clone() }, bad.id),
        (Filter { kind: Some(Kind::Read), ..filter.clone() }, read.id),
        (Filter { recipient: Some("15550100200".into()), ..filter.clone() }, to_another.id),
        (Filter { fault: Some("not_on_whatsapp".into()), ..filter.clone() }, bad.id),
        (Filter { since: Some(at(60)), ..filter.clone() }, odd.id),
        (Filter { account: Some("shop".into()), state: Some(State::Failed), ..filter.clone() }, bad.id),
    ];
    for (filter, id) in cases {
        assert_eq!(listed(&store, &filter).await, [id], "{filter:?}");
    }

    let before = Filter { until: Some(at(60)), ..filter.clone() };
    assert_eq!(listed(&store, &before).await, [bad.id, to_another.id, read.id]);
    let nothing = Filter { recipient: Some("nul\0".into()), ..filter.clone() };
    assert_eq!(listed(&store, &nothing).await, []);
    assert_eq!(listed(&store, &filter).await.len(), 4);
}

pub async fn lists_are_paged_from_the_latest(backend: Backend) {
    let store = backend.open().await;
    // Two of each time, recorded in no order.
    let all = [3, 1, 2, 3, 2, 1].map(|time| aged(time, sending()));
    store.write(&all.iter().map(record).collect::<Vec<_>>()).await.unwrap();
    let expected = [3, 0, 4, 2, 5, 1].map(|index: usize| all[index].id);

    let mut seen = Vec::new();
    while let page = ids(&store.search(&Filter::default(), seen.last().copied(), 4, 100).await.unwrap())
        && !page.is_empty()
    {
        assert_eq!(page.len(), 4.min(6 - seen.len()));
        seen.extend(page);
    }
    assert_eq!(seen, expected);

    // One that is gone meanwhile is as good.
    let gone = id_of(at(3) - Duration::from_millis(1));
    assert_eq!(ids(&store.search(&Filter::default(), Some(gone), 4, 100).await.unwrap()), expected[2..]);
    assert_eq!(ids(&store.search(&Filter::default(), None, 0, 100).await.unwrap()), []);
}

/// Of twenty that came one after the other the first and the eleventh are the bank's.
async fn twenty(store: &Arc<dyn Store>) -> Vec<NewTransaction> {
    let all = (0..20).map(|nth| {
        let account = if nth % 10 == 0 { "bank" } else { "shop" };
        aged(nth, sending_with(|new| new.account = account.into()))
    });
    let all: Vec<_> = all.collect();
    store.write(&all.iter().map(record).collect::<Vec<_>>()).await.unwrap();
    all
}

fn ids(found: &Found) -> Vec<TransactionId> {
    found.transactions.iter().map(|summary| summary.id).collect()
}

pub async fn a_search_looks_at_so_many_and_says_where_it_stopped(backend: Backend) {
    let store = backend.open().await;
    let all = twenty(&store).await;
    let bank = Filter { account: Some("bank".into()), ..Filter::default() };
    let first = store.search(&bank, None, 5, 15).await.unwrap();
    assert_eq!((ids(&first), first.next, first.stopped_at), (vec![all[10].id], Some(all[5].id), Some(at(5))));
    let rest = store.search(&bank, first.next, 5, 15).await.unwrap();
    assert_eq!((ids(&rest), rest.next, rest.stopped_at), (vec![all[0].id], None, None));
    let full = store.search(&bank, None, 1, 100).await.unwrap();
    assert_eq!((ids(&full), full.next, full.stopped_at), (vec![all[10].id], Some(all[10].id), None));
    let late = Filter { since: Some(at(12)), ..bank };
    assert_eq!(store.search(&late, None, 5, 100).await.unwrap(), Found::default());
    let whole = store.search(&Filter::default(), None, 20, 100).await.unwrap();
    assert!(ids(&whole).into_iter().eq(all.iter().rev().map(|new| new.id)));
}

pub async fn a_search_finds_what_is_not_at_its_end_and_what_went_to_a_number(backend: Backend) {
    let store = backend.open().await;
    let all = twenty(&store).await;
    store.write(&[settle(&failed(&all[10]))]).await.unwrap();
    let filter = Filter { account: Some("bank".into()), state: Some(State::Sending), ..Filter::default() };
    assert_eq!(ids(&store.search(&filter, None, 5, 100).await.unwrap()), [all[0].id]);
    let sending = Filter { state: Some(State::Sending), ..Filter::default() };
    let mut seen = Vec::new();
    let mut after = None;
    while seen.len() < 19 {
        let page = store.search(&sending, after, 4, 100).await.unwrap();
        seen.extend(ids(&page));
        after = page.next;
    }
    assert!(seen.is_sorted_by(|one, next| one.0 > next.0) && after.is_none(), "{seen:?}");
    let to_another = sending_with(|new| new.request = Request::Send(text_to("15550100200", "Hello")).into());
    store.write(&[record(&to_another)]).await.unwrap();
    let number = Filter { recipient: Some("15550100200".into()), state: Some(State::Sending), ..Filter::default() };
    assert_eq!(ids(&store.search(&number, None, 5, 1).await.unwrap()), [to_another.id]);
    let dialect = Filter { dialect: Some("nothing".into()), ..Filter::default() };
    assert_eq!(store.search(&dialect, None, 5, 100).await.unwrap(), Found::default());
}

pub async fn a_batch_is_written_whole_or_not_at_all(backend: Backend) {
    let store = backend.open().await;
    let (first, second) = (sending(), sending());
    store.write(&[record(&first)]).await.unwrap();

    let twice = [record(&second), settle(&sent(&first, "wamid.1")), settle(&sent(&first, "wamid.1")), record(&first)];
    let refused = store.write(&twice).await;
    assert!(matches!(refused, Err(StoreError::Defect(_))), "{refused:?}");
    assert_eq!(store.find(&second.id.to_string()).await.unwrap(), None);
    assert_eq!(found(&store, first.id).await.summary.state, State::Sending);

    store.write(&[]).await.unwrap();
    store.write(&[record(&second)]).await.unwrap();
}

pub async fn entries_of_a_batch_apply_in_their_order(backend: Backend) {
    let store = backend.open().await;
    let (early, twice) = (sending(), sending());
    let (mut first, mut second) = (failed(&twice), sent(&twice, "wamid.2"));
    first.state = State::Waiting;
    first.next = Next::Wait { due_at: at(3), keep: true };
    (second.attempt, second.finished_at) = (2, at(9));
    let batch = [&sent(&early, "wamid.1"), &first, &second].map(settle);
    let [too_early, first, second] = batch;
    let again = begin(&twice, HOLDER, 2);
    store.write(&[too_early, record(&early), record(&twice), first, again, second]).await.unwrap();

    assert_eq!(found(&store, early.id).await.summary.state, State::Sending);
    let twice = found(&store, twice.id).await.summary;
    assert_eq!((twice.state, twice.fault, twice.updated_at), (State::Sent, None, at(9)));
    assert_eq!(twice.message_id.as_deref(), Some("wamid.2"));
}

pub async fn a_settlement_of_an_unknown_transaction_changes_nothing(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[settle(&sent(&new, "wamid.1"))]).await.unwrap();
    assert_eq!(store.find("wamid.1").await.unwrap(), None);

    store.write(&[record(&new)]).await.unwrap();
    let found = found(&store, new.id).await;
    assert_eq!(found.summary.state, State::Sending);
    assert_eq!(found.attempts[0].finished_at, None);
}

pub async fn a_repeated_settlement_keeps_the_first_outcome(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new), settle(&sent(&new, "wamid.1"))]).await.unwrap();
    let first = found(&store, new.id).await;
    store.write(&[settle(&failed(&new))]).await.unwrap();
    store.write(&[settle(&failed(&new)), settle(&sent(&new, "wamid.2"))]).await.unwrap();
    assert_eq!(found(&store, new.id).await, first);
}

pub async fn any_text_comes_back(backend: Backend) {
    let store = backend.open().await;
    let odd = "NUL \0, quote ', \"double\", \\u0000, ünïcödé, 👩‍👩‍👧, \u{202e}rtl, \u{feff}, \r\n\t $1 ? {}";
    let long = "x".repeat(1 << 20);
    let new = sending_with(|new| {
        new.client_request =
            json!({"z": odd, "a": [u64::MAX, i64::MIN, 0.1, 1e300, null], "": {"long": long}}).to_string();
        new.request = Request::Send(text_to(RECIPIENT, odd)).into();
        new.attempt.as_mut().unwrap().body = json!({ "body": odd }).to_string();
    });
    let mut settlement = sent(&new, "wamid.'1");
    settlement.answer = Some(odd.into());
    settlement.fault = Some(Fault::upstream(FaultKind::UpstreamRefused, odd));
    store.write(&[record(&new), settle(&settlement)]).await.unwrap();

    let found = store.find("wamid.'1").await.unwrap().unwrap();
    // As text, for the order of its members.
    assert_eq!(found.client_request.to_string(), new.client_request);
    assert_eq!(found.request, Some(Arc::unwrap_or_clone(new.request)));
    assert_eq!(found.attempts[0].body, new.attempt.unwrap().body);
    assert_eq!(found.attempts[0].fault, settlement.fault);
    // Postgres has no NUL in a text that is not JSON.
    assert_eq!(found.attempts[0].answer, Some(odd.replace('\0', "\u{fffd}")));
}

pub async fn a_batch_may_be_larger_than_a_statement(backend: Backend) {
    let store = backend.open().await;
    let all: Vec<_> = (0..2500).map(|_| sending()).collect();
    let settlements: Vec<_> = all.iter().map(|new| settle(&sent(new, &format!("wamid.{}", new.id)))).collect();
    store.write(&all.iter().map(record).collect::<Vec<_>>()).await.unwrap();
    store.write(&settlements).await.unwrap();
    let sent = Filter { state: Some(State::Sent), ..Filter::default() };
    assert_eq!(listed(&store, &sent).await.len(), 2500);
}

pub async fn migrations_may_run_twice_and_at_once(backend: Backend) {
    let backend = Arc::new(backend);
    let mut gateways = JoinSet::new();
    for _ in 0..6 {
        let backend = Arc::clone(&backend);
        gateways.spawn(async move { backend.open().await });
    }
    for store in gateways.join_all().await {
        store.migrate().await.unwrap();
        store.ping().await.unwrap();
    }
}

pub async fn gateways_on_one_database_see_the_same(backend: Backend) {
    let (one, other) = (backend.open().await, backend.open().await);
    let new = sending();
    one.write(&[record(&new)]).await.unwrap();
    other.write(&[settle(&sent(&new, "wamid.1"))]).await.unwrap();
    assert_eq!(found(&one, new.id).await, found(&other, new.id).await);
    assert_eq!(found(&one, new.id).await.summary.state, State::Sent);
}

pub async fn nothing_is_lost_when_the_store_is_opened_again(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new)]).await.unwrap();
    let before = found(&store, new.id).await;
    store.close().await;
    assert_eq!(found(&backend.open().await, new.id).await, before);
}

pub async fn a_store_that_is_away_says_so_and_comes_back_by_itself(mut backend: Backend) {
    let store = backend.open().await;
    let (before, after) = (sending(), sending());
    store.write(&[record(&before)]).await.unwrap();

    backend.take_away().await;
    let refused = store.write(&[record(&after)]).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    let silent = store.ping().await;
    assert!(matches!(silent, Err(StoreError::Unreachable(_))), "{silent:?}");

    backend.give_back().await;
    store.ping().await.unwrap();
    store.write(&[record(&after)]).await.unwrap();
    assert_eq!(listed(&store, &Filter::default()).await, [after.id, before.id]);
}

pub async fn whoever_waits_behind_another_for_a_store_that_is_away_waits_no_longer(mut backend: Backend) {
    let store = backend.open().await;
    backend.take_away().await;
    let started = Instant::now();
    let new = [record(&sending())];
    let sign = beat(HOLDER, at(0));
    let (beat, refused) = tokio::join!(store.beat(&sign), store.write(&new));
    assert!(matches!(beat, Err(StoreError::Unreachable(_))), "{beat:?}");
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    assert!(started.elapsed() < Duration::from_millis(1900), "{:?}", started.elapsed());
}

pub async fn a_closed_store_is_unreachable(backend: Backend) {
    let store = backend.open().await;
    store.close().await;
    let refused = store.write(&[record(&sending())]).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
}

pub async fn ten_thousand_concurrent_records_are_all_there(backend: Backend) {
    let store = backend.open().await;
    let ledger = Ledger::start(store.clone(), Limits { records: 10_000, ..Limits::default() });
    let mut requests = JoinSet::new();
    for _ in 0..10_000 {
        let ledger = ledger.clone();
        requests.spawn(async move {
            let new = sending();
            ledger.record(new.clone()).await.unwrap();
            ledger.settle_later(sent(&new, &format!("wamid.{}", new.id)));
        });
    }
    requests.join_all().await;
    ledger.close().await;

    let sent = Filter { state: Some(State::Sent), ..Filter::default() };
    assert_eq!(listed(&store, &sent).await.len(), 10_000);
    assert_eq!(ledger.lost(), 0);
}

pub async fn found(store: &Arc<dyn Store>, id: TransactionId) -> Transaction {
    store.find(&id.to_string()).await.unwrap().unwrap()
}

pub async fn listed(store: &Arc<dyn Store>, filter: &Filter) -> Vec<TransactionId> {
    ids(&store.search(filter, None, u32::MAX, u32::MAX).await.unwrap())
}
