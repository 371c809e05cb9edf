//! From the sandbox's diary to what a phone would show: talks, and in each what was said, with reactions on the messages
//! that they are about, quotes, and how far each came. Pure.

use time::{Duration, OffsetDateTime};

use crate::model::{self, Content, FaultKind, InboundContent, Message, Progress, Reaction, Request};
use crate::upstream::{Entry, Fate, Said, Talk};

/// How long a person sees that an answer is being typed, where none comes
/// (<https://developers.facebook.com/docs/whatsapp/cloud-api/typing-indicators>).
const TYPING: Duration = Duration::seconds(25);

/// How far a message came, as its ticks tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// The provider has it.
    Taken,
    /// It is on its way.
    Sent,
    /// It is on the phone.
    Delivered,
    /// It was read.
    Read,
    /// It failed.
    Failed,
}

impl Tick {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }

    /// The name of its picture.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Taken => "clock",
            Self::Sent | Self::Failed => "one",
            Self::Delivered | Self::Read => "two",
        }
    }
}

/// A message in a talk.
pub struct Turn<'a> {
    /// What was said.
    pub entry: &'a Entry,
    /// How far it came.
    pub tick: Tick,
    /// Why it failed: the kind, and its words.
    pub failure: Option<(FaultKind, &'a str)>,
    /// What the business put on it, then what the person did.
    pub reactions: Vec<&'a str>,
    /// The message that it answers.
    pub quoted: Option<Quote<'a>>,
}

/// What a message answers.
pub enum Quote<'a> {
    /// It is here.
    Known(&'a Entry),
    /// It is not, or not any more.
    Gone,
}

/// A talk as its thread shows it.
pub struct Thread<'a> {
    /// The first first.
    pub turns: Vec<Turn<'a>>,
    /// Whether there are some before them.
    pub has_more: bool,
    /// Whether the business types.
    pub is_typing: bool,
}

/// Everybody who talks, whoever spoke last first, each with the last message.
pub fn talks(entries: &[Entry]) -> Vec<(&Talk, &Entry)> {
    let mut talks: Vec<(&Talk, &Entry)> = Vec::new();
    let shown = entries.iter().rev().filter(|entry| mark(entry).is_none());
    for (talk, entry) in shown.filter_map(|entry| Some((entry.talk.as_ref()?, entry))) {
        if !talks.iter().any(|(known, _)| *known == talk) {
            talks.push((talk, entry));
        }
    }
    talks
}

/// The last messages of a talk, or those before one of them.
pub fn thread<'a>(
    entries: &'a [Entry],
    talk: &Talk,
    now: OffsetDateTime,
    before: Option<u64>,
    most: usize,
) -> Thread<'a> {
    let all = Talking::of(entries.iter().filter(|entry| entry.talk.as_ref() == Some(talk)).collect());
    let is_typing = all
        .entries
        .last()
        .is_some_and(|last| mark(last).is_some_and(|mark| mark.typing.is_some()) && now - last.at < TYPING);
    let shown = all.entries.iter().copied().filter(|entry| mark(entry).is_none() && all.target(entry).is_none());
    let shown: Vec<&Entry> = shown.filter(|entry| before.is_none_or(|before| entry.serial < before)).collect();
    let (earlier, shown) = shown.split_at(shown.len().saturating_sub(most));
    let turns = shown.iter().map(|entry| all.turn(entry)).collect();
    Thread { turns, has_more: !earlier.is_empty(), is_typing }
}

/// The read mark that an entry is.
fn mark(entry: &Entry) -> Option<&model::ReadMark> {
    match &entry.said {
        Said::ByBusiness { request, .. } => match &request.request {
            Request::Read(mark) => Some(mark),
            _ => None,
        },
        Said::ByPerson { .. } => None,
    }
}

/// What an entry says.
pub fn content(entry: &Entry) -> Option<&Content> {
    match &entry.said {
        Said::ByBusiness { request, .. } => match &request.request {
            Request::Send(Message { content, .. }) => Some(content),
            _ => None,
        },
        Said::ByPerson { .. } => None,
    }
}

/// The reaction that an entry is.
pub fn reaction(entry: &Entry) -> Option<&Reaction> {
    match (&entry.said, content(entry)) {
        (_, Some(Content::Reaction(reaction))) => Some(reaction),
        (Said::ByPerson { message, .. }, _) => match &message.content {
            InboundContent::Reaction(reaction) => Some(reaction),
            _ => None,
        },
        _ => None,
    }
}

/// What was said in one talk.
struct Talking<'a> {
    entries: Vec<&'a Entry>,
    /// The latest message of the person that the business marked as read; those before it are read too.
    read_to: Option<u64>,
}

impl<'a> Talking<'a> {
    fn of(entries: Vec<&'a Entry>) -> Self {
        let mut talking = Self { entries, read_to: None };
        let marked = talking.entries.iter().filter_map(|entry| talking.find(&mark(entry)?.message_id));
        talking.read_to = marked.map(|entry| entry.serial).max();
        talking
    }

    fn find(&self, id: &str) -> Option<&'a Entry> {
        self.entries.iter().rev().find(|entry| entry.message_id() == Some(id)).copied()
    }

    /// The message that a reaction stands on, where it is there.
    fn target(&self, entry: &Entry) -> Option<&'a Entry> {
        self.find(&reaction(entry)?.message_id)
    }

    fn turn(&self, entry: &'a Entry) -> Turn<'a> {
        let (tick, failure) = match &entry.said {
            Said::ByBusiness { fate, .. } => (tick(fate), failure(fate)),
            Said::ByPerson { taken, .. } => (self.answered(entry, *taken), None),
        };
        Turn { entry, tick, failure, reactions: self.reactions(entry), quoted: self.quoted(entry) }
    }

    /// The last word of each side counts, and an empty one takes it back.
    fn reactions(&self, entry: &Entry) -> Vec<&'a str> {
        let of_side = |by_person: bool| {
            let side = self.entries.iter().rev().filter(|other| is_by_person(other) == by_person);
            let mut side = side.filter_map(|other| reaction(other));
            let last = side.find(|reaction| Some(reaction.message_id.as_str()) == entry.message_id())?;
            Some(last.emoji.as_str()).filter(|emoji| !emoji.is_empty())
        };
        [false, true].into_iter().filter_map(of_side).collect()
    }

    fn quoted(&self, entry: &Entry) -> Option<Quote<'a>> {
        let id = match &entry.said {
            Said::ByBusiness { request, .. } => match &request.request {
                Request::Send(message) => message.reply_to.as_ref().map(|quote| quote.message_id.as_str()),
                _ => None,
            },
            Said::ByPerson { message, .. } => message.quoted.as_ref().and_then(|quoted| quoted.message_id.as_deref()),
        };
        Some(self.find(id?).map_or(Quote::Gone, Quote::Known))
    }

    fn answered(&self, entry: &Entry, taken: Option<bool>) -> Tick {
        match taken {
            Some(false) => Tick::Failed,
            _ if self.read_to.is_some_and(|read_to| entry.serial <= read_to) => Tick::Read,
            Some(true) => Tick::Delivered,
            None => Tick::Taken,
        }
    }
}

/// Whether it was the person who said it.
pub fn is_by_person(entry: &Entry) -> bool {
    matches!(entry.said, Said::ByPerson { .. })
}

/// What each tick stands for, the farthest first.
const LADDER: [(Tick, &[Progress]); 4] = [
    (Tick::Read, &[Progress::Read, Progress::Played]),
    (Tick::Delivered, &[Progress::Delivered]),
    (Tick::Failed, &[Progress::Failed]),
    (Tick::Sent, &[Progress::Sent]),
];

/// Steps come in any order; what counts is the farthest.
fn tick(fate: &Fate) -> Tick {
    if fate.refused.is_some() {
        return Tick::Failed;
    }
    let came = |(_, steps): &&(Tick, &[Progress])| fate.steps.iter().any(|step| steps.contains(step));
    LADDER.iter().find(came).map_or(Tick::Taken, |(tick, _)| *tick)
}

fn failure(fate: &Fate) -> Option<(FaultKind, &str)> {
    let refused = fate.refused.map(|kind| (kind, "refused: it never left the provider"));
    refused.or_else(|| fate.problems.first().map(|fault| (fault.kind, "not delivered")))
}
