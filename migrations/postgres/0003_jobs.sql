-- What is left to do for transactions that are not at their end, and what else may happen to them.
--
-- One row for each unfinished transaction, deleted at its end. `due_at` has one meaning: when somebody else may take it.
-- Of a job that is free it is the time when it is due, of one that is held the end of the lease; null is never.
--
-- Most rows live for one call, so dead ones are cleared away by their number and not by their share: in a long queue a
-- fifth of it would be thousands that each claim steps over. No room is left in the pages: changes of a job touch an
-- index anyway.
create table jobs (
    transaction_id uuid primary key,
    upstream text not null,
    pair text,
    state text not null,
    attempts integer not null,
    due_at timestamptz,
    holder uuid
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- Claims go by it, from the longest due. What is being sent is not in it, so a message that goes out at once never is.
create index jobs_by_due on jobs (upstream, due_at) where state <> 'sending';

-- The order within a pair: is there an earlier one, which is the next? What is unknown keeps nobody waiting.
create index jobs_by_pair on jobs (pair, transaction_id) where pair is not null and state <> 'unknown';

-- Attempts whose maker is gone, looked for every few seconds: a handful of rows, however long the queue.
create index jobs_under_way on jobs (due_at) where state = 'sending';

-- What `under_way` had. How long a call may take is not known here; two minutes are more than any.
insert into jobs (transaction_id, upstream, state, attempts, due_at)
select u.transaction_id, a.upstream, 'sending', u.number, u.started_at + interval '2 minutes'
from under_way u join attempts a on a.transaction_id = u.transaction_id and a.number = u.number;

-- The table stays for a gateway of the version before that runs beside this one, and goes with a later migration.
delete from under_way;

-- Which state an outcome led to, so that every change is on record; null in rows of the version before.
alter table outcomes add column state text;

-- The pair of the job, for when the transaction is sent once more. Here and not in `transactions`, as it is hardly read.
alter table bodies add column pair text;

-- Changes without a call. By what they belong to; nobody asks for one of them alone.
create table turns (
    transaction_id uuid not null,
    at timestamptz not null,
    from_state text not null,
    to_state text not null,
    cause text not null,
    fault text,
    detail text
);

create index turns_by_transaction on turns (transaction_id, at);

-- The keys under which requests may be repeated. An account's own: they are made up by clients.
create table idempotency (
    account text not null,
    key text not null,
    payload bytea not null,
    transaction_id uuid not null,
    used_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (account, key)
);

-- Expired ones are swept.
create index idempotency_by_expiry on idempotency (expires_at);

-- The processes that share the work, each with its last sign of life.
create table processes (
    id uuid primary key,
    seen_at timestamptz not null
);
