//! A provider in this process that speaks every dialect from the server's side.
//!
//! It reads requests as strictly as the vendors document them, answers, keeps what it got and misbehaves on request:
//! each number in [`MAGIC`] stands for one class of fault.

mod uploads;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
pub use uploads::{Kept, KeptFile};

use super::Transport;
use crate::clock::Clock;
use crate::dialect::{Answer, Call, Dialect, MediaAnswer, MediaCall, Receipt, Speaker, speaker};
use crate::model::{self, Accepted, Fault, FaultKind, TransactionId};
use crate::net::{CallError, Chunks, Streamed};

/// How many messages are kept, and how many files, where nobody says; the oldest go first.
const KEPT: usize = 1000;
/// How long the sandbox hangs where it is told to give no answer: longer than anybody waits.
const HANG: Duration = Duration::from_secs(300);
/// How long it takes where it is told to be slow: short of the usual limits.
const SLOW: Duration = Duration::from_secs(2);

/// What the sandbox does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
];

const fn magic(number: &'static str, behaviour: Behaviour) -> Magic {
    Magic { number, behaviour }
}

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
}

/// The simulated provider.
pub struct Sandbox {
    clock: Arc<dyn Clock>,
    room: usize,
    received: Mutex<VecDeque<Received>>,
    kept: Mutex<VecDeque<Kept>>,
}

impl Sandbox {
    /// A sandbox that has got nothing yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, room: KEPT, received: Mutex::default(), kept: Mutex::default() }
    }

    /// The same, with room for so many messages, and as many files.
    #[must_use]
    pub fn keeping(self, room: usize) -> Self {
        Self { room, ..self }
    }

    /// What it got, the latest first.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).iter().rev().cloned().collect()
    }

    /// The files that it took, the latest first.
    pub fn files(&self) -> Vec<Kept> {
        lock(&self.kept).iter().rev().cloned().collect()
    }

    /// Forgets what it got.
    pub fn clear(&self) {
        lock(&self.received).clear();
        lock(&self.kept).clear();
    }

    /// A request that speaks a known dialect, or whichever its path and body tell.
    ///
    /// # Errors
    /// Where it plays a provider that gives no answer.
    pub async fn take(
        &self,
        dialect: Option<&'static dyn Dialect>,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, CallError> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let path = request.uri().path().to_owned();
        let call =
            Call { method: request.method().clone(), path, headers: request.headers().clone(), body: body.clone() };
        let speaker = dialect.map_or_else(|| speaker(&call, None), Speaker::of);
        let answer = Answer { transaction: self.clock.transaction_id(), at: self.clock.now(), pace: None };
        let understood = match strictly(&speaker, call) {
            Ok(understood) => understood,
            Err(fault) => return Ok(speaker.encode_fault(&fault, &answer)),
        };
        let behaviour = behaviour_of(&understood);
        match behaviour {
            Behaviour::Absent => return Err(CallError::NotSent("the sandbox plays absent".into())),
            Behaviour::Refuse(kind) => {
                let fault = Fault::client(kind, words_for(kind));
                // The vendor's own words, credential faults included: here the sandbox is the vendor.
                return Ok(speaker.dialect().encode_fault(&fault, &answer));
            }
            _ => {}
        }
        let response = self.accept(&speaker, &answer, understood, body);
        match behaviour {
            Behaviour::Slow => tokio::time::sleep(SLOW).await,
            Behaviour::Hang => tokio::time::sleep(HANG).await,
            Behaviour::Reset => return Err(CallError::Broken("the sandbox plays a broken connection".into())),
            Behaviour::Fail => return Ok(unreadable(StatusCode::INTERNAL_SERVER_ERROR)),
            Behaviour::Garble => return Ok(unreadable(StatusCode::OK)),
            Behaviour::Accept | Behaviour::Absent | Behaviour::Refuse(_) => {}
        }
        Ok(response)
    }

    fn accept(&self, speaker: &Speaker, answer: &Answer, request: model::Request, body: Value) -> Response<Bytes> {
        let accepted = Accepted::default();
        let response = speaker.encode_receipt(&Receipt { answer: *answer, request: &request, accepted: &accepted });
        let id = id_of(speaker, &response, answer.transaction);
        let received = Received { id, at: answer.at, dialect: speaker.dialect().name(), request, body };
        push(&self.received, received, self.room);
        response
    }

    /// An upload in a known dialect: what was asked, as the dialect reads it, and the body. Messages may name any id,
    /// whether it was given here or not.
    pub async fn take_upload(
        &self,
        dialect: &'static dyn Dialect,
        asked: Option<Result<MediaCall, Fault>>,
        chunks: Chunks,
    ) -> Response<Bytes> {
        let answer = Answer { transaction: self.clock.transaction_id(), at: self.clock.now(), pace: None };
        match uploads::read(asked, chunks).await {
            Ok(file) => {
                let id = self.clock.media_id();
                let response = dialect.encode_media_answer(&MediaAnswer::Uploaded(&id));
                push(&self.kept, Kept { id, at: answer.at, dialect: dialect.name(), file }, self.room);
                response
            }
            Err(fault) => dialect.encode_fault(&fault, &answer),
        }
    }
}

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The oldest makes room.
fn push<T>(list: &Mutex<VecDeque<T>>, entry: T, room: usize) {
    let mut list = lock(list);
    if list.len() >= room {
        list.pop_front();
    }
    list.push_back(entry);
}

/// Reads a request and takes no loose spelling: what a vendor's documents do not promise is refused.
fn strictly(speaker: &Speaker, call: Call) -> Result<model::Request, Fault> {
    let decoded = speaker.decode_send(call)?;
    match decoded.warnings.into_iter().next() {
        Some(warning) => Err(Fault::invalid(warning.member, warning.text)),
        None => Ok(decoded.value),
    }
}

/// Where one code stands for several faults, clients go by the words.
fn words_for(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::MediaUnreachable => "the download failed: the sandbox was asked for this by the recipient's number",
        _ => "the sandbox was asked for this by the recipient's number",
    }
}

fn behaviour_of(request: &model::Request) -> Behaviour {
    let Some(recipient) = request.recipient() else { return Behaviour::Accept };
    let number = recipient.address.as_str();
    MAGIC.iter().find(|magic| magic.number == number).map_or(Behaviour::Accept, |magic| magic.behaviour)
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

/// The sandbox behind an upstream that speaks one dialect.
pub struct InProcess {
    /// The sandbox.
    pub sandbox: Arc<Sandbox>,
    /// What the upstream speaks.
    pub dialect: &'static dyn Dialect,
    /// How long a caller waits: the total limit of a real call.
    pub limit: Duration,
}

#[async_trait]
impl Transport for InProcess {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        let answer = self.sandbox.take(Some(self.dialect), &request);
        tokio::time::timeout(self.limit, answer).await.unwrap_or(Err(CallError::TimedOut(self.limit)))
    }

    async fn upload(&self, request: Request<Streamed>) -> Result<Response<Bytes>, CallError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let call = Call { method: parts.method, path, headers: parts.headers, body: Value::Null };
        let asked = self.dialect.decode_media_call(&call);
        Ok(self.sandbox.take_upload(self.dialect, asked, body.chunks).await)
    }
}
