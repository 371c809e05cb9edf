//! What is erased of a person, in one SQL for both back ends: under every name by which providers and clients call them.
//!
//! The row by which something is chosen goes last, so that each statement of a step chooses the same.

use sqlx::{Database, Encode, FromRow, Type};

use super::StoreError;
use super::cell::{Built, Cell};
use super::clients::sql::Backend;
use super::periods::IN_ANY_PERIOD;
use super::queries::{part_attempts, rests};
use super::rows::column;

/// Appends a query for all names that lead to this one, or to which it leads, itself among them.
pub(super) fn called<DB: Database>(query: Built<DB>, name: &str) -> Built<DB>
where
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
{
    query.sql("with recursive called (name) as (select cast(").bind(Cell::text(name)).sql(
        " as text) union \
         select case when a.wa_id = c.name then a.known_as else a.wa_id end \
         from called c join ( \
           select wa_id, known_as from account_aliases union all select wa_id, known_as from aliases) a \
           on a.wa_id = c.name or a.known_as = c.name) select name from called",
    )
}

/// A person's names.
pub(super) struct Person(Vec<String>);

impl Person {
    /// All names that lead to this one, or to which it leads.
    pub async fn called<B, DB>(store: &B, name: &str) -> Result<Self, StoreError>
    where
        B: Backend<Database = DB>,
        DB: Database,
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
        (String,): for<'r> FromRow<'r, DB::Row>,
    {
        Ok(Self(column::<DB, String>(&store.read(called(Built::new(""), name)).await?)?))
    }

    /// What was told of them, or written by them, with the files in it. Webhooks that tell of them tell of others too, whose
    /// events stay.
    pub fn events<DB: Database>(&self, limit: u32) -> Vec<Built<DB>>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let steps = [
            ("update inbound_files set doomed = true where event_id in ", ""),
            ("delete from webhooks where id in (select webhook_id from events where id in ", ")"),
            ("delete from callbacks where event_id in ", ""),
            ("delete from events where id in ", ""),
        ];
        let choose = |(before, after): (&str, &str)| {
            // Each by an index of its own: with `or` it would be a walk through all that was ever told.
            let own = Built::new(before).sql("(select id from (select id from events where person in ");
            let beside = " union select event_id from event_mentions where person in ";
            let of_nobody = " union select e.id from mentions m join events e on e.webhook_id = m.webhook_id \
                             where e.person is null and m.person in ";
            let chosen = self.named(self.named(self.named(own).sql(beside)).sql(of_nobody));
            chosen.sql(") as theirs order by id limit ").bind(Cell::number(limit)).sql(")").sql(after)
        };
        steps.map(choose).into()
    }

    /// Webhooks that speak of them.
    pub fn webhooks<DB: Database>(&self, limit: u32) -> Vec<Built<DB>>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let choose = |before: &str| {
            let chosen = Built::new(before).sql(" in (select webhook_id from mentions where person in ");
            self.named(chosen).sql(" order by webhook_id limit ").bind(Cell::number(limit)).sql(")")
        };
        vec![choose("delete from webhooks where id"), choose("delete from mentions where webhook_id")]
    }

    /// Their transactions, but for those that are still to be sent.
    pub fn transactions<DB: Database>(&self, limit: u32) -> Vec<Built<DB>>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let steps = [
            ("delete from webhooks where id in (select webhook_id from events where transaction_id in ", ")"),
            ("delete from callbacks where transaction_id in ", ""),
            ("delete from events where transaction_id in ", ""),
            ("update turns set fault = null, detail = null where transaction_id in ", ""),
            ("update outcomes set answer = null, fault = null where transaction_id in ", ""),
            (part_attempts!(), ""),
            ("update attempts set body = '' where transaction_id in ", ""),
            ("delete from bodies where transaction_id in ", ""),
            ("update transactions set recipient = null where id in ", ""),
        ];
        let choose = |(before, after): (&str, &str)| {
            let chosen = Built::new(before).sql("(select r.transaction_id from recipients r where r.recipient in ");
            let chosen = self.named(chosen).sql(IN_ANY_PERIOD).sql(concat!(
                " and ",
                rests!("r.transaction_id"),
                " order by r.transaction_id limit "
            ));
            chosen.bind(Cell::number(limit)).sql(")").sql(after)
        };
        steps.map(choose).into()
    }

    /// Their names, as long as none of them is needed to find what is left.
    pub fn aliases<DB: Database>(&self) -> Vec<Built<DB>>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        let forget = |table: &str| {
            let forget = self.named(Built::new(table).sql(" where (wa_id in ")).sql(" or known_as in ");
            let left = self.named(forget).sql(") and not exists (select 1 from recipients r where r.recipient in ");
            self.named(left).sql(IN_ANY_PERIOD).sql(")")
        };
        ["delete from account_aliases", "delete from aliases"].map(forget).into()
    }

    fn named<DB: Database>(&self, query: Built<DB>) -> Built<DB>
    where
        Cell: Type<DB> + for<'q> Encode<'q, DB>,
    {
        query.list(self.0.iter().map(|name| Cell::text(name.as_str())))
    }
}
