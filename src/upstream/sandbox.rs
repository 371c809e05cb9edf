//! A provider in this process that speaks every dialect from the server's side.
//!
//! It reads requests as strictly as the vendors document them, answers, keeps what both sides said (`diary.rs`) and the
//! files (`shelf.rs`), tells what becomes of messages (`teller.rs`), lets people write and press (`people.rs`, `press.rs`)
//! and send files (`handed.rs`), and misbehaves on request: each number in [`MAGIC`] stands for one class of fault, and the
//! next messages fare as it is told (`control.rs`).

mod control;
mod diary;
mod handed;
mod magic;
mod people;
mod press;
mod shelf;
mod teller;
mod templates;
mod uploads;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
pub use control::Orders;
use diary::Diary;
pub use diary::{Entry, Fate, Said, Talk};
use futures_util::{StreamExt, stream};
pub use handed::asked as asked_of_files;
use http::{Request, Response, StatusCode};
pub use magic::{Behaviour, MAGIC, Magic};
use magic::{HANG, SLOW, behaviour_of};
pub use people::{Person, name_in};
pub use press::{Pressable, pressables};
use serde::Serialize;
use serde_json::Value;
use shelf::Shelf;
pub use shelf::{Kept, KeptFile};
use teller::Teller;
pub use teller::{Line, Outlet, SandboxConfig};
pub use templates::{ButtonText, Filled, FilledButton, FilledHeader, Part, TemplateText, Templates, fill};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::{SANDBOX_SCHEME, Transport};
use crate::clock::Clock;
use crate::dialect::{Answer, Call, Dialect, MediaAnswer, MediaCall, Receipt, Speaker, speaker};
use crate::model::{self, Accepted, Fault, FaultKind, TransactionId};
use crate::net::{CallError, Chunks, Streamed};

/// How many messages are kept, and how many files, where nobody says; the oldest go first.
const KEPT: usize = 1000;
/// Its host in the address that stands for it in this process.
const IN_PROCESS: &str = "in-process";

/// A message that the sandbox took.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The id that it gave.
    pub id: String,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// In which dialect.
    pub dialect: &'static str,
    /// What was understood.
    pub request: model::Request,
    /// The body as it came.
    pub body: Value,
    /// How many bytes that had.
    #[serde(skip)]
    pub size: usize,
}

/// The simulated provider.
pub struct Sandbox {
    clock: Arc<dyn Clock>,
    room: usize,
    delay: Duration,
    diary: Arc<Diary>,
    shelf: Shelf,
    templates: Templates,
    next: Mutex<VecDeque<Behaviour>>,
    /// Where it is, as a server of its own.
    origin: OnceLock<String>,
    teller: Arc<Teller>,
}

impl Sandbox {
    /// A sandbox that has got nothing yet.
    pub fn new(clock: Arc<dyn Clock>, config: SandboxConfig) -> Self {
        let diary = Arc::new(Diary::default());
        let teller = Teller::new(Arc::clone(&clock), config, Arc::clone(&diary));
        let (room, delay) = (KEPT, Duration::ZERO);
        let (shelf, templates, next, origin) = Default::default();
        Self { clock, room, delay, diary, shelf, templates, next, origin, teller }
    }

    /// The same, with room for so many messages, and as many files.
    #[must_use]
    pub fn keeping(self, room: usize) -> Self {
        Self { room, ..self }
    }

    /// The same, and each answer takes so long at least.
    #[must_use]
    pub fn answering_after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Says where it is, as a server of its own: `http://127.0.0.1:8090`. The first word counts.
    pub fn stands_at(&self, origin: String) {
        // Nobody starts one sandbox twice.
        let _ = self.origin.set(origin);
    }

    fn origin(&self) -> String {
        self.origin.get().cloned().unwrap_or_else(|| format!("{SANDBOX_SCHEME}://{IN_PROCESS}"))
    }

    /// Says where its webhooks go; the first word counts. Before it none are sent.
    pub fn tell_to(&self, outlet: Arc<dyn Outlet>) {
        self.teller.tell_to(outlet);
    }

    /// Tells nothing any more.
    pub fn close(&self) {
        self.teller.close();
    }

    /// Resolves once it is closed.
    pub async fn closed(&self) {
        self.teller.closed().await;
    }

    /// What it got, the latest first.
    pub fn received(&self) -> Vec<Received> {
        self.diary.requests()
    }

    /// What both sides said, the first first, and what was refused.
    pub fn entries(&self) -> Vec<Entry> {
        self.diary.entries()
    }

    /// Changes with whatever [`Self::entries`] and [`Self::orders`] give. None where so many watch already.
    pub fn changes(&self) -> Option<watch::Receiver<u64>> {
        self.diary.changes()
    }

    /// The texts of templates.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// The files that it took, the latest first.
    pub fn files(&self) -> Vec<Kept> {
        self.shelf.list()
    }

    /// The file of that id, as long as it is known.
    pub fn file(&self, id: &str) -> Option<Kept> {
        self.shelf.find(id)
    }

    /// Forgets what both sides said, and the files.
    pub fn clear(&self) {
        self.diary.clear();
        self.shelf.clear();
    }

    /// A request over a line, or, without one, in whichever dialect its path and body tell.
    ///
    /// # Errors
    /// Where it plays a provider that gives no answer.
    pub async fn take(&self, line: Option<&Line>, request: &Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let path = request.uri().path().to_owned();
        let call =
            Call { method: request.method().clone(), path, headers: request.headers().clone(), body: body.clone() };
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let speaker = line.map_or_else(|| speaker(&call, None), |line| Speaker::of(line.dialect));
        let answer = Answer { transaction: self.clock.transaction_id(), at: self.clock.now(), pace: None };
        let understood = match strictly(&speaker, call) {
            Ok(understood) => understood,
            Err(fault) => return Ok(speaker.encode_fault(&fault, &answer)),
        };
        let line = line.cloned().unwrap_or_else(|| Line::alone(speaker.dialect(), understood.sender()));
        let behaviour = self.behaviour(&understood);
        match behaviour {
            Behaviour::Absent => return Err(CallError::NotSent("the sandbox plays absent".into())),
            Behaviour::Refuse(kind) => {
                let fault = Fault::client(kind, words_for(kind));
                let (refused, _) = taken(&speaker, &answer, understood, body, request.body().len());
                self.write_down(&line, &refused, Fate { refused: Some(kind), ..Fate::default() });
                // The vendor's own words, credential faults included: here the sandbox is the vendor.
                return Ok(speaker.dialect().encode_fault(&fault, &answer));
            }
            _ => {}
        }
        let (received, response) = taken(&speaker, &answer, understood, body, request.body().len());
        let serial = self.write_down(&line, &received, Fate::default());
        self.teller.tell_of(&line, serial, &received, behaviour);
        match behaviour {
            Behaviour::Slow => tokio::time::sleep(SLOW).await,
            Behaviour::Hang => tokio::time::sleep(HANG).await,
            Behaviour::Reset => return Err(CallError::Broken("the sandbox plays a broken connection".into())),
            Behaviour::Fail => return Ok(unreadable(StatusCode::INTERNAL_SERVER_ERROR)),
            Behaviour::Garble => return Ok(unreadable(StatusCode::OK)),
            _ => {}
        }
        Ok(response)
    }

    /// What happens to a request: what is no message always fares well.
    fn behaviour(&self, request: &model::Request) -> Behaviour {
        match request.recipient() {
            Some(_) => self.next_or(behaviour_of(request)),
            None => Behaviour::Accept,
        }
    }

    fn write_down(&self, line: &Line, received: &Arc<Received>, fate: Fate) -> u64 {
        let (talk, request) = (Talk::of(line, &received.request), Arc::clone(received));
        self.diary.write(received.at, line, talk, Said::ByBusiness { request, fate }, self.room)
    }

    /// A call of the media endpoints in a known dialect, as the dialect reads it, and its body. Messages may name any id of
    /// an upload, whether it was given here or not.
    pub async fn take_media(
        &self,
        dialect: &'static dyn Dialect,
        asked: Option<Result<MediaCall, Fault>>,
        chunks: Chunks,
    ) -> Response<Bytes> {
        let answer = Answer { transaction: self.clock.transaction_id(), at: self.clock.now(), pace: None };
        if let Some(given) = asked.as_ref().and_then(|asked| self.give(dialect, asked.as_ref().ok()?)) {
            return given.unwrap_or_else(|fault| dialect.encode_fault(&fault, &answer));
        }
        match uploads::read(asked, chunks, &self.shelf).await {
            Ok(read) => dialect.encode_media_answer(&MediaAnswer::Uploaded(&self.keep(dialect, read).id)),
            Err(fault) => dialect.encode_fault(&fault, &answer),
        }
    }

    /// Keeps a file that was read.
    fn keep(&self, dialect: &dyn Dialect, (file, bytes): uploads::Read) -> Kept {
        let (id, at, dialect) = (self.clock.media_id(), self.clock.now(), dialect.name());
        let kept = Kept { id, at, dialect, file, bytes };
        self.shelf.put(kept.clone(), self.room);
        kept
    }
}

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a request and takes no loose spelling: what a vendor's documents do not promise is refused.
fn strictly(speaker: &Speaker, call: Call) -> Result<model::Request, Fault> {
    let decoded = speaker.decode_send(call)?;
    match decoded.warnings.into_iter().next() {
        Some(warning) => Err(Fault::invalid(warning.member, warning.text)),
        None => Ok(decoded.value),
    }
}

/// A request that is taken, and the answer to it.
fn taken(
    speaker: &Speaker,
    answer: &Answer,
    request: model::Request,
    body: Value,
    size: usize,
) -> (Arc<Received>, Response<Bytes>) {
    let accepted = Accepted::default();
    let response = speaker.encode_receipt(&Receipt { answer: *answer, request: &request, accepted: &accepted });
    let id = id_of(speaker, &response, answer.transaction);
    (Arc::new(Received { id, at: answer.at, dialect: speaker.dialect().name(), request, body, size }), response)
}

/// Where one code stands for several faults, clients go by the words.
fn words_for(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::MediaUnreachable => "the download failed: the sandbox was asked for this by the recipient's number",
        _ => "the sandbox was asked for this by the recipient's number",
    }
}

/// The id in the answer, read as a client would.
fn id_of(speaker: &Speaker, response: &Response<Bytes>, transaction: TransactionId) -> String {
    let accepted = speaker.dialect().decode_outcome(response).ok();
    accepted.and_then(|accepted| accepted.message_id).unwrap_or_else(|| transaction.to_string())
}

fn unreadable(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"<html><body>Something went wrong</body></html>"));
    *response.status_mut() = status;
    response
}

/// The sandbox behind one upstream.
pub struct InProcess {
    /// The sandbox.
    pub sandbox: Arc<Sandbox>,
    /// The upstream, as the sandbox knows it.
    pub line: Line,
    /// How long a caller waits: the total limit of a real call.
    pub limit: Duration,
}

#[async_trait]
impl Transport for InProcess {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        if let Some(asked) = self.asked(&request) {
            return Ok(self.sandbox.take_media(self.line.dialect, Some(asked), stream::empty().boxed()).await);
        }
        let answer = self.sandbox.take(Some(&self.line), &request);
        tokio::time::timeout(self.limit, answer).await.unwrap_or(Err(CallError::TimedOut(self.limit)))
    }

    async fn upload(&self, request: Request<Streamed>) -> Result<Response<Bytes>, CallError> {
        let asked = self.asked(&request);
        Ok(self.sandbox.take_media(self.line.dialect, asked, request.into_body().chunks).await)
    }

    async fn download(&self, request: Request<Bytes>) -> Result<Response<Chunks>, CallError> {
        let asked = self.asked(&request);
        let answer = self.sandbox.take_media(self.line.dialect, asked, stream::empty().boxed()).await;
        Ok(answer.map(|bytes| stream::iter([Ok(bytes)]).boxed()))
    }
}

impl InProcess {
    /// What a request asks of the media endpoints, where it asks for something there.
    fn asked<B>(&self, request: &Request<B>) -> Option<Result<MediaCall, Fault>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let call = Call { method, path, headers: request.headers().clone(), body: Value::Null };
        handed::asked(self.line.dialect, &call)
    }
}
