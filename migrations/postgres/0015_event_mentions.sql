-- Who is spoken of in an event beside its `person`, so that they can be erased: a user id of whoever has a number too, the one of
-- a group that a status is of, a new number. They go with their event, whatever it goes by.
create table event_mentions (
    person text not null,
    event_id uuid not null references events (id) on delete cascade,
    primary key (person, event_id)
);

create index event_mentions_by_event on event_mentions (event_id);

-- Those that are of nobody, by their webhook, which says who is spoken of in it: a handful, and not all that was ever told.
create index events_of_nobody on events (webhook_id) where person is null;

-- By the event first, which is how the files of what is erased are found.
drop index inbound_files_by_event;

create unique index inbound_files_by_event on inbound_files (event_id, account);
