-- The same indexes as in Postgres; the reason stands there.
drop index transactions_by_recipient;
create index transactions_by_recipient on transactions (substr(id, 1, 3), recipient) where recipient is not null;

drop index outcomes_by_message;
create index outcomes_by_message on outcomes (substr(transaction_id, 1, 3), message_id) where message_id is not null;
