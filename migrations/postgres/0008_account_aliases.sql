-- People whom a provider calls otherwise than a client does, for each account: two clients of one upstream may know the
-- same person by different numbers. It takes the place of aliases, which the version before still writes.
create table account_aliases (
    account text not null,
    upstream text not null,
    wa_id text not null,
    known_as text not null,
    updated_at timestamptz not null,
    primary key (account, upstream, wa_id)
);

insert into account_aliases (account, upstream, wa_id, known_as, updated_at)
select distinct t.account, a.upstream, a.wa_id, a.known_as, a.updated_at
from aliases a join transactions t on t.recipient = a.known_as and t.upstream = a.upstream;
