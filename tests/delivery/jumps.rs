//! The machine's clock is set, back or forward, while messages are under way and wait. None is lost, none goes out twice, and
//! none waits longer than the clock was set by.

use std::time::Duration;

use sabir::delivery::Mode;
use sabir::model::State;
use sabir::store::Cause;

use crate::provider::Does;
use crate::world::{Setting, World};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn queued(setting: &mut Setting) {
    setting.account.mode = Some(Mode::Queued);
}

#[tokio::test(start_paused = true)]
async fn set_back_an_hour_what_waits_is_due_by_the_new_time_and_what_comes_goes_at_once() {
    let world = World::with(queued);
    world.main.always(Does::IsAway);
    let waiting = world.send("Hi").await.transaction;
    world.until(waiting, State::Waiting).await;
    world.clock.jump(-HOUR);
    world.main.always(Does::Takes);
    let new = world.delivery.send(world.text_to("447700900124", "Hi")).await.transaction;
    world.pass(10 * SECOND).await;
    assert_eq!(world.find(new).await.summary.state, State::Sent);
    world.pass(3700 * SECOND).await;
    assert_eq!(world.find(waiting).await.summary.state, State::Sent);
    assert_eq!(world.main.taken().len(), 2, "each went out once");
}

#[tokio::test(start_paused = true)]
async fn set_back_while_it_is_called_the_outcome_counts() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(5 * SECOND)]);
    let (order, delivery) = (world.text("Hi"), world.delivery.clone());
    let id = order.id;
    let sending = tokio::spawn(async move { delivery.send(order).await });
    world.pass(SECOND).await;
    world.clock.jump(-HOUR);
    sending.await.unwrap().outcome.unwrap_or_else(|fault| panic!("{fault:?}"));
    world.until(id, State::Sent).await;
    assert_eq!(world.main.taken().len(), 1);
}

/// Its lease is over by the new time, so for a moment nobody vouches for it; what the provider says then settles that.
#[tokio::test(start_paused = true)]
async fn set_forward_a_day_while_it_is_called_it_goes_out_once_and_its_outcome_counts() {
    let world = World::new();
    world.main.does(&[Does::TakesAfter(20 * SECOND)]);
    let (order, delivery) = (world.text("Hi"), world.delivery.clone());
    let id = order.id;
    let sending = tokio::spawn(async move { delivery.send(order).await });
    world.pass(SECOND).await;
    world.clock.jump(DAY);
    let other = world.another();
    other.pass(10 * SECOND).await;
    assert_eq!(other.find(id).await.summary.state, State::Unknown);
    sending.await.unwrap().outcome.unwrap_or_else(|fault| panic!("{fault:?}"));
    world.pass(20 * SECOND).await;
    assert_eq!(world.find(id).await.summary.state, State::Sent);
    assert_eq!(world.main.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn set_forward_what_waits_goes_at_once_and_what_is_too_old_by_then_fails_unsent() {
    for (by, state) in [(DAY / 2, State::Sent), (2 * DAY, State::Failed)] {
        let world = World::with(queued);
        world.main.always(Does::IsAway);
        let waiting = world.send("Hi").await.transaction;
        world.until(waiting, State::Waiting).await;
        world.main.always(Does::Takes);
        world.clock.jump(by);
        world.pass(60 * SECOND).await;
        let found = world.find(waiting).await;
        assert_eq!(found.summary.state, state, "{by}");
        assert_eq!(world.main.taken().len(), usize::from(state == State::Sent), "{by}");
        let is_told = found.turns.last().is_some_and(|turn| turn.cause == Cause::Deadline);
        assert_eq!(is_told, state == State::Failed, "{by}");
    }
}
