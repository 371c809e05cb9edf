//! What a client that waits is told, and when; and what becomes of its message after that.

use std::time::Duration;

use sabir::delivery::Delivered;
use sabir::model::{FaultKind, State};
use tokio::time::Instant;

use crate::provider::Does;
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

/// The upstream's id in an answer; none where it is accepted under our own. Panics where it is a fault.
fn id(delivered: &Delivered) -> Option<&str> {
    delivered.outcome.as_ref().map(|taken| taken.accepted.message_id.as_deref()).unwrap()
}

fn kind(delivered: &Delivered) -> FaultKind {
    delivered.outcome.as_ref().err().unwrap().kind
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_taken_is_answered_with_the_upstreams_id() {
    let world = World::new();
    let told = world.send("Hi").await;
    assert_eq!(id(&told), Some("wamid.1"));
    let found = world.until(told.transaction, State::Sent).await;
    assert_eq!(found.attempts.len(), 1);
    assert!(world.store.job(told.transaction).is_none());
}

#[tokio::test(start_paused = true)]
async fn between_record_and_call_there_is_no_second_commit() {
    let world = World::new();
    world.main.watches(world.store.commits());
    world.send("Hi").await;
    assert_eq!(world.main.seen()[0].commits, 1);
}

#[tokio::test(start_paused = true)]
async fn passing_trouble_is_retried_while_the_client_waits() {
    let world = World::new();
    world.main.does(&[Does::IsAway, Does::IsAway]);
    let started = Instant::now();
    let told = world.send("Hi").await;
    assert_eq!(id(&told), Some("wamid.1"));
    assert_eq!(started.elapsed().as_millis() / 100, 15, "half a second, then a whole one");
    let found = world.until(told.transaction, State::Sent).await;
    let states: Vec<_> = found.attempts.iter().map(|attempt| attempt.state.unwrap()).collect();
    assert_eq!(states, [State::Waiting, State::Waiting, State::Sent]);
}

#[tokio::test(start_paused = true)]
async fn trouble_that_lasts_is_answered_as_accepted_and_ends_by_itself() {
    let world = World::new();
    world.main.always(Does::IsAway);
    let started = Instant::now();
    let told = world.send("Hi").await;
    assert_eq!(id(&told), None);
    assert!(started.elapsed() <= Duration::from_millis(8500));
    assert_eq!(world.until(told.transaction, State::Waiting).await.summary.fault.unwrap(), "upstream_unreachable");
    world.pass(3600 * SECOND).await;
    world.main.always(Does::Takes);
    world.until(told.transaction, State::Sent).await;
    assert_eq!(world.main.taken(), ["Hi"]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_lasts_is_answered_as_the_fault_and_not_repeated() {
    let world = World::new();
    world.main.always(Does::Refuses(131_047));
    let told = world.send("Hi").await;
    assert_eq!(kind(&told), FaultKind::WindowClosed);
    world.pass(3600 * SECOND).await;
    assert_eq!(world.main.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_upstream_says_of_the_next_try_is_never_undercut() {
    let world = World::new();
    world.main.does(&[Does::RefusesFor(130_429, 5), Does::RefusesFor(130_429, 60)]);
    let told = world.send("Hi").await;
    assert_eq!(id(&told), None, "a minute is longer than a client waits");
    world.until(told.transaction, State::Sent).await;
    let times = world.main.times();
    assert!(times[1] >= 5 * SECOND && times[2] >= times[1] + 60 * SECOND, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waited_long_enough_is_answered_while_the_call_goes_on() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(20 * SECOND)]);
    let started = Instant::now();
    let told = world.send("Hi").await;
    assert_eq!((id(&told), started.elapsed().as_millis()), (None, 8500));
    world.until(told.transaction, State::Sent).await;
    assert_eq!(world.main.taken(), ["Hi"]);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_pair_wait_for_each_other_and_no_other_pair_does() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(3 * SECOND)]);
    let orders = [world.text("one"), world.text("two"), world.text("three"), world.text_to("447700900999", "other")];
    let sending = orders.map(|order| {
        tokio::spawn({
            let delivery = world.delivery.clone();
            async move { delivery.send(order).await }
        })
    });
    for sent in sending {
        assert!(id(&sent.await.unwrap()).is_some());
    }
    assert_eq!(world.main.taken(), ["one", "other", "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_in_line_for_too_long_is_left_to_the_queue_and_keeps_its_place() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(12 * SECOND)]);
    let first = world.text("one");
    let delivery = world.delivery.clone();
    let first = tokio::spawn(async move { delivery.send(first).await });
    world.pass(SECOND).await;
    let second = world.send("two").await;
    assert_eq!(id(&second), None);
    first.await.unwrap();
    world.until(second.transaction, State::Sent).await;
    assert_eq!(world.main.taken(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_behind_one_that_waits_is_queued_at_once() {
    let world = World::new();
    world.main.does(&[Does::RefusesFor(131_057, 30)]);
    let first = world.send("one").await;
    let started = Instant::now();
    let second = world.send("two").await;
    assert_eq!((id(&first), id(&second)), (None, None));
    assert_eq!(started.elapsed(), Duration::ZERO);
    world.until(second.transaction, State::Sent).await;
    assert_eq!(world.main.taken(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_faster_than_the_upstreams_pace_waits_and_then_is_queued() {
    let world = World::with(|setting| (setting.limits.rate, setting.limits.burst) = (Some(1.0), 2));
    let sending: Vec<_> = (0..20)
        .map(|nth| {
            let order = world.text_to(&format!("4477009{nth:05}"), &nth.to_string());
            let delivery = world.delivery.clone();
            tokio::spawn(async move { delivery.send(order).await })
        })
        .collect();
    let mut answered = Vec::new();
    for sent in sending {
        answered.push(sent.await.unwrap());
    }
    assert_eq!(
        answered.iter().filter(|told| id(told).is_some()).count(),
        10,
        "two at once, and eight in eight seconds"
    );
    for told in &answered {
        world.until(told.transaction, State::Sent).await;
    }
    let times = world.main.times();
    assert!(
        times
            .windows(3)
            .all(|window| window[2] - window[1] >= Duration::from_millis(990) || window[1] == Duration::ZERO),
        "{times:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pair_has_its_own_pace() {
    let world = World::with(|setting| {
        (setting.limits.pair_interval, setting.limits.pair_burst) = (Some(6 * SECOND), 2);
    });
    for nth in 0..4 {
        world.send(&nth.to_string()).await;
    }
    world.pass(60 * SECOND).await;
    assert_eq!(world.main.taken(), ["0", "1", "2", "3"]);
    let times = world.main.times();
    assert!(times[1] == Duration::ZERO && times[2] >= 6 * SECOND && times[3] >= 12 * SECOND, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_made_at_once_than_allowed() {
    let world = World::with(|setting| setting.limits.concurrency = 3);
    world.main.always(Does::TakesAfter(SECOND));
    let sending: Vec<_> = (0..10)
        .map(|nth| {
            let order = world.text_to(&format!("4477009{nth:05}"), "Hi");
            let delivery = world.delivery.clone();
            tokio::spawn(async move { delivery.send(order).await })
        })
        .collect();
    for sent in sending {
        assert!(id(&sent.await.unwrap()).is_some());
    }
    assert_eq!(world.main.most_at_once(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_certainly_did_not_go_out_goes_over_the_next_upstream_at_once() {
    for does in [Does::IsAway, Does::Refuses(190)] {
        let world = World::with(|setting| setting.has_spare = true);
        world.main.does(&[does]);
        let started = Instant::now();
        let told = world.send("Hi").await;
        assert_eq!((id(&told), started.elapsed()), (Some("wamid.1"), Duration::ZERO));
        let found = world.until(told.transaction, State::Sent).await;
        let over: Vec<_> = found.attempts.iter().map(|attempt| attempt.upstream.as_str()).collect();
        assert_eq!(over, ["main", "spare"]);
        assert_eq!(world.spare.taken(), ["Hi"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_gone_out_goes_over_no_other() {
    let world = World::with(|setting| setting.has_spare = true);
    world.main.does(&[Does::TakesAndBreaks]);
    let told = world.send("Hi").await;
    world.pass(3600 * SECOND).await;
    assert_eq!(world.find(told.transaction).await.summary.state, State::Unknown);
    assert!(world.spare.seen().is_empty() && world.main.seen().len() == 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_stops_the_upstream_and_everything_goes_once_it_is_mended() {
    let world = World::new();
    world.main.always(Does::Refuses(190));
    let first = world.send("one").await;
    let others = [world.text_to("447700900001", "two"), world.text_to("447700900002", "three")];
    let mut sent = vec![first.transaction];
    for order in others {
        sent.push(order.id);
        assert_eq!(id(&world.delivery.send(order).await), None);
    }
    assert!(world.main.seen().len() < 3, "the others are not even tried");
    assert_eq!(world.delivery.upstreams()[0].health.words(), "left alone after upstream_credential");
    world.pass(600 * SECOND).await;
    assert!(world.main.seen().len() < 12, "now and then one finds out");
    world.main.always(Does::Takes);
    for id in sent {
        world.until(id, State::Sent).await;
    }
    assert_eq!(world.delivery.upstreams()[0].health.words(), "ok");
    assert_eq!(world.main.taken().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_nothing_is_sent_and_clients_are_told_to_try_again() {
    let world = World::new();
    world.store.goes_away(true);
    let started = Instant::now();
    let told = world.send("Hi").await;
    assert_eq!(kind(&told), FaultKind::StoreUnavailable);
    assert!(started.elapsed() <= SECOND);
    assert!(world.main.seen().is_empty());
    world.store.goes_away(false);
    assert!(id(&world.send("again").await).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_could_not_be_recorded_is_recorded_when_the_store_is_back() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(2 * SECOND)]);
    let order = world.text("Hi");
    let transaction = order.id;
    let delivery = world.delivery.clone();
    let told = tokio::spawn(async move { delivery.send(order).await });
    world.pass(SECOND).await;
    world.store.goes_away(true);
    assert_eq!(id(&told.await.unwrap()), Some("wamid.1"));
    world.pass(20 * SECOND).await;
    world.store.goes_away(false);
    world.until(transaction, State::Sent).await;
    assert_eq!(world.main.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_asks_to_wait_for_ages_breaks_nothing() {
    let world = World::new();
    world.main.does(&[Does::RefusesFor(130_429, u64::MAX)]);
    let told = world.send("Hi").await;
    assert_eq!(kind(&told), FaultKind::RateLimited, "after a day it is too late for this one");
    assert_eq!(world.find(told.transaction).await.summary.state, State::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_pair_that_waits_for_its_pace_holds_no_place() {
    let world = World::with(|setting| {
        (setting.limits.concurrency, setting.limits.pair_interval, setting.limits.pair_burst) =
            (1, Some(6 * SECOND), 1);
    });
    world.send("one").await;
    let waiting = world.text("two");
    let delivery = world.delivery.clone();
    let waiting = tokio::spawn(async move { delivery.send(waiting).await });
    world.pass(SECOND).await;
    let started = Instant::now();
    assert!(id(&world.delivery.send(world.text_to("447700900999", "other")).await).is_some());
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert!(id(&waiting.await.unwrap()).is_some());
}
