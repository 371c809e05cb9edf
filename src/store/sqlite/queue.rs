//! The queue of one process; tests and commands may share its file all the same.

use async_trait::async_trait;
use sqlx::{QueryBuilder, SqliteConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Sqlite, begin};
use crate::store::rows::{self, ClaimedRow, DepthRow, LapsedRow, Moment, text};
use crate::store::seal::Seal;
use crate::store::{Claimed, Depth, Lapsed, Queue, StoreError, queries};

#[async_trait]
impl Queue for Sqlite {
    async fn claim(
        &self,
        upstream: &str,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await?;
        let limit = i64::from(limit);
        let among = limit + queries::ASIDE;
        let first = look(&mut transaction, upstream, now, among, false, limit).await?;
        if (first.len() as i64) < limit {
            let behind = look(&mut transaction, upstream, now, among, true, among).await?;
            lend(&mut transaction, &behind, None, now + Duration::seconds(queries::PUT_OFF)).await?;
        }
        lend(&mut transaction, &first, Some(holder), lease_until).await?;
        let claimed = claimed(&mut transaction, &first, &self.seal).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    async fn lapsed(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<Lapsed>, StoreError> {
        let lapsed = sqlx::query_as(queries::LAPSED).bind(Moment(now)).bind(i64::from(limit));
        let lapsed: Vec<LapsedRow> = lapsed.fetch_all(&self.readers).await?;
        lapsed.into_iter().map(Lapsed::try_from).collect()
    }

    async fn next_due(&self, upstreams: &[String]) -> Result<Vec<Option<OffsetDateTime>>, StoreError> {
        let mut due = Vec::new();
        for upstream in upstreams {
            let next = "select min(due_at) from jobs where upstream = $1 and state <> 'sending'";
            let next: Option<Moment> = sqlx::query_scalar(next).bind(text(upstream)).fetch_one(&self.readers).await?;
            due.push(next.map(|moment| moment.0));
        }
        Ok(due)
    }

    async fn depth(&self) -> Result<Vec<Depth>, StoreError> {
        let depth = "select d.upstream, d.state, d.count, t.received_at as oldest \
                     from (select upstream, state, count(*) as count, min(transaction_id) as first \
                           from jobs group by upstream, state) d \
                     join transactions t on t.id = d.first \
                     order by d.upstream, d.state";
        let depth: Vec<DepthRow> = sqlx::query_as(depth).fetch_all(&self.readers).await?;
        depth.into_iter().map(Depth::try_from).collect()
    }

    async fn jobs_changed(&self) {
        self.woken.notified().await;
    }
}

/// Of a bounded number of jobs that are due, the longest due first, so many that wait for their pair, or so many that do not.
async fn look(
    connection: &mut SqliteConnection,
    upstream: &str,
    now: OffsetDateTime,
    among: i64,
    behind: bool,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let look = "select transaction_id from ( \
                  select transaction_id, pair from jobs where upstream = $1 and state <> 'sending' and due_at <= $2 \
                  order by due_at limit $3) l \
                where (pair is not null and exists ( \
                  select 1 from jobs e where e.pair = l.pair and e.transaction_id < l.transaction_id \
                    and e.state <> 'unknown')) = $4 \
                limit $5";
    let look = sqlx::query_scalar(look).bind(text(upstream)).bind(Moment(now)).bind(among).bind(behind).bind(limit);
    Ok(look.fetch_all(connection).await?)
}

async fn lend(
    connection: &mut SqliteConnection,
    ids: &[Uuid],
    holder: Option<Uuid>,
    until: OffsetDateTime,
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<sqlx::Sqlite>::new("update jobs set holder = ");
    query.push_bind(holder).push(", due_at = ").push_bind(Moment(until)).push(" where transaction_id in (");
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    query.push(")");
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}

/// The jobs of these transactions, in this order.
async fn claimed(connection: &mut SqliteConnection, ids: &[Uuid], seal: &Seal) -> Result<Vec<Claimed>, StoreError> {
    let mut claimed = Vec::with_capacity(ids.len());
    for id in ids {
        let claim = "select t.id, t.account, t.dialect, b.request, b.warnings, t.received_at, \
                       coalesce((select max(u.at) from turns u where u.transaction_id = t.id \
                         and u.cause in ('operator', 'replay')), t.received_at) as since, \
                       j.attempts, j.state, j.upstream, j.pair \
                     from jobs j join transactions t on t.id = j.transaction_id \
                     join bodies b on b.transaction_id = j.transaction_id where j.transaction_id = $1";
        let row: Option<ClaimedRow> = sqlx::query_as(claim).bind(id).fetch_optional(&mut *connection).await?;
        claimed.extend(row);
    }
    Ok(rows::claimed(claimed, seal))
}
