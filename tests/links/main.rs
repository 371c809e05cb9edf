//! Files behind links, against servers on loopback that answer as servers do: every case of the corpus's lists of links,
//! answers and caching; and what a server can do to hold a gateway up.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop where it stands"
)]

#[cfg(target_os = "linux")]
#[path = "../support/alone.rs"]
mod alone;
mod caching;
mod command;
mod crowd;
mod hostile;
mod origin;
mod parts;
#[path = "../support/probe_link.rs"]
mod probe;
mod scenarios;
mod urls;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytesize::ByteSize;
use sabir::clock::{Clock, FixedClock};
use sabir::media::check::Route;
use sabir::media::links::Config;
use sabir::media::links::{Ask, Links, Redirects};
use sabir::model::{MediaKind, TransactionId};
use sabir::net::Resolve;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

/// Links under test, with what they stand on.
struct Bench {
    links: Arc<Links>,
    clock: Arc<HandClock>,
    names: Arc<Names>,
    folder: TempDir,
}

impl Bench {
    /// Links that reach this machine, as a setting allows.
    fn new() -> Self {
        Self::with(&["127.0.0.0/8"], |_| {})
    }

    fn with(allowed: &[&str], change: impl FnOnce(&mut Config)) -> Self {
        let mut config = limits();
        change(&mut config);
        let (clock, names, folder) = (Arc::default(), Arc::<Names>::default(), TempDir::new().unwrap());
        let allowed: Vec<_> = allowed.iter().map(|entry| entry.parse().unwrap()).collect();
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let resolver = Arc::clone(&names) as Arc<dyn Resolve>;
        let links = Links::with_resolver(&config, &allowed, folder.path(), shared, resolver).unwrap();
        Self { links, clock, names, folder }
    }

    /// How many fetched files lie on the disk.
    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }
}

/// The limits of the corpus's list, in short.
fn limits() -> Config {
    Config {
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_secs(2),
        total_timeout: Duration::from_secs(3),
        min_speed: ByteSize::b(1),
        fetches_per_host: 64,
        fetches_per_account: 64,
        cache_size: ByteSize::mib(64),
        cache_entries: 100,
    }
}

/// An image that a client of an account wants to send.
fn ask(url: &str) -> Ask<'_> {
    Ask {
        account: "shop",
        url,
        kind: MediaKind::Image,
        credentials: None,
        redirects: Redirects::Follow,
        max_bytes: 1_000_000,
        route: Route::Upload,
    }
}

/// A clock that is set by hand.
struct HandClock {
    now: Mutex<OffsetDateTime>,
    ids: FixedClock,
}

impl Default for HandClock {
    fn default() -> Self {
        let now = datetime!(2026-03-01 12:00 UTC);
        Self { now: Mutex::new(now), ids: FixedClock::at(now) }
    }
}

impl HandClock {
    fn go_on(&self, seconds: u64) {
        *self.now.lock().unwrap() += Duration::from_secs(seconds);
    }
}

impl Clock for HandClock {
    fn now(&self) -> OffsetDateTime {
        *self.now.lock().unwrap()
    }

    fn transaction_id(&self) -> TransactionId {
        self.ids.transaction_id()
    }

    fn media_id(&self) -> String {
        self.ids.media_id()
    }

    fn process_id(&self) -> uuid::Uuid {
        self.ids.process_id()
    }

    fn chance(&self) -> f64 {
        self.ids.chance()
    }
}

/// Names and what they resolve to, look-up by look-up; the last answer stays.
#[derive(Default)]
struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn tell(&self, name: &str, answers: &[&[&str]]) {
        let answers = answers.iter().map(|answer| answer.iter().map(|address| address.parse().unwrap()).collect());
        self.answers.lock().unwrap().insert(name.to_owned(), answers.collect());
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolve for Names {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let Some(answers) = answers.get_mut(host) else { return Ok(vec!["93.184.216.34".parse().unwrap()]) };
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

/// A file of the corpus.
fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/media").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
