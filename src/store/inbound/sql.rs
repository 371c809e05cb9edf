//! The same statements for both databases.

use async_trait::async_trait;
use sqlx::{Database, Encode, FromRow, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Doomed, InboundFile, InboundFiles};
use crate::store::cell::{Built, Cell};
use crate::store::clients::sql::Backend;
use crate::store::erasure::called;
use crate::store::rows::{Moment, all, column};
use crate::store::{StoreError, StoredMedia};

const SELECT: &str = "select id, account, event_id, token, dialect, upstream, source_id, link, mime_type, filename, \
                      person, received_at, gone_at from inbound_files where not doomed";

#[async_trait]
impl<B, DB> InboundFiles for B
where
    B: Backend<Database = DB>,
    DB: Database,
    Cell: Type<DB> + for<'q> Encode<'q, DB>,
    InboundRow: for<'r> FromRow<'r, DB::Row>,
    (String,): for<'r> FromRow<'r, DB::Row>,
{
    async fn name_inbound(&self, file: &InboundFile) -> Result<InboundFile, StoreError> {
        let insert = "insert into inbound_files (id, account, event_id, token, dialect, upstream, source_id, link, \
                      mime_type, filename, person, received_at, gone_at) ";
        let insert = Built::new(insert).values([cells(file)]).sql(" on conflict (account, event_id) do nothing");
        self.run_all(vec![insert]).await?;
        let known = Built::new(SELECT).sql(" and account = ").bind(Cell::text(file.account.as_str()));
        let known = self.read(known.sql(" and event_id = ").bind(Cell::id(file.event))).await?;
        // One that goes is not told any more; what is told of it leads nowhere.
        Ok(all::<DB, InboundRow, InboundFile>(&known)?.pop().unwrap_or_else(|| file.clone()))
    }

    async fn inbound(&self, account: &str, id: &str) -> Result<Option<InboundFile>, StoreError> {
        let found = Built::new(SELECT).sql(" and id = ").bind(Cell::text(id));
        let found = self.read(found.sql(" and account = ").bind(Cell::text(account))).await?;
        Ok(all::<DB, InboundRow, _>(&found)?.pop())
    }

    async fn inbound_behind(&self, token: &str) -> Result<Option<InboundFile>, StoreError> {
        let found = self.read(Built::new(SELECT).sql(" and token = ").bind(Cell::text(token))).await?;
        Ok(all::<DB, InboundRow, _>(&found)?.pop())
    }

    async fn keep_inbound(&self, media: &StoredMedia) -> Result<bool, StoreError> {
        let new = "with new (id, account, mime_type, filename, size, sha256, created_at) as (";
        let keep = Built::new(new).values([[
            Cell::text(media.id.as_str()),
            Cell::text(media.account.as_str()),
            Cell::text(media.mime_type.as_str()),
            Cell::text(media.filename.as_deref()),
            Cell::number(i64::try_from(media.size).unwrap_or(i64::MAX)),
            Cell::text(media.sha256.as_str()),
            Cell::time(media.created_at),
        ]]);
        let keep = keep.sql(
            ") insert into media (id, account, mime_type, filename, size, sha256, created_at) \
             select id, account, mime_type, filename, size, sha256, created_at from new \
             where exists (select 1 from inbound_files f where f.id = new.id and not f.doomed) \
             on conflict (id) do update set size = excluded.size, sha256 = excluded.sha256",
        );
        Ok(self.run_all(vec![keep]).await? > 0)
    }

    async fn end_inbound(&self, id: &str, gone_at: OffsetDateTime) -> Result<(), StoreError> {
        let end = Built::new("update inbound_files set gone_at = ").bind(Cell::time(gone_at));
        self.run_all(vec![end.sql(" where id = ").bind(Cell::text(id))]).await?;
        Ok(())
    }

    async fn doom_inbound(&self, which: Doomed<'_>, limit: u32) -> Result<Vec<String>, StoreError> {
        let doom = Built::new("update inbound_files set doomed = true where id in (select id from (");
        // Each by an index of its own: with `or` it would be a walk through all files.
        let too = "select id from inbound_files where doomed union ";
        let doom = match which {
            Doomed::Before(time) => {
                let old = "select id from (select id from inbound_files where received_at < ";
                let old = doom.sql(too).sql(old).bind(Cell::time(time)).sql(" order by received_at limit ");
                old.bind(Cell::number(limit)).sql(") as old")
            }
            Doomed::Of(person) => {
                called(doom.sql(too).sql("select id from inbound_files where person in ("), person).sql(")")
            }
            Doomed::One { account, id } => {
                let one = doom.sql("select id from inbound_files where account = ").bind(Cell::text(account));
                one.sql(" and id = ").bind(Cell::text(id))
            }
        };
        let doom = doom.sql(") as chosen limit ").bind(Cell::number(limit)).sql(") returning id");
        column::<DB, String>(&self.take(doom).await?)
    }

    async fn forget_inbound(&self, ids: &[String]) -> Result<(), StoreError> {
        let list = || ids.iter().map(|id| Cell::text(id.as_str()));
        let doomed = "delete from media where id in (select id from inbound_files where doomed and id in ";
        let media = Built::new(doomed).list(list()).sql(")");
        let files = Built::new("delete from inbound_files where doomed and id in ").list(list());
        self.run_all(vec![media, files]).await?;
        Ok(())
    }
}

fn cells(file: &InboundFile) -> [Cell; 13] {
    [
        Cell::text(file.id.as_str()),
        Cell::text(file.account.as_str()),
        Cell::id(file.event),
        Cell::text(file.token.as_str()),
        Cell::text(file.dialect.as_str()),
        Cell::text(file.upstream.as_str()),
        Cell::text(file.source_id.as_deref()),
        Cell::text(file.link.as_deref()),
        Cell::text(file.mime_type.as_deref()),
        Cell::text(file.filename.as_deref()),
        Cell::text(file.person.as_deref()),
        Cell::time(file.received_at),
        Cell::time(file.gone_at),
    ]
}

#[derive(FromRow)]
struct InboundRow {
    id: String,
    account: String,
    event_id: Uuid,
    token: String,
    dialect: String,
    upstream: String,
    source_id: Option<String>,
    link: Option<String>,
    mime_type: Option<String>,
    filename: Option<String>,
    person: Option<String>,
    received_at: Moment,
    gone_at: Option<Moment>,
}

impl TryFrom<InboundRow> for InboundFile {
    type Error = StoreError;

    fn try_from(row: InboundRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            account: row.account,
            event: row.event_id,
            token: row.token,
            dialect: row.dialect,
            upstream: row.upstream,
            source_id: row.source_id,
            link: row.link,
            mime_type: row.mime_type,
            filename: row.filename,
            person: row.person,
            received_at: row.received_at.0,
            gone_at: row.gone_at.map(|moment| moment.0),
        })
    }
}
