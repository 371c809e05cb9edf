-- The first three bytes of a transaction's id: all that came within some four and a half hours (2^24 milliseconds) have them
-- in common. SQLite has this function for its ids, so that both understand the same statements.
create function substr(id uuid, first integer, count integer) returns bytea
    language sql immutable strict parallel safe
    as 'select substr(uuid_send(id), first, count)';

-- Recipients and the upstream's ids come in no order. In one tree of all that is kept each message would write two pages that
-- nobody has written lately, and with ten million of them that took half of the speed. Led by the period, what is written
-- lies together, however much is kept; who looks for one goes from period to period (`store/periods.rs`).
drop index transactions_by_recipient;
create index transactions_by_recipient on transactions (substr(id, 1, 3), recipient) where recipient is not null;

drop index outcomes_by_message;
create index outcomes_by_message on outcomes (substr(transaction_id, 1, 3), message_id) where message_id is not null;
