//! Where the sandbox keeps files: what each was, and its bytes as long as there is room for them. The oldest go first, and
//! what is still arriving counts too, so the bytes never take more than they are given.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// Bytes of files that are kept.
const ROOM: usize = 64 * 1024 * 1024;
/// The largest file whose bytes are kept: what WhatsApp takes of videos and sounds. Of larger ones it is known what they were.
const LARGEST: usize = 16 * 1024 * 1024;

/// A file that the sandbox took.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// The id that it gave.
    pub id: String,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// In which dialect.
    pub dialect: &'static str,
    /// What it was.
    #[serde(flatten)]
    pub file: KeptFile,
    /// Its bytes, as long as there is room for them.
    #[serde(skip)]
    pub bytes: Option<Bytes>,
}

/// What a file was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptFile {
    /// Its type.
    pub mime_type: String,
    /// Its name, where one was given.
    pub filename: Option<String>,
    /// How many bytes it had.
    pub size: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// The files, each with its bytes or without.
#[derive(Debug)]
pub struct Shelf {
    books: Mutex<Books>,
    room: usize,
}

#[derive(Debug, Default)]
struct Books {
    /// The oldest first.
    kept: VecDeque<Kept>,
    /// Bytes of those, and of files that are arriving.
    taken: usize,
}

impl Shelf {
    /// With nothing on it, and so much room.
    fn of(room: usize) -> Self {
        Self { books: Mutex::default(), room }
    }

    /// The files, the latest first.
    pub fn list(&self) -> Vec<Kept> {
        self.books().kept.iter().rev().cloned().collect()
    }

    /// The file of that id.
    pub fn find(&self, id: &str) -> Option<Kept> {
        self.books().kept.iter().rev().find(|kept| kept.id == id).cloned()
    }

    /// Puts a file there; where there are so many already, the oldest goes.
    pub fn put(&self, file: Kept, most: usize) {
        let mut books = self.books();
        while books.kept.len() >= most.max(1) {
            let oldest = books.kept.pop_front();
            books.taken -= oldest.and_then(|kept| kept.bytes).map_or(0, |bytes| bytes.len());
        }
        books.kept.push_back(file);
    }

    /// Forgets all files.
    pub fn clear(&self) {
        let mut books = self.books();
        let held = std::mem::take(&mut books.kept).into_iter().filter_map(|kept| kept.bytes);
        books.taken -= held.map(|bytes| bytes.len()).sum::<usize>();
    }

    /// Bytes that arrive.
    pub fn arrival(&self) -> Arrival<'_> {
        Arrival { shelf: self, size: 0, hash: Sha256::new(), bytes: Some(Vec::new()) }
    }

    /// Makes room by giving up bytes of the oldest files, and says whether that sufficed.
    fn reserve(&self, size: usize) -> bool {
        let mut books = self.books();
        let Books { kept, taken } = &mut *books;
        let mut oldest = kept.iter_mut();
        while *taken + size > self.room {
            let Some(old) = oldest.next() else { return false };
            *taken -= old.bytes.take().map_or(0, |bytes| bytes.len());
        }
        *taken += size;
        true
    }

    fn release(&self, size: usize) {
        self.books().taken -= size;
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self::of(ROOM)
    }
}

/// A file that is arriving.
pub struct Arrival<'a> {
    shelf: &'a Shelf,
    size: u64,
    hash: Sha256,
    /// None once it is too large, or there is no room.
    bytes: Option<Vec<u8>>,
}

impl Arrival<'_> {
    /// How many bytes have come.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Some more of it.
    pub fn add(&mut self, chunk: &[u8]) {
        self.size += chunk.len() as u64;
        self.hash.update(chunk);
        let Some(bytes) = &mut self.bytes else { return };
        if bytes.len() + chunk.len() <= LARGEST && self.shelf.reserve(chunk.len()) {
            bytes.extend_from_slice(chunk);
        } else {
            self.give_up();
        }
    }

    /// The whole of it: size, hash and, where they are kept, the bytes.
    pub fn end(mut self) -> (u64, String, Option<Bytes>) {
        let hash = std::mem::take(&mut self.hash);
        (self.size, hex::encode(hash.finalize()), self.bytes.take().map(Bytes::from))
    }

    fn give_up(&mut self) {
        self.shelf.release(self.bytes.take().map_or(0, |bytes| bytes.len()));
    }
}

/// One that breaks off leaves its room.
impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 4;

    fn put(shelf: &Shelf, id: &str, size: usize) {
        let mut arrival = shelf.arrival();
        arrival.add(&vec![7; size]);
        let (size, sha256, bytes) = arrival.end();
        let file = KeptFile { mime_type: "image/png".to_owned(), filename: None, size, sha256 };
        shelf.put(Kept { id: id.to_owned(), at: OffsetDateTime::UNIX_EPOCH, dialect: "", file, bytes }, MOST);
    }

    fn held(shelf: &Shelf) -> Vec<(String, usize)> {
        let size = |kept: Kept| (kept.id, kept.bytes.map_or(0, |bytes| bytes.len()));
        shelf.list().into_iter().map(size).collect()
    }

    fn named(held: &[(&str, usize)]) -> Vec<(String, usize)> {
        held.iter().map(|(id, size)| ((*id).to_owned(), *size)).collect()
    }

    #[test]
    fn bytes_of_the_oldest_make_room_and_what_they_were_stays_known() {
        let shelf = Shelf::of(10);
        put(&shelf, "a", 6);
        put(&shelf, "b", 4);
        assert_eq!(held(&shelf), named(&[("b", 4), ("a", 6)]));
        put(&shelf, "c", 3);
        assert_eq!(held(&shelf), named(&[("c", 3), ("b", 4), ("a", 0)]));
        assert_eq!(shelf.find("a").unwrap().file.size, 6);
        put(&shelf, "d", 11);
        assert_eq!(held(&shelf), named(&[("d", 0), ("c", 0), ("b", 0), ("a", 0)]), "nothing has room for it");
    }

    #[test]
    fn what_goes_leaves_its_room() {
        let shelf = Shelf::of(10);
        for id in ["a", "b", "c", "d", "e"] {
            put(&shelf, id, 2);
        }
        assert_eq!(held(&shelf), named(&[("e", 2), ("d", 2), ("c", 2), ("b", 2)]));
        assert_eq!(shelf.books().taken, 8);
        let mut broken = shelf.arrival();
        broken.add(&[1, 2]);
        drop(broken);
        assert_eq!(shelf.books().taken, 8);
        shelf.clear();
        assert_eq!(shelf.list().len(), 0);
        assert_eq!(shelf.books().taken, 0);
    }

    #[test]
    fn what_arrives_counts_while_it_does() {
        let shelf = Shelf::of(10);
        let (mut one, mut other) = (shelf.arrival(), shelf.arrival());
        one.add(&[0; 8]);
        other.add(&[0; 8]);
        assert_eq!(other.end().2, None);
        assert_eq!(one.end().2.map(|bytes| bytes.len()), Some(8));
    }
}
