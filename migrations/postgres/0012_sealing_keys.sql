-- The keys that bodies may be sealed with, by their ids, each from its first use until nothing is sealed with it any more: a
-- gateway that lacks one does not start, instead of failing message by message. The keys themselves are in no database.
create table sealing_keys (
    id text primary key,
    since timestamptz not null
);
