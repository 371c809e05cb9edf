//! What an outcome or a turn changes: put beside where its transaction stands, then taken from there.

use super::script::{Row, Script};
use super::write::filled_up;
use crate::model::State;
use crate::store::params::{NewOutcomeRow, TurnRow};
use crate::store::queries::{last_attempt, state};
use crate::store::seal::Seal;
use crate::store::{Settlement, StoreError, Turn};

/// The next job of a pair is due once the one before it is out of the way, as `of` says; a claim may have put it off. That
/// there is one is told with no id, as of somebody.
macro_rules! wake {
    ($table:literal, $id:literal, $at:literal, $of:literal) => {
        concat!(
            "update jobs set due_at = freed.at from ( \
               select d.",
            $at,
            " as at, (select n.transaction_id from jobs n \
                 where n.pair = d.pair and n.transaction_id > d.",
            $id,
            " and n.state <> 'unknown' order by n.transaction_id limit 1) as behind \
               from ",
            $table,
            " d where d.pair is not null and ",
            $of,
            ") as freed \
             where jobs.transaction_id = freed.behind and jobs.state = 'accepted' and jobs.holder is null \
             returning zeroblob(16), false;"
        )
    };
}

/// Only outcomes that are the first of their attempt, and whose transaction is there, change anything; one that a status
/// stands in for has neither status nor fault yet. Each has its job's last attempt and the state before beside it.
pub(super) fn settle(script: &mut Script, settlements: &[(usize, &Settlement)], seal: &Seal) -> Result<(), StoreError> {
    if settlements.is_empty() {
        return Ok(());
    }
    let rows = settlements.iter().map(|(_, ended)| NewOutcomeRow::of(ended, seal)).collect::<Result<Vec<_>, _>>()?;
    script.push(
        "delete from settled; \
         insert into settled \
         select new.*, j.pair, j.state, coalesce(j.attempts = column2, 0), t.state in ('sent', 'delivered', 'read') from (",
    );
    script.push_rows(filled_up(&rows), |row, ended| {
        outcome(row, ended);
        row.bind(ended.map(|ended| ended.next.keep));
    });
    script.push(concat!(
        ") as new cross join transactions t on t.id = column1 left join jobs j on j.transaction_id = column1 \
         where not exists (select 1 from outcomes o where o.transaction_id = column1 and o.number = column2 \
           and (o.status is not null or o.fault is not null)); \
         insert into outcomes (transaction_id, number, status, message_id, answer, fault, finished_at, state, told) \
         select transaction_id, number, status, message_id, answer, fault, finished_at, state, told from settled where true \
         on conflict (transaction_id, number) do update set status = excluded.status, answer = excluded.answer, \
           message_id = coalesce(excluded.message_id, outcomes.message_id), fault = excluded.fault, \
           finished_at = excluded.finished_at, state = excluded.state, told = excluded.told; \
         update transactions set state = e.state, fault = e.fault_code, updated_at = e.finished_at \
         from settled e where transactions.id = e.transaction_id and (e.last or e.state = 'sent') and not e.over; \
         delete from jobs where transaction_id in ( \
           select transaction_id from settled \
           where iif(last, next is null or over, state = 'sent' and job <> 'sending')); \
         update jobs set state = e.next, due_at = e.due_at, holder = iif(e.keep, jobs.holder, null) \
         from settled e where jobs.transaction_id = e.transaction_id and e.last and e.next is not null and not e.over;",
        wake!(
            "settled",
            "transaction_id",
            "finished_at",
            "iif(last, next is null or over or next = 'unknown', state = 'sent' and job <> 'sending')"
        )
    ));
    Ok(())
}

/// What was made at once and is sent gets its outcome, and nothing else; what failed is no more at once, and has a job where
/// it is tried again. Says of which an outcome is the first.
pub(super) fn settle_at_once(
    script: &mut Script,
    settlements: &[(usize, &Settlement)],
    seal: &Seal,
) -> Result<(), StoreError> {
    if settlements.is_empty() {
        return Ok(());
    }
    let rows = settlements.iter().map(|(_, ended)| NewOutcomeRow::of(ended, seal)).collect::<Result<Vec<_>, _>>()?;
    script.push("delete from made; insert into made select new.* from (");
    script.push_rows(filled_up(&rows), |row, ended| {
        outcome(row, ended);
        row.bind(ended.and_then(|ended| ended.holder));
    });
    script.push(
        ") as new cross join transactions t on t.id = column1 \
         where t.state = 'at_once' and not exists (select 1 from outcomes o where o.transaction_id = column1); \
         insert into outcomes (transaction_id, number, status, message_id, answer, fault, finished_at, state, told) \
         select transaction_id, number, status, message_id, answer, fault, finished_at, state, told from made; ",
    );
    if settlements.iter().any(|(_, ended)| ended.state != State::Sent) {
        script.push(
            "insert into jobs (transaction_id, upstream, pair, state, attempts, due_at, holder) \
             select m.transaction_id, b.first_upstream, b.pair, m.next, m.number, m.due_at, m.holder \
             from made m cross join bodies b on b.transaction_id = m.transaction_id where m.next is not null; \
             update transactions set state = m.state, fault = m.fault_code, updated_at = m.finished_at \
             from made m where transactions.id = m.transaction_id and m.state <> 'sent'; ",
        );
    }
    script.push("select transaction_id, false from made;");
    Ok(())
}

/// The columns that both kinds of settlements have.
fn outcome(row: &mut Row<'_>, ended: Option<&NewOutcomeRow<'_>>) {
    row.bind(ended.map(|ended| ended.transaction_id));
    row.bind(ended.map(|ended| ended.number));
    row.bind(ended.map(|ended| ended.state));
    row.bind(ended.and_then(|ended| ended.status));
    row.bind(ended.and_then(|ended| ended.message_id.as_deref()));
    row.bind(ended.and_then(|ended| ended.answer.as_deref()));
    row.bind(ended.and_then(|ended| ended.fault.as_deref()));
    row.bind(ended.and_then(|ended| ended.fault_code));
    row.bind(ended.map(|ended| ended.finished_at));
    row.bind(ended.and_then(|ended| ended.next.state));
    row.bind(ended.and_then(|ended| ended.next.due_at));
    row.bind(ended.map(|ended| ended.told));
}

/// Turns that apply where their transaction stands, and says which do.
pub(super) fn turn(script: &mut Script, turns: &[(usize, &Turn)], seal: &Seal) -> Result<(), StoreError> {
    if turns.is_empty() {
        return Ok(());
    }
    let rows = turns.iter().map(|(_, turn)| TurnRow::of(turn, seal)).collect::<Result<Vec<_>, _>>()?;
    script.push(
        "delete from turned; \
         insert into turned select new.*, ",
    );
    script.push(state!()).push(", t.upstream, j.pair from (");
    script.push_rows(filled_up(&rows), |row, new| {
        row.bind(new.map(|new| new.transaction_id));
        row.bind(new.and_then(|new| new.holder));
        row.bind(new.map(|new| &*new.origins));
        row.bind(new.map(|new| new.target));
        row.bind(new.map(|new| new.cause));
        row.bind(new.and_then(|new| new.fault_code));
        row.bind(new.and_then(|new| new.fault.as_deref()));
        row.bind(new.and_then(|new| new.detail.as_deref()));
        row.bind(new.map(|new| new.at));
        row.bind(new.and_then(|new| new.next.state));
        row.bind(new.and_then(|new| new.next.due_at));
        row.bind(new.map(|new| new.next.keep));
        row.bind(new.and_then(|new| new.frees.as_deref()));
    });
    script.push(concat!(
        ") as new cross join transactions t on t.id = column1 left join jobs j on j.transaction_id = column1 \
         where instr(' ' || column3 || ' ', ' ' || ",
        state!(),
        " || ' ') > 0 \
           and iif(column2 is null, t.state <> 'sending' or j.due_at is null or j.due_at <= column9, \
             coalesce(j.holder = column2, t.state = 'at_once')) \
           and (column10 is null or t.upstream is not null and exists ( \
             select 1 from bodies b where b.transaction_id = t.id and b.request <> '')); \
         delete from jobs where transaction_id in (select id from turned where next is null); \
         insert into jobs (transaction_id, upstream, pair, state, attempts, due_at, holder) \
         select d.id, d.upstream, b.pair, d.next, \
           coalesce(",
        last_attempt!("d.id"),
        ", 0), d.due_at, \
           iif(d.keep, d.holder, null) \
         from turned d left join bodies b on b.transaction_id = d.id where d.next is not null \
         on conflict (transaction_id) do update \
           set state = excluded.state, due_at = excluded.due_at, holder = excluded.holder;",
        wake!("turned", "id", "at", "(next is null or next = 'unknown')"),
        "insert into turns (transaction_id, at, from_state, to_state, cause, fault, detail) \
         select id, at, was, target, cause, fault, detail from turned where cause <> 'pace' or target <> was; \
         delete from idempotency where (account, key, transaction_id) in ( \
           select t.account, d.frees, d.id from turned d join transactions t on t.id = d.id where d.frees is not null); \
         update transactions set state = d.target, updated_at = d.at, \
           fault = iif(d.target in ('sent', 'delivered', 'read'), null, coalesce(d.fault_code, transactions.fault)) \
         from turned d where transactions.id = d.id; \
         select id, false from turned;"
    ));
    Ok(())
}
