-- The same column as in Postgres; its reason stands there.

alter table sessions add column binding blob;
