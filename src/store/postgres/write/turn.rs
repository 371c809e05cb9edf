//! Changes without an attempt: one statement for all of a round.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::column;
use crate::store::params::TurnRow;
use crate::store::queries::{last_attempt, state};
use crate::store::rounds::Tally;
use crate::store::seal::Seal;
use crate::store::{StoreError, Turn};

/// The rows are locked first, jobs before transactions as everywhere, so that of two turns the second sees what the first
/// did and neither waits for the other in a circle. What is made at once is settled without a lock: who turns it while it is
/// under way keeps the place of its outcome, which the settlement of its process would take.
pub(super) async fn turn(
    connection: &mut PgConnection,
    turns: &[(usize, &Turn)],
    tally: &mut Tally,
    seal: &Seal,
) -> Result<(), StoreError> {
    if turns.is_empty() {
        return Ok(());
    }
    let new = turns.iter().map(|(_, turn)| TurnRow::of(turn, seal)).collect::<Result<Vec<_>, _>>()?;
    let turn = concat!(
        "with new as ( \
           select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], \
             $8::text[], $9::timestamptz[], $10::text[], $11::timestamptz[], $12::boolean[], $13::text[]) \
           as new (id, holder, origins, target, cause, fault_code, fault, detail, at, next, due_at, keep, frees) \
         ), held as materialized ( \
           select transaction_id from (select id from new order by id) n, \
             lateral (select transaction_id from jobs where transaction_id = n.id for update) j \
         ), meant as materialized ( \
           select n.*, ",
        state!(),
        " as was, t.state as stood, t.upstream, t.account from new n join transactions t on t.id = n.id \
             left join jobs j on j.transaction_id = any(array[n.id]) \
           where (select count(*) from held) >= 0 and ",
        state!(),
        " = any(string_to_array(n.origins, ' ')) \
             and case when n.holder is not null then coalesce(j.holder = n.holder, t.state = 'at_once') \
               else t.state <> 'sending' or j.due_at is null or j.due_at <= n.at end \
             and (n.next is null or t.upstream is not null and exists ( \
               select 1 from bodies b where b.transaction_id = n.id and b.request <> '')) \
           for update of t \
         ), first as ( \
           insert into outcomes (transaction_id, number, finished_at, state, told) \
           select id, 1, at, target, false from meant where stood = 'at_once' and was = 'sending' and holder is null \
           on conflict do nothing returning transaction_id \
         ), turned as materialized ( \
           select * from meant \
           where stood <> 'at_once' or was <> 'sending' or holder is not null \
             or (id in (select transaction_id from first)) is true \
         ), gone as ( \
           delete from jobs j using turned d where j.transaction_id = any(array[d.id]) and d.next is null \
           returning j.transaction_id, j.pair, d.at \
         ), stays as ( \
           insert into jobs (transaction_id, upstream, pair, state, attempts, due_at, holder) \
           select d.id, d.upstream, b.pair, d.next, \
             coalesce(",
        last_attempt!("d.id"),
        ", 0), d.due_at, \
             case when d.keep then d.holder end \
           from turned d left join bodies b on b.transaction_id = d.id where d.next is not null \
           on conflict (transaction_id) do update \
             set state = excluded.state, due_at = excluded.due_at, holder = excluded.holder \
           returning transaction_id, pair, state, case when holder is null and due_at <= now() then ",
        notify!(),
        "::text end \
         ), freed as ( \
           select transaction_id, pair, at from gone where pair is not null \
           union all select s.transaction_id, s.pair, d.at from stays s join turned d on d.id = s.transaction_id \
             where s.state = 'unknown' and s.pair is not null \
         ), ",
        woken!(),
        ", noted as ( \
           insert into turns (transaction_id, at, from_state, to_state, cause, fault, detail) \
           select id, at, was, target, cause, fault, detail from turned where was <> target or cause <> 'pace' \
         ), freed_key as ( \
           delete from idempotency i using turned d \
           where i.account = d.account and i.key = d.frees and i.transaction_id = d.id \
         ) \
         update transactions t set state = d.target, updated_at = d.at, \
           fault = case when d.target in ('sent', 'delivered', 'read') then null else coalesce(d.fault_code, t.fault) end \
         from turned d where t.id = d.id \
         returning t.id"
    );
    let turned: Vec<Uuid> = sqlx::query_scalar(turn)
        .bind(column(&new, |row| row.transaction_id))
        .bind(column(&new, |row| row.holder))
        .bind(column(&new, |row| &*row.origins))
        .bind(column(&new, |row| row.target))
        .bind(column(&new, |row| row.cause))
        .bind(column(&new, |row| row.fault_code))
        .bind(column(&new, |row| row.fault.as_deref()))
        .bind(column(&new, |row| row.detail.as_deref()))
        .bind(column(&new, |row| row.at))
        .bind(column(&new, |row| row.next.state))
        .bind(column(&new, |row| row.next.due_at))
        .bind(column(&new, |row| row.next.keep))
        .bind(column(&new, |row| row.frees.as_deref()))
        .fetch_all(connection)
        .await?;
    let turned: HashSet<_> = turned.into_iter().collect();
    tally.stale_but(turns.iter().map(|(index, turn)| (*index, turn.transaction)), |id| turned.contains(id));
    Ok(())
}
