-- What clients leave with us beside their transactions: sessions, settings and files. A few rows for each account, found
-- by their keys; nothing here is written on the way of a message.

-- Tokens of clients that logged in, as their SHA-256: who reads the table cannot use one.
create table sessions (
    token bytea primary key,
    account text not null,
    expires_at timestamptz not null
);

-- Expired ones are swept.
create index sessions_by_expiry on sessions (expires_at);

-- The value is JSON in `text`, for the reasons that `bodies` has.
create table settings (
    account text not null,
    name text not null,
    value text not null,
    primary key (account, name)
);

-- Files that clients uploaded; their bytes lie in the vault, under the same id. An id is one account's alone.
create table media (
    id text primary key,
    account text not null,
    mime_type text not null,
    filename text,
    size bigint not null,
    sha256 text not null,
    created_at timestamptz not null
);

-- Ids that upstreams gave for files of ours. By what is in the file and not by our id: clients upload the same picture
-- again and again, and an upstream needs it once. The type belongs to the key, as an upstream takes a file under one.
create table upstream_media (
    upstream text not null,
    sender text not null,
    sha256 text not null,
    mime_type text not null,
    media_id text not null,
    expires_at timestamptz not null,
    primary key (upstream, sender, sha256, mime_type)
);

create index upstream_media_by_expiry on upstream_media (expires_at);
