//! Ten times as much as is allowed, for a few seconds: the allowed share is answered in time, the rest at once, and the
//! memory stays where it was. `scripts/soak` does the same for as long as one likes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sabir::clock::SystemClock;
use sabir::config;
use sabir::secret::Secret;
use sabir::store;
use serde_json::json;
use tempfile::TempDir;

use crate::alone::is_alone;
use crate::harness::{KEY, TestApp};

/// Messages that the account may send in a second.
const ALLOWED: usize = 25;
/// How long it tries to send ten times as many.
const LASTS: Duration = Duration::from_secs(4);
/// When the first clients give up; most answers take a few milliseconds where nothing else is tested meanwhile.
const IN_TIME: Duration = Duration::from_secs(9);

/// At the system's clock, since the allowed share is a share of time.
async fn gateway() -> TestApp {
    let folder = TempDir::new().unwrap();
    let account = format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\nrate = \"{ALLOWED}/s\"\n");
    let mut config = config::load_text(&account).unwrap().config;
    config.store.url = Secret::new(format!("sqlite://{}", folder.path().join("sabir.db").display()));
    let store = store::connect(&config.store).await.unwrap();
    store.migrate().await.unwrap();
    TestApp::at(Arc::new(SystemClock), config, store, folder).await
}

/// What this process holds in memory, in bytes.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// How long each answer took, with its status. Calls are made at their time, whatever became of those before.
async fn flood(app: &Arc<TestApp>) -> Vec<(u16, Duration)> {
    let text =
        json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": { "body": "Hi" } });
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let (started, mut calls) = (Instant::now(), Vec::new());
    while started.elapsed() < LASTS {
        ticks.tick().await;
        for _ in 0..ALLOWED / 5 {
            let (app, text) = (Arc::clone(app), text.clone());
            calls.push(tokio::spawn(async move {
                let asked = Instant::now();
                let status = app.post("/messages", &text).await.status;
                (status, asked.elapsed())
            }));
        }
    }
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_too_much_leaves_memory_flat_and_the_allowed_share_in_time() {
    if !is_alone("overload::ten_times_too_much_leaves_memory_flat_and_the_allowed_share_in_time") {
        return;
    }
    let app = Arc::new(gateway().await);
    flood(&app).await;
    let before = memory();
    let started = Instant::now();
    let answers = flood(&app).await;
    let lasted = started.elapsed().as_secs_f64();
    let grown = memory().saturating_sub(before);
    let taken: Vec<_> = answers.iter().filter(|(status, _)| *status == 200).collect();
    let refused = answers.iter().filter(|(status, _)| *status == 429).count();
    assert_eq!(taken.len() + refused, answers.len(), "nothing else comes of it: {answers:?}");
    assert!(answers.len() > ALLOWED * 20, "hardly a flood: {}", answers.len());
    // What is allowed comes at its pace, and at most one window on top.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let (taken_count, allowed) = (taken.len() as f64, ALLOWED as f64);
    assert!(taken_count <= allowed * (lasted + 1.0) + 1.0, "{taken_count} in {lasted}s");
    assert!(taken_count >= allowed * LASTS.as_secs_f64() * 0.7, "{taken_count} in {lasted}s");
    let slowest = answers.iter().map(|(_, took)| *took).max().unwrap();
    assert!(slowest < IN_TIME, "{slowest:?}");
    assert!(grown < 16 * 1024 * 1024, "{grown} bytes more");
    Arc::into_inner(app).unwrap().stop().await;
}
