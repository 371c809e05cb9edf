//! Looking for transactions by what no index knows. What a search costs is bounded, however rare is what it looks for: it
//! says where it stopped, and goes on from there when somebody asks. One SQL for both back ends.

use async_trait::async_trait;
use sqlx::{Database, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::cell::{Built, Cell};
use super::clients::sql::Backend;
use super::periods::IN_ANY_PERIOD;
use super::queries::{SUMMARY, first_open, state};
use super::retention::first_id;
use super::rows::{Moment, SummaryRow, all};
use super::{Filter, StoreError, Summary};
use crate::model::{State, TransactionId};

/// The part of the store that people search. What holds for all methods of [`super::Store`] holds for it too.
#[async_trait]
pub trait Search: Send + Sync {
    /// Transactions that fit the filter, the latest first, at most `limit`, beginning behind `after`. At most `scan` are looked
    /// at: of a recipient those to it, of a state that is no end those that are not at theirs, else whatever came. It may look
    /// for five seconds.
    async fn search(
        &self,
        filter: &Filter,
        after: Option<TransactionId>,
        limit: u32,
        scan: u32,
    ) -> Result<Found, StoreError>;
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The latest first.
    pub transactions: Vec<Summary>,
    /// What to give as `after` to go on; none where there is no more.
    pub next: Option<TransactionId>,
    /// Where as many were looked at as may be and more may fit: when the last of them came.
    pub stopped_at: Option<OffsetDateTime>,
}

/// Attempts under way: those with a job, and those that are made at once, as far back as somebody may have one. Where these have
/// no outcome is asked of each in a way that is no join: Postgres would join with all outcomes that there are.
const UNDER_WAY: &str = concat!(
    "(select transaction_id, state from jobs \
     union all select u.id, 'sending' from transactions u where u.state = 'at_once' and u.id >= ",
    first_open!(),
    " and (select o.number from outcomes o where o.transaction_id = u.id limit 1) is null)"
);

/// The last row that was looked at.
#[derive(FromRow)]
pub(super) struct EdgeRow {
    id: Uuid,
    received_at: Moment,
}

impl TryFrom<EdgeRow> for (TransactionId, OffsetDateTime) {
    type Error = StoreError;

    fn try_from(row: EdgeRow) -> Result<Self, StoreError> {
        Ok((TransactionId(row.id), row.received_at.0))
    }
}

#[async_trait]
impl<B, DB> Search for B
where
    B: Backend<Database = DB>,
    DB: Database,
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
    SummaryRow: for<'r> FromRow<'r, DB::Row>,
    EdgeRow: for<'r> FromRow<'r, DB::Row>,
{
    async fn search(
        &self,
        filter: &Filter,
        after: Option<TransactionId>,
        limit: u32,
        scan: u32,
    ) -> Result<Found, StoreError> {
        let way = Way::of(filter);
        let transactions: Vec<Summary> = all::<DB, SummaryRow, _>(&self.read(way.page(after, limit, scan)).await?)?;
        if transactions.len() == limit as usize {
            let next = transactions.last().map(|last| last.id);
            return Ok(Found { transactions, next, stopped_at: None });
        }
        let edge = all::<DB, EdgeRow, (TransactionId, OffsetDateTime)>(&self.read(way.edge(after, scan)).await?)?;
        let (next, stopped_at) = edge.into_iter().next().unzip();
        Ok(Found { transactions, next, stopped_at })
    }
}

/// The way through the record that a filter leaves open. Ids have the time, so it goes by them, whatever it goes through.
struct Way<'a> {
    filter: &'a Filter,
    /// There are few of those that are not at their end, and it is known which.
    unfinished: Option<State>,
}

impl<'a> Way<'a> {
    fn of(filter: &'a Filter) -> Self {
        let is_end = |state| matches!(state, State::Sent | State::Delivered | State::Read | State::Failed);
        let unfinished = filter.state.filter(|state| filter.recipient.is_none() && !is_end(*state));
        Self { filter, unfinished }
    }

    /// A page of what fits. Which rows fit is settled first, so that what a row shows is looked up for those alone.
    fn page<DB: Database>(&self, after: Option<TransactionId>, limit: u32, scan: u32) -> Built<DB>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let page = Built::new("select ").sql(SUMMARY).sql(" from transactions t where t.id in (select t.id from (");
        let page = self.fitting(self.looked_at(page, "t.*", after, scan).sql(") t where true"));
        page.sql(" order by t.id desc limit ").bind(Cell::number(limit)).sql(") order by t.id desc")
    }

    /// The last row that is looked at, where there are as many as may be.
    fn edge<DB: Database>(&self, after: Option<TransactionId>, scan: u32) -> Built<DB>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let edge = self.looked_at(Built::new("select t.id, t.received_at from ("), "t.id, t.received_at", after, scan);
        edge.sql(") t order by t.id desc limit 1 offset ").bind(Cell::number(scan.saturating_sub(1)))
    }

    /// The rows that are looked at.
    fn looked_at<DB: Database>(
        &self,
        query: Built<DB>,
        columns: &str,
        after: Option<TransactionId>,
        scan: u32,
    ) -> Built<DB>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let query = query.sql("select ").sql(columns);
        let (query, id) = if let Some(recipient) = self.filter.recipient.as_deref() {
            let theirs = query.sql(" from (select r.transaction_id as id from recipients r where r.recipient = ");
            (theirs.bind(Cell::text(recipient)).sql(IN_ANY_PERIOD), "r.transaction_id")
        } else if let Some(state) = self.unfinished {
            let source = if state == State::Sending { UNDER_WAY } else { "jobs" };
            let theirs = query.sql(" from (select j.transaction_id as id from ").sql(source).sql(" j where j.state = ");
            (theirs.bind(Cell::text(state.as_str())), "j.transaction_id")
        } else {
            let all = self.within(query.sql(" from transactions t where true"), "t.id", after);
            return all.sql(" order by t.id desc limit ").bind(Cell::number(scan));
        };
        let chosen = self.within(query, id, after).sql(&format!(" order by {id} desc limit ")).bind(Cell::number(scan));
        chosen.sql(") chosen join transactions t on t.id = chosen.id")
    }

    /// The part of it that is of the filter's time and behind `after`.
    fn within<DB: Database>(&self, query: Built<DB>, id: &str, after: Option<TransactionId>) -> Built<DB>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let first = |time: Option<OffsetDateTime>| time.map(|time| Cell::id(first_id(time)));
        query
            .and(&format!(" and {id} >= "), first(self.filter.since))
            .and(&format!(" and {id} < "), first(self.filter.until))
            .and(&format!(" and {id} < "), after.map(|after| Cell::id(after.0)))
    }

    /// What of the filter is compared row by row.
    fn fitting<DB: Database>(&self, query: Built<DB>) -> Built<DB>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let filter = self.filter;
        query
            .and(" and t.account = ", filter.account.as_deref().map(Cell::text))
            .and(" and t.dialect = ", filter.dialect.as_deref().map(Cell::text))
            .and(" and t.upstream = ", filter.upstream.as_deref().map(Cell::text))
            .and(concat!(" and ", state!(), " = "), filter.state.map(|state| Cell::text(state.as_str())))
            .and(" and t.kind = ", filter.kind.map(|kind| Cell::text(kind.as_str())))
            .and(" and t.fault = ", filter.fault.as_deref().map(Cell::text))
    }
}
