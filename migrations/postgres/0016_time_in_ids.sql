-- Ids have the time in which their transaction came, to the millisecond, and lists go by them: an index less that every message
-- writes.
drop index transactions_by_time;
