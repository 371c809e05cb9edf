//! Accounts, upstreams and routes as they are in force; nothing secret of them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::callbacks::address;
use super::words::{Moment, lasted};
use crate::delivery::{Account, Key, Mode, RouteConfig};
use crate::dialect::Losses;
use crate::upstream::{MediaWay, Upstream};
use crate::web::Shared;
use crate::web::page::{Frame, Operator, Section, show};

#[derive(Template)]
#[template(path = "console/setup.html")]
struct Page {
    frame: Frame,
    accounts: Vec<Fact>,
    upstreams: Vec<Fact>,
    routes: Vec<Route>,
}

/// One thing with a name, and what is known of it.
struct Fact {
    name: String,
    members: Vec<(&'static str, String)>,
}

struct Route {
    channel: String,
    sender: String,
    upstreams: String,
}

impl Page {
    /// What has the same form, for the template.
    fn groups(&self) -> [(&'static str, &'static str, &[Fact]); 2] {
        [
            ("accounts", "Accounts: who calls us", &self.accounts),
            ("upstreams", "Upstreams: whom we call", &self.upstreams),
        ]
    }
}

/// `GET /console/setup`
pub async fn page(State(state): State<Shared>, operator: Operator) -> Response {
    let directory = state.delivery.directory();
    let page = Page {
        frame: Frame::new("Set-up", Section::Setup, operator),
        accounts: sorted(directory.accounts().map(account).collect()),
        upstreams: sorted(directory.upstreams().map(upstream).collect()),
        routes: directory.routes().iter().map(Route::from).collect(),
    };
    show(&page)
}

fn sorted(mut facts: Vec<Fact>) -> Vec<Fact> {
    facts.sort_by(|one, next| one.name.cmp(&next.name));
    facts
}

fn account(account: &Arc<Account>) -> Fact {
    let dialect = account.dialect.map_or("told by each request", |dialect| dialect.name());
    let mode = match account.dialect.map(|dialect| account.mode(dialect)) {
        Some(Mode::Sync) => "after the upstream's answer",
        Some(Mode::Queued) => "as soon as it is recorded",
        None => "as its dialect expects",
    };
    let losses = match account.losses {
        Losses::Refuse => "refused",
        Losses::Warn => "left out, with a warning",
    };
    let listed = |texts: Vec<String>| if texts.is_empty() { "none".to_owned() } else { texts.join("; ") };
    let members = vec![
        ("Dialect", dialect.to_owned()),
        ("Upstream", account.upstream.clone()),
        ("Answered", mode.to_owned()),
        ("What cannot be said", losses.to_owned()),
        ("Keys", listed(account.access.keys.iter().map(key).collect())),
        ("Callbacks", listed(account.callbacks.iter().map(|target| address(target)).collect())),
        ("Callbacks signed", yes(account.callback_secret.is_some())),
        ("A client waits", lasted(account.deadline)),
    ];
    Fact { name: account.name.clone(), members }
}

/// What a key may do, and until when; nothing that it could be known by.
fn key(key: &Key) -> String {
    let until = key.expires().map(|at| format!(", until {} UTC", Moment::from(at).seconds())).unwrap_or_default();
    let scopes = key.scopes().map(|scopes| scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(", "));
    format!("*** ({}{until})", scopes.unwrap_or_else(|| "everything".to_owned()))
}

fn upstream(upstream: &Arc<Upstream>) -> Fact {
    let media = match upstream.media {
        MediaWay::Upload => "fetched, checked and uploaded",
        MediaWay::Link => "checked, and the link passed on",
        MediaWay::Unchecked => "passed on unchecked",
    };
    let secret = |is_there: bool| if is_there { "***" } else { "none" }.to_owned();
    let limits = &upstream.limits;
    let rate =
        limits.rate.map_or_else(|| "no limit".to_owned(), |rate| format!("{rate} a second, {} at once", limits.burst));
    let pair = limits.pair_interval.map_or_else(
        || "no limit".to_owned(),
        |interval| format!("one each {}, {} at once", lasted(interval), limits.pair_burst),
    );
    let members = vec![
        ("Dialect", upstream.dialect.name().to_owned()),
        ("Address", address(upstream.base_url.as_str())),
        ("Credential", format!("{}: {}", upstream.credential.header(), secret(upstream.key.is_some()))),
        ("Sender", upstream.sender.clone().unwrap_or_else(|| "none".to_owned())),
        ("Phone number id", upstream.phone_number_id.clone().unwrap_or_else(|| "none".to_owned())),
        ("Media", media.to_owned()),
        ("Pace", rate),
        ("Of one pair", pair),
        ("Calls at once", limits.concurrency.to_string()),
        ("Webhook secret", secret(upstream.webhook_secret.is_some())),
    ];
    Fact { name: upstream.name.clone(), members }
}

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

impl From<&RouteConfig> for Route {
    fn from(route: &RouteConfig) -> Self {
        Self {
            channel: route.channel.map_or_else(|| "any".to_owned(), |channel| channel.to_string()),
            sender: route.sender.clone().unwrap_or_else(|| "any".to_owned()),
            upstreams: route.upstreams.join(", then "),
        }
    }
}
