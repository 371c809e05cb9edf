//! What the contract's types are as rows that are written, the same for both databases.

use std::borrow::Cow;

use serde::Serialize;
use uuid::Uuid;

use super::queries::AT_ONCE;
use super::rows::{Moment, json, number, text};
use super::seal::Seal;
use super::{Begin, NewAttempt, NewTransaction, Next, Settlement, StoreError, Turn};
use crate::model::{State, TransactionId};

/// What goes into `transactions`, `bodies`, `attempts`, `jobs` and `idempotency` for a new transaction.
pub(super) struct NewRow<'a> {
    pub id: Uuid,
    pub account: Cow<'a, str>,
    pub dialect: Cow<'a, str>,
    pub upstream: Option<Cow<'a, str>>,
    pub channel: &'static str,
    pub kind: &'static str,
    pub state: &'static str,
    pub sender: Option<Cow<'a, str>>,
    pub recipient: Option<Cow<'a, str>>,
    pub fault: Option<&'static str>,
    pub received_at: Moment,
    pub client_request: Cow<'a, str>,
    pub request: String,
    pub return_address: String,
    pub warnings: String,
    pub refusal: Option<String>,
    pub pair: Option<Cow<'a, str>>,
    /// Of the job; none where there is none, as long as it does not have to wait.
    pub due_at: Option<Moment>,
    pub holder: Option<Uuid>,
    pub attempt: Option<NewAttemptRow<'a>>,
    pub key: Option<Cow<'a, str>>,
    pub payload: Option<&'a [u8]>,
    pub expires_at: Option<Moment>,
}

impl<'a> NewRow<'a> {
    pub fn of(new: &'a NewTransaction, seal: &Seal) -> Result<Self, StoreError> {
        let (job, idempotency) = (new.job.as_ref(), new.idempotency.as_ref());
        Ok(Self {
            id: new.id.0,
            account: text(&new.account),
            dialect: text(&new.dialect),
            upstream: new.upstream.as_deref().map(text),
            channel: new.request.channel().as_str(),
            kind: new.request.kind().as_str(),
            state: if new.at_once { AT_ONCE } else { new.state.as_str() },
            sender: new.request.sender().map(text),
            recipient: new.request.addressee().map(|to| text(&to).into_owned().into()),
            fault: new.fault.as_ref().map(|fault| fault.kind.code()),
            received_at: Moment(new.received_at),
            client_request: seal.keep("bodies.client_request", text(&new.client_request))?,
            request: seal.keep_own("bodies.request", json(&new.request)?)?,
            return_address: seal.keep_own("bodies.return_address", json(&new.request.return_address())?)?,
            warnings: seal.keep_own("bodies.warnings", json(&new.warnings)?)?,
            refusal: sealed(seal, "bodies.refusal", new.fault.as_ref())?,
            pair: job.and_then(|job| job.pair.as_deref()).map(text),
            due_at: job.filter(|_| !new.at_once).map(|job| Moment(job.due_at)),
            holder: job.and_then(|job| job.holder),
            attempt: new.attempt.as_ref().map(|attempt| NewAttemptRow::of(new.id, attempt, seal)).transpose()?,
            key: idempotency.map(|idempotency| text(&idempotency.key)),
            payload: idempotency.map(|idempotency| idempotency.payload.0.as_slice()),
            expires_at: idempotency.map(|idempotency| Moment(idempotency.expires_at)),
        })
    }
}

impl NewRow<'_> {
    /// The number of its attempt; 0 where it has none yet.
    pub fn number(&self) -> i32 {
        self.attempt.as_ref().map_or(0, |attempt| attempt.number)
    }
}

/// What goes into `attempts` for a new attempt.
pub(super) struct NewAttemptRow<'a> {
    pub transaction_id: Uuid,
    pub number: i32,
    pub upstream: Cow<'a, str>,
    pub method: Cow<'a, str>,
    pub url: Cow<'a, str>,
    pub body: Cow<'a, str>,
    pub started_at: Moment,
}

impl<'a> NewAttemptRow<'a> {
    fn of(transaction: TransactionId, attempt: &'a NewAttempt, seal: &Seal) -> Result<Self, StoreError> {
        Ok(Self {
            transaction_id: transaction.0,
            number: number(attempt.number),
            upstream: text(&attempt.upstream),
            method: text(&attempt.method),
            url: text(&attempt.url),
            body: seal.keep("attempts.body", text(&attempt.body))?,
            started_at: Moment(attempt.started_at),
        })
    }
}

/// What goes into `jobs` and `attempts` when an attempt begins.
pub(super) struct BeginRow<'a> {
    pub holder: Uuid,
    pub lease_until: Moment,
    pub attempt: NewAttemptRow<'a>,
    /// For `bodies`; none where they stay as they are.
    pub warnings: Option<String>,
}

impl<'a> BeginRow<'a> {
    pub fn of(begin: &'a Begin, seal: &Seal) -> Result<Self, StoreError> {
        Ok(Self {
            holder: begin.holder,
            lease_until: Moment(begin.lease_until),
            attempt: NewAttemptRow::of(begin.transaction, &begin.attempt, seal)?,
            warnings: sealed(seal, "bodies.warnings", begin.warnings.as_ref())?,
        })
    }
}

/// What becomes of a job; one without a state is deleted.
pub(super) struct NextRow {
    pub state: Option<&'static str>,
    pub due_at: Option<Moment>,
    pub keep: bool,
}

impl From<Next> for NextRow {
    fn from(next: Next) -> Self {
        let (state, due_at, keep) = match next {
            Next::Done => (None, None, false),
            Next::Wait { due_at, keep } => (Some(State::Waiting), Some(due_at), keep),
            Next::Call { lease_until } => (Some(State::Sending), Some(lease_until), true),
            Next::Hold { resend_at } => (Some(State::Unknown), resend_at, false),
        };
        Self { state: state.map(State::as_str), due_at: due_at.map(Moment), keep }
    }
}

/// What goes into `turns`, `jobs` and `transactions` for a change without an attempt.
pub(super) struct TurnRow<'a> {
    pub transaction_id: Uuid,
    pub holder: Option<Uuid>,
    /// The states where it may stand, with spaces between.
    pub origins: String,
    pub target: &'static str,
    pub cause: &'static str,
    pub fault_code: Option<&'static str>,
    pub fault: Option<String>,
    pub detail: Option<Cow<'a, str>>,
    pub at: Moment,
    pub next: NextRow,
    pub frees: Option<Cow<'a, str>>,
}

impl<'a> TurnRow<'a> {
    pub fn of(turn: &'a Turn, seal: &Seal) -> Result<Self, StoreError> {
        Ok(Self {
            transaction_id: turn.transaction.0,
            holder: turn.holder,
            origins: turn.from.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(" "),
            target: turn.to.as_str(),
            cause: turn.cause.as_str(),
            fault_code: turn.fault.as_ref().map(|fault| fault.kind.code()),
            fault: sealed(seal, "turns.fault", turn.fault.as_ref())?,
            detail: turn.detail.as_deref().map(text),
            at: Moment(turn.at),
            next: turn.next.into(),
            frees: turn.frees.as_deref().map(text),
        })
    }
}

/// What goes into `outcomes`, and from there into `transactions`, when an attempt ends.
pub(super) struct NewOutcomeRow<'a> {
    pub transaction_id: Uuid,
    pub number: i32,
    pub state: &'static str,
    pub status: Option<i32>,
    pub message_id: Option<Cow<'a, str>>,
    pub told: bool,
    pub answer: Option<Cow<'a, str>>,
    pub fault: Option<String>,
    pub fault_code: Option<&'static str>,
    pub finished_at: Moment,
    pub next: NextRow,
    /// Who holds the job that what was made at once gets.
    pub holder: Option<Uuid>,
}

impl<'a> NewOutcomeRow<'a> {
    pub fn of(settlement: &'a Settlement, seal: &Seal) -> Result<Self, StoreError> {
        let answer = settlement.answer.as_deref().map(|answer| seal.keep("outcomes.answer", text(answer)));
        Ok(Self {
            transaction_id: settlement.transaction.0,
            number: number(settlement.attempt),
            state: settlement.state.as_str(),
            status: settlement.status.map(i32::from),
            message_id: settlement.message_id.as_deref().map(text),
            told: settlement.told,
            answer: answer.transpose()?,
            fault: sealed(seal, "outcomes.fault", settlement.fault.as_ref())?,
            fault_code: settlement.fault.as_ref().map(|fault| fault.kind.code()),
            finished_at: Moment(settlement.finished_at),
            holder: settlement.at_once.filter(|_| matches!(settlement.next, Next::Wait { keep: true, .. })),
            next: settlement.next.into(),
        })
    }
}

/// A value as JSON, as it is kept in the column.
fn sealed(seal: &Seal, column: &'static str, value: Option<&impl Serialize>) -> Result<Option<String>, StoreError> {
    value.map(|value| seal.keep_own(column, json(value)?)).transpose()
}
