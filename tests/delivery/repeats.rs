//! The same request twice: by its key, or by what it says.

use std::time::Duration;

use sabir::delivery::Order;
use sabir::model::{FaultKind, State};

use crate::provider::Does;
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn keyed(world: &World, key: &str, text: &str) -> Order {
    Order { idempotency_key: Some(key.to_owned()), ..world.text(text) }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_answered_as_its_first_request_was() {
    let world = World::new();
    let first = world.delivery.send(keyed(&world, "k", "Hi")).await;
    let again = world.delivery.send(keyed(&world, "k", "Hi")).await;
    assert_eq!(again.transaction, first.transaction);
    let ids = [first, again].map(|told| told.outcome.unwrap().accepted.message_id.unwrap());
    assert_eq!(ids, ["wamid.1", "wamid.1"]);
    assert_eq!((world.main.seen().len(), world.store.all().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_repeated_too() {
    let world = World::new();
    world.main.does(&[Does::Refuses(131_047)]);
    for _ in 0..2 {
        let told = world.delivery.send(keyed(&world, "k", "Hi")).await;
        assert_eq!(told.outcome.err().unwrap().kind, FaultKind::WindowClosed);
    }
    assert_eq!(world.main.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_of_what_waits_or_is_unknown_is_accepted() {
    for does in [Does::TakesAndBreaks, Does::RefusesFor(130_429, 3600)] {
        let world = World::new();
        world.main.does(&[does]);
        let first = world.delivery.send(keyed(&world, "k", "Hi")).await;
        world.pass(10 * SECOND).await;
        let again = world.delivery.send(keyed(&world, "k", "Hi")).await;
        assert_eq!(again.transaction, first.transaction);
        assert_eq!(again.outcome.unwrap().accepted.message_id, None);
        assert_eq!(world.main.seen().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_request_under_the_key_is_refused() {
    let world = World::new();
    world.delivery.send(keyed(&world, "k", "Hi")).await;
    let other = world.delivery.send(keyed(&world, "k", "Ho")).await;
    assert_eq!(other.outcome.err().unwrap().kind, FaultKind::KeyReused);
    assert_eq!(world.main.taken(), ["Hi"]);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_of_what_is_being_answered_is_told_so_here_and_at_another_gateway() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(5 * SECOND)]);
    let order = keyed(&world, "k", "Hi");
    let delivery = world.delivery.clone();
    let first = tokio::spawn(async move { delivery.send(order).await });
    world.pass(SECOND).await;
    let other = world.another();
    for gateway in [&world, &other] {
        let again = gateway.delivery.send(keyed(&world, "k", "Hi")).await;
        let fault = again.outcome.err().unwrap();
        assert_eq!((fault.kind, fault.retry_after), (FaultKind::Conflict, Some(SECOND)));
    }
    assert!(first.await.unwrap().outcome.is_ok());
    assert_eq!(world.main.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_known_after_a_restart_and_forgotten_after_a_day() {
    let world = World::new();
    let first = world.delivery.send(keyed(&world, "k", "Hi")).await;
    world.delivery.close().await;
    let again = world.another();
    assert_eq!(again.delivery.send(keyed(&world, "k", "Hi")).await.transaction, first.transaction);
    world.pass(25 * 3600 * SECOND).await;
    assert_ne!(again.delivery.send(keyed(&world, "k", "Hi")).await.transaction, first.transaction);
    assert_eq!(world.main.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_could_not_be_recorded_uses_no_key() {
    let world = World::new();
    world.store.goes_away(true);
    assert!(world.delivery.send(keyed(&world, "k", "Hi")).await.outcome.is_err());
    world.store.goes_away(false);
    assert!(world.delivery.send(keyed(&world, "k", "Hi")).await.outcome.is_ok());
}

#[tokio::test(start_paused = true)]
async fn equal_messages_count_as_one_for_as_long_as_the_account_says() {
    let world = World::with(|setting| setting.account.dedupe_window = Some(60 * SECOND));
    let first = world.send("Hi").await;
    assert_eq!(world.send("Hi").await.transaction, first.transaction);
    assert_ne!(world.send("Ho").await.transaction, first.transaction);
    world.pass(61 * SECOND).await;
    assert_ne!(world.send("Hi").await.transaction, first.transaction);
    assert_eq!(world.main.taken(), ["Hi", "Ho", "Hi"]);
}

#[tokio::test(start_paused = true)]
async fn an_equal_message_while_the_first_is_sent_waits_and_is_answered_alike() {
    let world = World::with(|setting| setting.account.dedupe_window = Some(60 * SECOND));
    world.main.does(&[Does::TakesAfter(3 * SECOND)]);
    let order = world.text("Hi");
    let delivery = world.delivery.clone();
    let first = tokio::spawn(async move { delivery.send(order).await });
    world.pass(SECOND).await;
    let again = world.send("Hi").await;
    let first = first.await.unwrap();
    assert_eq!(again.transaction, first.transaction);
    assert_eq!(world.until(first.transaction, State::Sent).await.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_names_the_message_as_its_callbacks_will() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(20 * SECOND)]);
    let first = world.delivery.send(keyed(&world, "k", "Hi")).await;
    assert_eq!(first.outcome.unwrap().accepted.message_id, None, "it waited long enough, and knows our id");
    world.until(first.transaction, State::Sent).await;
    let again = world.delivery.send(keyed(&world, "k", "Hi")).await;
    assert_eq!((again.transaction, again.outcome.unwrap().accepted.message_id), (first.transaction, None));
}
