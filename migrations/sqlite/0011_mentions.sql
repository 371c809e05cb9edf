-- The same table as in Postgres; its reason stands there.

create table mentions (
    person text not null,
    webhook_id blob not null,
    primary key (person, webhook_id)
) strict, without rowid;

create index mentions_by_webhook on mentions (webhook_id);

create index callbacks_by_event on callbacks (event_id);
