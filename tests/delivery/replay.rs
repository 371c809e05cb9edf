//! Many transactions sent once more.

use sabir::store::Filter;

use crate::provider::Does;
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn what_fits_is_found_wherever_it_stands_among_what_does_not() {
    let world = World::new();
    let mut failed = Vec::new();
    for fails in [true, false, false, true, false] {
        world.main.does(if fails { &[Does::Refuses(131_026)] } else { &[] });
        let told = world.send("Hi").await;
        assert_eq!(told.outcome.is_err(), fails);
        if fails {
            failed.push(told.transaction);
        }
    }
    world.delivery.settled().await;

    let selection = world.delivery.select(&Filter::default()).await.unwrap();
    let found: Vec<_> = selection.transactions.iter().map(|summary| summary.id).collect();
    assert_eq!(found, failed, "the first first");
    assert!(!selection.is_cut);
}
