-- The first attempt stands beside the bodies of its transaction, as it is written with them: a table and an index less for
-- nearly every message, which has no other. Later ones stand in `attempts`, and so do first ones of the version before and of
-- transactions that were queued or whose bodies are forgotten. There is one where `first_at` is not null.
alter table bodies
    add column first_upstream text,
    add column first_method text,
    add column first_url text,
    add column first_body text,
    add column first_at timestamptz;
