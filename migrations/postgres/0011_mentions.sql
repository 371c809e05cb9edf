-- Who is spoken of in a webhook, so that they can be erased: a webhook that came twice tells no event the second time, and
-- one that could not be read tells none at all, but their bodies are kept.
create table mentions (
    person text not null,
    webhook_id uuid not null,
    primary key (person, webhook_id)
);

create index mentions_by_webhook on mentions (webhook_id);

-- What is kept of an event goes by whether all its callbacks arrived.
create index callbacks_by_event on callbacks (event_id);
