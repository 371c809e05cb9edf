//! The order of each pair, whatever goes wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use sabir::delivery::Mode;
use sabir::model::State;

use crate::provider::Does;
use crate::world::World;

const PAIRS: usize = 100;

#[tokio::test(start_paused = true)]
async fn three_thousand_messages_over_a_hundred_pairs_arrive_in_order_under_faults() {
    arrive_in_order(3000, Mode::Queued).await;
}

#[tokio::test(start_paused = true)]
async fn those_of_clients_that_wait_arrive_in_order_too() {
    arrive_in_order(500, Mode::Sync).await;
}

async fn arrive_in_order(count: usize, mode: Mode) {
    let world = World::with(|setting| setting.account.mode = Some(mode));
    world.main.turns_between(&[
        Does::TakesAfter(Duration::from_millis(20)),
        Does::Takes,
        Does::IsAway,
        Does::TakesAfter(Duration::from_millis(250)),
        Does::Refuses(131_056),
        Does::Takes,
        Does::RefusesFor(131_057, 2),
    ]);
    let mut sending = Vec::new();
    for nth in 0..count {
        let order = world.text_to(&format!("4477009{:05}", nth % PAIRS), &format!("{nth}"));
        let delivery = world.delivery.clone();
        sending.push(tokio::spawn(async move { delivery.send(order).await.transaction }));
        if nth % PAIRS == 0 {
            world.pass(Duration::from_millis(50)).await;
        }
    }
    for sent in sending {
        world.until(sent.await.unwrap(), State::Sent).await;
    }
    let mut pairs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for text in world.main.taken() {
        let nth: usize = text.parse().unwrap();
        pairs.entry(nth % PAIRS).or_default().push(nth);
    }
    assert_eq!(pairs.values().map(Vec::len).sum::<usize>(), count, "each once");
    for (pair, arrived) in pairs {
        assert!(arrived.is_sorted(), "pair {pair}: {arrived:?}");
    }
}
