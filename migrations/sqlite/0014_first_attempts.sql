-- The same columns as in Postgres; their reason stands there.
alter table bodies add column first_upstream text;
alter table bodies add column first_method text;
alter table bodies add column first_url text;
alter table bodies add column first_body text;
alter table bodies add column first_at integer;
