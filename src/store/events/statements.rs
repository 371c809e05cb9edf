//! The statements that write, put together for the number of their rows.

use sqlx::{Database, Encode, Type};
use uuid::Uuid;

use super::{DecodedWebhook, Hearing, NewEvent, NewWebhook, Then};
use crate::store::cell::{Built, Cell};
use crate::store::queries::{last_attempt, state};
use crate::store::rows::{json, text};
use crate::store::seal::Seal;
use crate::store::{Bodies, StoreError, Write};

pub(super) fn insert_webhooks<DB: Database>(batch: &[NewWebhook], seal: &Seal) -> Result<Built<DB>, StoreError>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let mut rows = Vec::with_capacity(batch.len());
    for new in batch {
        let (headers, body) = (json(&new.headers)?, seal.keep("webhooks.body", text(&new.body))?);
        let came = || Cell::time(new.received_at);
        let headers = Cell::text(headers.as_str());
        rows.push([
            Cell::id(new.id),
            Cell::text(new.upstream.as_str()),
            came(),
            headers,
            Cell::text(&*body),
            Cell::number(0),
            came(),
        ]);
    }
    let insert = Built::new("insert into webhooks (id, upstream, received_at, headers, body, tries, due_at) ");
    Ok(insert.values(rows))
}

pub(super) fn insert_events<DB: Database>(events: &[&NewEvent], seal: &Seal) -> Result<Built<DB>, StoreError>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = events.iter().map(|new| new.cells(seal)).collect::<Result<Vec<_>, _>>()?;
    let insert = "insert into events (id, webhook_id, upstream, identity, kind, message_id, person, occurred_at, \
                  received_at, body, tries, due_at) ";
    Ok(Built::new(insert).values(rows).sql(" on conflict (identity) do nothing"))
}

/// What clients are told of transactions that failed with this batch, as events of the transactions' upstreams.
pub(in crate::store) fn told<DB: Database>(batch: &[Write], seal: &Seal) -> Result<Option<Built<DB>>, StoreError>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let mut rows = Vec::new();
    for (write, told) in batch.iter().filter_map(|write| Some((write, write.tell()?))) {
        let [id, webhook, _, identity, kind, message, person, at, received_at, body, tries, due_at] =
            told.cells(seal)?;
        let transaction = Cell::id(write.transaction().0);
        rows.push([id, webhook, transaction, identity, kind, message, person, at, received_at, body, tries, due_at]);
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let new = "with new (id, webhook_id, about, identity, kind, message_id, person, occurred_at, received_at, body, tries, \
               due_at) as (";
    Ok(Some(Built::new(new).values(rows).sql(
        ") insert into events (id, webhook_id, upstream, identity, kind, message_id, person, occurred_at, received_at, \
           body, tries, due_at) \
         select new.id, webhook_id, coalesce(t.upstream, ''), identity, new.kind, message_id, person, occurred_at, \
           new.received_at, body, tries, due_at \
         from new join transactions t on t.id = new.about where t.state = 'failed' on conflict (identity) do nothing",
    )))
}

/// What could not be read before, and can be now.
pub(super) fn forget_unread<DB: Database>(events: &[&NewEvent]) -> Option<Built<DB>>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let mut replaced = events.iter().filter_map(|new| new.replaces).peekable();
    replaced.peek()?;
    let forget = Built::new("delete from events where kind = 'unreadable' and identity in ");
    Some(forget.list(replaced.map(|identity| Cell::Bytes(identity.to_vec()))))
}

/// Of those that are kept: one whose identity was kept before is not, and nobody is named in it.
pub(super) fn insert_event_mentions<DB: Database>(mentions: &[(&str, Uuid)]) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = mentions.iter().map(|(person, event)| [Cell::text(*person), Cell::id(*event)]);
    Built::new("with named (person, event_id) as (").values(rows).sql(
        ") insert into event_mentions (person, event_id) select person, event_id from named \
         where exists (select 1 from events e where e.id = named.event_id) on conflict do nothing",
    )
}

pub(super) fn mentions(webhook: &DecodedWebhook) -> impl Iterator<Item = (&str, Uuid)> {
    webhook.people.iter().map(|person| (person.as_str(), webhook.webhook))
}

pub(super) fn insert_mentions<DB: Database>(mentions: &[(&str, Uuid)]) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = mentions.iter().map(|(person, webhook)| [Cell::text(*person), Cell::id(*webhook)]);
    Built::new("insert into mentions (person, webhook_id) ").values(rows).sql(" on conflict do nothing")
}

/// What could not be read keeps its body in any case, for a version that can.
pub(super) fn end_webhooks<DB: Database>(holder: Uuid, decoded: &[DecodedWebhook], bodies: Bodies) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = decoded.iter().map(|webhook| [Cell::id(webhook.webhook), Cell::text(webhook.problem.as_deref())]);
    let end = Built::new("with done (id, problem) as (").values(rows);
    let end = end.sql(") update webhooks set due_at = null, holder = null, problem = done.problem");
    let forget = ", body = case when done.problem is null then '' else webhooks.body end";
    let end = if bodies == Bodies::Full { end } else { end.sql(forget) };
    let end = end.sql(" from done where webhooks.id = done.id and webhooks.holder = ");
    end.bind(Cell::id(holder))
}

/// Forgets what events told that are done with and whose callbacks all arrived: those of these ids, or that they lead to.
pub(in crate::store) fn forget_told<DB: Database>(before: &str, ids: &[Uuid], after: &str) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let forget = Built::new("update events set body = '' where due_at is null and id in ").sql(before);
    forget
        .list(ids.iter().copied().map(Cell::id))
        .sql(after)
        .sql(" and not exists (select 1 from callbacks c where c.event_id = events.id and c.state <> 'delivered')")
}

/// Who ended an event stays its holder: its callbacks are written where this one is.
pub(super) fn end_events<DB: Database>(holder: Uuid, hearings: &[Hearing]) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = hearings.iter().map(|hearing| {
        let due_at = match hearing.then {
            Then::Tell(_) => None,
            Then::Wait(due_at) => Some(due_at),
        };
        [Cell::id(hearing.event), Cell::id(hearing.transaction.map(|id| id.0)), Cell::time(due_at)]
    });
    let end = Built::new("with heard (id, transaction_id, due_at) as (").values(rows);
    let end = end.sql(
        ") update events set transaction_id = heard.transaction_id, due_at = heard.due_at, \
           holder = case when heard.due_at is null then events.holder end \
         from heard where events.id = heard.id and events.holder = ",
    );
    end.bind(Cell::id(holder))
}

/// The upstream's ids go where they stand had they come with the answer: to the last attempt.
pub(super) fn learn_ids<DB: Database>(learnt: &[&Hearing]) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = learnt
        .iter()
        .map(|hearing| [Cell::id(hearing.transaction.map(|id| id.0)), Cell::text(hearing.learnt.as_deref())]);
    let learn = Built::new("with learnt (transaction_id, message_id) as (").values(rows);
    learn.sql(concat!(
        ") insert into outcomes (transaction_id, number, message_id, finished_at, state, told) \
         select l.transaction_id, ",
        last_attempt!("l.transaction_id"),
        ", min(l.message_id), t.updated_at, ",
        state!(),
        ", false \
         from learnt l join transactions t on t.id = l.transaction_id where ",
        last_attempt!("l.transaction_id"),
        " is not null \
         group by l.transaction_id, t.id, t.updated_at, t.state \
         on conflict (transaction_id, number) do update set message_id = excluded.message_id, told = false \
         where outcomes.message_id is null",
    ))
}
