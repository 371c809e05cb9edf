-- One row for each accepted request: what lists show and what changes. Everything large stands in its own table.
--
-- Settling changes state, fault and updated_at. No index holds one of them and half of each page stays free, so the new
-- version of the row lands on the same page and no index is touched (a heap-only update). Half, because rows that came
-- together are settled together, before the old versions can be cleared away; with a fifth, 4 of 10 found no room.
--
-- No foreign keys here or below: one transaction writes all rows of a request, and checking would lock its row twice.
create table transactions (
    id uuid primary key,
    account text not null,
    dialect text not null,
    upstream text,
    channel text not null,
    kind text not null,
    state text not null,
    sender text,
    recipient text,
    fault text,
    received_at timestamptz not null,
    updated_at timestamptz not null
) with (fillfactor = 50);

-- Lists go by it, from the latest. It leads with the time and not with the id alone, so that a period is a range.
create index transactions_by_time on transactions (received_at, id);

-- The commonest question of support: what became of the message to this number?
create index transactions_by_recipient on transactions (recipient) where recipient is not null;

-- Written once and read when somebody looks closely. The texts are JSON in `text`, not in `jsonb`: that would refuse
-- \u0000, change the order of members and round numbers.
create table bodies (
    transaction_id uuid primary key,
    client_request text not null,
    request text not null,
    warnings text not null,
    refusal text
);

-- Calls of upstreams, committed before their first byte leaves.
create table attempts (
    transaction_id uuid not null,
    number integer not null,
    upstream text not null,
    method text not null,
    url text not null,
    body text not null,
    started_at timestamptz not null,
    primary key (transaction_id, number)
);

-- How calls ended. Beside `attempts`, not in it: inserting is cheaper than rewriting a row that holds a body, and the
-- key lets a repeated settlement fall away.
create table outcomes (
    transaction_id uuid not null,
    number integer not null,
    status integer,
    message_id text,
    answer text,
    fault text,
    finished_at timestamptz not null,
    primary key (transaction_id, number)
);

-- Statuses, replies and people name a message by the upstream's id.
create index outcomes_by_message on outcomes (message_id) where message_id is not null;

-- The attempts that have no outcome yet: a handful of rows, inserted with the attempt and deleted with its outcome. They
-- are found here after a crash; an index on the state of transactions would cost every settlement its cheap update.
create table under_way (
    transaction_id uuid not null,
    number integer not null,
    started_at timestamptz not null,
    primary key (transaction_id, number)
);
