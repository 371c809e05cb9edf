-- The server behind an address. Places and the breaker are the server's, whatever stands behind its name in each address:
-- a server that never answers shall cost one step of a claim and not one for each message. Made by the database, so that
-- it is there for callbacks of the version before too.
alter table callbacks add column origin text
    generated always as (coalesce(lower(substring(target from '^[^:]*://[^/?#]*')), target)) stored;

create index callbacks_by_origin on callbacks (origin, due_at) where state = 'pending';

-- Claims went by it.
drop index callbacks_by_due;
