//! Streams of events for `live.js`: so many at once, never silent for long, and ended in good time when the gateway stops.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::trouble;
use crate::web::Shared;

/// Streams at once, of all operators together.
const MOST: usize = 32;
/// How long one lasts. The browser then asks again, and is let in again or not.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// How long one is silent at most: proxies hang up on what says nothing for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The streams under way.
pub struct Live {
    places: Arc<Semaphore>,
    stopping: CancellationToken,
}

impl Default for Live {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)), stopping: CancellationToken::new() }
    }
}

impl Live {
    /// Ends all streams: each would hold up a stop for as long as it lasts.
    pub fn close(&self) {
        self.stopping.cancel();
    }
}

/// What tells a page what is new.
pub trait Teller: Send + 'static {
    /// What is new since it was last asked; nothing is said where there is nothing.
    fn news(&mut self, state: &Shared) -> impl Future<Output = Vec<Event>> + Send;
}

/// A stream that asks a teller every so often.
pub fn stream(state: Shared, every: Duration, teller: impl Teller) -> Response {
    let Ok(place) = Arc::clone(&state.live.places).try_acquire_owned() else {
        let text = "As many pages are kept up to date as may be. Close one, and load this one again.";
        return trouble(StatusCode::SERVICE_UNAVAILABLE, "Too many live pages", text);
    };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let heartbeat = HEARTBEAT.min(state.config().header_timeout / 2);
    let until = Instant::now() + LONGEST;
    let events =
        stream::unfold((state, ticks, teller, place), move |(state, mut ticks, mut teller, place)| async move {
            tokio::select! {
                _ = ticks.tick() => {}
                () = state.live.stopping.cancelled() => return None,
            }
            if Instant::now() > until {
                return None;
            }
            let news = teller.news(&state).await;
            Some((stream::iter(news), (state, ticks, teller, place)))
        });
    let events = events.flatten().map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::new().interval(heartbeat)).into_response()
}

/// An event of `live.js` with HTML of ours. A carriage return would end its line.
pub fn event(name: &str, html: &str) -> Event {
    Event::default().event(name).data(html.replace('\r', ""))
}
