//! What holds for every file, whoever made it. A property test runs this with files that are bent by chance,
//! `scripts/fuzz` with files that are bent towards what was not reached yet.

use std::time::{Duration, Instant};

use sabir::dialect;
use sabir::media::check::{self, Inspection, Inspector, Question, Route};
use sabir::model::MediaKind;

/// What an inspector may hold at once, whatever a file declares: pieces of 64 KiB, what a ZIP keeps, one unpacked list.
pub const MAX_HELD: u64 = 4 << 20;

/// Inspects a file, in buffers of the size.
pub fn inspect(file: &[u8], buffer: usize) -> Inspection {
    let mut inspector = Inspector::new();
    file.chunks(buffer).for_each(|bytes| inspector.push(bytes));
    inspector.finish()
}

/// Inspects a file of which is left out what may be, as a preflight does.
fn inspect_in_parts(file: &[u8], buffer: usize) -> Inspection {
    let (mut inspector, mut at) = (Inspector::new(), 0);
    while at < file.len() {
        let end = (at + buffer).min(file.len());
        inspector.push(&file[at..end]);
        let left = ((file.len() - end) as u64).saturating_sub(Inspector::END);
        let jump = inspector.passes_over().min(left);
        inspector.pass_over(jump);
        at = end + usize::try_from(jump).unwrap();
    }
    inspector.finish()
}

/// Any bytes are judged, alike in any buffers and in parts, within bounds of memory and time.
pub fn file(file: &[u8], buffer: usize) {
    let begin = Instant::now();
    let (whole, held) = held_by(|| inspect(file, usize::MAX));
    let (in_buffers, held_in_buffers) = held_by(|| inspect(file, buffer));
    assert_eq!(said(&whole), said(&in_buffers));
    assert_eq!(said(&whole), said(&inspect_in_parts(file, buffer)));
    assert!(held.max(held_in_buffers) < MAX_HELD, "holds {} bytes", held.max(held_in_buffers));
    judge(&whole);
    assert!(begin.elapsed() < Duration::from_secs(5), "takes {:?}", begin.elapsed());
}

/// Every question that can be asked of it has an answer.
pub fn judge(inspection: &Inspection) {
    for kind in MediaKind::ALL {
        for dialect in dialect::all() {
            for route in [Route::Upload, Route::Link] {
                let question = Question {
                    route,
                    content_type: Some("audio/ogg; codecs=\"opus"),
                    filename: Some("..\u{202e}a.\u{e9}.docx"),
                    voice: true,
                    ..Question::new(kind, dialect.media_promise())
                };
                check::check(inspection, &question);
            }
        }
    }
}

/// What came of it, and how many bytes were held at once on the way.
pub fn held_by<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let mut done = None;
    let held = allocation_counter::measure(|| done = Some(work())).bytes_max;
    (done.unwrap(), held)
}

fn said(inspection: &Inspection) -> String {
    format!("{inspection:?}")
}
