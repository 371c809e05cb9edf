-- What a transaction is found by: its recipient, the upstream's ids of its messages. They come in no order, so in an index of
-- them each message changes two pages of 4 KiB of its own, which is nearly half of all that a message writes to the log. Here
-- they are noted in the order they come and sorted a thousand at a time, which changes a fourth of a page or less. Triggers
-- keep that, as they would an index; `store/periods.rs` reads both parts by the same views as in Postgres.

-- Where each period begins, 16,384 transactions to a recipient or so. What is sorted is sorted within its transaction's
-- period: so it is found by a step for each, and what is written at one time lies together, however much is kept.
create table boundaries (
    id blob primary key
) strict, without rowid;

insert into boundaries (id) values (x'');

insert into boundaries (id)
select id from (select id, row_number() over (order by id) as number from transactions) where number % 16384 = 0;

create table recipients_sorted (
    period blob not null,
    recipient text not null,
    transaction_id blob not null,
    primary key (period, recipient, transaction_id)
) strict, without rowid;

insert into recipients_sorted (period, recipient, transaction_id)
select (select max(b.id) from boundaries b where b.id <= t.id) as period, recipient, id
from transactions t where recipient is not null order by period, recipient, t.id;

drop index transactions_by_recipient;

create table message_ids_sorted (
    period blob not null,
    message_id text not null,
    transaction_id blob not null,
    number integer not null,
    primary key (period, message_id, transaction_id, number)
) strict, without rowid;

insert into message_ids_sorted (period, message_id, transaction_id, number)
select (select max(b.id) from boundaries b where b.id <= o.transaction_id) as period, message_id, transaction_id, number
from outcomes o where message_id is not null order by period, message_id, transaction_id, number;

drop index outcomes_by_message;

-- What came last. The last row stays when the others are sorted, so that `place` goes on counting.
create table recipients_unsorted (
    place integer primary key,
    recipient text not null,
    transaction_id blob not null
) strict;

create table message_ids_unsorted (
    place integer primary key,
    message_id text not null,
    transaction_id blob not null,
    number integer not null
) strict;

create trigger note_recipient after insert on transactions when new.recipient is not null
begin
    insert into recipients_unsorted (recipient, transaction_id) values (new.recipient, new.id);
end;

create trigger note_message_id after insert on outcomes when new.message_id is not null
begin
    insert into message_ids_unsorted (message_id, transaction_id, number)
    values (new.message_id, new.transaction_id, new.number);
end;

create trigger note_learnt_message_id after update of message_id on outcomes
when new.message_id is not null and new.message_id is not old.message_id
begin
    insert into message_ids_unsorted (message_id, transaction_id, number)
    values (new.message_id, new.transaction_id, new.number);
end;

-- Behind all ids that there are, so that what was sorted stays in the period that its id leads to. Periods of which nothing is
-- left go; what still comes of their time is of the one before.
create trigger begin_period after insert on recipients_unsorted when new.place % 16384 = 0
begin
    delete from boundaries where id > x''
        and not exists (select 1 from recipients_sorted s where s.period = boundaries.id)
        and not exists (select 1 from message_ids_sorted s where s.period = boundaries.id);
    insert into boundaries (id) select cast(max(id) || x'00' as blob) from transactions where true on conflict do nothing;
end;

create trigger sort_recipients after insert on recipients_unsorted when new.place % 1024 = 0
begin
    insert into recipients_sorted (period, recipient, transaction_id)
    select (select max(b.id) from boundaries b where b.id <= u.transaction_id) as period, recipient, transaction_id
    from recipients_unsorted u where place < new.place order by period, recipient, transaction_id
    on conflict do nothing;
    delete from recipients_unsorted where place < new.place;
end;

-- Half a round later, so that nobody waits for both.
create trigger sort_message_ids after insert on message_ids_unsorted when new.place % 1024 = 512
begin
    insert into message_ids_sorted (period, message_id, transaction_id, number)
    select (select max(b.id) from boundaries b where b.id <= u.transaction_id) as period,
        message_id, transaction_id, number
    from message_ids_unsorted u where place < new.place order by period, message_id, transaction_id, number
    on conflict do nothing;
    delete from message_ids_unsorted where place < new.place;
end;

-- Who looks among what is unsorted goes through all of it, so only where it was not sorted.
create trigger forget_recipient after delete on transactions when old.recipient is not null
begin
    delete from recipients_sorted
    where period = (select max(b.id) from boundaries b where b.id <= old.id)
        and recipient = old.recipient and transaction_id = old.id;
    delete from recipients_unsorted where place in (
        select u.place from (select 1 where changes() = 0) cross join recipients_unsorted u
        where u.transaction_id = old.id);
end;

create trigger erase_recipient after update of recipient on transactions when old.recipient is not null
begin
    delete from recipients_sorted
    where period = (select max(b.id) from boundaries b where b.id <= old.id)
        and recipient = old.recipient and transaction_id = old.id;
    delete from recipients_unsorted where place in (
        select u.place from (select 1 where changes() = 0) cross join recipients_unsorted u
        where u.transaction_id = old.id);
    insert into recipients_unsorted (recipient, transaction_id)
    select new.recipient, new.id where new.recipient is not null;
end;

create trigger forget_message_id after delete on outcomes when old.message_id is not null
begin
    delete from message_ids_sorted
    where period = (select max(b.id) from boundaries b where b.id <= old.transaction_id)
        and message_id = old.message_id and transaction_id = old.transaction_id and number = old.number;
    delete from message_ids_unsorted where place in (
        select u.place from (select 1 where changes() = 0) cross join message_ids_unsorted u
        where u.transaction_id = old.transaction_id and u.number = old.number);
end;

create trigger change_message_id after update of message_id on outcomes
when old.message_id is not null and new.message_id is not old.message_id
begin
    delete from message_ids_sorted
    where period = (select max(b.id) from boundaries b where b.id <= old.transaction_id)
        and message_id = old.message_id and transaction_id = old.transaction_id and number = old.number;
    delete from message_ids_unsorted where place in (
        select u.place from (select 1 where changes() = 0) cross join message_ids_unsorted u
        where u.transaction_id = old.transaction_id and u.number = old.number and u.message_id = old.message_id);
end;

-- What is unsorted counts as one period, later than all others. Its type is said, as a view whose parts differ in that is read whole
-- before anything is looked for in it.
create view recipients (period, recipient, transaction_id) as
select period, recipient, transaction_id from recipients_sorted
union all
select cast(x'ff' as blob), recipient, transaction_id from recipients_unsorted;

create view message_ids (period, message_id, transaction_id, number) as
select period, message_id, transaction_id, number from message_ids_sorted
union all
select cast(x'ff' as blob), message_id, transaction_id, number from message_ids_unsorted;

create view recipient_periods (period) as select x'ff' union all select id from boundaries;

create view message_periods (period) as select x'ff' union all select id from boundaries;

create view late_message_periods (period) as
select x'ff' union all select id from (select id from boundaries order by id desc limit 15);
