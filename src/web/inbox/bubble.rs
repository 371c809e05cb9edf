//! The messages of a talk: a bubble for each.

use std::sync::Arc;

use askama::Template;

use super::card::{Card, Shelf};
use super::markup;
use super::thread::{Quote, Tick, Turn, content, is_by_person, reaction};
use super::view::{DAY, Look, TIME, address, number, rfc3339, said};
use crate::model::{self, Content, InboundContent};
use crate::upstream::{Entry, KeptFile, Said, Sandbox, Talk, TemplateText, name_in};

/// Bytes of messages on a page: the rest of it takes less than as much again.
const MOST_BYTES: usize = 120_000;
/// Characters of a message in the list, and where it is quoted.
pub const GLIMPSE: usize = 80;

/// A message in a talk.
#[derive(Template)]
#[template(path = "inbox/bubble.html")]
struct Bubble {
    serial: u64,
    /// The id of the message.
    id: String,
    /// Where its answers go.
    action: String,
    side: &'static str,
    who: String,
    day: Option<String>,
    at: String,
    time: String,
    card: Card,
    is_large: bool,
    quote: Option<Glimpse>,
    reactions: Vec<String>,
    tick: Tick,
    failure: Option<String>,
    can_answer: bool,
}

/// A message as it is quoted.
pub struct Glimpse {
    /// Its id.
    pub id: String,
    /// By whom.
    pub who: String,
    /// What it says, in a line.
    pub text: String,
    /// Where it stands.
    pub href: Option<String>,
}

/// Writes the messages of a talk.
pub struct Writer<'a> {
    look: &'a Look<'a>,
    talk: &'a Talk,
    action: String,
    shelf: Shelves<'a>,
}

impl<'a> Writer<'a> {
    /// For a talk.
    pub fn of(look: &'a Look<'a>, talk: &'a Talk) -> Self {
        Self { look, talk, action: address(talk), shelf: Shelves(look.host.sandbox()) }
    }

    /// As many of the last messages as a page holds, the first first, and the serial of the first.
    pub fn write(&self, turns: &[Turn<'_>]) -> (Vec<String>, Option<u64>) {
        let (mut written, mut bytes, mut first) = (Vec::new(), 0, None);
        for (at, turn) in turns.iter().enumerate().rev() {
            let before = at.checked_sub(1).and_then(|before| turns.get(before));
            let html = self.bubble(turn, before.map(|turn| turn.entry)).render().unwrap_or_default();
            bytes += html.len();
            if bytes > MOST_BYTES && !written.is_empty() {
                break;
            }
            written.push(html);
            first = Some(turn.entry.serial);
        }
        written.reverse();
        (written, first)
    }

    fn bubble(&self, turn: &Turn<'_>, before: Option<&Entry>) -> Bubble {
        let entry = turn.entry;
        let day = before.is_none_or(|before| before.at.date() != entry.at.date()).then(|| said(entry.at, DAY));
        let card = self.card(entry);
        Bubble {
            serial: entry.serial,
            id: entry.message_id().unwrap_or_default().to_owned(),
            action: self.action.clone(),
            side: if is_by_person(entry) { "person" } else { "business" },
            who: self.who(entry),
            day,
            at: rfc3339(entry.at),
            time: said(entry.at, TIME),
            is_large: matches!(card, Card::Text(_, true)),
            card,
            quote: turn.quoted.as_ref().map(|quote| match quote {
                Quote::Known(quoted) => self.glimpse(quoted),
                Quote::Gone => {
                    let text = "a message that is not here".to_owned();
                    Glimpse { id: String::new(), who: "Answer to".to_owned(), text, href: None }
                }
            }),
            reactions: turn.reactions.iter().map(|emoji| markup::clip(emoji, GLIMPSE).into_owned()).collect(),
            tick: turn.tick,
            failure: self.failure(turn),
            can_answer: !is_by_person(entry) && turn.tick != Tick::Failed,
        }
    }

    fn card(&self, entry: &Entry) -> Card {
        match (&entry.said, content(entry)) {
            (_, Some(content)) => Card::sent(content, self.look.host.sandbox().pressables(entry), &self.shelf),
            (Said::ByPerson { message, .. }, _) => Card::written(&message.content, &self.shelf),
            (Said::ByBusiness { request, .. }, None) => {
                Card::Other(request.request.kind().as_str().to_owned(), String::new())
            }
        }
    }

    fn failure(&self, turn: &Turn<'_>) -> Option<String> {
        match (&turn.entry.said, turn.failure) {
            (_, Some((kind, words))) => Some(format!("{words} · {kind}")),
            (Said::ByPerson { .. }, None) if turn.tick == Tick::Failed => Some("nobody takes the webhook".to_owned()),
            _ => None,
        }
    }

    fn who(&self, entry: &Entry) -> String {
        match is_by_person(entry) {
            true => name_in(&self.look.entries, self.talk).unwrap_or_else(|| number(&self.talk.person)),
            false => self.talk.line.clone(),
        }
    }

    /// A message of it as it is quoted.
    pub fn glimpse(&self, entry: &Entry) -> Glimpse {
        let id = entry.message_id().unwrap_or_default().to_owned();
        Glimpse { id, who: self.who(entry), text: glimpse(entry), href: Some(format!("#m{}", entry.serial)) }
    }
}

/// The sandbox's files and texts.
struct Shelves<'a>(&'a Sandbox);

impl Shelf for Shelves<'_> {
    fn look(&self, id: &str) -> Option<(KeptFile, bool)> {
        self.0.file(id).map(|kept| (kept.file, kept.bytes.is_some()))
    }

    fn text(&self, template: &model::Template) -> Option<Arc<TemplateText>> {
        self.0.templates().find(template)
    }
}

/// A message in a line.
pub fn glimpse(entry: &Entry) -> String {
    if let Some(reaction) = reaction(entry) {
        return format!("Reacted {}", markup::clip(&reaction.emoji, GLIMPSE));
    }
    let words = match (&entry.said, content(entry)) {
        (_, Some(content)) => words(content).map(str::to_owned),
        (Said::ByPerson { message, .. }, _) => message.content.words().map(str::to_owned),
        _ => None,
    };
    let kind = match &entry.said {
        Said::ByBusiness { request, .. } => request.request.kind().as_str(),
        Said::ByPerson { message, .. } => message.content.kind().as_str(),
    };
    let is_plain = matches!(content(entry), Some(Content::Text(_) | Content::Interactive(_)))
        || matches!(&entry.said, Said::ByPerson { message, .. } if !matches!(message.content, InboundContent::Media(_)));
    match words.as_deref().map(|words| markup::preview(words, GLIMPSE)) {
        Some(words) if is_plain => words,
        Some(words) => format!("{kind}: {words}"),
        None => kind.to_owned(),
    }
}

fn words(content: &Content) -> Option<&str> {
    match content {
        Content::Text(text) => Some(&text.body),
        Content::Media(media) => media.caption.as_deref().or(media.filename.as_deref()),
        Content::Location(location) => location.name.as_deref(),
        Content::Contacts(contacts) => contacts.first().map(|contact| contact.formatted_name.as_str()),
        Content::Interactive(interactive) => interactive.body.as_ref().map(|body| body.text.as_str()),
        Content::Template(template) => Some(&template.name),
        Content::Reaction(reaction) => Some(&reaction.emoji),
    }
}
