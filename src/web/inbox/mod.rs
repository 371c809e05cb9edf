//! The sandbox's inbox: what a phone would show of what clients send, and a hand to answer with. Written here, usable without
//! a script; with one, pages follow what happens.

mod answer;
mod bubble;
mod card;
mod host;
mod markup;
mod thread;
mod view;

use std::convert::Infallible;
use std::time::Duration;

use answer::{Form, answer};
use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
pub use host::{Alone, Host};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use view::{Home, Inbox, Look, Pane, Provider, TalkPage};

use super::page::{Frame, Operator, Section, show, trouble};
use crate::model::{Fault, FaultKind, PhoneNumber};
use crate::upstream::{Behaviour, Line, Orders, Person, Talk, name_in};

/// What is at hand to react with.
const EMOJI: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
/// Messages that one order may be about.
const MOST_ORDERED: usize = 100;
/// Between two words that something changed.
const PAUSE: Duration = Duration::from_millis(150);
/// How long a page follows what happens. The browser then asks again, and is let in again or not.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// The pages, below `/sandbox`; whoever puts them up puts a door before them.
pub fn pages() -> Router<Host> {
    Router::new()
        .route("/sandbox", get(home))
        .route("/sandbox/talks", post(begin))
        .route("/sandbox/talks/{line}/{person}", get(talk).post(say))
        .route("/sandbox/provider", get(provider).post(order))
        .route("/sandbox/files/{id}", get(file))
        .route("/sandbox/changes", get(changes))
}

/// What of a talk is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    /// What was said before this.
    before: Option<u64>,
    /// A message that is to be quoted.
    answer: Option<u64>,
}

/// `GET /sandbox`
async fn home(State(host): State<Host>, operator: Operator) -> Response {
    let look = Look::at(&host);
    page(&look, operator, "Sandbox", Pane::Home(Home::of(&host)))
}

/// `GET /sandbox/talks/{line}/{person}`
async fn talk(
    State(host): State<Host>,
    Path((line, person)): Path<(String, String)>,
    Query(shown): Query<Shown>,
    operator: Operator,
) -> Response {
    let (look, talk) = (Look::at(&host), Talk { line, person });
    let pane = TalkPage::of(&look, &talk, shown.before, shown.answer);
    let title = pane.row.name.clone();
    page(&look, operator, &title, Pane::Talk(Box::new(pane)))
}

/// `GET /sandbox/provider`
async fn provider(State(host): State<Host>, operator: Operator) -> Response {
    page(&Look::at(&host), operator, "Provider", Pane::Provider(Provider::of(&host, None)))
}

fn page(look: &Look<'_>, operator: Operator, title: &str, pane: Pane) -> Response {
    let frame = match look.host {
        Host::Gateway(_) => Frame::new(title, Section::Sandbox, operator),
        Host::Alone(_) => Frame::alone(title),
    };
    show(&Inbox { frame, talks: look.rows(pane.talk()), pane })
}

/// `POST /sandbox/talks/{line}/{person}`
async fn say(State(host): State<Host>, Path((line, person)): Path<(String, String)>, request: Request) -> Response {
    let (talk, entries) = (Talk { line, person }, host.sandbox().entries());
    let known = entries.iter().rev().find(|entry| entry.talk.as_ref() == Some(&talk));
    let Some(line) = known.map(|entry| entry.line.clone()).or_else(|| host.line(Some(&talk.line))) else {
        return gone();
    };
    let person = Person { id: talk.person.clone(), name: name_in(&entries, &talk) };
    let done = match Form::read(&host, &line, request).await {
        Ok(form) => answer(&host, &line, person, form).await,
        Err(fault) => Err(fault),
    };
    match done {
        Ok(()) => Redirect::to(&view::address(&talk)).into_response(),
        Err(fault) => refused(&fault),
    }
}

/// `POST /sandbox/talks`: somebody writes first.
async fn begin(State(host): State<Host>, request: Request) -> Response {
    let Some(any) = host.lines().into_iter().next() else { return gone() };
    let form = match Form::read(&host, &any, request).await {
        Ok(form) => form,
        Err(fault) => return refused(&fault),
    };
    let Some(line) = host.line(form.text("line")) else { return gone() };
    match first_word(&host, &line, form).await {
        Ok(talk) => Redirect::to(&view::address(&talk)).into_response(),
        Err(fault) => refused(&fault),
    }
}

async fn first_word(host: &Host, line: &Line, form: Form) -> Result<Talk, Fault> {
    let number = PhoneNumber::parse(form.text("person").unwrap_or_default());
    let number = number.map_err(|error| Fault::invalid("person", error))?;
    let person = Person { id: number.digits().to_owned(), name: form.text("name").map(str::to_owned) };
    let talk = Talk::with(line, &person.id);
    answer(host, line, person, form).await?;
    Ok(talk)
}

/// `POST /sandbox/provider`
async fn order(State(host): State<Host>, operator: Operator, request: Request) -> Response {
    let Some(any) = host.lines().into_iter().next() else { return gone() };
    let done = match Form::read(&host, &any, request).await {
        Ok(form) => obey(&host, &form),
        Err(fault) => Err(fault),
    };
    match done {
        Ok(()) => Redirect::to("/sandbox/provider").into_response(),
        Err(fault) => {
            let pane = Pane::Provider(Provider::of(&host, Some(fault.detail)));
            page(&Look::at(&host), operator, "Provider", pane)
        }
    }
}

fn obey(host: &Host, form: &Form) -> Result<(), Fault> {
    let sandbox = host.sandbox();
    let mut orders = Orders { delay: None, ..sandbox.orders() };
    match form.text("act") {
        Some("order") => {
            let behaviour: Option<Behaviour> = form.text("behaviour").and_then(|text| serde_json::from_str(text).ok());
            let behaviour = behaviour.ok_or_else(|| Fault::missing("behaviour", "choose one"))?;
            let count = form.text("count").and_then(|count| count.parse().ok()).unwrap_or(1_usize);
            orders.next.extend(std::iter::repeat_n(behaviour, count.min(MOST_ORDERED)));
        }
        Some("forget") => orders.next.clear(),
        Some("delay") => {
            let text = form.text("delay").unwrap_or_default().trim();
            let delay = humantime_serde::re::humantime::parse_duration(text);
            orders.delay =
                Some(delay.map_err(|error| Fault::invalid("delay", format!("{error}; give one such as 5s")))?);
        }
        Some("template") => {
            let text = form.text("template").unwrap_or_default();
            let given = serde_json::from_str(text);
            sandbox
                .templates()
                .give(given.map_err(|error| Fault::invalid("template", format!("is no JSON: {error}")))?)?;
        }
        Some("reset") => {
            sandbox.reset();
            return Ok(());
        }
        _ => return Err(Fault::client(FaultKind::NotFound, "the form does not say what to do; use its buttons")),
    }
    sandbox.order(orders)
}

/// `GET /sandbox/files/{id}`: the bytes of a file. Whatever they are, nothing in them runs: what is no picture, film or sound
/// is downloaded, and even as a page of its own it would be one without rights.
async fn file(State(host): State<Host>, Path(id): Path<String>) -> Response {
    let kept = host.sandbox().file(&id).and_then(|kept| Some((kept.file, kept.bytes?)));
    let Some((file, bytes)) = kept else {
        return trouble(StatusCode::NOT_FOUND, "Not here", "The sandbox has no file of this id, or not any more.");
    };
    let is_shown = SHOWN.contains(&file.mime_type.split(';').next().unwrap_or_default().trim());
    let (kind, place) =
        if is_shown { (file.mime_type.as_str(), "inline") } else { ("application/octet-stream", "attachment") };
    let name = file.filename.as_deref().map(|name| {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        format!("; filename*=UTF-8''{name}")
    });
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_str(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_str(&format!("{place}{}", name.unwrap_or_default()))),
        (header::CONTENT_SECURITY_POLICY, Ok(HeaderValue::from_static("default-src 'none'; sandbox"))),
        (header::X_CONTENT_TYPE_OPTIONS, Ok(HeaderValue::from_static("nosniff"))),
        (header::CACHE_CONTROL, Ok(HeaderValue::from_static("private, max-age=86400"))),
    ];
    let head: http::HeaderMap = head.into_iter().filter_map(|(name, value)| Some((name, value.ok()?))).collect();
    (head, bytes).into_response()
}

/// Types that browsers show by themselves and that hold no script.
const SHOWN: [&str; 14] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "video/mp4",
    "video/3gpp",
    "video/webm",
    "audio/aac",
    "audio/mp4",
    "audio/mpeg",
    "audio/amr",
    "audio/ogg",
    "audio/opus",
    "audio/webm",
];

/// `GET /sandbox/changes`: a word whenever there is something new to show.
async fn changes(State(host): State<Host>) -> Response {
    let Some(changes) = host.sandbox().changes() else {
        let text = "As many pages follow the sandbox as may. Close one, and load this one again.";
        return trouble(StatusCode::SERVICE_UNAVAILABLE, "Too many pages", text);
    };
    let changes = stream::unfold(changes, |mut changes| async {
        changes.changed().await.ok()?;
        // Several changes at once are one.
        tokio::time::sleep(PAUSE).await;
        changes.mark_unchanged();
        Some((Ok::<_, Infallible>(Event::default().event("change").data("new")), changes))
    });
    let end = async move {
        let _ = tokio::time::timeout(LONGEST, host.sandbox().closed()).await;
    };
    Sse::new(changes.take_until(Box::pin(end))).keep_alive(KeepAlive::default()).into_response()
}

fn gone() -> Response {
    let text = "Nobody has this number at the sandbox: no upstream of this name has it as its provider.";
    trouble(StatusCode::NOT_FOUND, "Not here", text)
}

fn refused(fault: &Fault) -> Response {
    trouble(StatusCode::BAD_REQUEST, "That cannot be sent", &fault.detail)
}
