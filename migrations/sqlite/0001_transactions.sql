-- The same tables as in Postgres; the reasons for their shape stand there. Ids are the 16 bytes of a UUID; times are
-- microseconds since 1970, which compare as numbers: `datetime(received_at / 1000000, 'unixepoch')` shows one.

-- Without rowid: the rows are small and found by their id, so the table is its own index.
create table transactions (
    id blob primary key,
    account text not null,
    dialect text not null,
    upstream text,
    channel text not null,
    kind text not null,
    state text not null,
    sender text,
    recipient text,
    fault text,
    received_at integer not null,
    updated_at integer not null
) strict, without rowid;

create index transactions_by_time on transactions (received_at, id);

create index transactions_by_recipient on transactions (recipient) where recipient is not null;

-- With rowid, like all tables of large rows: the tree of ids stays small and the bodies lie in the order they came.
create table bodies (
    transaction_id blob primary key,
    client_request text not null,
    request text not null,
    warnings text not null,
    refusal text
) strict;

create table attempts (
    transaction_id blob not null,
    number integer not null,
    upstream text not null,
    method text not null,
    url text not null,
    body text not null,
    started_at integer not null,
    primary key (transaction_id, number)
) strict;

create table outcomes (
    transaction_id blob not null,
    number integer not null,
    status integer,
    message_id text,
    answer text,
    fault text,
    finished_at integer not null,
    primary key (transaction_id, number)
) strict;

create index outcomes_by_message on outcomes (message_id) where message_id is not null;

create table under_way (
    transaction_id blob not null,
    number integer not null,
    started_at integer not null,
    primary key (transaction_id, number)
) strict, without rowid;
