//! What both sides said, in the order in which it was said: what the inbox shows. So many entries are kept, and so many
//! bytes of them; the oldest go first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::{Line, Received};
use crate::model::{Fault, FaultKind, Inbound, Progress, Request, Status};

/// Bytes of bodies that are kept, in any case, and for each entry that there is room for: the usual message has a tenth of
/// that.
const MOST_BYTES: usize = 32 * 1024 * 1024;
const BYTES_EACH: usize = 4 * 1024;
/// Pages that follow it at once.
const MOST_WATCHERS: usize = 32;

/// Who talks with whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Talk {
    /// The business: the upstream whose number it is, or, where the sandbox is a process of its own, the dialect.
    pub line: String,
    /// The person: a number in digits, a user id, or the id of a group.
    pub person: String,
}

/// One thing that was said.
#[derive(Clone)]
pub struct Entry {
    /// Counts up, and is never given again.
    pub serial: u64,
    /// When.
    pub at: OffsetDateTime,
    /// In which talk; none where it belongs to none, as requests of other channels do.
    pub talk: Option<Talk>,
    /// Over which line.
    pub line: Line,
    /// What, and by whom.
    pub said: Said,
}

/// Who said what.
#[derive(Clone)]
pub enum Said {
    /// The business, or the gateway in its name.
    ByBusiness {
        /// The request.
        request: Arc<Received>,
        /// What became of it.
        fate: Fate,
    },
    /// The person.
    ByPerson {
        /// The message.
        message: Arc<Inbound>,
        /// Whether the webhook was taken: unknown as long as it is on its way.
        taken: Option<bool>,
    },
}

/// What became of a message of the business.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Fate {
    /// The steps that were told, in that order.
    pub steps: Vec<Progress>,
    /// Why it failed.
    pub problems: Vec<Fault>,
    /// Why the provider did not even take it.
    pub refused: Option<FaultKind>,
}

/// The diary.
pub struct Diary {
    pages: Mutex<Pages>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Pages {
    /// The oldest first, each with the serial of the one before and one.
    entries: VecDeque<Entry>,
    next: u64,
    bytes: usize,
}

impl Talk {
    /// The talk that a request belongs to, as far as it says so itself.
    pub fn of(line: &Line, request: &Request) -> Option<Self> {
        request.recipient().map(|recipient| Self::with(line, recipient.address.as_str()))
    }

    /// With that person.
    pub fn with(line: &Line, person: &str) -> Self {
        Self { line: line.upstream.clone(), person: person.to_owned() }
    }
}

impl Entry {
    /// The id of the message, as both sides know it.
    pub fn message_id(&self) -> Option<&str> {
        match &self.said {
            Said::ByBusiness { request, .. } => Some(&request.id),
            Said::ByPerson { message, .. } => message.message_id.as_deref(),
        }
    }

    /// The bytes that it is counted with: those of what came over a wire.
    fn bytes(&self) -> usize {
        match &self.said {
            Said::ByBusiness { request, .. } => request.size,
            Said::ByPerson { message, .. } => message.content.words().map_or(0, str::len),
        }
    }
}

impl Diary {
    /// Writes something down; where there is so much already, the oldest goes. Gives its serial.
    pub fn write(&self, at: OffsetDateTime, line: &Line, talk: Option<Talk>, said: Said, most: usize) -> u64 {
        let mut pages = self.pages();
        let serial = pages.next;
        let talk = talk.or_else(|| pages.talk_of_mark(&said));
        let entry = Entry { serial, at, talk, line: line.clone(), said };
        pages.next += 1;
        pages.bytes += entry.bytes();
        pages.entries.push_back(entry);
        let most_bytes = MOST_BYTES.max(most.saturating_mul(BYTES_EACH));
        while pages.entries.len() > most.max(1) || pages.bytes > most_bytes && pages.entries.len() > 1 {
            let oldest = pages.entries.pop_front();
            pages.bytes -= oldest.map_or(0, |oldest| oldest.bytes());
        }
        drop(pages);
        self.changed();
        serial
    }

    /// A status of a message is told.
    pub fn note_status(&self, serial: u64, status: &Status) {
        self.change(serial, |said| {
            if let Said::ByBusiness { fate, .. } = said {
                fate.steps.push(status.progress.clone());
                fate.problems.extend(status.problems.iter().map(|problem| problem.fault.clone()));
            }
        });
    }

    /// The webhook of what a person wrote was taken, or was not.
    pub fn note_taken(&self, serial: u64, is_taken: bool) {
        self.change(serial, |said| {
            if let Said::ByPerson { taken, .. } = said {
                *taken = Some(is_taken);
            }
        });
    }

    /// Everything, the oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.pages().entries.iter().cloned().collect()
    }

    /// The requests that were taken, the latest first.
    pub fn requests(&self) -> Vec<Received> {
        let taken = |entry: &Entry| match &entry.said {
            Said::ByBusiness { request, fate } if fate.refused.is_none() => Some(Received::clone(request)),
            _ => None,
        };
        self.pages().entries.iter().rev().filter_map(taken).collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut pages = self.pages();
        pages.entries.clear();
        pages.bytes = 0;
        drop(pages);
        self.changed();
    }

    /// Resolves with each change. Several at once are one. None where so many watch already.
    pub fn changes(&self) -> Option<watch::Receiver<u64>> {
        (self.changes.receiver_count() < MOST_WATCHERS).then(|| self.changes.subscribe())
    }

    /// Something is to be shown otherwise.
    pub fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }

    fn change(&self, serial: u64, change: impl FnOnce(&mut Said)) {
        if let Some(entry) = self.pages().entry(serial) {
            change(&mut entry.said);
        }
        self.changed();
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Diary {
    fn default() -> Self {
        Self { pages: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Pages {
    fn entry(&mut self, serial: u64) -> Option<&mut Entry> {
        let at = serial.checked_sub(self.entries.front()?.serial)?;
        self.entries.get_mut(usize::try_from(at).ok()?)
    }

    /// A read mark belongs where the message stands that it is about.
    fn talk_of_mark(&self, said: &Said) -> Option<Talk> {
        let Said::ByBusiness { request, .. } = said else { return None };
        let Request::Read(mark) = &request.request else { return None };
        let marked = self.entries.iter().rev().find(|entry| entry.message_id() == Some(mark.message_id.as_str()))?;
        marked.talk.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use time::OffsetDateTime;

    use super::*;
    use crate::dialect::{reference, samples};

    fn request(id: &str, size: usize) -> Said {
        let request = samples().first().unwrap().request().unwrap();
        let (id, at) = (id.to_owned(), OffsetDateTime::UNIX_EPOCH);
        let request = Received { id, at, dialect: "", request, body: Value::Null, size };
        Said::ByBusiness { request: Arc::new(request), fate: Fate::default() }
    }

    fn write(diary: &Diary, id: &str, size: usize) -> u64 {
        diary.write(OffsetDateTime::UNIX_EPOCH, &Line::of(reference()), None, request(id, size), 3)
    }

    fn ids(diary: &Diary) -> Vec<String> {
        diary.requests().into_iter().map(|request| request.id).collect()
    }

    #[test]
    fn the_oldest_makes_room_by_number_and_by_bytes() {
        let diary = Diary::default();
        for id in ["a", "b", "c", "d"] {
            write(&diary, id, 1);
        }
        assert_eq!(ids(&diary), ["d", "c", "b"]);
        write(&diary, "e", MOST_BYTES - 1);
        assert_eq!(ids(&diary), ["e", "d"]);
        write(&diary, "f", MOST_BYTES + 1);
        assert_eq!(ids(&diary), ["f"], "the latest is kept whatever its size");
    }

    #[test]
    fn a_status_finds_its_message_as_long_as_it_is_there() {
        let diary = Diary::default();
        let first = write(&diary, "a", 1);
        let steps = |diary: &Diary| -> Vec<usize> {
            let steps = |entry: Entry| match entry.said {
                Said::ByBusiness { fate, .. } => fate.steps.len(),
                Said::ByPerson { .. } => 0,
            };
            diary.entries().into_iter().map(steps).collect()
        };
        diary.note_status(first, &Status::new(Progress::Sent));
        assert_eq!(steps(&diary), [1]);
        diary.clear();
        let second = write(&diary, "b", 1);
        diary.note_status(first, &Status::new(Progress::Read));
        assert_eq!(steps(&diary), [0]);
        diary.note_status(second, &Status::new(Progress::Read));
        assert_eq!(steps(&diary), [1]);
    }

    #[test]
    fn whoever_watches_hears_of_each_change() {
        let diary = Diary::default();
        let mut changes = diary.changes().unwrap();
        assert!(!changes.has_changed().unwrap());
        let serial = write(&diary, "a", 1);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        diary.note_status(serial, &Status::new(Progress::Sent));
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn so_many_watch_and_no_more() {
        let diary = Diary::default();
        let watchers: Vec<_> = std::iter::from_fn(|| diary.changes()).collect();
        assert_eq!(watchers.len(), MOST_WATCHERS);
        drop(watchers);
        assert!(diary.changes().is_some());
    }
}
