//! Callbacks to clients' own servers over real HTTP: in order, once, and none delayed by another's silence.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails, and says where"
)]

#[path = "../support/receiver.rs"]
mod receiver;
mod world;

use std::time::Duration;

use receiver::{Manner, Receiver};
use sabir::store::{CallbackFilter, CallbackState};
use world::World;

const STEPS: [&str; 3] = ["sent", "delivered", "read"];

/// The steps that a client was told of a message, in the order in which it took them.
fn told(receiver: &Receiver, message: &str) -> Vec<String> {
    let bodies =
        receiver.taken().into_iter().map(|got| got.json()["entry"][0]["changes"][0]["value"]["statuses"][0].clone());
    let of_message = bodies.filter(|status| status["id"] == message);
    of_message.map(|status| status["status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_told_is_signed_in_the_clients_dialect() {
    let world = World::new("").await;
    let client = Receiver::start(Manner::Answer(204)).await;
    world.heard("wamid.A", &STEPS, &client.url).await;
    world.start();
    let taken = client.until_taken(3).await;
    assert_eq!(told(&client, "wamid.A"), STEPS);
    for got in taken {
        assert_eq!(got.header("content-type"), Some("application/json"));
        assert!(got.header("x-hub-signature-256").unwrap().starts_with("sha256="));
        assert_eq!(got.path, "/hook?of=shop");
    }
    world.close().await;
}

#[tokio::test]
async fn a_target_that_was_down_for_an_hour_gets_everything_in_order_and_once() {
    // Longer than the time that is simulated while a call is under way: a lease that ends has it told again.
    let world = World::new("[callbacks]\ntimeout = \"6h\"").await;
    let client = Receiver::start(Manner::Answer(503)).await;
    let messages: Vec<_> = (0..20).map(|nth| format!("wamid.{nth}")).collect();
    for message in &messages {
        world.heard(message, &STEPS, &client.url).await;
    }
    world.start();
    client.until(|client| client.got().len() >= 10).await;
    for _ in 0..60 {
        world.forward(Duration::from_secs(60));
        world.settled_or_due().await;
    }
    assert!(client.taken().is_empty());
    client.turn(Manner::Answer(200));
    while client.taken().len() < messages.len() * STEPS.len() {
        world.forward(Duration::from_secs(60));
        world.settled_or_due().await;
    }
    for message in &messages {
        assert_eq!(told(&client, message), STEPS, "{message}");
    }
    world.until_none(CallbackState::Pending).await;
    assert_eq!(client.taken().len(), messages.len() * STEPS.len());
    world.close().await;
}

#[tokio::test]
async fn one_that_never_answers_delays_nobody_else() {
    let world = World::new("[callbacks]\ntimeout = \"1s\"").await;
    let (silent, client) = (Receiver::start(Manner::Hang).await, Receiver::start(Manner::Answer(200)).await);
    for nth in 0..100 {
        world.heard(&format!("wamid.S{nth}"), &["sent"], &silent.url).await;
    }
    world.heard("wamid.A", &STEPS, &client.url).await;
    world.start();
    client.until_taken(3).await;
    assert_eq!(told(&client, "wamid.A"), STEPS);
    assert!(silent.got().len() <= 8, "no more than its places, and no sooner than they are free");
    world.close().await;
}

#[tokio::test]
async fn nor_does_one_that_has_an_address_for_each_message() {
    let world = World::new("[callbacks]\ntimeout = \"1s\"").await;
    let (silent, client) = (Receiver::start(Manner::Hang).await, Receiver::start(Manner::Answer(200)).await);
    for nth in 0..300 {
        world.heard(&format!("wamid.S{nth}"), &["sent"], &format!("{}/{nth}", silent.url)).await;
    }
    world.heard("wamid.A", &STEPS, &client.url).await;
    world.start();
    client.until_taken(3).await;
    assert_eq!(told(&client, "wamid.A"), STEPS);
    assert!(silent.got().len() <= 8, "no more than its places, and no sooner than they are free");
    world.close().await;
}

#[tokio::test]
async fn what_nobody_takes_for_a_day_is_dead_and_can_be_told_again() {
    let world = World::new("").await;
    let client = Receiver::start(Manner::Answer(500)).await;
    world.heard("wamid.A", &["sent"], &client.url).await;
    world.start();
    client.until(|client| client.got().len() == 1).await;
    while world.count(CallbackState::Dead).await == 0 {
        world.forward(Duration::from_secs(3600));
        world.settled_or_due().await;
    }
    let dead = world.callbacks(&CallbackFilter { state: Some(CallbackState::Dead), ..CallbackFilter::default() }).await;
    assert_eq!((dead[0].last_status, dead[0].last_error.as_deref()), (Some(500), Some("answered 500")));
    client.turn(Manner::Answer(200));
    world.replay(dead[0].id).await;
    // The breaker may be open still.
    while client.taken().is_empty() {
        world.forward(Duration::from_secs(300));
        world.settled_or_due().await;
    }
    world.until_none(CallbackState::Dead).await;
    world.close().await;
}

#[tokio::test]
async fn an_address_inside_is_not_called() {
    let world = World::new("").await;
    world.heard("wamid.A", &["sent"], "http://10.0.0.7").await;
    world.start();
    world.until_some(CallbackState::Dead).await;
    let dead = world.callbacks(&CallbackFilter::default()).await;
    let error = dead[0].last_error.as_deref().unwrap();
    assert!(error.contains("NET-PRIVATE") && error.contains("net.allow_private"), "{error}");
    world.close().await;
}
