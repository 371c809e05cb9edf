-- The same index as in Postgres; the reasons stand there.
create index inbound_files_doomed on inbound_files (id) where doomed;
