-- What providers tell unasked, and what clients are told of it.

-- Whether the client was given the upstream's id of the message in its answer; else it knows the gateway's own. Those of
-- the version before always were.
alter table outcomes add column told boolean not null default true;

-- Webhooks as they came, committed before they are answered. They stay when they are done with, so that they can be
-- decoded once more. `due_at` and `holder` mean what they mean of jobs; null is done.
create table webhooks (
    id uuid primary key,
    upstream text not null,
    received_at timestamptz not null,
    headers text not null,
    body text not null,
    tries integer not null,
    due_at timestamptz,
    holder uuid,
    problem text
);

-- A handful of rows, however many are kept.
create index webhooks_by_due on webhooks (due_at) where due_at is not null;

-- What each of them told, a row for each thing that happened. What is told twice has one identity and is kept once: a
-- digest, because message ids are the provider's and may be longer than an index takes.
--
-- An event is due until it has moved its transaction and its callbacks are written; one whose message is not known yet is
-- due again later.
create table events (
    id uuid primary key,
    webhook_id uuid not null,
    upstream text not null,
    identity bytea not null,
    kind text not null,
    message_id text,
    person text,
    transaction_id uuid,
    occurred_at timestamptz,
    received_at timestamptz not null,
    body text not null,
    tries integer not null,
    due_at timestamptz,
    holder uuid
);

create unique index events_by_identity on events (identity);

create index events_by_due on events (due_at) where due_at is not null;

create index events_by_transaction on events (transaction_id) where transaction_id is not null;

create index events_by_person on events (person) where person is not null;

-- What clients are told: one event for one address. `order_key` is the message: of one address and message the first goes
-- first. Those that are at their end stay, to be seen and sent again.
create table callbacks (
    id uuid primary key,
    event_id uuid not null,
    account text not null,
    transaction_id uuid,
    dialect text not null,
    target text not null,
    order_key text not null,
    state text not null,
    attempts integer not null,
    due_at timestamptz,
    holder uuid,
    last_status integer,
    last_error text,
    created_at timestamptz not null,
    finished_at timestamptz
);

-- Claims go from address to address, so that one which is not called now costs one step, however much waits for it.
create index callbacks_by_due on callbacks (target, due_at) where state = 'pending';

create index callbacks_by_order on callbacks (order_key, id) where state = 'pending';

create index callbacks_by_transaction on callbacks (transaction_id) where transaction_id is not null;

create index callbacks_dead on callbacks (id) where state = 'dead';

-- People whom a provider calls otherwise than the client does: numbers in Brazil, Mexico and Argentina, user ids.
create table aliases (
    upstream text not null,
    wa_id text not null,
    known_as text not null,
    updated_at timestamptz not null,
    primary key (upstream, wa_id)
);
