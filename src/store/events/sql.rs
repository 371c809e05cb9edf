//! The same statements for both databases, put together for the number of their rows.

use async_trait::async_trait;
use sqlx::{Database, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::rows::{CorrelatedRow, EventRow, HeardRow, KeptWebhookRow, RawRow};
use super::statements::{
    end_events, end_webhooks, forget_told, forget_unread, insert_event_mentions, insert_events, insert_mentions,
    insert_webhooks, learn_ids, mentions,
};
use super::{
    Clue, Correlated, DecodedWebhook, EventFilter, Events, HeardEvent, Hearing, KeptEvent, KeptWebhook, NewWebhook,
    RawWebhook, Then, WebhookFilter,
};
use crate::store::callbacks::sql::insert_callbacks;
use crate::store::cell::{Built, Cell};
use crate::store::clients::sql::Backend;
use crate::store::periods::{message_periods, of_message};
use crate::store::queries::{last_attempt, state};
use crate::store::retention::first_id;
use crate::store::rows::{Moment, all_opened, claimed_opened, column};
use crate::store::{Bodies, StoreError};

/// Rows of one statement: SQLite takes 32766 values.
pub(in crate::store) const ROWS: usize = 1000;

#[async_trait]
impl<B, DB> Events for B
where
    B: Backend<Database = DB>,
    DB: Database,
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
    RawRow: for<'r> FromRow<'r, DB::Row>,
    KeptWebhookRow: for<'r> FromRow<'r, DB::Row>,
    HeardRow: for<'r> FromRow<'r, DB::Row>,
    EventRow: for<'r> FromRow<'r, DB::Row>,
    CorrelatedRow: for<'r> FromRow<'r, DB::Row>,
    (String,): for<'r> FromRow<'r, DB::Row>,
    (Uuid,): for<'r> FromRow<'r, DB::Row>,
    (Option<Moment>,): for<'r> FromRow<'r, DB::Row>,
{
    async fn keep_webhooks(&self, batch: &[NewWebhook]) -> Result<(), StoreError> {
        let kept =
            batch.chunks(ROWS).map(|batch| insert_webhooks(batch, self.seal())).collect::<Result<Vec<_>, _>>()?;
        self.run_all(kept).await?;
        Ok(())
    }

    async fn claim_webhooks(
        &self,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<RawWebhook>, StoreError> {
        let claim = claim("webhooks", B::SKIP_LOCKED, holder, now, lease_until, limit);
        let rows = self.take(claim.sql(" returning id, upstream, received_at, headers, body, tries")).await?;
        let mut claimed: Vec<RawWebhook> = claimed_opened::<DB, RawRow, _>(&rows, self.seal(), "webhook");
        claimed.sort_by_key(|webhook| webhook.id);
        Ok(claimed)
    }

    async fn keep_events(&self, holder: Uuid, decoded: &[DecodedWebhook]) -> Result<(), StoreError> {
        let events: Vec<_> = decoded.iter().flat_map(|webhook| &webhook.events).collect();
        let mut statements = Vec::new();
        statements.extend(forget_unread(&events));
        for events in events.chunks(ROWS) {
            statements.push(insert_events(events, self.seal())?);
        }
        let named: Vec<_> = events.iter().flat_map(|event| event.mentions()).collect();
        statements.extend(named.chunks(ROWS).map(insert_event_mentions));
        let mentions: Vec<_> = decoded.iter().flat_map(mentions).collect();
        statements.extend(mentions.chunks(ROWS).map(insert_mentions));
        let bodies = self.bodies();
        statements.extend(decoded.chunks(ROWS).map(|decoded| end_webhooks(holder, decoded, bodies)));
        self.run_all(statements).await?;
        Ok(())
    }

    async fn reopen_webhooks(
        &self,
        filter: &WebhookFilter,
        after: Option<Uuid>,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let which =
            Built::new("with which as materialized (select id from webhooks where due_at is null and body <> ''");
        let which = fitting(which, filter).and(" and id > ", after.map(Cell::id)).sql(" order by id limit ");
        let reopen = which.bind(Cell::number(limit)).sql(B::SKIP_LOCKED).sql(") update webhooks set due_at = ");
        let reopen =
            reopen.bind(Cell::time(now)).sql(", holder = null where id in (select id from which) returning id");
        let mut reopened = column::<DB, Uuid>(&self.take(reopen).await?)?;
        reopened.sort();
        Ok(reopened)
    }

    async fn webhooks(
        &self,
        filter: &WebhookFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<KeptWebhook>, StoreError> {
        let list = "select id, upstream, received_at, headers, body, due_at, problem from webhooks where true";
        let list = fitting(Built::new(list), filter).and(" and id < ", after.map(Cell::id));
        let list = list.sql(" order by id desc limit ").bind(Cell::number(limit));
        all_opened::<DB, KeptWebhookRow, _>(&self.read(list).await?, self.seal())
    }

    async fn claim_events(
        &self,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<HeardEvent>, StoreError> {
        let claim = claim("events", B::SKIP_LOCKED, holder, now, lease_until, limit);
        let rows = self.take(claim.sql(" returning id, upstream, received_at, tries, body")).await?;
        let mut claimed: Vec<HeardEvent> = claimed_opened::<DB, HeardRow, _>(&rows, self.seal(), "event");
        claimed.sort_by_key(|event| event.id);
        Ok(claimed)
    }

    async fn correlate(&self, clues: &[Clue]) -> Result<Vec<Option<Correlated>>, StoreError> {
        let mut found = vec![None; clues.len()];
        for (offset, clues) in (0..).step_by(ROWS).zip(clues.chunks(ROWS)) {
            for row in self.read(correlate(clues)).await? {
                let row = CorrelatedRow::from_row(&row)?;
                if let Some(place) = found.get_mut(offset + row.place()) {
                    *place = row.correlated(self.seal());
                }
            }
        }
        Ok(found)
    }

    async fn end_hearing(&self, holder: Uuid, hearings: &[Hearing]) -> Result<(), StoreError> {
        let mut statements: Vec<_> = hearings.chunks(ROWS).map(|hearings| end_events(holder, hearings)).collect();
        let told = hearings.iter().filter_map(|hearing| match &hearing.then {
            Then::Tell(callbacks) => Some(callbacks),
            Then::Wait(_) => None,
        });
        let callbacks: Vec<_> = told.flatten().collect();
        statements.extend(callbacks.chunks(ROWS).map(|callbacks| insert_callbacks(holder, callbacks)));
        let learnt: Vec<_> = hearings.iter().filter(|hearing| hearing.learnt.is_some()).collect();
        statements.extend(learnt.chunks(ROWS).map(learn_ids));
        if self.bodies() != Bodies::Full {
            let heard: Vec<_> = hearings.iter().map(|hearing| hearing.event).collect();
            statements.extend(heard.chunks(ROWS).map(|heard| forget_told("", heard, "")));
        }
        self.run_all(statements).await?;
        Ok(())
    }

    async fn next_event_due(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        let next = "select min(due_at) from (select min(due_at) as due_at from webhooks where due_at is not null \
                    union all select min(due_at) from events where due_at is not null) as due";
        let next = column::<DB, Option<Moment>>(&self.read(Built::new(next)).await?)?;
        Ok(next.into_iter().flatten().next().map(|moment| moment.0))
    }

    async fn events(
        &self,
        filter: &EventFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, StoreError> {
        let list = "select id, webhook_id, upstream, kind, message_id, person, transaction_id, occurred_at, received_at, \
                    due_at, body from events where true";
        let list = match filter.person.as_deref() {
            Some(person) => speaking_of(Built::new(list), person),
            None => Built::new(list),
        };
        let list = list
            .and(" and upstream = ", filter.upstream.as_deref().map(Cell::text))
            .and(" and kind = ", filter.kind.map(|kind| Cell::text(kind.as_str())))
            .and(" and transaction_id = ", filter.transaction.map(|transaction| Cell::id(transaction.0)))
            .sql(&is_there("due_at", filter.waiting))
            .and(" and id >= ", filter.since.map(|since| Cell::id(first_id(since))))
            .and(" and id < ", filter.until.map(|until| Cell::id(first_id(until))))
            .and(" and id < ", after.map(Cell::id));
        let list = list.sql(" order by id desc limit ").bind(Cell::number(limit));
        all_opened::<DB, EventRow, _>(&self.read(list).await?, self.seal())
    }

    async fn put_alias(
        &self,
        account: &str,
        upstream: &str,
        wa_id: &str,
        known_as: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let who = [account, upstream, wa_id, known_as].map(Cell::text);
        let [account, upstream, wa_id, known_as] = who;
        let put = Built::new("insert into account_aliases (account, upstream, wa_id, known_as, updated_at) ");
        let put = put.values([[account, upstream, wa_id, known_as, Cell::time(now)]]);
        // What is known already is not written again.
        let put = put.sql(
            " on conflict (account, upstream, wa_id) do update \
             set known_as = excluded.known_as, updated_at = excluded.updated_at \
             where account_aliases.known_as <> excluded.known_as",
        );
        self.run_all(vec![put]).await?;
        Ok(())
    }

    async fn alias(&self, account: &str, upstream: &str, wa_id: &str) -> Result<Option<String>, StoreError> {
        let alias = Built::new("select known_as from account_aliases where known_as <> wa_id")
            .and(" and account = ", Some(Cell::text(account)))
            .and(" and upstream = ", Some(Cell::text(upstream)))
            .and(" and wa_id = ", Some(Cell::text(wa_id)));
        Ok(column::<DB, String>(&self.read(alias).await?)?.pop())
    }

    async fn forget_events(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let chosen = |forget: Built<DB>, table: &str, with: &str| {
            let forget = forget.sql(" in (select id from ").sql(table).sql(" where id < ");
            let forget = forget.bind(Cell::id(first_id(before))).sql(with);
            forget.sql(" order by id limit ").bind(Cell::number(limit)).sql(")")
        };
        let old = |table: &str, with: &str| {
            let own = chosen(Built::new("delete from ").sql(table).sql(" where id"), table, with);
            let beside = Built::new("delete from mentions where webhook_id");
            let beside = (table == "webhooks").then(|| chosen(beside, table, with));
            beside.into_iter().chain([own]).collect()
        };
        let mut forgotten = 0;
        // Callbacks first, while their events are there.
        for (table, with) in [
            ("callbacks", " and state <> 'pending'"),
            ("events", " and due_at is null and not exists (select 1 from callbacks c where c.event_id = events.id)"),
            ("webhooks", " and due_at is null"),
        ] {
            forgotten += self.run_all(old(table, with)).await?;
        }
        Ok(forgotten)
    }
}

/// Takes what is due in a table; what it returns is still to be said.
fn claim<DB: Database>(
    table: &str,
    skip_locked: &str,
    holder: Uuid,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
    limit: u32,
) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    Built::new("with due as materialized (select id from ")
        .sql(table)
        .sql(" where due_at <= ")
        .bind(Cell::time(now))
        .sql(" order by due_at, id limit ")
        .bind(Cell::number(limit))
        .sql(skip_locked)
        .sql(") update ")
        .sql(table)
        .sql(" set holder = ")
        .bind(Cell::id(holder))
        .sql(", due_at = ")
        .bind(Cell::time(lease_until))
        .sql(", tries = tries + 1 where id in (select id from due)")
}

/// By our own id, the upstream's, or one that the client was given, which is ours again. An upstream's id may be of one
/// upstream alone.
fn correlate<DB: Database>(clues: &[Clue]) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let rows = (0_i64..).zip(clues).map(|(place, clue)| {
        let given =
            clue.message_id.as_deref().and_then(|id| id.parse().ok()).map(|id: crate::model::TransactionId| id.0);
        let own = clue.transaction.map(|id| id.0);
        [
            Cell::number(place),
            Cell::id(own),
            Cell::text(clue.message_id.as_deref()),
            Cell::id(given),
            Cell::text(clue.over.as_deref()),
        ]
    });
    let clues =
        Built::new(concat!(message_periods!(), ", clues (place, own, message_id, given, over) as (")).values(rows);
    clues.sql(concat!(
        "), found as materialized ( \
           select place, coalesce( \
             (select id from transactions where id = own), ",
        of_message!(
            "clues.message_id",
            " and (clues.over is null or exists (select 1 from attempts a \
                where a.transaction_id = o.transaction_id and a.number = o.number and a.upstream = clues.over) \
              or o.number = 1 and exists (select 1 from bodies f \
                where f.transaction_id = o.transaction_id and f.first_at is not null and f.first_upstream = clues.over))"
        ),
        ", \
             (select id from transactions where id = given)) as id \
           from clues \
         ) \
         select f.place, t.id, t.account, t.dialect, t.upstream, t.kind, ",
        state!(),
        " as state, t.received_at, t.sender, t.recipient, \
           b.return_address, case when b.return_address is null then nullif(b.request, '') end as request, \
           cast(",
        last_attempt!("t.id"),
        " as bigint) as attempts, \
           (select o.message_id from outcomes o where o.transaction_id = t.id and o.message_id is not null \
            order by o.number desc limit 1) as message_id, \
           (select o.message_id from outcomes o where o.transaction_id = t.id and o.message_id is not null and o.told \
            order by o.number limit 1) as given_id, \
           (select a.known_as from account_aliases a where a.account = t.account and a.upstream = t.upstream \
            and a.wa_id = t.recipient and a.known_as <> a.wa_id) as alias \
         from found f join transactions t on t.id = f.id left join bodies b on b.transaction_id = t.id",
    ))
}

fn fitting<DB: Database>(query: Built<DB>, filter: &WebhookFilter) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    query
        .and(" and upstream = ", filter.upstream.as_deref().map(Cell::text))
        .sql(&is_there("problem", filter.unread))
        .and(" and id >= ", filter.since.map(|since| Cell::id(first_id(since))))
        .and(" and id < ", filter.until.map(|until| Cell::id(first_id(until))))
}

/// A condition on one of the names in it.
fn speaking_of<DB: Database>(query: Built<DB>, person: &str) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    let own = query.sql(" and id in (select id from events where person = ").bind(Cell::text(person));
    own.sql(" union all select event_id from event_mentions where person = ").bind(Cell::text(person)).sql(")")
}

/// A condition on whether something stands in a column.
fn is_there(column: &str, wanted: Option<bool>) -> String {
    match wanted {
        None => String::new(),
        Some(true) => format!(" and {column} is not null"),
        Some(false) => format!(" and {column} is null"),
    }
}
