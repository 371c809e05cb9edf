//! Batches: one statement for all that is recorded, begun and settled, and so one round trip.

use std::collections::HashMap;

use sqlx::{Connection, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::column;
use crate::model::{State, TransactionId};
use crate::store::events::statements::told;
use crate::store::params::{BeginRow, NewOutcomeRow, NewRow};
use crate::store::queries::rests;
use crate::store::rounds::{Round, Tally, rounds};
use crate::store::rows::{KeyRow, text};
use crate::store::seal::Seal;
use crate::store::{Begin, Bodies, NewTransaction, Settlement, StoreError, Write, Written};

/// Wakes whoever waits for a job. Those of one commit become one.
macro_rules! notify {
    () => {
        "pg_notify('sabir_jobs', '')"
    };
}

/// Jobs that stood behind one which is `freed` are due now; a claim may have put them off. They are looked for by their pair
/// alone: to ask first whether anything waits at all would read all that a drained queue leaves behind until the next vacuum.
macro_rules! woken {
    () => {
        concat!(
            "woken as ( \
               update jobs n set due_at = f.at from freed f \
               where case n.state when 'accepted' then n.holder is null end and n.transaction_id = any(array[( \
                 select w.transaction_id from jobs w \
                 where w.pair = f.pair and w.transaction_id > f.transaction_id and w.state <> 'unknown' \
                   and w.transaction_id not in (select transaction_id from freed) \
                 order by w.transaction_id limit 1)]) \
               returning ",
            notify!(),
            ")"
        )
    };
}

mod turn;

use turn::turn;

pub(super) async fn write(
    connection: &mut PgConnection,
    batch: &[Write],
    bodies: Bodies,
    seal: &Seal,
) -> Result<Vec<Written>, StoreError> {
    let (batch, ended) = (bodies.kept(batch), bodies.maybe_ended(batch));
    let rounds = rounds(&batch);
    let mut tally = Tally::new(&batch);
    let told = told(&batch, seal)?;
    if let [round] = rounds.as_slice()
        && (round.turns.is_empty() || round.has_only_turns())
        && ended.is_empty()
        && told.is_none()
    {
        // A statement is a transaction by itself: one round trip where it would be three.
        write_round(connection, round, &mut tally, seal).await?;
        return Ok(tally.written());
    }
    let mut transaction = connection.begin().await?;
    for round in &rounds {
        write_round(&mut transaction, round, &mut tally, seal).await?;
    }
    if let Some(told) = told {
        told.into_inner().build().persistent(false).execute(&mut *transaction).await?;
    }
    forget_requests(&mut transaction, &ended).await?;
    transaction.commit().await?;
    Ok(tally.written())
}

/// Forgets the requests of those that are at their end.
async fn forget_requests(connection: &mut PgConnection, ids: &[TransactionId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let forget =
        concat!("update bodies b set request = '' where transaction_id = any($1) and ", rests!("b.transaction_id"));
    sqlx::query(forget).bind(column(ids, |id| id.0)).execute(connection).await?;
    Ok(())
}

async fn write_round(
    connection: &mut PgConnection,
    round: &Round<'_>,
    tally: &mut Tally,
    seal: &Seal,
) -> Result<(), StoreError> {
    if !round.has_only_turns() {
        attempts(connection, round, tally, seal).await?;
    }
    turn(connection, &round.turns, tally, seal).await
}

/// Settles, records and begins in one statement of the parts that there are, so that a commit is one round trip. All
/// parts see the record as it was before: what one changes under another's eyes, the other is told of (`freed`).
async fn attempts(
    connection: &mut PgConnection,
    round: &Round<'_>,
    tally: &mut Tally,
    seal: &Seal,
) -> Result<(), StoreError> {
    let mut parts = Parts::new();
    let (at_once, settlements): (Vec<_>, Vec<_>) =
        round.settlements.iter().copied().partition(|(_, ended)| ended.at_once.is_some());
    parts.settle(&settlements, seal)?;
    parts.settle_at_once(&at_once, seal)?;
    parts.record(&round.records, seal)?;
    parts.begin(&round.begins, seal)?;
    let done = parts.run(&mut *connection).await?;
    let mut repeated = Vec::new();
    for &(index, new) in &round.records {
        match done.get(&new.id.0) {
            Some(true) => tally.set(index, Written::Queued),
            Some(false) => {}
            None => repeated.push((index, new)),
        }
    }
    if !repeated.is_empty() {
        let keys = keys(connection, &repeated).await?;
        tally.repeat(&repeated, keys)?;
    }
    tally.stale_but(round.begins.iter().map(|(index, begin)| (*index, begin.transaction)), |id| done.contains_key(id));
    tally.stale_but(at_once.iter().map(|(index, ended)| (*index, ended.transaction)), |id| done.contains_key(id));
    Ok(())
}

/// A statement that is put together; its text depends on which parts there are, so there are a few in all, and each is
/// planned once.
struct Parts {
    query: QueryBuilder<Postgres>,
    /// What the statement answers: transactions that were recorded or begun, and whether they have to wait.
    answers: Vec<&'static str>,
    /// Whether something is settled, which may be what a record would have to wait for.
    has_freed: bool,
}

impl Parts {
    fn new() -> Self {
        let query =
            QueryBuilder::new("with nothing as (select null::uuid as id, false as queued, null::text as notified)");
        Self { query, answers: vec!["select id, queued, notified from nothing where false"], has_freed: false }
    }

    async fn run(mut self, connection: &mut PgConnection) -> Result<HashMap<Uuid, bool>, StoreError> {
        self.query.push(" ").push(self.answers.join(" union all "));
        let done: Vec<(Uuid, bool, Option<String>)> = self.query.build_query_as().fetch_all(connection).await?;
        Ok(done.into_iter().map(|(id, queued, _)| (id, queued)).collect())
    }

    /// Only outcomes that are the first of their attempt, and whose transaction is there, change anything; one that a status
    /// stands in for has neither status nor fault yet. What is `ended` has its job's last attempt and the state before
    /// beside it; what is `freed` keeps its pair waiting no more. The jobs are asked for in the answer, so that they are
    /// locked before their transactions, as everywhere.
    fn settle(&mut self, settlements: &[(usize, &Settlement)], seal: &Seal) -> Result<(), StoreError> {
        if settlements.is_empty() {
            return Ok(());
        }
        let rows =
            settlements.iter().map(|(_, ended)| NewOutcomeRow::of(ended, seal)).collect::<Result<Vec<_>, _>>()?;
        self.query.push(", settled as materialized (select * from unnest(");
        self.outcomes(&rows);
        self.query.push(", ").push_bind(column(&rows, |row| row.next.keep));
        self.query.push(SETTLE);
        self.answers.push(SETTLED);
        self.has_freed = true;
        Ok(())
    }

    /// What was made at once and is sent gets its outcome, and nothing else; what failed is no more at once, and has a job
    /// where it is tried again. The key of the outcome says who comes first, of this and a turn: the other changes nothing.
    fn settle_at_once(&mut self, settlements: &[(usize, &Settlement)], seal: &Seal) -> Result<(), StoreError> {
        if settlements.is_empty() {
            return Ok(());
        }
        let rows =
            settlements.iter().map(|(_, ended)| NewOutcomeRow::of(ended, seal)).collect::<Result<Vec<_>, _>>()?;
        self.query.push(", made as materialized (select * from unnest(");
        self.outcomes(&rows);
        self.query.push(", ").push_bind(column(&rows, |row| row.holder));
        self.query.push(SETTLE_AT_ONCE);
        if settlements.iter().any(|(_, ended)| ended.state != State::Sent) {
            self.query.push(GO_ON);
        }
        self.answers.push("select transaction_id, false, null from made_first");
        Ok(())
    }

    /// The columns that both kinds of settlements have.
    fn outcomes(&mut self, rows: &[NewOutcomeRow<'_>]) {
        let mut columns = self.query.separated(", ");
        columns.push_bind(column(rows, |row| row.transaction_id));
        columns.push_bind(column(rows, |row| row.number));
        columns.push_bind(column(rows, |row| row.state));
        columns.push_bind(column(rows, |row| row.status));
        columns.push_bind(column(rows, |row| row.message_id.as_deref()));
        columns.push_bind(column(rows, |row| row.answer.as_deref()));
        columns.push_bind(column(rows, |row| row.fault.as_deref()));
        columns.push_bind(column(rows, |row| row.fault_code));
        columns.push_bind(column(rows, |row| row.finished_at));
        columns.push_bind(column(rows, |row| row.next.state));
        columns.push_bind(column(rows, |row| row.next.due_at));
        columns.push_bind(column(rows, |row| row.told));
    }

    /// Inserts what is not repeated into all tables at once. What is `queued` has to wait for its pair.
    fn record(&mut self, records: &[(usize, &NewTransaction)], seal: &Seal) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let rows = records.iter().map(|(_, new)| NewRow::of(new, seal)).collect::<Result<Vec<_>, _>>()?;
        // Without keys the table that has them, and its indexes, need not be opened; nor are the rows read twice, so that
        // they need not be put aside.
        let (put_aside, take_keys, with_own) = match rows.iter().any(|row| row.key.is_some()) {
            true => ("materialized", TAKE_KEYS, " where key is null or id in (select transaction_id from keyed)"),
            false => ("not materialized", "", ""),
        };
        self.query.push(format_args!(", recorded as {put_aside} (select * from unnest("));
        let mut columns = self.query.separated(", ");
        columns.push_bind(column(&rows, |row| row.id));
        columns.push_bind(column(&rows, |row| &*row.account));
        columns.push_bind(column(&rows, |row| &*row.dialect));
        columns.push_bind(column(&rows, |row| row.upstream.as_deref()));
        columns.push_bind(column(&rows, |row| row.channel));
        columns.push_bind(column(&rows, |row| row.kind));
        columns.push_bind(column(&rows, |row| row.state));
        columns.push_bind(column(&rows, |row| row.sender.as_deref()));
        columns.push_bind(column(&rows, |row| row.recipient.as_deref()));
        columns.push_bind(column(&rows, |row| row.fault));
        columns.push_bind(column(&rows, |row| row.received_at));
        columns.push_bind(column(&rows, |row| &*row.client_request));
        columns.push_bind(column(&rows, |row| &*row.request));
        columns.push_bind(column(&rows, |row| &*row.warnings));
        columns.push_bind(column(&rows, |row| row.refusal.as_deref()));
        columns.push_bind(column(&rows, |row| row.pair.as_deref()));
        columns.push_bind(column(&rows, |row| row.due_at));
        columns.push_bind(column(&rows, |row| row.holder));
        columns.push_bind(column(&rows, |row| row.number()));
        columns.push_bind(column(&rows, |row| row.attempt.as_ref().map(|attempt| &*attempt.method)));
        columns.push_bind(column(&rows, |row| row.attempt.as_ref().map(|attempt| &*attempt.url)));
        columns.push_bind(column(&rows, |row| row.attempt.as_ref().map(|attempt| &*attempt.body)));
        columns.push_bind(column(&rows, |row| row.attempt.as_ref().map(|attempt| attempt.started_at)));
        columns.push_bind(column(&rows, |row| row.key.as_deref()));
        columns.push_bind(column(&rows, |row| row.payload));
        columns.push_bind(column(&rows, |row| row.expires_at));
        columns.push_bind(column(&rows, |row| &*row.return_address));
        let but_freed = match self.has_freed {
            true => " and j.transaction_id not in (select transaction_id from freed)",
            false => "",
        };
        self.query.push(format_args!(
            "{RECORD}{take_keys}, kept as materialized ( \
               select *, number > 0 and exists ( \
                 select 1 from jobs j where j.pair = recorded.pair and j.state <> 'unknown'{but_freed}) as queued \
               from recorded{with_own} \
             {KEEP}"
        ));
        self.answers.push(KEPT);
        Ok(())
    }

    /// Begins attempts of jobs whose holder has the lease.
    fn begin(&mut self, begins: &[(usize, &Begin)], seal: &Seal) -> Result<(), StoreError> {
        if begins.is_empty() {
            return Ok(());
        }
        let rows = begins.iter().map(|(_, begin)| BeginRow::of(begin, seal)).collect::<Result<Vec<_>, _>>()?;
        self.query.push(", begun as materialized (select * from unnest(");
        let mut columns = self.query.separated(", ");
        columns.push_bind(column(&rows, |row| row.attempt.transaction_id));
        columns.push_bind(column(&rows, |row| row.holder));
        columns.push_bind(column(&rows, |row| row.lease_until));
        columns.push_bind(column(&rows, |row| row.attempt.number));
        columns.push_bind(column(&rows, |row| &*row.attempt.upstream));
        columns.push_bind(column(&rows, |row| &*row.attempt.method));
        columns.push_bind(column(&rows, |row| &*row.attempt.url));
        columns.push_bind(column(&rows, |row| &*row.attempt.body));
        columns.push_bind(column(&rows, |row| row.attempt.started_at));
        columns.push_bind(column(&rows, |row| row.warnings.as_deref()));
        self.query.push(BEGIN);
        self.answers.push("select transaction_id, false, null from taken");
        Ok(())
    }
}

/// Behind the columns of settlements. That an outcome is the first of its attempt is asked in a way that is no join:
/// joins of the writers' statements are loops over an index, and there is none on what was just written.
const SETTLE: &str = concat!(
    ") as settled (transaction_id, number, state, status, message_id, answer, fault, fault_code, finished_at, next, due_at, \
       told, keep) \
     ), first as ( \
       insert into outcomes (transaction_id, number, status, message_id, answer, fault, finished_at, state, told) \
       select transaction_id, number, status, message_id, answer, fault, finished_at, state, told from settled \
       where exists (select 1 from transactions where id = settled.transaction_id) \
       on conflict (transaction_id, number) do update set status = excluded.status, answer = excluded.answer, \
         message_id = coalesce(excluded.message_id, outcomes.message_id), fault = excluded.fault, \
         finished_at = excluded.finished_at, state = excluded.state, told = excluded.told \
       where outcomes.status is null and outcomes.fault is null \
       returning transaction_id \
     ), ended as materialized ( \
       select s.*, j.pair, j.state as job, coalesce(j.attempts = s.number, false) as last, \
         t.state in ('sent', 'delivered', 'read') as over \
       from settled s join transactions t on t.id = s.transaction_id \
         left join jobs j on j.transaction_id = any(array[s.transaction_id]) \
       where (s.transaction_id in (select transaction_id from first)) is true \
     ), gone as ( \
       delete from jobs j using ended e \
       where j.transaction_id = any(array[e.transaction_id]) \
         and case when e.last then e.next is null or e.over else e.state = 'sent' and j.state <> 'sending' end \
       returning j.transaction_id, j.pair, e.finished_at as at \
     ), stays as ( \
       update jobs j set state = e.next, due_at = e.due_at, holder = case when e.keep then j.holder end \
       from ended e where j.transaction_id = any(array[e.transaction_id]) and e.last and e.next is not null \
         and not e.over \
       returning j.transaction_id, j.pair, j.state, e.finished_at as at, \
         case when j.holder is null and j.due_at <= e.finished_at then ",
    notify!(),
    "::text end \
     ), freed as materialized ( \
       select transaction_id, pair, at from gone where pair is not null \
       union all select transaction_id, pair, at from stays where state = 'unknown' and pair is not null \
     ), ",
    woken!(),
    ", turned as ( \
       update transactions t set state = e.state, fault = e.fault_code, updated_at = e.finished_at \
       from ended e where t.id = e.transaction_id and (e.last or e.state = 'sent') and not e.over \
     )"
);

/// Nothing, after the jobs were asked for.
const SETTLED: &str = "select id, queued, notified from nothing \
                       where (select count(*) from gone) + (select count(*) from stays) < 0";

/// Behind the columns of settlements of what was made at once.
const SETTLE_AT_ONCE: &str = ") as made (transaction_id, number, state, status, message_id, answer, fault, fault_code, \
       finished_at, next, due_at, told, holder) \
     ), made_first as ( \
       insert into outcomes (transaction_id, number, status, message_id, answer, fault, finished_at, state, told) \
       select transaction_id, number, status, message_id, answer, fault, finished_at, state, told from made \
       where exists (select 1 from transactions t where t.id = made.transaction_id and t.state = 'at_once') \
       on conflict do nothing returning transaction_id \
     )";

/// Behind that, where some of it is not sent.
const GO_ON: &str = concat!(
    ", gone_on as materialized ( \
       select * from made where state <> 'sent' and (transaction_id in (select transaction_id from made_first)) is true \
     ), given as ( \
       insert into jobs (transaction_id, upstream, pair, state, attempts, due_at, holder) \
       select g.transaction_id, b.first_upstream, b.pair, g.next, g.number, g.due_at, g.holder \
       from gone_on g join bodies b on b.transaction_id = g.transaction_id where g.next is not null \
       returning case when holder is null and due_at <= now() then ",
    notify!(),
    "::text end \
     ), turned_at_once as ( \
       update transactions t set state = g.state, fault = g.fault_code, updated_at = g.finished_at \
       from gone_on g where t.id = g.transaction_id \
     )"
);

/// Behind the columns of records.
const RECORD: &str = ") as recorded (id, account, dialect, upstream, channel, kind, state, sender, recipient, fault, \
       received_at, client_request, request, warnings, refusal, pair, due_at, holder, number, method, url, body, \
       started_at, key, payload, expires_at, return_address) \
     )";

const TAKE_KEYS: &str = ", keyed as ( \
       insert into idempotency (account, key, payload, transaction_id, used_at, expires_at) \
       select distinct on (account, key) account, key, payload, id, received_at, expires_at \
       from recorded where key is not null order by account, key, id \
       on conflict (account, key) do update set payload = excluded.payload, \
         transaction_id = excluded.transaction_id, used_at = excluded.used_at, expires_at = excluded.expires_at \
       where idempotency.expires_at <= excluded.used_at \
       returning transaction_id \
     )";

/// Behind the records that are kept.
const KEEP: &str = "), hot as ( \
       insert into transactions (id, account, dialect, upstream, channel, kind, state, sender, recipient, fault, \
         received_at, updated_at) \
       select id, account, dialect, upstream, channel, kind, case when queued then 'accepted' else state end, \
         sender, recipient, fault, received_at, received_at from kept \
     ), cold as ( \
       insert into bodies (transaction_id, client_request, request, return_address, warnings, refusal, pair, \
         first_upstream, first_method, first_url, first_body, first_at) \
       select id, client_request, request, return_address, warnings, refusal, pair, \
         upstream, method, url, body, case when not queued then started_at end from kept \
     ), work as ( \
       insert into jobs (transaction_id, upstream, pair, state, attempts, due_at, holder) \
       select id, upstream, pair, case when queued then 'accepted' else state end, \
         case when queued then 0 else number end, case when queued then received_at else due_at end, \
         case when queued then null else holder end \
       from kept where queued or due_at is not null \
     )";

const KEPT: &str = concat!(
    "select id, queued, case when queued or (holder is null and due_at is not null) then ",
    notify!(),
    "::text end from kept"
);

/// Behind the columns of begins.
const BEGIN: &str = ") as begun (transaction_id, holder, lease_until, number, upstream, method, url, body, started_at, \
       warnings) \
     ), taken as ( \
       update jobs j set state = 'sending', attempts = b.number, upstream = b.upstream, due_at = b.lease_until \
       from begun b where j.transaction_id = any(array[b.transaction_id]) and j.holder = b.holder \
         and case when j.state <> 'sending' then j.attempts < b.number end \
       returning j.transaction_id \
     ), sent as materialized ( \
       select * from begun where (transaction_id in (select transaction_id from taken)) is true \
     ), tries as ( \
       insert into attempts (transaction_id, number, upstream, method, url, body, started_at) \
       select transaction_id, number, upstream, method, url, body, started_at from sent \
     ), sending as ( \
       update transactions t set state = 'sending', upstream = s.upstream, updated_at = s.started_at \
       from sent s where t.id = s.transaction_id \
     ), noted as ( \
       update bodies b set warnings = s.warnings \
       from sent s where b.transaction_id = s.transaction_id and s.warnings is not null \
     )";

/// Who has the keys that were used before. Asked behind the insert: another gateway may have taken one meanwhile.
async fn keys(connection: &mut PgConnection, repeated: &[(usize, &NewTransaction)]) -> Result<Vec<KeyRow>, StoreError> {
    let keys = "select account, key, payload, transaction_id from idempotency \
                where (account, key) in (select * from unnest($1::text[], $2::text[]))";
    let keys = sqlx::query_as(keys)
        .bind(column(repeated, |(_, new)| text(&new.account)))
        .bind(column(repeated, |(_, new)| new.idempotency.as_ref().map(|idempotency| text(&idempotency.key))))
        .fetch_all(connection)
        .await?;
    Ok(keys)
}
