-- Files that are to go and are still here, which every removal takes along: nearly always none, so that nothing is paid for it
-- by those that stay.
create index inbound_files_doomed on inbound_files (id) where doomed;
