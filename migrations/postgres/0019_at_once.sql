-- What is answered at once, as most is, has no job and is not written again when it was sent: it stands as `at_once`, which is
-- `sent` once it has an outcome and `sending` until then. A row of `jobs` with its three indexes and a new version of the
-- transaction's row cost the database a third of what a message took.
--
-- So nothing says whose attempt it is. Each process says from which transaction on it may have any under way; one of a version
-- before says nothing, and as long as there is one nothing is made at once.
alter table processes add column open_from uuid;
