//! What waits in the queue: who takes it up, and what becomes of it across stops and crashes.

use std::time::Duration;

use sabir::delivery::Mode;
use sabir::model::State;
use sabir::store::Cause;
use tokio::time::Instant;

use crate::provider::Does;
use crate::world::{Setting, World};

const SECOND: Duration = Duration::from_secs(1);

fn queued(setting: &mut Setting) {
    setting.account.mode = Some(Mode::Queued);
}

#[tokio::test(start_paused = true)]
async fn a_queued_request_is_answered_before_it_is_sent() {
    let world = World::with(queued);
    world.main.does(&[Does::TakesAfter(5 * SECOND)]);
    let started = Instant::now();
    let told = world.send("Hi").await;
    assert_eq!(told.outcome.unwrap().accepted.message_id, None);
    assert_eq!(started.elapsed(), Duration::ZERO);
    let found = world.until(told.transaction, State::Sent).await;
    assert_eq!(found.summary.message_id.as_deref(), Some("wamid.1"));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_sent_for_a_day_fails() {
    let world = World::with(queued);
    world.main.always(Does::IsAway);
    let told = world.send("Hi").await;
    world.pass(23 * 3600 * SECOND).await;
    assert_eq!(world.find(told.transaction).await.summary.state, State::Waiting);
    world.pass(2 * 3600 * SECOND).await;
    let found = world.find(told.transaction).await;
    assert_eq!(found.summary.state, State::Failed);
    assert!(found.attempts.len() < 250, "{} tries in a day", found.attempts.len());
    assert!(world.store.job(told.transaction).is_none());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_worked_on_in_time_fails_unsent() {
    let world = World::with(|setting| {
        queued(setting);
        setting.is_idle = true;
    });
    let told = world.send("Hi").await;
    world.pass(25 * 3600 * SECOND).await;
    let later = world.another();
    let found = later.until(told.transaction, State::Failed).await;
    assert_eq!(found.turns[0].cause, Cause::Deadline);
    assert_eq!(found.summary.fault.as_deref(), Some("expired"));
    assert!(world.main.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_where_the_last_run_ended() {
    let world = World::with(queued);
    world.main.always(Does::IsAway);
    let mut sent = Vec::new();
    for nth in 0..20 {
        sent.push(world.delivery.send(world.text_to(&format!("4477009{nth:05}"), "Hi")).await.transaction);
    }
    world.delivery.close().await;
    for id in &sent {
        let job = world.store.job(*id).unwrap();
        assert_eq!(job.holder, None, "nothing is held after a clean stop");
    }
    world.main.always(Does::Takes);
    let again = world.another();
    for id in sent {
        again.until(id, State::Sent).await;
    }
    assert_eq!(world.main.taken().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_call_that_is_under_way() {
    let world = World::with(queued);
    world.main.does(&[Does::TakesAfter(5 * SECOND)]);
    let told = world.send("Hi").await;
    world.pass(SECOND).await;
    world.delivery.close().await;
    assert_eq!(world.store.all()[0].summary.state, State::Sent);
    assert_eq!(world.store.all()[0].summary.id, told.transaction);
}

#[tokio::test(start_paused = true)]
async fn who_slept_through_its_lease_sends_nothing() {
    let world = World::with(|setting| {
        queued(setting);
        // It waits for its pace while somebody else takes it.
        (setting.limits.rate, setting.limits.burst) = (Some(2.0), 1);
    });
    world.send("first").await;
    let told = world.delivery.send(world.text_to("447700900001", "second")).await;
    world.pass(Duration::from_millis(10)).await;
    world.store.taken_by_another(told.transaction);
    world.pass(10 * SECOND).await;
    assert_eq!(world.main.taken(), ["first"]);
    assert_eq!(world.find(told.transaction).await.summary.state, State::Accepted);
}

#[tokio::test(start_paused = true)]
async fn two_gateways_share_a_backlog_without_a_duplicate() {
    let world = World::with(|setting| {
        queued(setting);
        setting.limits.concurrency = 8;
    });
    world.main.always(Does::TakesAfter(Duration::from_millis(20)));
    let other = world.another();
    let mut sent = Vec::new();
    for nth in 0..500 {
        sent.push(world.delivery.send(world.text_to(&format!("4477009{nth:05}"), &nth.to_string())).await.transaction);
    }
    for id in sent {
        world.until(id, State::Sent).await;
    }
    let mut taken = world.main.taken();
    taken.sort();
    taken.dedup();
    assert_eq!((taken.len(), world.main.seen().len()), (500, 500));
    assert_eq!(world.main.most_at_once(), 16, "both work");
    other.delivery.close().await;
}

#[tokio::test(start_paused = true)]
async fn gateways_share_the_pace_of_an_upstream() {
    let world = World::with(|setting| {
        queued(setting);
        (setting.limits.rate, setting.limits.burst) = (Some(10.0), 1);
    });
    let _other = world.another();
    world.pass(20 * SECOND).await;
    let mut sent = Vec::new();
    for nth in 0..200 {
        sent.push(world.delivery.send(world.text_to(&format!("4477009{nth:05}"), "Hi")).await.transaction);
    }
    for id in sent {
        world.until(id, State::Sent).await;
    }
    let took = *world.main.times().last().unwrap();
    assert!((19 * SECOND..30 * SECOND).contains(&took), "200 messages at ten a second took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_of_an_upstream_that_is_gone_takes_the_way_that_there_is() {
    let world = World::with(|setting| {
        queued(setting);
        setting.is_idle = true;
    });
    let told = world.send("Hi").await;
    world.store.moved_to(told.transaction, "bygone");
    let later = world.another();
    later.until(told.transaction, State::Sent).await;
    assert_eq!(world.main.taken(), ["Hi"]);
}
