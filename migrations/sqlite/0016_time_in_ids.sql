-- Lists go by the ids, as in Postgres.
drop index transactions_by_time;
