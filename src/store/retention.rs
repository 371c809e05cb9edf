//! What is forgotten, in steps so small that intake never waits for one: each takes at most `limit` transactions, and
//! is called again until it returns 0.
//!
//! The statements are the same for both databases. Ids sort by the time of acceptance, so what is old stands at the
//! beginning of a table's own key, and a step finds it without an index that each message would pay for. The rows of bodies
//! are deleted and not emptied: else each step would walk over those that are empty already.

use async_trait::async_trait;
use sqlx::{Database, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use super::cell::Cell;
use super::clients::sql::{Backend, Statement};
use super::erasure::Person;
use super::queries::{part_attempts, rests};
use super::rows::Moment;

/// The part of the store that forgets. What holds for all methods of [`super::Store`] holds for these too. Each is atomic.
/// What came before a time is told by the ids, which have it to the millisecond. Transactions that are not at their end are left alone: what is still to be sent needs its body.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Forgets the bodies of transactions received before this time: the client's request, the request, its warnings and
    /// refusal, bodies of attempts and answers. States, codes of faults and ids stay. Returns how many transactions there were.
    async fn forget_bodies(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;

    /// Deletes transactions received before this time with everything that belongs to them, but for idempotency keys,
    /// which go when they expire. Those of which somebody is still to be told are left alone. Returns how many there were.
    async fn forget_transactions(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;

    /// Forgets the bodies and faults of the recipient's transactions, and to whom they went, all that was told of them or
    /// written by them, and the webhooks that speak of them; under whatever names clients and providers call them. Returns how
    /// many transactions, events and mentions there were; called again until it returns 0.
    /// One that is still to be sent is left until it is at its end; it is the recipient's until then.
    async fn erase_recipient(&self, recipient: &str, limit: u32) -> Result<u64, StoreError>;

    /// Forgets by which other names the recipient is called, unless one of them still leads to a transaction. To be called when
    /// nothing is left that is found by them.
    async fn forget_names(&self, recipient: &str) -> Result<(), StoreError>;

    /// Deletes idempotency keys that expired by now and returns how many there were.
    async fn sweep_idempotency(&self, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;
}

/// Those with a body that are old enough: `$1` is the first id of the time, `$2` how many.
macro_rules! old_bodies {
    () => {
        concat!(
            "(select b.transaction_id from bodies b where b.transaction_id < $1 \
          and ",
            rests!("b.transaction_id"),
            " \
          order by b.transaction_id limit $2)"
        )
    };
}

/// Transactions that are old enough, and of which everybody was told. Whether one that was made at once is still under way is
/// not asked of its outcome, which goes before it.
macro_rules! old {
    () => {
        "(select t.id from transactions t where t.id < $1 \
          and not exists (select 1 from jobs j where j.transaction_id = t.id) \
          and not exists (select 1 from processes p where p.open_from <= t.id) \
          and not exists (select 1 from callbacks c where c.transaction_id = t.id and c.state = 'pending') \
          order by t.id limit $2)"
    };
}

/// The row by which a transaction is chosen goes last, so that each statement chooses the same.
const FORGET_BODIES: [&str; 4] = [
    concat!(part_attempts!(), old_bodies!()),
    concat!("update attempts set body = '' where transaction_id in ", old_bodies!()),
    concat!("update outcomes set answer = null where transaction_id in ", old_bodies!()),
    concat!("delete from bodies where transaction_id in ", old_bodies!()),
];

const FORGET: [&str; 7] = [
    concat!("delete from callbacks where transaction_id in ", old!()),
    concat!("delete from events where transaction_id in ", old!()),
    concat!("delete from turns where transaction_id in ", old!()),
    concat!("delete from outcomes where transaction_id in ", old!()),
    concat!("delete from attempts where transaction_id in ", old!()),
    concat!("delete from bodies where transaction_id in ", old!()),
    concat!("delete from transactions where id in ", old!()),
];

const SWEEP_IDEMPOTENCY: &str = "delete from idempotency where (account, key) in \
    (select account, key from idempotency where expires_at <= $1 order by expires_at limit $2)";

#[async_trait]
impl<B, DB> Retention for B
where
    B: Backend<Database = DB>,
    DB: Database,
    i64: Type<DB> + for<'q> Encode<'q, DB>,
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
    (String,): for<'r> FromRow<'r, DB::Row>,
    Uuid: Type<DB> + for<'q> Encode<'q, DB>,
    Moment: Type<DB> + for<'q> Encode<'q, DB>,
{
    async fn forget_bodies(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        self.execute_all(FORGET_BODIES.map(|step| limited(sqlx::query(step).bind(first_id(before)), limit)).into())
            .await
    }

    async fn forget_transactions(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        self.execute_all(FORGET.map(|step| limited(sqlx::query(step).bind(first_id(before)), limit)).into()).await
    }

    async fn erase_recipient(&self, recipient: &str, limit: u32) -> Result<u64, StoreError> {
        let person = Person::called(self, recipient).await?;
        let events = self.run_all(person.events(limit)).await?;
        let webhooks = self.run_all(person.webhooks(limit)).await?;
        let transactions = self.run_all(person.transactions(limit)).await?;
        Ok(events + webhooks + transactions)
    }

    async fn forget_names(&self, recipient: &str) -> Result<(), StoreError> {
        let person = Person::called(self, recipient).await?;
        self.run_all(person.aliases()).await?;
        Ok(())
    }

    async fn sweep_idempotency(&self, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        self.execute(limited(sqlx::query(SWEEP_IDEMPOTENCY).bind(Moment(now)), limit)).await
    }
}

fn limited<DB>(statement: Statement<DB>, limit: u32) -> Statement<DB>
where
    DB: Database,
    i64: Type<DB> + for<'q> Encode<'q, DB>,
{
    statement.bind(i64::from(limit))
}

/// The least id that a transaction of this time may have: the first 48 bits of a version 7 are its milliseconds.
pub(super) fn first_id(time: OffsetDateTime) -> Uuid {
    let millis = u128::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}
