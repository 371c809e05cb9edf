-- Transactions that were sent before, as the gateway would have left them: :first to :last of :rows, spread over the
-- thirty days up to now. A data-modifying `with` is one statement, so the ids are drawn once.
with drawn as materialized (
  select n, md5(n::text || random()) as chance,
    now() - interval '30 days' * (1 - n::float8 / :rows) - interval '1 minute' as at
  from generate_series(:first, :last) as n
), new as materialized (
  select n, at, '4477009' || lpad((n % 100000)::text, 5, '0') as recipient, chance,
    (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(chance, 1, 3) || 'a'
      || substr(chance, 4, 15))::uuid as id
  from drawn
), hot as (
  insert into transactions (id, account, dialect, upstream, channel, kind, state, sender, recipient, fault, received_at,
    updated_at)
  select id, 'filled', 'cloud', 'instant', 'WHATSAPP', 'text', 'sent', '442079460000', recipient, null, at, at
  from new order by n
), cold as (
  insert into bodies (transaction_id, client_request, request, warnings, refusal, first_upstream, first_method, first_url,
    first_body, first_at)
  select id,
    '{"messaging_product":"whatsapp","recipient_type":"individual","to":"' || recipient
      || '","type":"text","text":{"body":"Bay 2 is *open* until 18:00"}}',
    '{"messages":[{"recipient":{"address":"' || recipient
      || '"},"content":{"type":"text","body":"Bay 2 is *open* until 18:00"},"extra":{"recipient_type":"individual"}}]}',
    '[]', null, 'instant', 'POST', 'http://127.0.0.1:8090/v23.0/5512000/messages',
    '{"messaging_product":"whatsapp","recipient_type":"individual","to":"+' || recipient
      || '","type":"text","text":{"body":"Bay 2 is *open* until 18:00"},"biz_opaque_callback_data":"' || id || '"}',
    at
  from new order by n
)
insert into outcomes (transaction_id, number, status, message_id, answer, fault, finished_at)
select id, 1, 200, 'wamid.' || chance,
  '{"messaging_product":"whatsapp","contacts":[{"input":"' || recipient || '","wa_id":"' || recipient
    || '"}],"messages":[{"id":"wamid.' || chance || '"}]}',
  null, at
from new order by n;
