//! Batches: what a batch brings is put into temporary tables, one for each kind of entry, and taken from there by a few
//! statements.
//!
//! Every statement costs a hop to the connection's thread, and preparing one of many rows costs more than to run it. So all
//! statements go as one text, of which only those that bring rows grow with them, and that in a few steps.

use std::collections::HashMap;
use std::iter;

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::script::Script;
use super::settle::{settle, settle_at_once, turn};
use crate::model::TransactionId;
use crate::store::params::{BeginRow, NewRow};
use crate::store::queries::rests;
use crate::store::rounds::{Round, Tally, rounds};
use crate::store::rows::{KeyRow, text};
use crate::store::seal::Seal;
use crate::store::{Begin, NewTransaction, StoreError, Write, Written};

/// Rows of one script: what is missing to the next of these is filled up with nulls, so that each is prepared once and
/// kept. The widest row has 27 values.
const SIZES: [usize; 4] = [1, 4, 16, 64];

/// The most of them.
const ROWS: usize = 64;

/// Told in the place of an id: a job is due that waited for its pair.
const SOMEBODY: Uuid = Uuid::nil();

/// What the writer's connection has to itself.
pub(super) const TABLES: &str = "\
    create temp table recorded (id, account, dialect, upstream, channel, kind, state, sender, recipient, fault, \
      received_at, client_request, request, warnings, refusal, pair, due_at, holder, number, method, url, body, \
      started_at, key, payload, expires_at, return_address, queued); \
    create temp table begun (transaction_id, holder, lease_until, number, upstream, method, url, body, started_at, \
      warnings); \
    create temp table settled (transaction_id, number, state, status, message_id, answer, fault, fault_code, finished_at, \
      next, due_at, told, keep, pair, job, last, over); \
    create temp table made (transaction_id, number, state, status, message_id, answer, fault, fault_code, finished_at, \
      next, due_at, told, holder); \
    create temp table turned (id, holder, origins, target, cause, fault_code, fault, detail, at, next, due_at, keep, \
      frees, was, upstream, pair);";

/// Writes a batch in the transaction that is open. Whether a job is due that waited for its pair.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    pieces: &[Round<'_>],
    tally: &mut Tally,
    seal: &Seal,
) -> Result<bool, StoreError> {
    let mut wakes = false;
    for piece in pieces {
        wakes |= run(&mut *connection, script("", piece, seal)?, piece, tally).await?;
    }
    Ok(wakes)
}

/// Writes a batch that is one piece in a transaction of its own, whose begin and commit are part of the text: one hop to
/// the connection's thread where it would be three, and a hop costs more than to write a row. After an error the transaction
/// may be open still, and nobody but SQLite knows it. Whether a job is due that waited for its pair.
pub(super) async fn write_at_once(
    connection: &mut SqliteConnection,
    piece: &Round<'_>,
    tally: &mut Tally,
    seal: &Seal,
) -> Result<bool, StoreError> {
    let mut script = script("begin immediate; ", piece, seal)?;
    script.push(" commit;");
    run(connection, script, piece, tally).await
}

/// A batch in pieces of which each is one script.
pub(super) fn pieces(batch: &[Write]) -> Vec<Round<'_>> {
    rounds(batch).into_iter().flat_map(|round| round.in_pieces(ROWS)).collect()
}

fn script(before: &str, piece: &Round<'_>, seal: &Seal) -> Result<Script, StoreError> {
    let mut script = Script::new(before);
    let (at_once, settlements): (Vec<_>, Vec<_>) =
        piece.settlements.iter().copied().partition(|(_, ended)| ended.at_once.is_some());
    settle(&mut script, &settlements, seal)?;
    settle_at_once(&mut script, &at_once, seal)?;
    record(&mut script, &piece.records, seal)?;
    begin(&mut script, &piece.begins, seal)?;
    turn(&mut script, &piece.turns, seal)?;
    Ok(script)
}

/// Runs a piece's script, which tells what was begun, turned, or settled at once, and of records those that are queued or
/// have a key. Whether it told of somebody as well.
async fn run(
    connection: &mut SqliteConnection,
    script: Script,
    piece: &Round<'_>,
    tally: &mut Tally,
) -> Result<bool, StoreError> {
    let told: Vec<(Uuid, bool)> = script.fetch(&mut *connection).await?;
    let told: HashMap<Uuid, bool> = told.into_iter().collect();
    let mut repeated = Vec::new();
    for &(index, new) in &piece.records {
        match told.get(&new.id.0) {
            Some(true) => tally.set(index, Written::Queued),
            None if new.idempotency.is_some() => repeated.push((index, new)),
            Some(false) | None => {}
        }
    }
    if !repeated.is_empty() {
        tally.repeat(&repeated, keys(connection, &repeated).await?)?;
    }
    tally.stale_but(piece.begins.iter().map(|(index, begin)| (*index, begin.transaction)), |id| told.contains_key(id));
    let at_once = piece.settlements.iter().filter(|(_, ended)| ended.at_once.is_some());
    tally.stale_but(at_once.map(|(index, ended)| (*index, ended.transaction)), |id| told.contains_key(id));
    tally.stale_but(piece.turns.iter().map(|(index, turn)| (*index, turn.transaction)), |id| told.contains_key(id));
    Ok(told.contains_key(&SOMEBODY))
}

/// These rows, and nulls up to the next size.
pub(super) fn filled_up<R>(rows: &[R]) -> impl Iterator<Item = Option<&R>> {
    let size = SIZES.into_iter().find(|size| *size >= rows.len()).unwrap_or(rows.len());
    rows.iter().map(Some).chain(iter::repeat(None)).take(size)
}

/// Inserts what is not repeated into all tables. Tells of what has a key that it was kept, and of all that have to wait for
/// their pair that they are queued.
fn record(script: &mut Script, records: &[(usize, &NewTransaction)], seal: &Seal) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let rows = records.iter().map(|(_, new)| NewRow::of(new, seal)).collect::<Result<Vec<_>, _>>()?;
    script.push(
        "delete from recorded; \
         insert into recorded \
         select *, column19 > 0 and exists ( \
           select 1 from jobs j where j.pair = column16 and j.state <> 'unknown') from (",
    );
    script.push_rows(filled_up(&rows), |row, new| {
        row.bind(new.map(|new| new.id));
        row.bind(new.map(|new| &*new.account));
        row.bind(new.map(|new| &*new.dialect));
        row.bind(new.and_then(|new| new.upstream.as_deref()));
        row.bind(new.map(|new| new.channel));
        row.bind(new.map(|new| new.kind));
        row.bind(new.map(|new| new.state));
        row.bind(new.and_then(|new| new.sender.as_deref()));
        row.bind(new.and_then(|new| new.recipient.as_deref()));
        row.bind(new.and_then(|new| new.fault));
        row.bind(new.map(|new| new.received_at));
        row.bind(new.map(|new| &*new.client_request));
        row.bind(new.map(|new| &*new.request));
        row.bind(new.map(|new| &*new.warnings));
        row.bind(new.and_then(|new| new.refusal.as_deref()));
        row.bind(new.and_then(|new| new.pair.as_deref()));
        row.bind(new.and_then(|new| new.due_at));
        row.bind(new.and_then(|new| new.holder));
        row.bind(new.map(NewRow::number));
        let attempt = new.and_then(|new| new.attempt.as_ref());
        row.bind(attempt.map(|attempt| &*attempt.method));
        row.bind(attempt.map(|attempt| &*attempt.url));
        row.bind(attempt.map(|attempt| &*attempt.body));
        row.bind(attempt.map(|attempt| attempt.started_at));
        row.bind(new.and_then(|new| new.key.as_deref()));
        row.bind(new.and_then(|new| new.payload));
        row.bind(new.and_then(|new| new.expires_at));
        row.bind(new.map(|new| &*new.return_address));
    });
    script.push(") where column1 is not null;");
    // Most batches have none.
    if rows.iter().any(|row| row.key.is_some()) {
        script.push(KEYS);
    }
    script.push(RECORD);
    Ok(())
}

/// Gives keys to whoever uses them first, and keeps those alone.
const KEYS: &str = "\
    insert into idempotency (account, key, payload, transaction_id, used_at, expires_at) \
    select account, key, payload, id, received_at, expires_at from recorded where key is not null \
    on conflict (account, key) do update set payload = excluded.payload, \
      transaction_id = excluded.transaction_id, used_at = excluded.used_at, expires_at = excluded.expires_at \
    where idempotency.expires_at <= excluded.used_at; \
    delete from recorded where key is not null and not exists ( \
      select 1 from idempotency i \
      where i.account = recorded.account and i.key = recorded.key and i.transaction_id = recorded.id);";

const RECORD: &str = "\
    insert into transactions (id, account, dialect, upstream, channel, kind, state, sender, recipient, fault, \
      received_at, updated_at) \
    select id, account, dialect, upstream, channel, kind, iif(queued, 'accepted', state), sender, recipient, fault, \
      received_at, received_at from recorded; \
    insert into bodies (transaction_id, client_request, request, return_address, warnings, refusal, pair, \
      first_upstream, first_method, first_url, first_body, first_at) \
    select id, client_request, request, return_address, warnings, refusal, pair, \
      upstream, method, url, body, iif(queued, null, started_at) from recorded; \
    insert into jobs (transaction_id, upstream, pair, state, attempts, due_at, holder) \
    select id, upstream, pair, iif(queued, 'accepted', state), iif(queued, 0, number), iif(queued, received_at, due_at), \
      iif(queued, null, holder) from recorded where queued or due_at is not null; \
    select id, queued from recorded where queued or key is not null;";

/// Who has the keys of these.
async fn keys(
    connection: &mut SqliteConnection,
    repeated: &[(usize, &NewTransaction)],
) -> Result<Vec<KeyRow>, StoreError> {
    let mut query =
        Script::new("select account, key, payload, transaction_id from idempotency where (account, key) in (");
    query.push_rows(filled_up(repeated), |row, repeated| {
        let new = repeated.map(|(_, new)| *new);
        row.bind(new.map(|new| text(&new.account)));
        row.bind(new.and_then(|new| new.idempotency.as_ref()).map(|idempotency| text(&idempotency.key)));
    });
    query.push(")");
    Ok(query.fetch(connection).await?)
}

/// Begins attempts of jobs whose holder has the lease, and says of which.
fn begin(script: &mut Script, begins: &[(usize, &Begin)], seal: &Seal) -> Result<(), StoreError> {
    if begins.is_empty() {
        return Ok(());
    }
    let rows = begins.iter().map(|(_, begin)| BeginRow::of(begin, seal)).collect::<Result<Vec<_>, _>>()?;
    script.push("delete from begun; insert into begun select new.* from (");
    script.push_rows(filled_up(&rows), |row, new| {
        let attempt = new.map(|new| &new.attempt);
        row.bind(attempt.map(|attempt| attempt.transaction_id));
        row.bind(new.map(|new| new.holder));
        row.bind(new.map(|new| new.lease_until));
        row.bind(attempt.map(|attempt| attempt.number));
        row.bind(attempt.map(|attempt| &*attempt.upstream));
        row.bind(attempt.map(|attempt| &*attempt.method));
        row.bind(attempt.map(|attempt| &*attempt.url));
        row.bind(attempt.map(|attempt| &*attempt.body));
        row.bind(attempt.map(|attempt| attempt.started_at));
        row.bind(new.and_then(|new| new.warnings.as_deref()));
    });
    script.push(
        ") as new cross join jobs j on j.transaction_id = column1 \
         where j.holder = column2 and j.state <> 'sending' and j.attempts < column4; \
         update jobs set state = 'sending', attempts = b.number, upstream = b.upstream, due_at = b.lease_until \
         from begun b where jobs.transaction_id = b.transaction_id; \
         update transactions set state = 'sending', upstream = b.upstream, updated_at = b.started_at \
         from begun b where transactions.id = b.transaction_id; \
         insert into attempts (transaction_id, number, upstream, method, url, body, started_at) \
         select transaction_id, number, upstream, method, url, body, started_at from begun; \
         update bodies set warnings = b.warnings \
         from begun b where bodies.transaction_id = b.transaction_id and b.warnings is not null; \
         select transaction_id, false from begun;",
    );
    Ok(())
}

/// Forgets the requests of those that are at their end.
pub(super) async fn forget_requests(
    connection: &mut SqliteConnection,
    ids: &[TransactionId],
) -> Result<(), StoreError> {
    for ids in ids.chunks(ROWS) {
        let mut query = Script::new("update bodies set request = '' where transaction_id in (");
        query.push_rows(filled_up(ids), |row, id| {
            row.bind(id.map(|id| id.0));
        });
        query.push(concat!(") and ", rests!("bodies.transaction_id")));
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
