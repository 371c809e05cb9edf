//! The record: searched, or as it comes in.

use std::collections::HashMap;
use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Redirect, Response};
use time::OffsetDateTime;

use super::search::{Asked, Choice};
use super::words::{Count, Moment};
use crate::model::TransactionId;
use crate::store::{Filter, Found, Summary};
use crate::web::Shared;
use crate::web::page::{Frame, Operator, Section, Teller, event, show, store_away, stream};

/// Transactions on a page.
const PAGE: u32 = 50;
/// Transactions that a search looks at: a tenth of a second or so.
const LOOKED_AT: u32 = 50_000;
/// Transactions that the tail looks at: it is after what came last.
const OF_TAIL: u32 = 2_000;
/// How often the tail looks.
const EVERY: Duration = Duration::from_secs(1);

#[derive(Template)]
#[template(path = "console/transactions.html")]
struct Page {
    frame: Frame,
    asked: Form,
    rows: Rows,
    looked_at: Count,
    stopped_at: Option<Moment>,
    more: Option<String>,
    /// The address of the tail.
    live: Option<String>,
}

/// The form, as it was filled in.
struct Form {
    q: String,
    since: String,
    until: String,
    choices: Vec<Choice>,
    problems: Vec<String>,
}

impl Form {
    /// Whether more is asked for than an id or a number.
    fn narrowed(&self) -> bool {
        let times = [&self.since, &self.until];
        times.iter().any(|time| !time.is_empty()) || self.choices.iter().any(|choice| !choice.chosen.is_empty())
    }
}

/// Rows of the table.
#[derive(Template)]
#[template(path = "console/rows.html")]
struct Rows {
    rows: Vec<Row>,
    fresh: bool,
}

struct Row {
    id: TransactionId,
    came: Moment,
    state: &'static str,
    kind: &'static str,
    recipient: String,
    account: String,
    dialect: String,
    upstream: String,
    fault: Option<String>,
}

impl From<Summary> for Row {
    fn from(summary: Summary) -> Self {
        Self {
            id: summary.id,
            came: summary.received_at.into(),
            state: summary.state.as_str(),
            kind: summary.kind.as_str(),
            recipient: summary.recipient.unwrap_or_else(|| "–".to_owned()),
            account: summary.account,
            dialect: summary.dialect,
            upstream: summary.upstream.unwrap_or_else(|| "–".to_owned()),
            fault: summary.fault,
        }
    }
}

impl Rows {
    fn new(transactions: Vec<Summary>, fresh: bool) -> Self {
        Self { rows: transactions.into_iter().map(Row::from).collect(), fresh }
    }
}

/// `GET /console/transactions`
pub async fn search(State(state): State<Shared>, operator: Operator, Query(asked): Query<Asked>) -> Response {
    let (filter, problems) = asked.filter();
    if let Some(id) = filter.recipient.as_ref().and(Some(asked.q.trim())) {
        match state.store.find(id).await {
            Ok(Some(found)) => {
                return Redirect::to(&format!("/console/transactions/{}", found.summary.id)).into_response();
            }
            Ok(None) => {}
            Err(error) => return store_away(&error),
        }
    }
    match state.store.search(&filter, asked.after, PAGE, LOOKED_AT).await {
        Ok(found) => {
            let frame = Frame::new("Transactions", Section::Transactions, operator);
            show(&page(&state, frame, &asked, problems, found))
        }
        Err(error) => store_away(&error),
    }
}

/// `GET /console/live`: what came last, and then what comes.
pub async fn tail(State(state): State<Shared>, operator: Operator, Query(asked): Query<Asked>) -> Response {
    let (filter, problems) = asked.filter();
    match state.store.search(&filter, None, PAGE, OF_TAIL).await {
        Ok(found) => {
            let frame = Frame::new("Live", Section::Live, operator);
            let live = Some(format!("/console/live/stream?{}", asked.query(None)));
            show(&Page { more: None, stopped_at: None, live, ..page(&state, frame, &asked, problems, found) })
        }
        Err(error) => store_away(&error),
    }
}

/// `GET /console/live/stream`
pub async fn follow(State(state): State<Shared>, Query(asked): Query<Asked>) -> Response {
    let (filter, _) = asked.filter();
    stream(state, EVERY, Tail { filter, seen: None })
}

fn page(state: &Shared, frame: Frame, asked: &Asked, problems: Vec<String>, found: Found) -> Page {
    let Asked { q, since, until, .. } = asked.clone();
    let choices = asked.choices(&state.delivery.directory());
    Page {
        frame,
        asked: Form { q, since, until, choices, problems },
        rows: Rows::new(found.transactions, false),
        looked_at: Count(u64::from(LOOKED_AT)),
        stopped_at: found.stopped_at.map(Moment::from),
        more: found.next.map(|next| format!("/console/transactions?{}", asked.query(Some(next)))),
        live: None,
    }
}

/// What of the record is new: rows that came, and rows that changed while they are on the page.
struct Tail {
    filter: Filter,
    /// What is on the page, and since when it is so; none before the first look.
    seen: Option<HashMap<TransactionId, OffsetDateTime>>,
}

impl Teller for Tail {
    async fn news(&mut self, state: &Shared) -> Vec<Event> {
        // While the store is away nothing is new.
        let Ok(found) = state.store.search(&self.filter, None, PAGE, OF_TAIL).await else { return Vec::new() };
        let now = found.transactions.iter().map(|summary| (summary.id, summary.updated_at)).collect();
        let Some(seen) = self.seen.replace(now) else { return whole(found.transactions) };
        let is_known = |summary: &Summary| seen.contains_key(&summary.id);
        let changed: Vec<_> = found
            .transactions
            .iter()
            .filter(|one| is_known(one) && seen.get(&one.id) != Some(&one.updated_at))
            .cloned()
            .collect();
        let new: Vec<_> = found.transactions.into_iter().filter(|one| !is_known(one)).collect();
        let news = [("change", changed), ("add", new)].into_iter().filter(|(_, rows)| !rows.is_empty());
        news.filter_map(|(name, rows)| Some(event(name, &Rows::new(rows, true).render().ok()?))).collect()
    }
}

/// The page may be older than the stream.
fn whole(transactions: Vec<Summary>) -> Vec<Event> {
    Rows::new(transactions, false).render().iter().map(|html| event("replace", html)).collect()
}
