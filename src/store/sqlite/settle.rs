//! What an outcome or a turn changes: looked up in one statement, decided here, and written in a few.

use std::collections::HashMap;

use sqlx::{FromRow, SqliteConnection};
use uuid::Uuid;

use super::write::{Query, execute};
use crate::store::params::{NewOutcomeRow, NextRow, TurnRow};
use crate::store::rounds::Tally;
use crate::store::rows::Moment;
use crate::store::{Settlement, StoreError, Turn};

/// What changes beside the outcomes.
#[derive(Default)]
struct Changes<'a> {
    /// The transaction, its state, its fault and when.
    transactions: Vec<(Uuid, &'static str, Option<&'static str>, Moment)>,
    gone: Vec<Uuid>,
    /// Jobs that stay, who holds them, and for what.
    stay: Vec<(Uuid, Option<Uuid>, &'a NextRow)>,
    /// Those that stood behind a job which is out of the way.
    woken: Vec<(Uuid, Moment)>,
}

impl Changes<'_> {
    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        update_transactions(connection, &self.transactions).await?;
        delete_jobs(connection, &self.gone).await?;
        update_jobs(connection, &self.stay).await?;
        wake(connection, &self.woken).await
    }
}

/// Where a transaction stands when an outcome comes, or is to be turned.
#[derive(FromRow)]
struct Standing {
    id: Uuid,
    state: String,
    job: Option<String>,
    attempts: Option<i32>,
    holder: Option<Uuid>,
    /// The job behind it in its pair.
    behind: Option<Uuid>,
}

impl Standing {
    fn is_over(&self) -> bool {
        ["sent", "delivered", "read"].contains(&self.state.as_str())
    }
}

/// The columns of [`Standing`] but for the id, of the transaction whose id stands in a column.
macro_rules! standing {
    ($id:literal) => {
        concat!(
            "(select state from transactions where id = ",
            $id,
            ") as state, \
             (select state from jobs j where j.transaction_id = ",
            $id,
            ") as job, \
             (select attempts from jobs j where j.transaction_id = ",
            $id,
            ") as attempts, \
             (select holder from jobs j where j.transaction_id = ",
            $id,
            ") as holder, \
             (select n.transaction_id from jobs j join jobs n on n.pair = j.pair and n.state <> 'unknown' \
                and n.transaction_id > j.transaction_id \
              where j.transaction_id = ",
            $id,
            " order by n.transaction_id limit 1) as behind"
        )
    };
}

pub(super) async fn settle(
    connection: &mut SqliteConnection,
    settlements: &[(usize, &Settlement)],
) -> Result<(), StoreError> {
    let ended = settlements.iter().map(|(_, ended)| NewOutcomeRow::try_from(*ended)).collect::<Result<Vec<_>, _>>()?;
    let first: HashMap<_, _> =
        insert_outcomes(connection, &ended).await?.into_iter().map(|standing| (standing.id, standing)).collect();
    let mut changes = Changes::default();
    for ended in &ended {
        if let Some(standing) = first.get(&ended.transaction_id) {
            changes.settle(ended, standing);
        }
    }
    changes.apply(connection).await
}

impl<'a> Changes<'a> {
    fn settle(&mut self, ended: &'a NewOutcomeRow<'_>, standing: &Standing) {
        let id = ended.transaction_id;
        let (last, over) = (standing.attempts == Some(ended.number), standing.is_over());
        if (last || ended.state == "sent") && !over {
            self.transactions.push((id, ended.state, ended.fault_code, ended.finished_at));
        }
        if last && ended.next.state.is_some() && !over {
            self.stay.push((id, standing.holder, &ended.next));
        } else if last || (ended.state == "sent" && standing.job.as_deref() != Some("sending")) {
            self.gone.push(id);
        } else {
            return;
        }
        if ended.next.state != Some("waiting") || over {
            self.woken.extend(standing.behind.map(|behind| (behind, ended.finished_at)));
        }
    }

    fn turn(&mut self, turn: &'a TurnRow<'_>, standing: &Standing) {
        let id = turn.transaction_id;
        match turn.next.state {
            None => self.gone.push(id),
            Some(_) => self.stay.push((id, turn.holder, &turn.next)),
        }
        if turn.next.state != Some("waiting") {
            self.woken.extend(standing.behind.map(|behind| (behind, turn.at)));
        }
    }
}

/// Inserts the outcomes that are the first of their attempt and whose transaction is there, and says where it stands. One
/// that a status stands in for has neither status nor fault yet.
async fn insert_outcomes(
    connection: &mut SqliteConnection,
    ended: &[NewOutcomeRow<'_>],
) -> Result<Vec<Standing>, StoreError> {
    let mut query = Query::new(
        "with ended (transaction_id, number, status, message_id, answer, fault, finished_at, state, told) as (",
    );
    query.push_values(ended, |mut row, ended| {
        row.push_bind(ended.transaction_id).push_bind(ended.number).push_bind(ended.status);
        row.push_bind(ended.message_id.as_deref()).push_bind(ended.answer.as_deref());
        row.push_bind(ended.fault.as_deref()).push_bind(ended.finished_at).push_bind(ended.state);
        row.push_bind(ended.told);
    });
    query.push(concat!(
        ") insert into outcomes (transaction_id, number, status, message_id, answer, fault, finished_at, state, told) \
         select * from ended where exists (select 1 from transactions where id = ended.transaction_id) \
         on conflict (transaction_id, number) do update set status = excluded.status, answer = excluded.answer, \
           message_id = coalesce(excluded.message_id, outcomes.message_id), fault = excluded.fault, \
           finished_at = excluded.finished_at, state = excluded.state, told = excluded.told \
         where outcomes.status is null and outcomes.fault is null \
         returning transaction_id as id, ",
        standing!("outcomes.transaction_id")
    ));
    Ok(query.build_query_as().persistent(false).fetch_all(connection).await?)
}

pub(super) async fn turn(
    connection: &mut SqliteConnection,
    turns: &[(usize, &Turn)],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let mut new = turns.iter().map(|(_, turn)| TurnRow::try_from(*turn)).collect::<Result<Vec<_>, _>>()?;
    let standing: HashMap<_, _> =
        turnable(connection, &new).await?.into_iter().map(|standing| (standing.id, standing)).collect();
    let turned: Vec<_> = standing.keys().copied().collect();
    tally.stale_but(turns.iter().map(|(index, turn)| (*index, turn.transaction)), &turned);
    new.retain(|row| standing.contains_key(&row.transaction_id));
    if new.is_empty() {
        return Ok(());
    }
    note(connection, &new, &standing).await?;
    let mut changes = Changes::default();
    for turn in &new {
        if let Some(standing) = standing.get(&turn.transaction_id) {
            changes.turn(turn, standing);
        }
    }
    make_jobs(connection, &new).await?;
    changes.apply(connection).await?;
    free_keys(connection, &new).await?;
    turn_transactions(connection, &new).await
}

/// Keys that may be used again, each with the transaction whose it was.
async fn free_keys(connection: &mut SqliteConnection, new: &[TurnRow<'_>]) -> Result<(), StoreError> {
    let freed: Vec<_> = new.iter().filter(|row| row.frees.is_some()).collect();
    if freed.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("with freed (id, key) as (");
    query.push_values(freed, |mut row, new| {
        row.push_bind(new.transaction_id).push_bind(new.frees.as_deref());
    });
    query.push(
        ") delete from idempotency where (account, key, transaction_id) in ( \
           select t.account, freed.key, t.id from freed join transactions t on t.id = freed.id)",
    );
    execute(connection, query).await
}

/// Which of them apply, and where their transactions stand.
async fn turnable(connection: &mut SqliteConnection, new: &[TurnRow<'_>]) -> Result<Vec<Standing>, StoreError> {
    let mut query = Query::new("with new (id, holder, origins, at, next) as (");
    query.push_values(new, |mut row, new| {
        row.push_bind(new.transaction_id).push_bind(new.holder).push_bind(&*new.origins).push_bind(new.at);
        row.push_bind(new.next.state);
    });
    query.push(concat!(
        ") select new.id, ",
        standing!("new.id"),
        " from new join transactions t on t.id = new.id left join jobs j on j.transaction_id = new.id \
          where instr(' ' || new.origins || ' ', ' ' || t.state || ' ') > 0 \
            and iif(new.holder is null, t.state <> 'sending' or j.due_at is null or j.due_at <= new.at, \
              j.holder = new.holder) \
            and (new.next is null or t.upstream is not null and exists ( \
              select 1 from bodies b where b.transaction_id = t.id and b.request <> ''))"
    ));
    Ok(query.build_query_as().persistent(false).fetch_all(connection).await?)
}

/// Those at their end have no job any more: here is another.
async fn make_jobs(connection: &mut SqliteConnection, new: &[TurnRow<'_>]) -> Result<(), StoreError> {
    let staying: Vec<_> = new.iter().filter(|row| row.next.state.is_some()).collect();
    if staying.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("with new (id, state) as (");
    query.push_values(staying, |mut row, new| {
        row.push_bind(new.transaction_id).push_bind(new.next.state);
    });
    query.push(
        ") insert into jobs (transaction_id, upstream, pair, state, attempts) \
         select new.id, t.upstream, b.pair, new.state, \
           coalesce((select max(number) from attempts a where a.transaction_id = new.id), 0) \
         from new join transactions t on t.id = new.id left join bodies b on b.transaction_id = new.id where true \
         on conflict do nothing",
    );
    execute(connection, query).await
}

async fn note(
    connection: &mut SqliteConnection,
    new: &[TurnRow<'_>],
    standing: &HashMap<Uuid, Standing>,
) -> Result<(), StoreError> {
    let noted = worth_noting(new, standing);
    if noted.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("insert into turns (transaction_id, at, from_state, to_state, cause, fault, detail) ");
    query.push_values(noted, |mut row, (new, was)| {
        row.push_bind(new.transaction_id).push_bind(new.at).push_bind(was).push_bind(new.target);
        row.push_bind(new.cause).push_bind(new.fault.as_deref()).push_bind(new.detail.as_deref());
    });
    execute(connection, query).await
}

/// All but postponements by the pace, each with the state before.
fn worth_noting<'a>(new: &'a [TurnRow<'a>], standing: &'a HashMap<Uuid, Standing>) -> Vec<(&'a TurnRow<'a>, &'a str)> {
    let with_state = new.iter().filter_map(|row| Some((row, standing.get(&row.transaction_id)?.state.as_str())));
    with_state.filter(|(row, was)| row.cause != "pace" || row.target != *was).collect()
}

async fn turn_transactions(connection: &mut SqliteConnection, new: &[TurnRow<'_>]) -> Result<(), StoreError> {
    let mut query = Query::new("with new (id, state, fault, at) as (");
    query.push_values(new, |mut row, new| {
        row.push_bind(new.transaction_id).push_bind(new.target).push_bind(new.fault_code).push_bind(new.at);
    });
    query.push(
        ") update transactions set state = new.state, updated_at = new.at, \
           fault = iif(new.state in ('sent', 'delivered', 'read'), null, coalesce(new.fault, transactions.fault)) \
         from new where transactions.id = new.id",
    );
    execute(connection, query).await
}

async fn update_transactions(
    connection: &mut SqliteConnection,
    changed: &[(Uuid, &'static str, Option<&'static str>, Moment)],
) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("with ended (id, state, fault, updated_at) as (");
    query.push_values(changed, |mut row, &(id, state, fault, at)| {
        row.push_bind(id).push_bind(state).push_bind(fault).push_bind(at);
    });
    query.push(
        ") update transactions set state = ended.state, fault = ended.fault, updated_at = ended.updated_at \
         from ended where transactions.id = ended.id",
    );
    execute(connection, query).await
}

async fn delete_jobs(connection: &mut SqliteConnection, gone: &[Uuid]) -> Result<(), StoreError> {
    if gone.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("delete from jobs where transaction_id in (");
    query.push_values(gone, |mut row, &id| {
        row.push_bind(id);
    });
    query.push(")");
    execute(connection, query).await
}

async fn update_jobs(
    connection: &mut SqliteConnection,
    stay: &[(Uuid, Option<Uuid>, &NextRow)],
) -> Result<(), StoreError> {
    if stay.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("with next (id, state, due_at, holder) as (");
    query.push_values(stay, |mut row, (id, holder, next)| {
        row.push_bind(*id).push_bind(next.state).push_bind(next.due_at);
        row.push_bind(holder.filter(|_| next.keep));
    });
    query.push(
        ") update jobs set state = next.state, due_at = next.due_at, holder = next.holder \
         from next where jobs.transaction_id = next.id",
    );
    execute(connection, query).await
}

/// They are due now; a claim may have put them off.
async fn wake(connection: &mut SqliteConnection, woken: &[(Uuid, Moment)]) -> Result<(), StoreError> {
    if woken.is_empty() {
        return Ok(());
    }
    let mut query = Query::new("with woken (id, at) as (");
    query.push_values(woken, |mut row, &(id, at)| {
        row.push_bind(id).push_bind(at);
    });
    query.push(
        ") update jobs set due_at = woken.at from woken \
         where jobs.transaction_id = woken.id and state = 'accepted' and holder is null",
    );
    execute(connection, query).await
}
