-- The same tables as in Postgres; the reasons for their shape stand there.

alter table outcomes add column told integer not null default 1;

create table webhooks (
    id blob primary key,
    upstream text not null,
    received_at integer not null,
    headers text not null,
    body text not null,
    tries integer not null,
    due_at integer,
    holder blob,
    problem text
) strict;

create index webhooks_by_due on webhooks (due_at) where due_at is not null;

create table events (
    id blob primary key,
    webhook_id blob not null,
    upstream text not null,
    identity blob not null,
    kind text not null,
    message_id text,
    person text,
    transaction_id blob,
    occurred_at integer,
    received_at integer not null,
    body text not null,
    tries integer not null,
    due_at integer,
    holder blob
) strict;

create unique index events_by_identity on events (identity);

create index events_by_due on events (due_at) where due_at is not null;

create index events_by_transaction on events (transaction_id) where transaction_id is not null;

create index events_by_person on events (person) where person is not null;

create table callbacks (
    id blob primary key,
    event_id blob not null,
    account text not null,
    transaction_id blob,
    dialect text not null,
    target text not null,
    order_key text not null,
    state text not null,
    attempts integer not null,
    due_at integer,
    holder blob,
    last_status integer,
    last_error text,
    created_at integer not null,
    finished_at integer
) strict;

create index callbacks_by_due on callbacks (target, due_at) where state = 'pending';

create index callbacks_by_order on callbacks (order_key, id) where state = 'pending';

create index callbacks_by_transaction on callbacks (transaction_id) where transaction_id is not null;

create index callbacks_dead on callbacks (id) where state = 'dead';

create table aliases (
    upstream text not null,
    wa_id text not null,
    known_as text not null,
    updated_at integer not null,
    primary key (upstream, wa_id)
) strict, without rowid;
