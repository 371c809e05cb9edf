//! Recipients that make the sandbox misbehave.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{self, FaultKind};

/// How long the sandbox hangs where it is told to give no answer: longer than anybody waits.
pub(super) const HANG: Duration = Duration::from_secs(300);
/// How long it takes where it is told to be slow: short of the usual limits.
pub(super) const SLOW: Duration = Duration::from_secs(2);

/// What the sandbox does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Takes it.
    Accept,
    /// Refuses it with a fault.
    Refuse(FaultKind),
    /// Takes it after two seconds.
    Slow,
    /// Takes it and never answers.
    Hang,
    /// Takes it and breaks the connection.
    Reset,
    /// Takes it and answers 500.
    Fail,
    /// Takes it and answers with something unreadable.
    Garble,
    /// Is not there: nothing reaches it.
    Absent,
    /// Takes it, and later tells that it failed.
    Fails(FaultKind),
    /// Takes it and tells every step twice.
    Repeats,
    /// Takes it and tells every step much later.
    Dawdles,
    /// Takes it and tells the last step first.
    Shuffles,
    /// Takes it and tells nothing.
    KeepsSilent,
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("is taken"),
            Self::Refuse(kind) => write!(f, "is refused: {kind}"),
            Self::Slow => write!(f, "is taken after {SLOW:?}"),
            Self::Hang => f.write_str("is taken, and no answer comes"),
            Self::Reset => f.write_str("is taken, and the connection breaks"),
            Self::Fail => f.write_str("is taken, and 500 is answered"),
            Self::Garble => f.write_str("is taken, and the answer is unreadable"),
            Self::Absent => f.write_str("is not taken: nobody is there"),
            Self::Fails(kind) => write!(f, "is taken, then told to have failed: {kind}"),
            Self::Repeats => f.write_str("is taken, and every status comes twice"),
            Self::Dawdles => f.write_str("is taken, and statuses come late"),
            Self::Shuffles => f.write_str("is taken, and the last status comes first"),
            Self::KeepsSilent => f.write_str("is taken, and no status comes"),
        }
    }
}

/// A recipient that makes the sandbox misbehave.
#[derive(Clone, Copy, Debug)]
pub struct Magic {
    /// The number in digits; 999 is no country.
    pub number: &'static str,
    /// What happens.
    pub behaviour: Behaviour,
}

/// Every magic recipient.
pub const MAGIC: &[Magic] = &[
    magic("99900000001", Behaviour::Slow),
    magic("99900000104", Behaviour::Reset),
    magic("99900000111", Behaviour::Absent),
    magic("99900000200", Behaviour::Garble),
    magic("99900000408", Behaviour::Hang),
    magic("99900000500", Behaviour::Fail),
    magic("99900000503", Behaviour::Refuse(FaultKind::UpstreamUnavailable)),
    magic("99900000401", Behaviour::Refuse(FaultKind::UpstreamCredential)),
    magic("99900000403", Behaviour::Refuse(FaultKind::UpstreamPermission)),
    magic("99900000429", Behaviour::Refuse(FaultKind::RateLimited)),
    magic("99900131008", Behaviour::Refuse(FaultKind::MissingMember)),
    magic("99900131009", Behaviour::Refuse(FaultKind::InvalidMember)),
    magic("99900131026", Behaviour::Refuse(FaultKind::NotOnWhatsapp)),
    magic("99900131031", Behaviour::Refuse(FaultKind::AccountLocked)),
    magic("99900131042", Behaviour::Refuse(FaultKind::PaymentRequired)),
    magic("99900131047", Behaviour::Refuse(FaultKind::WindowClosed)),
    magic("99900131048", Behaviour::Refuse(FaultKind::SpamLimited)),
    magic("99900131049", Behaviour::Refuse(FaultKind::Withheld)),
    magic("99900131052", Behaviour::Refuse(FaultKind::MediaUnreachable)),
    magic("99900131053", Behaviour::Refuse(FaultKind::MediaTypeRefused)),
    magic("99900131056", Behaviour::Refuse(FaultKind::PairRateLimited)),
    magic("99900132000", Behaviour::Refuse(FaultKind::TemplateMismatch)),
    magic("99900132001", Behaviour::Refuse(FaultKind::TemplateNotFound)),
    magic("99900132015", Behaviour::Refuse(FaultKind::TemplatePaused)),
    magic("99901000000", Behaviour::KeepsSilent),
    magic("99901000002", Behaviour::Repeats),
    magic("99901000003", Behaviour::Dawdles),
    magic("99901000004", Behaviour::Shuffles),
    magic("99901131026", Behaviour::Fails(FaultKind::NotOnWhatsapp)),
    magic("99901131047", Behaviour::Fails(FaultKind::WindowClosed)),
    magic("99901131049", Behaviour::Fails(FaultKind::Withheld)),
    magic("99901131053", Behaviour::Fails(FaultKind::MediaTypeRefused)),
];

const fn magic(number: &'static str, behaviour: Behaviour) -> Magic {
    Magic { number, behaviour }
}

/// What a request's recipient asks for.
pub(super) fn behaviour_of(request: &model::Request) -> Behaviour {
    let Some(recipient) = request.recipient() else { return Behaviour::Accept };
    let number = recipient.address.as_str();
    MAGIC.iter().find(|magic| magic.number == number).map_or(Behaviour::Accept, |magic| magic.behaviour)
}
