//! A provider that does as it is told.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use sabir::net::{CallError, Chunks, Streamed};
use sabir::upstream::Transport;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// What it does with a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Does {
    /// Takes it.
    Takes,
    /// Takes it after a while.
    TakesAfter(Duration),
    /// Takes it, and the connection breaks.
    TakesAndBreaks,
    /// Is not there.
    IsAway,
    /// Refuses it, with a code of the Cloud API's.
    Refuses(i64),
    /// Refuses it so, and says how many seconds to wait.
    RefusesFor(i64, u64),
}

/// A message that reached it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    pub body: Value,
    pub was_taken: bool,
    /// How many commits there had been, where that is watched.
    pub commits: usize,
}

/// A provider of the Cloud API.
#[derive(Default)]
pub struct Provider {
    next: Mutex<VecDeque<Does>>,
    always: Mutex<Vec<Does>>,
    calls: AtomicUsize,
    commits: Mutex<Arc<AtomicUsize>>,
    seen: Mutex<Vec<Seen>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Provider {
    /// What it does next, in this order; then it takes everything.
    pub fn does(&self, next: &[Does]) {
        self.next.lock().unwrap().extend(next);
    }

    /// What it does from now on.
    pub fn always(&self, does: Does) {
        self.turns_between(&[does]);
    }

    /// What it does by turns from now on.
    pub fn turns_between(&self, turns: &[Does]) {
        self.next.lock().unwrap().clear();
        *self.always.lock().unwrap() = turns.to_vec();
    }

    /// Notes with each call how many commits there had been.
    pub fn watches(&self, commits: Arc<AtomicUsize>) {
        *self.commits.lock().unwrap() = commits;
    }

    fn does_now(&self) -> Does {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        let next = self.next.lock().unwrap().pop_front();
        let always = self.always.lock().unwrap();
        next.or_else(|| always.get(nth % always.len().max(1)).copied()).unwrap_or(Does::Takes)
    }

    /// Every call that reached it.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The texts that it took, in their order.
    pub fn taken(&self) -> Vec<String> {
        let taken = self.seen().into_iter().filter(|seen| seen.was_taken);
        taken.map(|seen| seen.body["text"]["body"].as_str().unwrap().to_owned()).collect()
    }

    /// How long after the first call each came.
    pub fn times(&self) -> Vec<Duration> {
        let seen = self.seen();
        seen.iter().map(|call| call.at - seen[0].at).collect()
    }

    /// How many calls there were at once at most.
    pub fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    fn notes(&self, request: &Request<Bytes>, was_taken: bool) -> usize {
        let body = serde_json::from_slice(request.body()).unwrap();
        let mut seen = self.seen.lock().unwrap();
        let commits = self.commits.lock().unwrap().load(Ordering::SeqCst);
        seen.push(Seen { at: Instant::now(), body, was_taken, commits });
        seen.len()
    }
}

/// The way to it.
pub struct Line(pub Arc<Provider>);

#[async_trait]
impl Transport for Line {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        let provider = &self.0;
        let does = provider.does_now();
        let now = provider.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        provider.most.fetch_max(now, Ordering::SeqCst);
        let answer = answer(provider, &request, does).await;
        provider.under_way.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    async fn upload(&self, _: Request<Streamed>) -> Result<Response<Bytes>, CallError> {
        Ok(json_of(200, &json!({ "id": "given-1" }), None))
    }

    async fn download(&self, _: Request<Bytes>) -> Result<Response<Chunks>, CallError> {
        unimplemented!("nobody sends files here")
    }
}

async fn answer(provider: &Provider, request: &Request<Bytes>, does: Does) -> Result<Response<Bytes>, CallError> {
    match does {
        Does::IsAway => Err(CallError::NotSent("away".into())),
        Does::Takes | Does::TakesAfter(_) => {
            let nth = provider.notes(request, true);
            if let Does::TakesAfter(time) = does {
                // The provider's own time, which is simulated.
                sleep(time).await;
            }
            Ok(json_of(200, &json!({ "messages": [{ "id": format!("wamid.{nth}") }] }), None))
        }
        Does::TakesAndBreaks => {
            provider.notes(request, true);
            Err(CallError::Broken("broken".into()))
        }
        Does::Refuses(code) => Ok(refusal(provider, request, code, None)),
        Does::RefusesFor(code, seconds) => Ok(refusal(provider, request, code, Some(seconds))),
    }
}

fn refusal(provider: &Provider, request: &Request<Bytes>, code: i64, wait: Option<u64>) -> Response<Bytes> {
    provider.notes(request, false);
    json_of(400, &json!({ "error": { "code": code, "message": "refused" } }), wait)
}

fn json_of(status: u16, body: &Value, retry_after: Option<u64>) -> Response<Bytes> {
    let response = Response::builder().status(status);
    let response = match retry_after {
        Some(seconds) => response.header("retry-after", seconds),
        None => response,
    };
    response.body(Bytes::from(body.to_string())).unwrap()
}
