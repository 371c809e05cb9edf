-- The same table as in Postgres; the reasons stand there.

create table inbound_files (
    id text primary key,
    account text not null,
    event_id blob not null,
    token text not null,
    dialect text not null,
    upstream text not null,
    source_id text,
    link text,
    mime_type text,
    filename text,
    person text,
    received_at integer not null,
    gone_at integer,
    doomed integer not null default false
) strict, without rowid;

create unique index inbound_files_by_event on inbound_files (account, event_id);

create unique index inbound_files_by_token on inbound_files (token);

create index inbound_files_by_age on inbound_files (received_at);

create index inbound_files_by_person on inbound_files (person) where person is not null;
