//! What became of a message, and whether that is news.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Business, EventKind, Person, Problem};
use crate::model::{Extra, Kind, References, State, TransactionId};

/// A message that we sent came further, or did not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The message's id: the upstream's as it is read, the client's as it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// How far it came.
    pub progress: Progress,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
    /// By whom it was sent.
    #[serde(default)]
    pub business: Business,
    /// To whom.
    #[serde(default)]
    pub recipient: Person,
    /// Of a group message: who of the group it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// Whether it went to a group, where the provider says so: `individual`, `group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_type: Option<String>,
    /// What went along with the message and is repeated: ours as it is read, the client's own as it is told.
    #[serde(default, skip_serializing_if = "References::is_empty")]
    pub references: References,
    /// Which kind of message it was, in dialects that say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_kind: Option<Kind>,
    /// Why it failed, or what to beware of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// The conversation that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

impl Status {
    /// A status of which nothing but the step is known yet.
    pub fn new(progress: Progress) -> Self {
        Self {
            message_id: None,
            progress,
            at: None,
            business: Business::default(),
            recipient: Person::default(),
            participant: None,
            recipient_type: None,
            references: References::default(),
            message_kind: None,
            problems: Vec::new(),
            conversation: None,
            pricing: None,
            extra: Extra::default(),
        }
    }

    /// The transactions that it may be about, where the provider repeats what went along, or never had another id. What went
    /// along may be the client's own and lead to anybody's.
    pub fn transactions(&self) -> impl Iterator<Item = TransactionId> {
        let References { opaque, external_id, client_id } = &self.references;
        let said = [opaque, external_id, client_id, &self.message_id].into_iter().flatten();
        said.filter_map(|text| text.parse().ok())
    }

    /// The same status in the client's terms: with the ids, the references and the number that it knows.
    #[must_use]
    pub fn known_as(mut self, known: &Known<'_>) -> Self {
        self.message_id = Some(known.message_id.to_owned());
        self.references = known.references.clone();
        self.message_kind = Some(known.kind);
        if let Some(number) = known.number {
            self.recipient.wa_id = Some(number.to_owned());
        }
        self
    }
}

/// What a client knows of a message that it sent.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The id that it was given.
    pub message_id: &'a str,
    /// Its own references.
    pub references: &'a References,
    /// Which kind it was.
    pub kind: Kind,
    /// The number that it knows the recipient by, where that is not the provider's: in Brazil, Mexico and Argentina
    /// the two differ.
    pub number: Option<&'a str>,
}

/// The steps that a message takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The provider took it and lets it wait.
    Accepted,
    /// It is on its way to WhatsApp.
    Sending,
    /// It left WhatsApp's servers.
    Sent,
    /// It is on the recipient's device. Left out where it was read at once.
    Delivered,
    /// The recipient saw it.
    Read,
    /// The recipient listened to it.
    Played,
    /// It was not sent, or not delivered.
    Failed,
    /// The recipient erased it.
    Deleted,
    /// It arrived, and something is wrong with it.
    Warning,
    /// A step that we do not know, as the provider calls it.
    Other(String),
}

impl Progress {
    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Accepted => "accepted",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
            Self::Warning => "warning",
            Self::Other(name) => name,
        }
    }

    /// The step of that name.
    pub fn named(name: &str) -> Self {
        const STEPS: [Progress; 9] = [
            Progress::Accepted,
            Progress::Sending,
            Progress::Sent,
            Progress::Delivered,
            Progress::Read,
            Progress::Played,
            Progress::Failed,
            Progress::Deleted,
            Progress::Warning,
        ];
        let known = STEPS.into_iter().find(|step| step.as_str().eq_ignore_ascii_case(name));
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    pub(super) fn kind(&self) -> EventKind {
        match self {
            Self::Accepted | Self::Sending | Self::Other(_) => EventKind::Progress,
            Self::Sent => EventKind::Sent,
            Self::Delivered => EventKind::Delivered,
            Self::Read => EventKind::Read,
            Self::Played => EventKind::Played,
            Self::Failed => EventKind::Failed,
            Self::Deleted => EventKind::Deleted,
            Self::Warning => EventKind::Warning,
        }
    }
}

impl State {
    /// The state that a status moves a transaction on to; none where it is no news.
    ///
    /// Statuses come late, twice and in any order, and the end must be the same in each: so a step counts only where it
    /// is higher than what is known. A failure is stronger than `sent`, which promises nothing, and weaker than
    /// `delivered`: what is on the device did not fail. A provider's word of any step settles `unknown`.
    pub fn moved_by(self, progress: &Progress) -> Option<Self> {
        let next = match progress {
            Progress::Accepted | Progress::Sending | Progress::Sent => Self::Sent,
            Progress::Delivered => Self::Delivered,
            Progress::Read | Progress::Played => Self::Read,
            Progress::Failed => Self::Failed,
            Progress::Deleted | Progress::Warning | Progress::Other(_) => return None,
        };
        (next.rank() > self.rank()).then_some(next)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Accepted | Self::Sending | Self::Waiting | Self::Unknown => 0,
            Self::Sent => 1,
            Self::Failed => 2,
            Self::Delivered => 3,
            Self::Read => 4,
        }
    }
}

/// The conversation that a message belongs to, in which it was paid for until 2025.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Until when it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// How it began: `utility`, `marketing`, `user_initiated` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// What a message costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pricing {
    /// Whether it costs anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable: Option<bool>,
    /// By conversation (`CBP`) or by message (`PMP`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why it costs something or nothing: `regular`, `free_customer_service` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The rate: `utility`, `marketing` …; the list grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Progress; 7] = [
        Progress::Accepted,
        Progress::Sent,
        Progress::Delivered,
        Progress::Read,
        Progress::Played,
        Progress::Failed,
        Progress::Deleted,
    ];

    fn end(from: State, steps: &[&Progress]) -> State {
        steps.iter().fold(from, |state, step| state.moved_by(step).unwrap_or(state))
    }

    #[test]
    fn the_end_is_the_same_in_whatever_order_steps_are_told() {
        for from in [State::Sending, State::Unknown, State::Waiting] {
            for a in &STEPS {
                for b in &STEPS {
                    for c in &STEPS {
                        let expected = end(from, &[a, b, c]);
                        for order in [[a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]] {
                            assert_eq!(end(from, &order), expected, "{from}: {order:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_late_step_is_no_news() {
        assert_eq!(State::Read.moved_by(&Progress::Sent), None);
        assert_eq!(State::Read.moved_by(&Progress::Played), None);
        assert_eq!(State::Delivered.moved_by(&Progress::Failed), None);
        assert_eq!(State::Sent.moved_by(&Progress::Failed), Some(State::Failed));
        assert_eq!(State::Failed.moved_by(&Progress::Delivered), Some(State::Delivered));
    }

    #[test]
    fn any_word_of_the_provider_settles_what_was_unknown() {
        assert_eq!(State::Unknown.moved_by(&Progress::Accepted), Some(State::Sent));
        assert_eq!(State::Unknown.moved_by(&Progress::Failed), Some(State::Failed));
        assert_eq!(State::Unknown.moved_by(&Progress::Warning), None);
    }

    #[test]
    fn a_step_is_found_again_by_its_name() {
        for step in STEPS {
            assert_eq!(Progress::named(step.as_str()), step);
        }
        assert_eq!(Progress::named("DELIVERED"), Progress::Delivered);
        assert_eq!(Progress::named("pondered"), Progress::Other("pondered".to_owned()));
    }

    #[test]
    fn a_transaction_is_known_by_whatever_the_provider_repeats() {
        let id = "0199c0de-7a11-7000-8000-2b7e1c905d44";
        let mut status = Status::new(Progress::Sent);
        status.message_id = Some("wamid.HBgM".to_owned());
        assert_eq!(status.transactions().next(), None);
        status.references.opaque = Some(id.to_owned());
        assert_eq!(status.transactions().next().map(|id| id.to_string()).as_deref(), Some(id));
    }

    #[test]
    fn a_client_hears_of_the_ids_and_the_number_that_it_used() {
        let references = References { opaque: Some("ord-8841".to_owned()), ..References::default() };
        let known = Known { message_id: "msg_1", references: &references, kind: Kind::Text, number: Some("5511") };
        let status = Status::new(Progress::Read).known_as(&known);
        assert_eq!(status.message_id.as_deref(), Some("msg_1"));
        assert_eq!(status.references, references);
        assert_eq!(status.recipient.wa_id.as_deref(), Some("5511"));
    }
}
