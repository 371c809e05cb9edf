-- See Postgres.
alter table processes add column open_from blob;
