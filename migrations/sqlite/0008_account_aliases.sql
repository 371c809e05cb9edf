-- The same table as in Postgres; the reasons stand there.

create table account_aliases (
    account text not null,
    upstream text not null,
    wa_id text not null,
    known_as text not null,
    updated_at integer not null,
    primary key (account, upstream, wa_id)
) strict, without rowid;

insert into account_aliases (account, upstream, wa_id, known_as, updated_at)
select distinct t.account, a.upstream, a.wa_id, a.known_as, a.updated_at
from aliases a join transactions t on t.recipient = a.known_as and t.upstream = a.upstream;
