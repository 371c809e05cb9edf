-- The same table as in Postgres; its reason stands there.

create table sealing_keys (
    id text primary key,
    since integer not null
) strict;
