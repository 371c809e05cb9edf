//! Commits whose answer got lost: whoever was told that nothing was recorded acts by that, so nothing of it may stand.

use std::time::Duration;

use sabir::delivery::{Delivered, Mode, Order};
use sabir::model::{FaultKind, State};
use sabir::store::Cause;

use crate::provider::Does;
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn is_not_recorded(told: &Delivered) -> bool {
    told.outcome.as_ref().is_err_and(|fault| fault.kind == FaultKind::StoreUnavailable)
}

fn keyed(world: &World) -> Order {
    Order { idempotency_key: Some("k".to_owned()), ..world.text("Hi") }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_accepted_is_sent_when_it_comes_again() {
    let world = World::new();
    world.store.loses_answers(1);
    let first = world.delivery.send(keyed(&world)).await;
    assert!(is_not_recorded(&first));
    let again = world.delivery.send(keyed(&world)).await;
    assert_ne!(again.transaction, first.transaction);
    assert_eq!(again.outcome.unwrap().accepted.message_id.as_deref(), Some("wamid.1"));
    world.pass(3600 * SECOND).await;
    let first = world.find(first.transaction).await;
    assert_eq!((first.summary.state, first.turns[0].cause), (State::Failed, Cause::Withdrawn));
    assert_eq!(world.main.taken(), ["Hi"]);
}

#[tokio::test(start_paused = true)]
async fn nor_is_it_sent_by_the_queue_that_got_it() {
    let world = World::with(|setting| setting.account.mode = Some(Mode::Queued));
    world.store.loses_answers(1);
    let first = world.send("Hi").await;
    assert!(is_not_recorded(&first));
    world.pass(3600 * SECOND).await;
    assert!(world.main.seen().is_empty());
    assert_eq!(world.find(first.transaction).await.summary.state, State::Failed);
    let again = world.send("Hi").await;
    world.until(again.transaction, State::Sent).await;
    assert_eq!(world.main.taken(), ["Hi"]);
}

#[tokio::test(start_paused = true)]
async fn one_behind_another_of_its_pair_is_taken_back_too() {
    let world = World::new();
    world.main.does(&[Does::RefusesFor(131_057, 30)]);
    let other = world.send("one").await;
    world.store.loses_answers(1);
    assert!(is_not_recorded(&world.send("two").await));
    world.until(other.transaction, State::Sent).await;
    world.pass(3600 * SECOND).await;
    assert_eq!(world.main.taken(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_nobody_made_is_made_later_and_is_never_unknown() {
    let world = World::new();
    world.main.does(&[Does::IsAway]);
    let order = world.text("Hi");
    let id = order.id;
    let delivery = world.delivery.clone();
    let told = tokio::spawn(async move { delivery.send(order).await });
    world.until(id, State::Waiting).await;
    world.store.loses_answers(1);
    assert!(told.await.unwrap().outcome.is_ok(), "it is on the record");
    let found = world.until(id, State::Sent).await;
    assert!(found.turns.iter().all(|turn| turn.to != State::Unknown), "{:?}", found.turns);
    assert_eq!(world.main.taken(), ["Hi"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_doubt_while_the_store_is_away_is_taken_back_when_it_is_there() {
    let world = World::new();
    world.store.loses_answers(1);
    let first = world.delivery.send(keyed(&world)).await;
    world.store.goes_away(true);
    world.pass(10 * SECOND).await;
    assert!(is_not_recorded(&world.delivery.send(keyed(&world)).await));
    world.store.goes_away(false);
    let again = world.delivery.send(keyed(&world)).await;
    assert_eq!(again.outcome.unwrap().accepted.message_id.as_deref(), Some("wamid.1"));
    assert_eq!(world.find(first.transaction).await.summary.state, State::Failed);
}

#[tokio::test(start_paused = true)]
async fn of_a_failure_a_client_that_was_answered_is_told_with_the_commit_that_ends_it() {
    let world = World::with(|setting| {
        setting.account.mode = Some(Mode::Queued);
        // A day of simulated time is passed in small steps.
        setting.account.give_up_after = Some(600 * SECOND);
    });
    world.main.does(&[Does::Refuses(131_047)]);
    let told = world.send("Hi").await;
    assert!(told.outcome.is_ok());
    world.until(told.transaction, State::Failed).await;
    assert_eq!(world.store.told(), [told.transaction]);

    world.main.always(Does::IsAway);
    let late = world.send("Hi").await;
    world.until(late.transaction, State::Failed).await;
    assert_eq!(world.store.told(), [told.transaction, late.transaction]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hears_of_a_failure_in_its_answer_is_not_told_again() {
    let world = World::new();
    world.main.does(&[Does::Refuses(131_047)]);
    let told = world.send("Hi").await;
    assert!(told.outcome.is_err());
    world.until(told.transaction, State::Failed).await;
    assert!(world.store.told().is_empty());
}
