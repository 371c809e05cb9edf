-- The same tables as in Postgres; the reasons for their shape stand there.

create table jobs (
    transaction_id blob primary key,
    upstream text not null,
    pair text,
    state text not null,
    attempts integer not null,
    due_at integer,
    holder blob
) strict, without rowid;

create index jobs_by_due on jobs (upstream, due_at) where state <> 'sending';

create index jobs_by_pair on jobs (pair, transaction_id) where pair is not null and state <> 'unknown';

create index jobs_under_way on jobs (due_at) where state = 'sending';

insert into jobs (transaction_id, upstream, state, attempts, due_at)
select u.transaction_id, a.upstream, 'sending', u.number, u.started_at + 120000000
from under_way u join attempts a on a.transaction_id = u.transaction_id and a.number = u.number;

delete from under_way;

alter table outcomes add column state text;

alter table bodies add column pair text;

create table turns (
    transaction_id blob not null,
    at integer not null,
    from_state text not null,
    to_state text not null,
    cause text not null,
    fault text,
    detail text
) strict;

create index turns_by_transaction on turns (transaction_id, at);

create table idempotency (
    account text not null,
    key text not null,
    payload blob not null,
    transaction_id blob not null,
    used_at integer not null,
    expires_at integer not null,
    primary key (account, key)
) strict, without rowid;

create index idempotency_by_expiry on idempotency (expires_at);

create table processes (
    id blob primary key,
    seen_at integer not null
) strict, without rowid;
