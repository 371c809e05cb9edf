//! What the rows of both databases have in common, and the way between them and the contract's types.
//!
//! Texts go in through [`text`], JSON through [`json`]; both come out as they are.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer, value};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Attempt, NewTransaction, Settlement, StoreError, Summary, Transaction, Write};
use crate::model::{Fault, TransactionId};

/// A part of a batch that goes in as a whole: first the records, then the settlements.
#[derive(Default)]
pub(super) struct Round<'a> {
    pub records: Vec<&'a NewTransaction>,
    pub settlements: Vec<&'a Settlement>,
}

impl Round<'_> {
    /// Whether all its entries are of one kind.
    pub fn is_uniform(&self) -> bool {
        self.records.is_empty() || self.settlements.is_empty()
    }
}

/// Cuts a batch into as few rounds as leave the order of each transaction's entries alone. Nearly always it is one.
pub(super) fn rounds(batch: &[Write]) -> Vec<Round<'_>> {
    let mut rounds = Vec::new();
    let mut round = Round::default();
    let mut settled = HashSet::new();
    for write in batch {
        if settled.contains(&write.transaction()) {
            rounds.push(std::mem::take(&mut round));
            settled.clear();
        }
        match write {
            Write::Record(record) => round.records.push(record),
            Write::Settle(settlement) => {
                settled.insert(settlement.transaction);
                round.settlements.push(settlement);
            }
            Write::Begin(_) | Write::Turn(_) => {}
        }
    }
    rounds.push(round);
    rounds
}

/// What goes into `transactions` and `bodies` for a new transaction.
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
    pub warnings: String,
    pub refusal: Option<String>,
}

impl<'a> TryFrom<&'a NewTransaction> for NewRow<'a> {
    type Error = StoreError;

    fn try_from(new: &'a NewTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            id: new.id.0,
            account: text(&new.account),
            dialect: text(&new.dialect),
            upstream: new.upstream.as_deref().map(text),
            channel: new.request.channel().as_str(),
            kind: new.request.kind().as_str(),
            state: new.state.as_str(),
            sender: new.request.sender().map(text),
            recipient: new.request.recipient().map(|recipient| text(recipient.address.as_str())),
            fault: new.fault.as_ref().map(|fault| fault.kind.code()),
            received_at: Moment(new.received_at),
            client_request: text(&new.client_request),
            request: json(&new.request)?,
            warnings: json(&new.warnings)?,
            refusal: new.fault.as_ref().map(json).transpose()?,
        })
    }
}

/// What goes into `attempts` and `under_way` for a new attempt.
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
    /// The row of the transaction's first attempt, where it has one.
    pub fn first_of(new: &'a NewTransaction) -> Option<Self> {
        let attempt = new.attempt.as_ref()?;
        Some(Self {
            transaction_id: new.id.0,
            number: number(attempt.number),
            upstream: text(&attempt.upstream),
            method: text(&attempt.method),
            url: text(&attempt.url),
            body: text(&attempt.body),
            started_at: Moment(attempt.started_at),
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
    pub answer: Option<Cow<'a, str>>,
    pub fault: Option<String>,
    pub fault_code: Option<&'static str>,
    pub finished_at: Moment,
}

impl<'a> TryFrom<&'a Settlement> for NewOutcomeRow<'a> {
    type Error = StoreError;

    fn try_from(settlement: &'a Settlement) -> Result<Self, StoreError> {
        Ok(Self {
            transaction_id: settlement.transaction.0,
            number: number(settlement.attempt),
            state: settlement.state.as_str(),
            status: settlement.status.map(i32::from),
            message_id: settlement.message_id.as_deref().map(text),
            answer: settlement.answer.as_deref().map(text),
            fault: settlement.fault.as_ref().map(json).transpose()?,
            fault_code: settlement.fault.as_ref().map(|fault| fault.kind.code()),
            finished_at: Moment(settlement.finished_at),
        })
    }
}

/// A row of a list.
#[derive(FromRow)]
pub(super) struct SummaryRow {
    id: Uuid,
    account: String,
    dialect: String,
    upstream: Option<String>,
    channel: String,
    kind: String,
    state: String,
    sender: Option<String>,
    recipient: Option<String>,
    message_id: Option<String>,
    fault: Option<String>,
    received_at: Moment,
    updated_at: Moment,
}

impl TryFrom<SummaryRow> for Summary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: TransactionId(row.id),
            account: row.account,
            dialect: row.dialect,
            upstream: row.upstream,
            channel: named("channel", &row.channel)?,
            kind: named("kind", &row.kind)?,
            state: named("state", &row.state)?,
            sender: row.sender,
            recipient: row.recipient,
            message_id: row.message_id,
            fault: row.fault,
            received_at: row.received_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

/// A transaction's row with its bodies.
#[derive(FromRow)]
pub(super) struct TransactionRow {
    #[sqlx(flatten)]
    summary: SummaryRow,
    client_request: String,
    request: String,
    warnings: String,
    refusal: Option<String>,
}

impl TransactionRow {
    /// The key that the other rows of the transaction have.
    pub fn id(&self) -> Uuid {
        self.summary.id
    }

    /// The transaction with these attempts.
    pub fn with(self, attempts: Vec<AttemptRow>) -> Result<Transaction, StoreError> {
        Ok(Transaction {
            summary: self.summary.try_into()?,
            client_request: parsed("client_request", &self.client_request)?,
            request: parsed("request", &self.request)?,
            warnings: parsed("warnings", &self.warnings)?,
            refusal: fault("refusal", self.refusal)?,
            attempts: attempts.into_iter().map(Attempt::try_from).collect::<Result<_, _>>()?,
            turns: Vec::new(),
            due_at: None,
        })
    }
}

/// An attempt with its outcome, where it has one.
#[derive(FromRow)]
pub(super) struct AttemptRow {
    number: i32,
    upstream: String,
    method: String,
    url: String,
    body: String,
    started_at: Moment,
    finished_at: Option<Moment>,
    status: Option<i32>,
    answer: Option<String>,
    fault: Option<String>,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.number.unsigned_abs(),
            upstream: row.upstream,
            method: row.method,
            url: row.url,
            body: row.body,
            started_at: row.started_at.0,
            finished_at: row.finished_at.map(|moment| moment.0),
            status: row.status.and_then(|status| u16::try_from(status).ok()),
            answer: row.answer,
            fault: fault("fault", row.fault)?,
            state: None,
        })
    }
}

/// A text as both databases take it: Postgres has no NUL in its texts, so one becomes the replacement character. Bodies
/// in JSON keep theirs, which is escaped there.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

pub(super) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::defect)
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A column does not read back. The cause would repeat its value, so it is left out.
#[derive(Debug, thiserror::Error)]
#[error("a row does not read back: {0} is not what was written")]
struct Unreadable(&'static str);

pub(super) fn parsed<T: DeserializeOwned>(column: &'static str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::defect(Unreadable(column)))
}

fn fault(column: &'static str, json: Option<String>) -> Result<Option<Fault>, StoreError> {
    json.map(|json| parsed(column, &json)).transpose()
}

fn named<T: DeserializeOwned>(column: &'static str, name: &str) -> Result<T, StoreError> {
    T::deserialize(name.into_deserializer()).map_err(|_: value::Error| StoreError::defect(Unreadable(column)))
}

/// A time as the databases keep it, to the microsecond: `timestamptz` in Postgres, in SQLite a number of microseconds
/// since 1970.
#[derive(Clone, Copy)]
pub(super) struct Moment(pub OffsetDateTime);

impl Type<Postgres> for Moment {
    fn type_info() -> PgTypeInfo {
        <OffsetDateTime as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for Moment {
    fn array_type_info() -> PgTypeInfo {
        OffsetDateTime::array_type_info()
    }
}

impl Decode<'_, Postgres> for Moment {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        <OffsetDateTime as Decode<Postgres>>::decode(value).map(Self)
    }
}

impl Encode<'_, Postgres> for Moment {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <OffsetDateTime as Encode<Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

impl Type<Sqlite> for Moment {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }
}

impl Decode<'_, Sqlite> for Moment {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<Sqlite>>::decode(value)?;
        Ok(Self(OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)?))
    }
}

impl Encode<'_, Sqlite> for Moment {
    fn encode_by_ref(&self, arguments: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        let micros = i64::try_from(self.0.unix_timestamp_nanos().div_euclid(1000))?;
        <i64 as Encode<Sqlite>>::encode(micros, arguments)
    }
}
