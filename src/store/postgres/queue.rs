//! The queue, shared by any number of gateways.

use async_trait::async_trait;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tokio::time::timeout;
use uuid::Uuid;

use super::{PATIENCE, Postgres, READING, in_time};
use crate::store::rows::{self, ClaimedRow, DepthRow, LapsedRow, Moment, text};
use crate::store::{Claimed, Depth, Lapsed, Queue, StoreError, queries};

#[async_trait]
impl Queue for Postgres {
    async fn claim(
        &self,
        upstream: &str,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut connection = self.writers.acquire().await?;
        let claimed = timeout(PATIENCE, claim(&mut connection, upstream, holder, now, lease_until, limit)).await;
        Ok(rows::claimed(in_time(connection, claimed)?, &self.seal))
    }

    async fn lapsed(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<Lapsed>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let query = sqlx::query_as(queries::LAPSED).bind(Moment(now)).bind(i64::from(limit));
        let lapsed = timeout(PATIENCE, query.fetch_all(&mut *connection)).await;
        let lapsed: Vec<LapsedRow> = in_time(connection, lapsed)?;
        lapsed.into_iter().map(Lapsed::try_from).collect()
    }

    async fn next_due(&self, upstreams: &[String]) -> Result<Vec<Option<OffsetDateTime>>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        // One step into the index for each upstream.
        let next = "select ( \
                      select due_at from jobs j where j.upstream = u.upstream and state <> 'sending' \
                        and due_at is not null \
                      order by due_at limit 1) \
                    from unnest($1::text[]) with ordinality as u (upstream, place) order by u.place";
        let upstreams: Vec<_> = upstreams.iter().map(|upstream| text(upstream)).collect();
        let next = sqlx::query_scalar(next).bind(upstreams);
        let next = timeout(PATIENCE, next.fetch_all(&mut *connection)).await;
        let next: Vec<Option<Moment>> = in_time(connection, next)?;
        Ok(next.into_iter().map(|moment| moment.map(|moment| moment.0)).collect())
    }

    async fn depth(&self) -> Result<Vec<Depth>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        // Ids sort by the time of acceptance. There is no least of UUIDs before Postgres 18, and of their texts there is.
        let depth = "select d.upstream, d.state, d.count, t.received_at as oldest \
                     from (select upstream, state, count(*) as count, min(transaction_id::text collate \"C\") as first \
                           from jobs group by upstream, state) d \
                     join transactions t on t.id = d.first::uuid \
                     order by d.upstream, d.state";
        let depth = timeout(READING, sqlx::query_as(depth).fetch_all(&mut *connection)).await;
        let depth: Vec<DepthRow> = in_time(connection, depth)?;
        depth.into_iter().map(Depth::try_from).collect()
    }

    async fn jobs_changed(&self) {
        self.changes.next(&self.options).await;
    }
}

/// A bounded number of jobs that are due, the longest due first. What is locked of them is as it was seen: a job that was
/// woken meanwhile is not put off.
macro_rules! looked {
    () => {
        "(select transaction_id, pair, due_at from jobs \
          where upstream = $1 and state <> 'sending' and due_at <= $2 order by due_at limit $6) l \
         join jobs j on j.transaction_id = any(array[l.transaction_id]) and j.state <> 'sending' \
           and j.due_at = l.due_at"
    };
}

/// Whether one of them waits for its pair.
macro_rules! behind {
    () => {
        "(l.pair is not null and exists ( \
           select 1 from jobs e where e.pair = l.pair and e.transaction_id < l.transaction_id and e.state <> 'unknown'))"
    };
}

/// Takes those that are the first of their pair. It looks no further than it has to, and locks nothing else: the order is that
/// of an index. Where there are not enough of them, those that wait for their pair are put off, so that the next claim does
/// not stumble over them again: whatever pile one pair has, a claim costs the same. A job that another claim takes is stepped
/// over.
async fn claim(
    connection: &mut PgConnection,
    upstream: &str,
    holder: Uuid,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
    limit: u32,
) -> Result<Vec<ClaimedRow>, StoreError> {
    let claim = concat!(
        "with first as materialized ( \
          select j.transaction_id, l.due_at as since from ",
        looked!(),
        " where not ",
        behind!(),
        " order by l.due_at limit $5 for update of j skip locked \
        ), put_off as ( \
          update jobs p set due_at = $7, holder = null from ( \
            select j.transaction_id from ",
        looked!(),
        " where (select count(*) from first) < $5 and ",
        behind!(),
        " order by l.due_at for update of j skip locked) b \
          where p.transaction_id = any(array[b.transaction_id]) \
        ), taken as ( \
          update jobs j set holder = $3, due_at = $4 from first b where j.transaction_id = any(array[b.transaction_id]) \
          returning j.transaction_id, j.attempts, j.state, j.upstream, j.pair, b.since \
        ) \
        select t.id, t.account, t.dialect, b.request, b.warnings, t.received_at, \
          coalesce((select max(u.at) from turns u where u.transaction_id = t.id \
            and u.cause in ('operator', 'replay')), t.received_at) as since, \
          k.attempts, k.state, k.upstream, k.pair \
        from taken k join transactions t on t.id = k.transaction_id join bodies b on b.transaction_id = k.transaction_id \
        order by k.since, t.id"
    );
    let claimed = sqlx::query_as(claim)
        .bind(text(upstream))
        .bind(Moment(now))
        .bind(holder)
        .bind(Moment(lease_until))
        .bind(i64::from(limit))
        .bind(i64::from(limit) + queries::ASIDE)
        .bind(Moment(now + Duration::seconds(queries::PUT_OFF)))
        .fetch_all(connection)
        .await?;
    Ok(claimed)
}
