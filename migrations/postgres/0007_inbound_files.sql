-- Files that people sent to the business, a row for each account that is told of one: what it can be asked for by, and how
-- the provider names it. The bytes are fetched when somebody wants them; then the file is a row of `media` too, under the
-- same id. `token` opens the link that clients without media endpoints are given. One that is `doomed` goes as soon as its
-- bytes are gone, and nobody gets it any more.
create table inbound_files (
    id text primary key,
    account text not null,
    event_id uuid not null,
    token text not null,
    dialect text not null,
    upstream text not null,
    source_id text,
    link text,
    mime_type text,
    filename text,
    person text,
    received_at timestamptz not null,
    gone_at timestamptz,
    doomed boolean not null default false
);

-- An account is told of an event often, and always by one id.
create unique index inbound_files_by_event on inbound_files (account, event_id);

create unique index inbound_files_by_token on inbound_files (token);

create index inbound_files_by_age on inbound_files (received_at);

create index inbound_files_by_person on inbound_files (person) where person is not null;
