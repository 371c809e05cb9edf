//! How the gateway is doing: the last hour of this process, and what the store holds of all of them.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::chart::{self, Bars, Lines};
use super::words::{Count, lasted};
use crate::delivery::{Condition, Health};
use crate::measure::{self, Minute, Times};
use crate::model;
use crate::store::{CallbackState, Depth, StoreError};
use crate::web::Shared;
use crate::web::page::{Frame, Operator, Section, Teller, event, show, store_away, stream};

/// How long what was counted is good for everybody who looks: counting a long queue takes its time.
const GOOD_FOR: Duration = Duration::from_secs(3);
/// How often a page that is kept up to date is.
const EVERY: Duration = Duration::from_secs(3);
/// Minutes that the figures in large speak of.
const LATELY: usize = 5;

#[derive(Template)]
#[template(path = "console/overview.html")]
struct Overview {
    frame: Frame,
    pulse: Arc<Pulse>,
}

/// Everything on the page that changes.
#[derive(Template)]
#[template(path = "console/pulse.html")]
pub struct Pulse {
    bars: Bars,
    sent: Count,
    failed: Count,
    uncertain: Count,
    most: u32,
    own: Latency,
    upstream: Latency,
    queue: Vec<Waiting>,
    waiting: Count,
    unknown: Count,
    dead: Count,
    pending: Count,
    upstreams: Vec<Upstream>,
}

/// Times of the last minutes, and of the hour as lines.
struct Latency {
    median: Option<String>,
    most: Option<String>,
    medians: Lines,
    mosts: Lines,
    top: String,
}

/// What of an upstream is not at its end.
struct Waiting {
    upstream: String,
    state: model::State,
    count: Count,
    age: String,
}

struct Upstream {
    name: String,
    class: &'static str,
    words: String,
    pace: String,
    calls: String,
}

/// What was counted last, for all who look.
#[derive(Default)]
pub struct Counted(Mutex<Option<(Instant, Arc<Pulse>)>>);

/// `GET /console`
pub async fn page(State(state): State<Shared>, operator: Operator) -> Response {
    match pulse(&state).await {
        Ok(pulse) => show(&Overview { frame: Frame::new("Overview", Section::Overview, operator), pulse }),
        Err(error) => store_away(&error),
    }
}

/// `GET /console/pulse`: the same, again and again.
pub async fn follow(State(state): State<Shared>) -> Response {
    stream(state, EVERY, Follower)
}

struct Follower;

impl Teller for Follower {
    async fn news(&mut self, state: &Shared) -> Vec<Event> {
        let pulse = pulse(state).await.ok().and_then(|pulse| pulse.render().ok());
        pulse.iter().map(|html| event("replace", html)).collect()
    }
}

async fn pulse(state: &Shared) -> Result<Arc<Pulse>, StoreError> {
    let mut counted = state.counted.0.lock().await;
    if let Some((at, pulse)) = &*counted
        && at.elapsed() < GOOD_FOR
    {
        return Ok(Arc::clone(pulse));
    }
    let (queue, callbacks) = (state.store.depth().await?, state.store.callback_depth().await?);
    let pulse = Arc::new(Pulse::new(state, &measure::last_hour(), queue, &callbacks));
    *counted = Some((Instant::now(), Arc::clone(&pulse)));
    Ok(pulse)
}

impl Pulse {
    fn new(state: &Shared, minutes: &[Minute], queue: Vec<Depth>, callbacks: &[(CallbackState, u64)]) -> Self {
        let total = |class| -> Count {
            let counts = minutes.iter().flat_map(chart::outcomes).filter(|(_, of)| *of == class);
            counts.map(|(count, _)| Count(u64::from(count))).sum()
        };
        let in_state = |wanted: CallbackState| -> Count {
            callbacks.iter().filter(|(state, _)| *state == wanted).map(|(_, count)| Count(*count)).sum()
        };
        let (unknown, waiting): (Vec<_>, Vec<_>) = queue.iter().partition(|depth| depth.state == model::State::Unknown);
        let of = |depths: Vec<&Depth>| -> Count { depths.into_iter().map(|depth| Count(depth.count)).sum() };
        Self {
            bars: chart::bars(minutes),
            sent: total("sent"),
            failed: total("failed"),
            uncertain: total("unknown"),
            most: minutes.iter().map(Minute::all).max().unwrap_or_default(),
            own: Latency::of(minutes, |minute| &minute.own),
            upstream: Latency::of(minutes, |minute| &minute.upstream),
            waiting: of(waiting),
            unknown: of(unknown),
            dead: in_state(CallbackState::Dead),
            pending: in_state(CallbackState::Pending),
            upstreams: upstreams(state),
            queue: queue.into_iter().map(|depth| Waiting::of(state, depth)).collect(),
        }
    }
}

impl Pulse {
    /// The charts of times, for the template.
    fn latencies(&self) -> [(&'static str, &'static str, &Latency); 2] {
        [("own", "Time in the gateway", &self.own), ("upstream", "Time of upstreams' answers", &self.upstream)]
    }
}

impl Latency {
    fn of(minutes: &[Minute], times: impl Fn(&Minute) -> &Times) -> Self {
        let mut lately = Times::default();
        minutes.iter().rev().take(LATELY).for_each(|minute| lately.add(times(minute)));
        let series = |part: f64| -> Vec<Option<f64>> {
            let quantiles = minutes.iter().map(|minute| times(minute).quantile(part));
            quantiles.map(|took| took.map(|took| took.as_secs_f64() * 1e6)).collect()
        };
        let (medians, mosts) = (series(0.5), series(0.95));
        let most = mosts.iter().flatten().fold(0.0, |most: f64, micros| most.max(*micros));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most two minutes")]
        let top = chart::round_up(most.ceil() as u32);
        Self {
            median: lately.quantile(0.5).map(lasted),
            most: lately.quantile(0.95).map(lasted),
            medians: chart::lines(&medians, f64::from(top)),
            mosts: chart::lines(&mosts, f64::from(top)),
            top: lasted(Duration::from_micros(u64::from(top))),
        }
    }
}

impl Waiting {
    fn of(state: &Shared, depth: Depth) -> Self {
        let age = state.clock.now() - depth.oldest;
        let age = lasted(age.try_into().unwrap_or_default());
        Self { upstream: depth.upstream, state: depth.state, count: Count(depth.count), age }
    }
}

/// Those that are configured, in the order of their names; what was not called yet has no condition.
fn upstreams(state: &Shared) -> Vec<Upstream> {
    let conditions = state.delivery.upstreams();
    let mut upstreams: Vec<_> = state
        .delivery
        .directory()
        .upstreams()
        .map(|upstream| {
            let condition = conditions.iter().find(|condition| condition.name == upstream.name);
            condition.map_or_else(|| not_called(&upstream.name), called)
        })
        .collect();
    upstreams.sort_by(|one, next| one.name.cmp(&next.name));
    upstreams
}

fn not_called(name: &str) -> Upstream {
    let (words, pace, calls) = ("not called yet".to_owned(), String::new(), String::new());
    Upstream { name: name.to_owned(), class: "", words, pace, calls }
}

fn called(condition: &Condition) -> Upstream {
    let class = match condition.health {
        Health::Closed => "good",
        Health::Probing(_) => "warn",
        Health::Open(_) => "bad",
    };
    Upstream {
        name: condition.name.clone(),
        class,
        words: condition.health.words(),
        pace: condition.rate.map_or_else(|| "no limit".to_owned(), |rate| format!("{rate} a second")),
        calls: format!("{} of {}", condition.calls, condition.most_calls),
    }
}
