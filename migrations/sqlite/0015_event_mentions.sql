-- The same table as in Postgres; the reasons stand there.
create table event_mentions (
    person text not null,
    event_id blob not null references events (id) on delete cascade,
    primary key (person, event_id)
) strict, without rowid;

create index event_mentions_by_event on event_mentions (event_id);

create index events_of_nobody on events (webhook_id) where person is null;

drop index inbound_files_by_event;

create unique index inbound_files_by_event on inbound_files (event_id, account);
