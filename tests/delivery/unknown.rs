//! Messages of which nobody knows whether they went out, and what people and providers say of them.

use std::time::Duration;

use sabir::delivery::{Action, NotDone, OnUnknown, Word};
use sabir::model::{State, TransactionId};
use sabir::store::Cause;

use crate::provider::Does;
use crate::world::World;

const MINUTE: Duration = Duration::from_secs(60);

fn operator() -> Word {
    Word { cause: Cause::Operator, detail: Some("found in the provider's log".to_owned()), fault: None }
}

async fn unknown(world: &World) -> TransactionId {
    world.main.does(&[Does::TakesAndBreaks]);
    let told = world.send("Hi").await;
    assert!(told.outcome.is_ok(), "a client that heard of a failure would send again");
    world.until(told.transaction, State::Unknown).await.summary.id
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_is_held_for_ever_where_the_account_says_nothing() {
    let world = World::new();
    let id = unknown(&world).await;
    world.pass(48 * 60 * MINUTE).await;
    assert_eq!(world.find(id).await.summary.state, State::Unknown);
    assert_eq!(world.main.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_sent_again_after_its_window_where_the_account_wants_that() {
    let world = World::with(|setting| setting.account.unknown = OnUnknown::Resend);
    let id = unknown(&world).await;
    world.pass(14 * MINUTE).await;
    assert_eq!(world.main.seen().len(), 1);
    world.pass(2 * MINUTE).await;
    let found = world.until(id, State::Sent).await;
    assert_eq!((found.attempts.len(), found.turns[0].cause), (2, Cause::Policy));
    assert!(world.main.times()[1] >= 15 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_message_behind_one_that_is_unknown_does_not_wait_for_it() {
    let world = World::new();
    unknown(&world).await;
    assert!(world.send("next").await.outcome.unwrap().accepted.message_id.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_maker_is_gone_becomes_unknown() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(3600 * MINUTE)]);
    let order = world.text("Hi");
    let id = order.id;
    let delivery = world.delivery.clone();
    let sending = tokio::spawn(async move { delivery.send(order).await });
    world.pass(20 * Duration::from_secs(1)).await;
    assert_eq!(world.find(id).await.summary.state, State::Sending);
    let other = world.another();
    other.pass(MINUTE).await;
    let found = other.find(id).await;
    assert_eq!((found.summary.state, found.turns[0].cause), (State::Unknown, Cause::Abandoned));
    assert_eq!(world.main.seen().len(), 1);
    sending.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_operator_settles_what_is_unknown() {
    for (action, state) in
        [(Action::SettleSent, State::Sent), (Action::SettleFailed, State::Failed), (Action::GiveUp, State::Failed)]
    {
        let world = World::new();
        let id = unknown(&world).await;
        assert_eq!(world.delivery.operate(id, action, operator()).await.unwrap(), state);
        let found = world.find(id).await;
        assert_eq!((found.summary.state, found.turns[0].cause), (state, Cause::Operator));
        assert_eq!(found.turns[0].detail.as_deref(), Some("found in the provider's log"));
        assert!(world.store.job(id).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_has_it_sent_again() {
    let world = World::new();
    let id = unknown(&world).await;
    world.delivery.operate(id, Action::Resend { forced: false }, operator()).await.unwrap();
    let found = world.until(id, State::Sent).await;
    assert_eq!((found.attempts.len(), world.main.seen().len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_again_by_a_person_is_young_again() {
    let world = World::new();
    let id = unknown(&world).await;
    world.pass(72 * 60 * MINUTE).await;
    world.delivery.operate(id, Action::Resend { forced: false }, operator()).await.unwrap();
    world.until(id, State::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_sent_again_only_where_an_operator_insists() {
    let world = World::new();
    let id = world.send("Hi").await.transaction;
    world.until(id, State::Sent).await;
    let refused = world.delivery.operate(id, Action::Resend { forced: false }, operator()).await;
    assert!(matches!(refused, Err(NotDone::Unfit(State::Sent))), "{refused:?}");
    world.delivery.operate(id, Action::Resend { forced: true }, operator()).await.unwrap();
    world.until(id, State::Sent).await;
    assert_eq!(world.main.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_while_an_attempt_is_under_way() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(Duration::from_secs(5))]);
    let order = world.text("Hi");
    let id = order.id;
    let delivery = world.delivery.clone();
    let sending = tokio::spawn(async move { delivery.send(order).await });
    world.pass(Duration::from_secs(1)).await;
    for action in [Action::GiveUp, Action::Resend { forced: true }, Action::SettleFailed] {
        let refused = world.delivery.operate(id, action, operator()).await;
        assert!(matches!(refused, Err(NotDone::Unfit(State::Sending))), "{refused:?}");
    }
    sending.await.unwrap();
    assert!(matches!(
        world.delivery.operate(TransactionId(uuid::Uuid::nil()), Action::GiveUp, operator()).await,
        Err(NotDone::Missing)
    ));
}
