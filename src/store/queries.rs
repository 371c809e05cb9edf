//! What is read: the same SQL in both databases.

use super::periods::{message_periods, of_message};

/// Where a transaction stands that was made at once: `sent` once it has an outcome, `sending` until then. So what is sent at
/// once, as most is, is never written again, and costs no job.
pub(super) const AT_ONCE: &str = "at_once";

/// The state of the transaction `t`.
macro_rules! state {
    () => {
        "case when t.state <> 'at_once' then t.state \
           when exists (select 1 from outcomes s where s.transaction_id = t.id) then 'sent' else 'sending' end"
    };
}

/// When the transaction `t` changed last.
macro_rules! updated_at {
    () => {
        "case when t.state <> 'at_once' then t.updated_at \
           else coalesce((select min(s.finished_at) from outcomes s where s.transaction_id = t.id), t.updated_at) end"
    };
}

/// The first transaction from which on anybody may have an attempt under way that is made at once; null where nobody has.
macro_rules! first_open {
    () => {
        "(select open_from from processes where open_from is not null order by open_from limit 1)"
    };
}

/// Whether the transaction `$id` is at its end, or nobody knows: nothing is left to be done by itself, and no attempt is
/// under way.
macro_rules! rests {
    ($id:literal) => {
        concat!(
            "not exists (select 1 from jobs j where j.transaction_id = ",
            $id,
            ") and not exists (select 1 from transactions u where u.id = ",
            $id,
            " and u.state = 'at_once' and not exists (select 1 from outcomes s where s.transaction_id = u.id))"
        )
    };
}

/// The columns of [`super::rows::SummaryRow`]. The upstream's id is looked up for the few rows that are shown, so that
/// it is kept once and settling leaves the row small.
macro_rules! summary {
    () => {
        concat!(
            "t.id, t.account, t.dialect, t.upstream, t.channel, t.kind, ",
            crate::store::queries::state!(),
            " as state, t.sender, t.recipient, \
         (select o.message_id from outcomes o where o.transaction_id = t.id and o.message_id is not null \
          order by o.number desc limit 1) as message_id, \
         t.fault, t.received_at, ",
            crate::store::queries::updated_at!(),
            " as updated_at"
        )
    };
}

/// The same, for statements that are put together.
pub(super) const SUMMARY: &str = summary!();

/// One transaction: `$1` is its id, null where the text is none, `$2` the upstream's id. Ids that we gave out come
/// first: an upstream may use UUIDs too.
pub(super) const FIND: &str = concat!(
    message_periods!(),
    " select ",
    summary!(),
    ", (select o.message_id from outcomes o where o.transaction_id = t.id and o.message_id is not null and o.told \
        order by o.number limit 1) as given_id, \
     b.client_request, nullif(b.request, '') as request, b.warnings, b.refusal, j.due_at \
     from transactions t left join bodies b on b.transaction_id = t.id left join jobs j on j.transaction_id = t.id \
     where t.id = coalesce(\
       (select id from transactions where id = $1), ",
    of_message!("$2"),
    ")"
);

/// The attempts of the transaction `$1`, each with its outcome; one that says nothing only keeps the place. The first stands
/// beside the bodies, as a rule.
pub(super) const ATTEMPTS: &str = "\
    select a.number, a.upstream, a.method, a.url, a.body, a.started_at, o.finished_at, o.status, o.answer, o.fault, \
      o.state \
    from ( \
      select 1 as number, first_upstream as upstream, first_method as method, first_url as url, first_body as body, \
        first_at as started_at \
      from bodies where transaction_id = $1 and first_at is not null \
      union all \
      select number, upstream, method, url, body, started_at from attempts where transaction_id = $1 \
    ) a left join outcomes o on o.transaction_id = $1 and o.number = a.number \
      and (o.status is not null or o.fault is not null or o.message_id is not null) \
    order by a.number";

/// The number of the last attempt of the transaction `$id`; null where it has none.
macro_rules! last_attempt {
    ($id:literal) => {
        concat!(
            "coalesce((select max(a.number) from attempts a where a.transaction_id = ",
            $id,
            "), (select 1 from bodies f where f.transaction_id = ",
            $id,
            " and f.first_at is not null))"
        )
    };
}

/// Puts a first attempt where the others stand, before its bodies go: that it was made is no body. What is chosen follows.
macro_rules! part_attempts {
    () => {
        "insert into attempts (transaction_id, number, upstream, method, url, body, started_at) \
         select transaction_id, 1, first_upstream, first_method, first_url, '', first_at from bodies \
         where first_at is not null and transaction_id in "
    };
}

pub(super) use {first_open, last_attempt, part_attempts, rests, state, updated_at};

/// The turns of the transaction `$1`.
pub(super) const TURNS: &str = "select at, from_state, to_state, cause, fault, detail from turns \
                                where transaction_id = $1 order by at";

/// Attempts whose lease was over at `$1`, at most `$2`.
pub(super) const LAPSED: &str = "\
    select t.id, t.account, t.dialect, t.kind, t.state, j.attempts, j.upstream \
    from jobs j join transactions t on t.id = j.transaction_id \
    where j.state = 'sending' and j.due_at <= $1 order by j.due_at limit $2";

/// Jobs that a claim looks at beside those that it wants, at most: those that wait for their pair are among them.
pub(super) const ASIDE: i64 = 256;

/// Seconds after which a job that waits for its pair is looked at again, where nothing wakes it before.
pub(super) const PUT_OFF: i64 = 5;

/// Changes nothing, and needs what a write needs: the schema, a database that may be written, SQLite's lock. One look
/// for an id that no job has.
pub(super) const PING: &str = "delete from jobs where transaction_id = '00000000-0000-0000-0000-000000000000'";
