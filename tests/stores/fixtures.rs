//! Transactions to record and settlements to end them.

use std::sync::atomic::{AtomicU64, Ordering};

use sabir::model::{
    Content, Fault, FaultKind, Message, PhoneNumber, Recipient, RecipientAddress, References, Request, State, Text,
    TransactionId, Warning,
};
use sabir::store::{
    Beat, Begin, Cause, Idempotency, NewAttempt, NewJob, NewTransaction, Next, PayloadHash, Settlement, Turn, Write,
};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub const SENDER: &str = "442079460000";
pub const RECIPIENT: &str = "447700900123";

/// The process that holds what these fixtures send, and another.
pub const HOLDER: Uuid = Uuid::from_u128(1);
pub const OTHER: Uuid = Uuid::from_u128(2);

/// A time of the tests, so many seconds after the first.
pub fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_790_000_123).unwrap()
        + Duration::microseconds(456_789)
        + Duration::seconds(seconds)
}

/// A fresh id of a time; later ones of one time sort behind earlier ones.
pub fn id_of(time: OffsetDateTime) -> TransactionId {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let millis = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap();
    let count = u128::from(COUNT.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    TransactionId(uuid::Builder::from_unix_timestamp_millis(millis, count.last_chunk().unwrap()).into_uuid())
}

/// The same, received so many seconds after the first time; its id says so too.
pub fn aged(seconds: i64, new: NewTransaction) -> NewTransaction {
    let received_at = at(seconds);
    NewTransaction { id: id_of(received_at), received_at, ..new }
}

/// A text that is under way, received at the first time.
pub fn sending() -> NewTransaction {
    NewTransaction {
        id: id_of(at(0)),
        account: "shop".into(),
        dialect: "aisoule".into(),
        upstream: Some("main".into()),
        state: State::Sending,
        fault: None,
        received_at: at(0),
        client_request: json!({"to": "+447700900123", "type": "text", "text": "Your table is free"}).to_string(),
        request: Request::Send(text_to(RECIPIENT, "Your table is free")).into(),
        warnings: vec![Warning::new("priority", "is not known here and was dropped")],
        idempotency: None,
        job: Some(NewJob { pair: None, due_at: at(60), holder: Some(HOLDER) }),
        attempt: Some(attempt(1)),
        at_once: false,
    }
}

pub fn attempt(number: u32) -> NewAttempt {
    NewAttempt {
        number,
        upstream: "main".into(),
        method: "POST".into(),
        url: "https://provider.example.net/messages".into(),
        body: r#"{"type":"text"}"#.into(),
        started_at: at(1),
    }
}

/// The same, made at once.
pub fn made_at_once() -> NewTransaction {
    NewTransaction { at_once: true, ..sending() }
}

/// A process lives, and has nothing under way.
pub fn beat(process: Uuid, now: OffsetDateTime) -> Beat {
    Beat { process, now, open: None, looked_after: None }
}

/// A text that is for whoever claims it, due at the first time.
pub fn accepted() -> NewTransaction {
    let job = NewJob { pair: None, due_at: at(0), holder: None };
    NewTransaction { state: State::Accepted, job: Some(job), attempt: None, ..sending() }
}

/// The same for a message of a pair.
pub fn of_pair(pair: &str, mut new: NewTransaction) -> NewTransaction {
    new.job.as_mut().unwrap().pair = Some(pair.into());
    new
}

/// The same under an idempotency key that is good for a minute.
pub fn keyed(key: &str, payload: u8, new: NewTransaction) -> NewTransaction {
    let expires_at = new.received_at + Duration::minutes(1);
    let payload = PayloadHash([payload; 32]);
    NewTransaction { idempotency: Some(Idempotency { key: key.into(), payload, expires_at }), ..new }
}

/// The same, changed.
pub fn sending_with(change: impl FnOnce(&mut NewTransaction)) -> NewTransaction {
    let mut new = sending();
    change(&mut new);
    new
}

/// A request that was refused before anything was sent.
pub fn refused() -> NewTransaction {
    let fault = Fault::at(FaultKind::TooLong, "text.body", "is longer than 4096 characters");
    NewTransaction { upstream: None, state: State::Failed, fault: Some(fault), job: None, attempt: None, ..sending() }
}

/// The first attempt's good end.
pub fn sent(new: &NewTransaction, message_id: &str) -> Settlement {
    Settlement {
        transaction: new.id,
        pair: new.job.as_ref().and_then(|job| job.pair.clone()),
        attempt: 1,
        at_once: new.at_once.then_some(HOLDER),
        state: State::Sent,
        message_id: Some(message_id.into()),
        told: true,
        status: Some(200),
        answer: Some(format!(r#"{{"messages":[{{"id":"{message_id}"}}]}}"#)),
        fault: None,
        finished_at: at(2),
        next: Next::Done,
        tell: None,
    }
}

/// The first attempt's bad end.
pub fn failed(new: &NewTransaction) -> Settlement {
    Settlement {
        state: State::Failed,
        message_id: None,
        status: Some(400),
        fault: Some(Fault::upstream(FaultKind::NotOnWhatsapp, "the recipient cannot be reached")),
        ..sent(new, "")
    }
}

/// An attempt's end that leaves it to be tried again at this time, by anybody.
pub fn waits(new: &NewTransaction, attempt: u32, due_at: OffsetDateTime) -> Settlement {
    let next = Next::Wait { due_at, keep: false };
    let failed = failed(new);
    Settlement { attempt, at_once: failed.at_once.filter(|_| attempt == 1), state: State::Waiting, next, ..failed }
}

/// An attempt of a job that this process holds, for a minute.
pub fn begin(new: &NewTransaction, holder: Uuid, number: u32) -> Write {
    Write::Begin(Box::new(Begin { holder, attempt: attempt(number), ..begun(new) }))
}

pub fn begun(new: &NewTransaction) -> Begin {
    Begin { transaction: new.id, holder: HOLDER, attempt: attempt(1), lease_until: at(60), warnings: None }
}

/// A change without an attempt, by a person.
pub fn turned(new: &NewTransaction, from: &[State], to: State, next: Next) -> Turn {
    Turn {
        transaction: new.id,
        holder: None,
        from: from.into(),
        to,
        cause: Cause::Operator,
        fault: None,
        detail: None,
        at: at(70),
        next,
        frees: None,
        tell: None,
    }
}

/// What becomes of an attempt whose maker is gone.
pub fn abandoned(new: &NewTransaction) -> Turn {
    let hold = Next::Hold { resend_at: None };
    Turn { cause: Cause::Abandoned, ..turned(new, &[State::Sending], State::Unknown, hold) }
}

pub fn text_to(number: &str, body: &str) -> Message {
    let phone = PhoneNumber::parse(number).unwrap();
    Message {
        sender: Some(SENDER.into()),
        recipient: Recipient { address: RecipientAddress::Phone(phone), input: number.into() },
        content: Content::Text(Text { body: body.into(), preview_url: None, extra: Default::default() }),
        reply_to: None,
        references: References::default(),
        callbacks: Vec::new(),
        ttl_seconds: None,
        identity_key_hash: None,
        extra: Default::default(),
        envelope_extra: Default::default(),
    }
}

pub fn record(new: &NewTransaction) -> Write {
    Write::Record(Box::new(new.clone()))
}

pub fn settle(settlement: &Settlement) -> Write {
    Write::Settle(Box::new(settlement.clone()))
}

pub fn turn(turn: &Turn) -> Write {
    Write::Turn(Box::new(turn.clone()))
}
