-- What binds a session to the key that gave it: the SHA-256 of the token's hash and the key's, so that nobody can read the
-- key's hash off it. Sessions that were opened before have none, and are good no more: their clients log in again.
alter table sessions add column binding bytea;
