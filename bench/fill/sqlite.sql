-- The same as in postgres.sql. Times are microseconds. Ids are blobs that rise with the time, as a version 7 UUID does;
-- SQLite cannot write a number into a blob, so their first bytes count the rows, seven bits in each.
create temp table new as
with recursive numbers (n) as (select :first union all select n + 1 from numbers where n < :last),
drawn as (
  select n, cast((unixepoch('now') - 60 - 2592000 * (1 - 1.0 * n / :rows)) * 1000000 as integer) as at,
    lower(hex(randomblob(16))) as chance, '4477009' || printf('%05d', n % 100000) as recipient
  from numbers
)
select n, at, chance, recipient,
  cast(cast(char(1, 1, n >> 21 & 127, n >> 14 & 127, n >> 7 & 127, n & 127) as blob) || randomblob(10) as blob) as id
from drawn;

begin immediate;
insert into transactions (id, account, dialect, upstream, channel, kind, state, sender, recipient, fault, received_at,
  updated_at)
select id, 'filled', 'cloud', 'instant', 'WHATSAPP', 'text', 'sent', '442079460000', recipient, null, at, at
from new order by n;
insert into bodies (transaction_id, client_request, request, warnings, refusal, first_upstream, first_method, first_url,
  first_body, first_at)
select id,
  '{"messaging_product":"whatsapp","recipient_type":"individual","to":"' || recipient
    || '","type":"text","text":{"body":"Bay 2 is *open* until 18:00"}}',
  '{"messages":[{"recipient":{"address":"' || recipient
    || '"},"content":{"type":"text","body":"Bay 2 is *open* until 18:00"},"extra":{"recipient_type":"individual"}}]}',
  '[]', null, 'instant', 'POST', 'http://127.0.0.1:8090/v23.0/5512000/messages',
  '{"messaging_product":"whatsapp","recipient_type":"individual","to":"+' || recipient
    || '","type":"text","text":{"body":"Bay 2 is *open* until 18:00"},"biz_opaque_callback_data":"' || chance || '"}',
  at
from new order by n;
insert into outcomes (transaction_id, number, status, message_id, answer, fault, finished_at)
select id, 1, 200, 'wamid.' || chance,
  '{"messaging_product":"whatsapp","contacts":[{"input":"' || recipient || '","wa_id":"' || recipient
    || '"}],"messages":[{"id":"wamid.' || chance || '"}]}',
  null, at
from new order by n;
commit;
