//! The sandbox as a teller: what became of each message, and what people write, as the vendor's webhooks say it.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::diary::Diary;
use super::{Behaviour, Received, lock, words_for};
use crate::clock::Clock;
use crate::dialect::{Dialect, EventContext, SENDER, Signing, Telling};
use crate::model::{Business, Event, Fault, Known, Person, Progress, Status, Tastes};
use crate::secret::Secret;

/// How often a webhook that nobody takes is sent.
const TRIES: u32 = 5;
/// How many delays later a dawdler tells a step.
const LATE: u32 = 20;

/// Options of the sandbox.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct SandboxConfig {
    /// Whether it tells what became of messages.
    pub webhooks: bool,
    /// Between the steps that it tells.
    #[serde(with = "humantime_serde")]
    pub delay: Duration,
}

/// A number of a business at the provider that the sandbox plays.
#[derive(Clone)]
pub struct Line {
    /// The upstream that it is the other end of.
    pub upstream: String,
    /// What is spoken.
    pub dialect: &'static dyn Dialect,
    /// Whose it is.
    pub business: Business,
    /// The secret that its webhooks are signed with.
    pub secret: Option<Secret>,
}

/// Where webhooks go.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Carries a webhook to the gateway's entry for an upstream, and says whether it was taken there.
    async fn carry(&self, upstream: &str, webhook: Request<Bytes>) -> bool;

    /// The secret of lines that have none of their own.
    fn secret(&self) -> Option<&Secret> {
        None
    }
}

/// A step, and after how many delays it is told.
type Step = (u32, Progress);

/// Tells.
pub struct Teller {
    clock: Arc<dyn Clock>,
    config: SandboxConfig,
    delay: Mutex<Duration>,
    diary: Arc<Diary>,
    outlet: OnceLock<Arc<dyn Outlet>>,
    stopping: CancellationToken,
}

impl Line {
    /// A line of which nothing but the dialect is known.
    pub fn of(dialect: &'static dyn Dialect) -> Self {
        // The number of businesses that give none.
        let business = Business { number: Some(SENDER.to_owned()), ..Business::default() };
        Self { upstream: dialect.name().to_owned(), dialect, business, secret: None }
    }

    /// One of which the dialect is known and, where the request names it, the sender: its number or the id of that.
    pub fn alone(dialect: &'static dyn Dialect, sender: Option<&str>) -> Self {
        let line = Self::of(dialect);
        let Some(sender) = sender else { return line };
        let (upstream, id) = (format!("{}:{sender}", line.upstream), Some(sender.to_owned()));
        Self { upstream, business: Business { phone_number_id: id, ..line.business }, ..line }
    }
}

impl Teller {
    pub fn new(clock: Arc<dyn Clock>, config: SandboxConfig, diary: Arc<Diary>) -> Arc<Self> {
        let (delay, outlet, stopping) = (Mutex::new(config.delay), OnceLock::new(), CancellationToken::new());
        Arc::new(Self { clock, config, delay, diary, outlet, stopping })
    }

    /// Between the steps that are told.
    pub fn delay(&self) -> Duration {
        *lock(&self.delay)
    }

    /// The same from now on; what waits already waits as long as it was told to.
    pub fn set_delay(&self, delay: Duration) {
        *lock(&self.delay) = delay;
    }

    /// The delay is that of the configuration again.
    pub fn reset_delay(&self) {
        self.set_delay(self.config.delay);
    }

    pub fn tell_to(&self, outlet: Arc<dyn Outlet>) {
        // A second outlet would mean two gateways in one process, which nobody builds.
        let _ = self.outlet.set(outlet);
    }

    pub fn close(&self) {
        self.stopping.cancel();
    }

    /// Resolves once it is closed.
    pub async fn closed(&self) {
        self.stopping.cancelled().await;
    }

    /// Tells what becomes of a message, and writes it down. What is no message has no statuses.
    pub fn tell_of(self: &Arc<Self>, line: &Line, serial: u64, received: &Received, behaviour: Behaviour) {
        if !self.config.webhooks || received.request.recipient().is_none() {
            return;
        }
        let steps = steps(behaviour).into_iter();
        let steps = steps.map(|(after, progress)| (after, status(received, progress, behaviour))).collect();
        tokio::spawn(Arc::clone(self).until_closed(line.clone(), serial, steps));
    }

    /// Tells one event now, whatever the options say, and whether it was taken.
    pub async fn tell(&self, line: &Line, event: &Event) -> bool {
        let Some(outlet) = self.outlet.get() else { return false };
        let mut is_taken = true;
        for webhook in self.say(line, event, outlet.secret()) {
            is_taken &= outlet.carry(&line.upstream, webhook).await;
        }
        is_taken
    }

    async fn until_closed(self: Arc<Self>, line: Line, serial: u64, steps: Vec<(u32, Status)>) {
        let stopping = self.stopping.clone();
        stopping.run_until_cancelled(self.run(line, serial, steps)).await;
    }

    async fn run(&self, line: Line, serial: u64, steps: Vec<(u32, Status)>) {
        let mut told = 0;
        for (after, mut status) in steps {
            tokio::time::sleep(self.delay() * after.saturating_sub(told)).await;
            told = after;
            status.at = Some(self.clock.now());
            self.diary.note_status(serial, &status);
            self.insist(&line, &Event::Status(status)).await;
        }
    }

    /// Providers send again what was not taken.
    async fn insist(&self, line: &Line, event: &Event) {
        if self.outlet.get().is_none() {
            return;
        }
        for attempt in 0..TRIES {
            if self.tell(line, event).await {
                return;
            }
            tokio::time::sleep(self.delay() * (1 << attempt)).await;
        }
        tracing::warn!(upstream.name = line.upstream, "nobody takes the sandbox's webhook; it is given up");
    }

    fn say(&self, line: &Line, event: &Event, common: Option<&Secret>) -> Vec<Request<Bytes>> {
        let (at, tastes) = (self.clock.now(), Tastes::default());
        let context = EventContext { business: &line.business, tastes: &tastes, at };
        let mut webhooks = Telling::new(line.dialect, line.dialect).tell(event, &context);
        if let Some(secret) = line.secret.as_ref().or(common) {
            let id = self.clock.process_id().to_string();
            webhooks.iter_mut().for_each(|webhook| sign(line, webhook, secret, &id, at));
        }
        webhooks
    }
}

fn sign(line: &Line, webhook: &mut Request<Bytes>, secret: &Secret, id: &str, at: OffsetDateTime) {
    line.dialect.sign_callback(webhook, &Signing { secret: secret.expose(), id, at });
}

/// What is told of a message, in this order.
fn steps(behaviour: Behaviour) -> Vec<Step> {
    use Progress::{Delivered, Failed, Read, Sent};
    match behaviour {
        Behaviour::Refuse(_) | Behaviour::Absent | Behaviour::KeepsSilent => Vec::new(),
        Behaviour::Fails(_) => vec![(1, Failed)],
        Behaviour::Repeats => vec![(1, Sent), (1, Sent), (2, Delivered), (2, Delivered), (3, Read), (3, Read)],
        Behaviour::Dawdles => vec![(LATE, Sent), (2 * LATE, Delivered), (3 * LATE, Read)],
        Behaviour::Shuffles => vec![(1, Read), (2, Sent), (3, Delivered)],
        _ => vec![(1, Sent), (2, Delivered), (3, Read)],
    }
}

fn status(received: &Received, progress: Progress, behaviour: Behaviour) -> Status {
    let request = &received.request;
    let problems = match behaviour {
        Behaviour::Fails(kind) => vec![Fault::upstream(kind, words_for(kind)).into()],
        _ => Vec::new(),
    };
    let wa_id = request.recipient().map(|recipient| recipient.address.as_str().to_owned());
    let references = request.references().cloned().unwrap_or_default();
    let known = Known { message_id: &received.id, references: &references, kind: request.kind(), number: None };
    let recipient = Person { wa_id, ..Person::default() };
    Status { problems, recipient, ..Status::new(progress) }.known_as(&known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FaultKind, State};

    fn end(behaviour: Behaviour) -> State {
        let told = steps(behaviour).into_iter().map(|(_, progress)| progress);
        told.fold(State::Sending, |state, progress| state.moved_by(&progress).unwrap_or(state))
    }

    #[test]
    fn whatever_way_it_is_told_the_end_is_the_same() {
        for behaviour in [Behaviour::Accept, Behaviour::Repeats, Behaviour::Dawdles, Behaviour::Shuffles] {
            assert_eq!(end(behaviour), State::Read, "{behaviour}");
        }
        assert_eq!(end(Behaviour::Fails(FaultKind::NotOnWhatsapp)), State::Failed);
        assert_eq!(end(Behaviour::KeepsSilent), State::Sending);
    }

    #[test]
    fn time_never_goes_back_between_steps() {
        for behaviour in [Behaviour::Repeats, Behaviour::Dawdles, Behaviour::Shuffles] {
            assert!(steps(behaviour).is_sorted_by_key(|(after, _)| *after), "{behaviour}");
        }
    }
}
