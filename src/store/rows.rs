//! What is read from both databases, as the contract's types; and what a value is in either.
//!
//! Texts go in through [`text`], JSON through [`json`]; both come out as they are.

use std::borrow::Cow;
use std::error::Error;

use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer, value};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Database, Decode, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::seal::{Seal, Sealed};
use super::{Attempt, Claimed, Depth, Lapsed, StoreError, Summary, Transaction, Turned};
use crate::model::TransactionId;

/// Who has an idempotency key.
#[derive(FromRow)]
pub(super) struct KeyRow {
    pub account: String,
    pub key: String,
    pub payload: Vec<u8>,
    pub transaction_id: Uuid,
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

/// A transaction's row with its bodies, where they are not forgotten, and its job, where it has one.
#[derive(FromRow)]
pub(super) struct TransactionRow {
    #[sqlx(flatten)]
    summary: SummaryRow,
    given_id: Option<String>,
    client_request: Option<String>,
    request: Option<String>,
    warnings: Option<String>,
    refusal: Option<String>,
    due_at: Option<Moment>,
}

impl TransactionRow {
    /// The key that the other rows of the transaction have.
    pub fn id(&self) -> Uuid {
        self.summary.id
    }

    /// The transaction with these attempts and turns.
    pub fn with(
        self,
        attempts: Vec<AttemptRow>,
        turns: Vec<TurnedRow>,
        seal: &Seal,
    ) -> Result<Transaction, StoreError> {
        self.open(seal)?.opened_with(opened(attempts, seal)?, opened(turns, seal)?)
    }

    fn opened_with(self, attempts: Vec<Attempt>, turns: Vec<Turned>) -> Result<Transaction, StoreError> {
        Ok(Transaction {
            summary: self.summary.try_into()?,
            given_id: self.given_id,
            client_request: optional("client_request", self.client_request)?.unwrap_or_default(),
            // Without it the transaction can be looked at all the same, and given up.
            request: self.request.and_then(|request| serde_json::from_str(&request).ok()),
            warnings: optional("warnings", self.warnings)?.unwrap_or_default(),
            refusal: optional("refusal", self.refusal)?,
            attempts,
            turns,
            due_at: self.due_at.map(|moment| moment.0),
        })
    }
}

impl Sealed for TransactionRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.client_request = seal.open_some("bodies.client_request", self.client_request)?;
        self.request = seal.open_some("bodies.request", self.request)?;
        self.warnings = seal.open_some("bodies.warnings", self.warnings)?;
        self.refusal = seal.open_some("bodies.refusal", self.refusal)?;
        Ok(self)
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
    state: Option<String>,
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
            fault: optional("fault", row.fault)?,
            state: row.state.map(|state| named("state", &state)).transpose()?,
        })
    }
}

impl Sealed for AttemptRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.body = seal.open("attempts.body", self.body)?;
        self.answer = seal.open_some("outcomes.answer", self.answer)?;
        self.fault = seal.open_some("outcomes.fault", self.fault)?;
        Ok(self)
    }
}

/// A change without an attempt.
#[derive(FromRow)]
pub(super) struct TurnedRow {
    at: Moment,
    from_state: String,
    to_state: String,
    cause: String,
    fault: Option<String>,
    detail: Option<String>,
}

impl TryFrom<TurnedRow> for Turned {
    type Error = StoreError;

    fn try_from(row: TurnedRow) -> Result<Self, StoreError> {
        Ok(Self {
            at: row.at.0,
            from: named("from_state", &row.from_state)?,
            to: named("to_state", &row.to_state)?,
            cause: named("cause", &row.cause)?,
            fault: optional("fault", row.fault)?,
            detail: row.detail,
        })
    }
}

impl Sealed for TurnedRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.fault = seal.open_some("turns.fault", self.fault)?;
        Ok(self)
    }
}

/// A job with its transaction.
#[derive(FromRow)]
pub(super) struct ClaimedRow {
    id: Uuid,
    account: String,
    dialect: String,
    request: String,
    warnings: String,
    received_at: Moment,
    since: Moment,
    attempts: i32,
    state: String,
    upstream: String,
    pair: Option<String>,
}

/// Those of claimed jobs that read back. Another stops nobody but its pair: it is left to its lease, and an operator can give
/// it up.
pub(super) fn claimed(rows: Vec<ClaimedRow>, seal: &Seal) -> Vec<Claimed> {
    let read = |row: ClaimedRow| {
        let id = row.id;
        let log = |error: &StoreError| tracing::error!(transaction.id = %id, error = error as &dyn Error, "a job does not read back; give it up");
        row.open(seal).and_then(Claimed::try_from).inspect_err(log).ok()
    };
    rows.into_iter().filter_map(read).collect()
}

impl TryFrom<ClaimedRow> for Claimed {
    type Error = StoreError;

    fn try_from(row: ClaimedRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: TransactionId(row.id),
            account: row.account,
            dialect: row.dialect,
            request: parsed("request", &row.request)?,
            warnings: parsed("warnings", &row.warnings)?,
            received_at: row.received_at.0,
            since: row.since.0,
            attempts: row.attempts.unsigned_abs(),
            state: named("state", &row.state)?,
            upstream: row.upstream,
            pair: row.pair,
        })
    }
}

impl Sealed for ClaimedRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.request = seal.open("bodies.request", self.request)?;
        self.warnings = seal.open("bodies.warnings", self.warnings)?;
        Ok(self)
    }
}

/// An attempt whose lease is over.
#[derive(FromRow)]
pub(super) struct LapsedRow {
    id: Uuid,
    account: String,
    dialect: String,
    kind: String,
    state: String,
    attempts: i32,
    upstream: String,
}

impl TryFrom<LapsedRow> for Lapsed {
    type Error = StoreError;

    fn try_from(row: LapsedRow) -> Result<Self, StoreError> {
        Ok(Self {
            transaction: TransactionId(row.id),
            account: row.account,
            dialect: row.dialect,
            kind: named("kind", &row.kind)?,
            state: named("state", &row.state)?,
            attempt: row.attempts.unsigned_abs(),
            upstream: row.upstream,
        })
    }
}

/// Jobs counted.
#[derive(FromRow)]
pub(super) struct DepthRow {
    upstream: String,
    state: String,
    count: i64,
    oldest: Moment,
}

impl TryFrom<DepthRow> for Depth {
    type Error = StoreError;

    fn try_from(row: DepthRow) -> Result<Self, StoreError> {
        Ok(Self {
            upstream: row.upstream,
            state: named("state", &row.state)?,
            count: row.count.unsigned_abs(),
            oldest: row.oldest.0,
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

pub(super) fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A column does not read back. The cause would repeat its value, so it is left out.
#[derive(Debug, thiserror::Error)]
#[error("a row does not read back: {0} is not what was written")]
struct Unreadable(&'static str);

pub(super) fn parsed<T: DeserializeOwned>(column: &'static str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::defect(Unreadable(column)))
}

pub(super) fn optional<T: DeserializeOwned>(
    column: &'static str,
    json: Option<String>,
) -> Result<Option<T>, StoreError> {
    json.map(|json| parsed(column, &json)).transpose()
}

pub(super) fn named<T: DeserializeOwned>(column: &'static str, name: &str) -> Result<T, StoreError> {
    T::deserialize(name.into_deserializer()).map_err(|_: value::Error| StoreError::defect(Unreadable(column)))
}

/// Rows that hold sealed texts as what they stand for.
pub(super) fn opened<R, T>(rows: impl IntoIterator<Item = R>, seal: &Seal) -> Result<Vec<T>, StoreError>
where
    R: Sealed,
    T: TryFrom<R, Error = StoreError>,
{
    rows.into_iter().map(|row| row.open(seal)?.try_into()).collect()
}

/// As [`opened`], of rows as they come.
pub(super) fn all_opened<DB, R, T>(rows: &[DB::Row], seal: &Seal) -> Result<Vec<T>, StoreError>
where
    DB: Database,
    R: for<'r> FromRow<'r, DB::Row> + Sealed,
    T: TryFrom<R, Error = StoreError>,
{
    rows.iter().map(|row| R::from_row(row)?.open(seal)?.try_into()).collect()
}

/// As [`all_opened`], of what was claimed, whose id stands in the first column: what does not open stops no other. It is left
/// to its lease and claimed again behind it, as its key may be there by then; the log names its kind and id.
pub(super) fn claimed_opened<DB, R, T>(rows: &[DB::Row], seal: &Seal, kind: &'static str) -> Vec<T>
where
    DB: Database,
    R: for<'r> FromRow<'r, DB::Row> + Sealed,
    T: TryFrom<R, Error = StoreError>,
    (Uuid,): for<'r> FromRow<'r, DB::Row>,
{
    let open = |row| -> Result<T, StoreError> { R::from_row(row)?.open(seal)?.try_into() };
    let read = |row| {
        let log = |error: &StoreError| {
            let id = <(Uuid,)>::from_row(row).map(|(id,)| id).unwrap_or_default();
            tracing::error!(kind, id = %id, error = error as &dyn Error, "what a provider told does not read back; it waits");
        };
        open(row).inspect_err(log).ok()
    };
    rows.iter().filter_map(read).collect()
}

/// Rows of a kind as what they stand for.
pub(super) fn all<DB, R, T>(rows: &[DB::Row]) -> Result<Vec<T>, StoreError>
where
    DB: Database,
    R: for<'r> FromRow<'r, DB::Row>,
    T: TryFrom<R, Error: Into<StoreError>>,
{
    rows.iter().map(|row| R::from_row(row)?.try_into().map_err(Into::into)).collect()
}

/// The only column of rows.
pub(super) fn column<DB, T>(rows: &[DB::Row]) -> Result<Vec<T>, StoreError>
where
    DB: Database,
    (T,): for<'r> FromRow<'r, DB::Row>,
{
    rows.iter().map(|row| Ok(<(T,)>::from_row(row)?.0)).collect()
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
