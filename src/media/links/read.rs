//! Answers to what is in them: whole files on their way to the disk, and what is needed of files that stay where they
//! are.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::cache::content_type;
use super::{Inner, LinkFault, SpoolFile, Wanted};
use crate::media::check::{Inspection, Inspector};
use crate::net::{Answer, FetchError};

/// Fewer bytes are rather read than left out: a request of its own costs more.
const WORTH_A_REQUEST: u64 = 512 << 10;

/// How often parts of one file are left out.
const MAX_JUMPS: usize = 4;

/// How much of a report is read, of an answer that is not the file.
const REPORT: usize = 4 << 10;

/// What was seen of a file, and where it lies if it was fetched.
#[derive(Clone, Debug)]
pub struct Sight {
    pub inspection: Arc<Inspection>,
    pub content_type: Option<String>,
    /// Where a redirect led, to be shown.
    pub redirected: Option<String>,
    pub file: Option<File>,
}

/// A fetched file.
#[derive(Clone, Debug)]
pub struct File {
    pub sha256: String,
    pub bytes: Arc<SpoolFile>,
}

/// A file's inspection, and the file where it was fetched.
type Read = (Inspection, Option<File>);

impl Sight {
    pub fn bytes_on_disk(&self) -> u64 {
        self.file.as_ref().map_or(0, |_| self.inspection.bytes)
    }
}

impl Inner {
    /// Reads an answer of the status 200.
    pub(super) async fn read(&self, wanted: &Wanted, answer: Answer) -> Result<Sight, LinkFault> {
        if is_encoded(&answer.headers) {
            return Err(LinkFault::encoded());
        }
        let declared = length(&answer.headers);
        if let Some(bytes) = declared.filter(|bytes| *bytes > wanted.max_bytes) {
            return Err(LinkFault::too_large(wanted.kind.as_str(), Some(bytes), wanted.max_bytes));
        }
        let redirected = (answer.hops > 0).then(|| answer.link.shown());
        let content_type = content_type(&answer.headers);
        let read = if wanted.is_file { self.receive(wanted, answer).await } else { self.skim(wanted, answer).await };
        let (inspection, file) = read?;
        Ok(Sight { inspection: Arc::new(inspection), content_type, redirected, file })
    }

    /// Writes the file while it is inspected and hashed: it is never read a second time.
    async fn receive(&self, wanted: &Wanted, mut answer: Answer) -> Result<Read, LinkFault> {
        let (bytes, mut end) = self.spool.create().await.map_err(|error| LinkFault::disk(&error))?;
        let (mut inspector, mut hash) = (Inspector::new(), Sha256::new());
        while let Some(chunk) = next(wanted, &mut answer, inspector.bytes()).await? {
            inspector.push(&chunk);
            hash.update(&chunk);
            end.write_all(&chunk).await.map_err(|error| LinkFault::disk(&error))?;
        }
        end.flush().await.map_err(|error| LinkFault::disk(&error))?;
        let file = File { sha256: hex::encode(hash.finalize()), bytes };
        Ok((inspector.finish(), Some(file)))
    }

    /// Inspects the file. Where its reader passes over so much that it is worth a request, the connection is dropped and
    /// the rest asked for; an origin that does not play along is read from the beginning to the end.
    async fn skim(&self, wanted: &Wanted, mut answer: Answer) -> Result<Read, LinkFault> {
        let mut inspector = Inspector::new();
        let mut parts = Parts::of(&answer.headers);
        while let Some(chunk) = next(wanted, &mut answer, inspector.bytes()).await? {
            inspector.push(&chunk);
            let Some(jump) = parts.as_ref().and_then(|parts| parts.jump(&inspector)) else { continue };
            let from = inspector.bytes() + jump;
            drop(answer);
            match parts.take() {
                Some(whole) if let Some(part) = self.part(wanted, from, &whole).await => {
                    answer = part;
                    inspector.pass_over(jump);
                    parts = whole.after_a_jump();
                }
                _ => {
                    answer = self.visit(wanted, HeaderMap::new()).await?;
                    inspector = Inspector::new();
                }
            }
        }
        Ok((inspector.finish(), None))
    }

    /// The file from a place on; nothing where the origin gives anything else.
    async fn part(&self, wanted: &Wanted, from: u64, whole: &Parts) -> Option<Answer> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(&format!("bytes={from}-")).ok()?);
        headers.extend(whole.same.clone().map(|same| (header::IF_RANGE, same)));
        let answer = self.call(wanted, headers).await.ok()?;
        let range = answer.headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
        let expected = format!("bytes {from}-{}/{}", whole.length - 1, whole.length);
        let is_it = answer.status == StatusCode::PARTIAL_CONTENT && range.eq_ignore_ascii_case(&expected);
        (is_it && !is_encoded(&answer.headers)).then_some(answer)
    }
}

/// A file whose parts can be had.
struct Parts {
    length: u64,
    /// What tells that it is still the same file.
    same: Option<HeaderValue>,
    jumps: usize,
}

impl Parts {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let accepts = headers.get(header::ACCEPT_RANGES)?;
        let strong = |tag: &&HeaderValue| !tag.as_bytes().starts_with(b"W/");
        let same = headers.get(header::ETAG).filter(strong).or_else(|| headers.get(header::LAST_MODIFIED));
        let length = length(headers).filter(|_| accepts.as_bytes().eq_ignore_ascii_case(b"bytes"))?;
        Some(Self { length, same: same.cloned(), jumps: 0 })
    }

    /// How many bytes can be left out here: not the last ones, in which an inspection looks for other ends.
    fn jump(&self, inspector: &Inspector) -> Option<u64> {
        let left = self.length.checked_sub(inspector.bytes())?.checked_sub(Inspector::END)?;
        Some(inspector.passes_over().min(left)).filter(|jump| *jump >= WORTH_A_REQUEST)
    }

    fn after_a_jump(self) -> Option<Self> {
        Some(Self { jumps: self.jumps + 1, ..self }).filter(|parts| parts.jumps < MAX_JUMPS)
    }
}

/// The next bytes, as long as there are not too many.
async fn next(wanted: &Wanted, answer: &mut Answer, seen: u64) -> Result<Option<bytes::Bytes>, LinkFault> {
    let chunk = answer.chunk().await.map_err(LinkFault::of_call)?;
    match chunk {
        Some(chunk) if seen + chunk.len() as u64 > wanted.max_bytes => {
            Err(LinkFault::too_large(wanted.kind.as_str(), None, wanted.max_bytes))
        }
        chunk => Ok(chunk),
    }
}

/// How an answer begins that is not the file.
pub async fn report(mut answer: Answer) -> String {
    let mut report = Vec::new();
    while let Ok::<_, FetchError>(Some(chunk)) = answer.chunk().await {
        report.extend(chunk.iter().take(REPORT - report.len()));
        if report.len() == REPORT {
            break;
        }
    }
    String::from_utf8_lossy(&report).into_owned()
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
