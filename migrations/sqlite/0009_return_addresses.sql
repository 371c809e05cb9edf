-- The same column as in Postgres; its reason stands there.

alter table bodies add column return_address text;
