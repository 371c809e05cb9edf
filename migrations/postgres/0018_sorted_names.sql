-- What a transaction is found by, as views with their periods: SQLite keeps it otherwise, and both understand the same
-- statements (`store/periods.rs`).
create view recipients as
select substr(id, 1, 3) as period, recipient, id as transaction_id
from transactions where recipient is not null;

create view message_ids as
select substr(transaction_id, 1, 3) as period, message_id, transaction_id, number
from outcomes where message_id is not null;

-- From each period that there is to the one before, with a null behind the earliest. Whoever wants the latest alone does not
-- wait for the others.
create view recipient_periods as
with recursive periods (period) as (
    select period from (
        select substr(id, 1, 3) as period from transactions
        where recipient is not null order by 1 desc limit 1) latest
    union all
    select (
        select substr(t.id, 1, 3) from transactions t
        where t.recipient is not null and substr(t.id, 1, 3) < periods.period order by 1 desc limit 1)
    from periods where period is not null)
select period from periods;

create view message_periods as
with recursive periods (period) as (
    select period from (
        select substr(transaction_id, 1, 3) as period from outcomes
        where message_id is not null order by 1 desc limit 1) latest
    union all
    select (
        select substr(o.transaction_id, 1, 3) from outcomes o
        where o.message_id is not null and substr(o.transaction_id, 1, 3) < periods.period order by 1 desc limit 1)
    from periods where period is not null)
select period from periods;

create view late_message_periods as select period from message_periods limit 2;
