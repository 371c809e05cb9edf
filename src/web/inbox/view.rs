//! The pages: what stands on each, made of the diary.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::bubble::{GLIMPSE, Glimpse, Writer, glimpse};
use super::host::Host;
use super::thread::{Thread, Tick, talks, thread};
use super::{Frame, markup};
use crate::model::PhoneNumber;
use crate::upstream::{Behaviour, Entry, Line, MAGIC, Talk, name_in};

/// Messages on a page.
const MOST_TURNS: usize = 50;
/// Talks in the list.
const MOST_TALKS: usize = 60;
/// Colours of faces.
const HUES: u8 = 8;

/// The hour.
pub const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
/// The day.
pub const DAY: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday], [day padding:none] [month repr:long] [year]");

/// What is looked at, at one moment.
pub struct Look<'a> {
    /// Whose it is.
    pub host: &'a Host,
    /// What both sides said.
    pub entries: Vec<Entry>,
    now: OffsetDateTime,
}

/// The page.
#[derive(Template)]
#[template(path = "inbox/inbox.html")]
pub struct Inbox {
    /// What stands around it.
    pub frame: Frame,
    /// Everybody who talks.
    pub talks: Vec<Row>,
    /// What is open.
    pub pane: Pane,
}

/// What is open beside the list.
pub enum Pane {
    /// Nothing yet.
    Home(Home),
    /// A talk.
    Talk(Box<TalkPage>),
    /// What the provider does.
    Provider(Provider),
}

/// A talk in the list.
pub struct Row {
    key: String,
    href: String,
    /// Who it is with.
    pub name: String,
    initials: String,
    hue: u8,
    line: String,
    last: String,
    tick: Option<Tick>,
    at: String,
    time: String,
    is_current: bool,
}

/// Nothing is open: what the sandbox is, and a way to begin.
#[derive(Template)]
#[template(path = "inbox/home.html")]
pub struct Home {
    lines: Vec<(String, String)>,
}

/// A talk.
#[derive(Template)]
#[template(path = "inbox/talk.html")]
pub struct TalkPage {
    /// Its row in the list.
    pub row: Row,
    talk: Talk,
    number: String,
    turns: Vec<String>,
    earlier: Option<String>,
    is_typing: bool,
    answering: Option<Glimpse>,
}

/// What the provider does with messages.
#[derive(Template)]
#[template(path = "inbox/provider.html")]
pub struct Provider {
    problem: Option<String>,
    next: Vec<String>,
    behaviours: Vec<(&'static str, Vec<(String, String)>)>,
    delay: String,
    templates: Vec<(String, String)>,
    recipients: Vec<(&'static str, String)>,
}

/// The address of a talk.
pub fn address(talk: &Talk) -> String {
    let [line, person] = [&talk.line, &talk.person].map(|name| utf8_percent_encode(name, NON_ALPHANUMERIC));
    format!("/sandbox/talks/{line}/{person}")
}

impl<'a> Look<'a> {
    /// A look at the sandbox now.
    pub fn at(host: &'a Host) -> Self {
        Self { host, entries: host.sandbox().entries(), now: host.now() }
    }

    /// The talks, and which of them is open.
    pub fn rows(&self, open: Option<&Talk>) -> Vec<Row> {
        let rows = talks(&self.entries).into_iter().take(MOST_TALKS);
        rows.map(|(talk, last)| Row { is_current: Some(talk) == open, ..self.row(talk, Some(last)) }).collect()
    }

    fn row(&self, talk: &Talk, last: Option<&Entry>) -> Row {
        let name = name_in(&self.entries, talk).unwrap_or_else(|| number(&talk.person));
        let hash = Sha256::digest(format!("{}/{}", talk.line, talk.person));
        let turn = last.and_then(|last| {
            let Thread { turns, .. } = thread(&self.entries, talk, self.now, Some(last.serial + 1), 1);
            turns.into_iter().next().map(|turn| turn.tick)
        });
        Row {
            key: hex::encode(hash).chars().take(12).collect(),
            href: address(talk),
            initials: initials(&name),
            name: markup::clip(&name, GLIMPSE).into_owned(),
            hue: hash.first().map_or(0, |byte| byte % HUES),
            line: talk.line.clone(),
            last: last.map(glimpse).unwrap_or_default(),
            tick: turn,
            at: last.map(|last| rfc3339(last.at)).unwrap_or_default(),
            time: last.map(|last| self.short(last.at)).unwrap_or_default(),
            is_current: false,
        }
    }

    /// The hour of today, else the day.
    fn short(&self, at: OffsetDateTime) -> String {
        if at.date() == self.now.date() { said(at, TIME) } else { at.date().to_string() }
    }
}

impl Pane {
    /// The talk that is open.
    pub fn talk(&self) -> Option<&Talk> {
        match self {
            Self::Talk(page) => Some(&page.talk),
            Self::Home(_) | Self::Provider(_) => None,
        }
    }

    fn is_home(&self) -> bool {
        matches!(self, Self::Home(_))
    }

    fn is_provider(&self) -> bool {
        matches!(self, Self::Provider(_))
    }

    fn write(&self) -> askama::Result<String> {
        match self {
            Self::Home(pane) => pane.render(),
            Self::Talk(pane) => pane.render(),
            Self::Provider(pane) => pane.render(),
        }
    }
}

impl Home {
    /// As it is now.
    pub fn of(host: &Host) -> Self {
        let name = |line: Line| {
            let number = line.business.number.as_deref().map(|digits| format!(" · {}", number(digits)));
            let label = format!("{}{} · {}", line.upstream, number.unwrap_or_default(), line.dialect.name());
            (line.upstream, label)
        };
        Self { lines: host.lines().into_iter().map(name).collect() }
    }
}

impl TalkPage {
    /// The last messages of a talk, or those before one; a message of it may be about to be quoted.
    pub fn of(look: &Look<'_>, talk: &Talk, before: Option<u64>, answering: Option<u64>) -> Self {
        let Thread { turns, has_more, is_typing } = thread(&look.entries, talk, look.now, before, MOST_TURNS);
        let writer = Writer::of(look, talk);
        let quoted = answering.and_then(|serial| look.entries.iter().find(|entry| entry.serial == serial));
        let (written, first) = writer.write(&turns);
        let earlier = first.filter(|_| has_more || written.len() < turns.len());
        let row = look.row(talk, turns.last().map(|turn| turn.entry));
        Self {
            earlier: earlier.map(|serial| format!("?before={serial}")),
            number: number(&talk.person),
            answering: quoted.map(|entry| writer.glimpse(entry)),
            talk: talk.clone(),
            turns: written,
            is_typing,
            row,
        }
    }
}

impl Provider {
    /// As it is now, with what was wrong with an order.
    pub fn of(host: &Host, problem: Option<String>) -> Self {
        let sandbox = host.sandbox();
        let orders = sandbox.orders();
        let templates = sandbox.templates().list();
        let delay = orders.delay.unwrap_or_default();
        Self {
            problem,
            next: orders.next.iter().take(MOST_TURNS).map(ToString::to_string).collect(),
            behaviours: behaviours(),
            delay: humantime_serde::re::humantime::format_duration(delay).to_string(),
            templates: templates.iter().map(|text| (text.name.clone(), text.language.clone())).collect(),
            recipients: MAGIC.iter().map(|magic| (magic.number, magic.behaviour.to_string())).collect(),
        }
    }
}

/// What can be ordered, by what one would look for.
fn behaviours() -> Vec<(&'static str, Vec<(String, String)>)> {
    let group = |title, is_of: fn(&Behaviour) -> bool| {
        let all = MAGIC.iter().map(|magic| magic.behaviour).filter(is_of);
        (title, all.map(|it| (serde_json::to_string(&it).unwrap_or_default(), it.to_string())).collect())
    };
    let fails = |it: &Behaviour| matches!(it, Behaviour::Fails(_));
    let refused = |it: &Behaviour| matches!(it, Behaviour::Refuse(_));
    let told = |it: &Behaviour| {
        matches!(it, Behaviour::KeepsSilent | Behaviour::Repeats | Behaviour::Dawdles | Behaviour::Shuffles)
    };
    let answered = |it: &Behaviour| {
        use Behaviour::{Absent, Fail, Garble, Hang, Reset, Slow};
        matches!(it, Slow | Hang | Reset | Fail | Garble | Absent)
    };
    vec![group("Refused", refused), group("Fails later", fails), group("The answer", answered), group("Statuses", told)]
}

/// A time in a form.
pub fn said(at: OffsetDateTime, form: &[BorrowedFormatItem<'_>]) -> String {
    at.format(form).unwrap_or_default()
}

/// A time for programs.
pub fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// A number in groups, as people read it; an id as it is.
pub fn number(person: &str) -> String {
    if PhoneNumber::parse(person).is_err() {
        return person.to_owned();
    }
    let mut shown = "+".to_owned();
    for (at, digit) in person.chars().enumerate() {
        let is_new_group = at > 0 && (person.len() - at).is_multiple_of(3);
        shown.extend(is_new_group.then_some(' '));
        shown.push(digit);
    }
    shown
}

/// Two letters for a face.
fn initials(name: &str) -> String {
    let letters: String =
        name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphabetic())).take(2).collect();
    if !letters.is_empty() {
        return letters.to_uppercase();
    }
    let digits: Vec<char> = name.chars().filter(char::is_ascii_digit).collect();
    digits.get(digits.len().saturating_sub(2)..).unwrap_or_default().iter().collect()
}
