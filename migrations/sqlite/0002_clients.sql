-- The same tables as in Postgres; the reasons for their shape stand there.

create table sessions (
    token blob primary key,
    account text not null,
    expires_at integer not null
) strict, without rowid;

create index sessions_by_expiry on sessions (expires_at);

create table settings (
    account text not null,
    name text not null,
    value text not null,
    primary key (account, name)
) strict;

create table media (
    id text primary key,
    account text not null,
    mime_type text not null,
    filename text,
    size integer not null,
    sha256 text not null,
    created_at integer not null
) strict, without rowid;

create table upstream_media (
    upstream text not null,
    sender text not null,
    sha256 text not null,
    mime_type text not null,
    media_id text not null,
    expires_at integer not null,
    primary key (upstream, sender, sha256, mime_type)
) strict, without rowid;

create index upstream_media_by_expiry on upstream_media (expires_at);
