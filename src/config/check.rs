//! What no single option can tell: names that refer to each other, options that need each other.

mod callbacks;
mod delivery;
mod media_providers;

use std::collections::HashSet;
use std::time::Duration;

use http::HeaderValue;
use url::Url;

use super::{Draft, Problem};
use crate::delivery::AccountConfig;
use crate::dialect;
use crate::media;
use crate::secret::KeyHash;
use crate::upstream::{self, Provider, SANDBOX_SCHEME};

/// The shortest time that the record may be kept.
const SHORTEST_MEMORY: Duration = Duration::from_secs(60 * 60);

pub fn check(draft: &Draft, problems: &mut Vec<Problem>) {
    check_server(draft, problems);
    check_log(draft, problems);
    check_telemetry(draft, problems);
    check_media(draft, problems);
    check_store(draft, problems);
    check_memory(draft, problems);
    check_providers(draft, problems);
    check_accounts(draft, problems);
    check_upstreams(draft, problems);
    check_routes(draft, problems);
    delivery::check(draft, problems);
    callbacks::check(draft, problems);
    media_providers::check(draft, problems);
}

fn check_server(draft: &Draft, problems: &mut Vec<Problem>) {
    let Some(server) = &draft.server else { return };
    for (key, most) in [
        ("server.max_connections", server.max_connections),
        ("server.connections_per_address", server.connections_per_address),
        ("server.max_requests", server.max_requests),
    ] {
        if most == 0 {
            problems.push(Problem::new(key, "is 0, so nobody could connect; give at least 1"));
        }
    }
}

fn check_log(draft: &Draft, problems: &mut Vec<Problem>) {
    if draft.log.as_ref().is_some_and(|log| !log.filter_is_readable()) {
        let text = "is no filter; give a level, or parts of the program with theirs: info,sabir::delivery=debug";
        problems.push(Problem::new("log.filter", text));
    }
}

fn check_telemetry(draft: &Draft, problems: &mut Vec<Problem>) {
    let Some(telemetry) = &draft.telemetry else { return };
    if !(0.0..=1.0).contains(&telemetry.sample) {
        problems.push(Problem::new("telemetry.sample", "is no share; give a number from 0 to 1, 0.1 for a tenth"));
    }
    if telemetry.otlp.as_ref().is_some_and(|otlp| !["http", "https"].contains(&otlp.scheme())) {
        let text = "is no address over HTTP; give the collector's, such as http://127.0.0.1:4318";
        problems.push(Problem::new("telemetry.otlp", text));
    }
}

fn check_media(draft: &Draft, problems: &mut Vec<Problem>) {
    let Some(media::Config { links: media, .. }) = &draft.media else { return };
    for (name, value) in [("per_host", media.fetches_per_host), ("per_account", media.fetches_per_account)] {
        if value == 0 {
            let text = "is 0, so no link could be fetched; give at least 1";
            problems.push(Problem::new(format!("media.fetches_{name}"), text));
        }
    }
}

fn check_store(draft: &Draft, problems: &mut Vec<Problem>) {
    let Some(store) = &draft.store else { return };
    let scheme = store.url.expose().split_once(':').map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("sqlite" | "postgres" | "postgresql")) {
        let text = "is no store's address; give sqlite://PATH or postgres://user:password@host/database";
        problems.push(Problem::new("store.url", text));
    }
    if store.connections == 0 {
        problems.push(Problem::new("store.connections", "is 0; give at least 1"));
    }
    for (key, age) in [
        ("store.bodies_for", store.bodies_for),
        ("store.transactions_for", store.transactions_for),
        ("store.events_for", store.events_for),
    ] {
        if age.is_some_and(|age| age < SHORTEST_MEMORY) {
            let text = "is less than an hour, in which nobody could look anything up; give at least \"1h\"";
            problems.push(Problem::new(key, text));
        }
    }
    if let (Some(bodies), Some(transactions)) = (store.bodies_for, store.transactions_for)
        && bodies > transactions
    {
        let text = "is longer than store.transactions_for, with which bodies go; give at most that";
        problems.push(Problem::new("store.bodies_for", text));
    }
}

/// A transaction is needed as long as its request may be repeated, and as long as somebody is told of it.
fn check_memory(draft: &Draft, problems: &mut Vec<Problem>) {
    let Some(kept) = draft.store.as_ref().and_then(|store| store.transactions_for) else { return };
    let keys = draft.delivery.as_ref().map(|delivery| ("delivery.keep_keys".to_owned(), delivery.keep_keys));
    let told =
        draft.callbacks.as_ref().map(|callbacks| ("callbacks.give_up_after".to_owned(), callbacks.give_up_after));
    let windows = draft
        .accounts
        .iter()
        .filter_map(|(at, account)| Some((format!("accounts[{at}].dedupe_window"), account.dedupe_window?)));
    for (key, needed) in keys.into_iter().chain(told).chain(windows) {
        if needed > kept {
            let text = format!("is shorter than {key}, for which transactions are needed; give at least that");
            problems.push(Problem::new("store.transactions_for", text));
        }
    }
}

fn check_accounts(draft: &Draft, problems: &mut Vec<Problem>) {
    let beyond = draft.server.as_ref().is_some_and(|server| !server.listen.ip().is_loopback());
    if beyond && draft.accounts.is_empty() && problems.is_empty() {
        let text = "is empty, and the gateway listens beyond this machine; add an [[accounts]] entry with a key";
        problems.push(Problem::new("accounts", text));
    }
    let mut names = HashSet::new();
    let mut keys = HashSet::new();
    for (at, account) in &draft.accounts {
        let key = |name: &str| format!("accounts[{at}].{name}");
        if !names.insert(&account.name) {
            problems.push(Problem::new(key("name"), "is the name of another account too; make each unique"));
        }
        check_keys(&key, account, &mut keys, problems);
        if let Some(name) = &account.dialect {
            check_dialect(&key("dialect"), name, problems);
        }
        match &account.upstream {
            Some(name) => check_upstream_name(draft, &key("upstream"), name, problems),
            None if draft.upstreams.len() > 1 => {
                problems.push(Problem::new(key("upstream"), "is missing; there are several upstreams, so name one"));
            }
            None => {}
        }
    }
}

fn check_keys(
    path: &impl Fn(&str) -> String,
    account: &AccountConfig,
    keys: &mut HashSet<KeyHash>,
    problems: &mut Vec<Problem>,
) {
    if account.key.is_none() && account.keys.is_empty() {
        problems.push(Problem::new(path("key"), "is missing; give it, or several as keys"));
    }
    if account.concurrency == Some(0) {
        problems.push(Problem::new(path("concurrency"), "is 0, so nothing could be sent; give at least 1"));
    }
    let more = account.keys.iter().enumerate();
    let more = more.map(|(at, more)| (format!("keys[{at}]"), more.key, more.scopes.as_deref()));
    let first = account.key.map(|key| ("key".to_owned(), key, None));
    for (name, hash, scopes) in first.into_iter().chain(more) {
        if !keys.insert(hash) {
            let text = "is the key of another account, or stands here twice; make each unique";
            problems.push(Problem::new(path(&name), text));
        }
        if scopes.is_some_and(<[_]>::is_empty) {
            let text = "is empty, so the key could do nothing; name a scope, or leave scopes out for all";
            problems.push(Problem::new(path(&format!("{name}.scopes")), text));
        }
    }
}

fn check_providers(draft: &Draft, problems: &mut Vec<Problem>) {
    for (name, provider) in &draft.providers {
        check_dialect(&format!("providers.{name}.dialect"), &provider.dialect, problems);
    }
}

fn check_upstreams(draft: &Draft, problems: &mut Vec<Problem>) {
    let mut names = HashSet::new();
    for (at, upstream) in &draft.upstreams {
        let key = |name: &str| format!("upstreams[{at}].{name}");
        if !names.insert(&upstream.name) {
            problems.push(Problem::new(key("name"), "is the name of another upstream too; make each unique"));
        }
        let provider = upstream.provider.as_ref().and_then(|name| draft.providers.get(name));
        check_listeners(draft, &key("inbound"), upstream, problems);
        check_identity(&key, upstream, problems);
        if upstream.provider.is_none() || provider.is_some() {
            check_address(&key, upstream, provider, problems);
            continue;
        }
        let known: Vec<_> = draft.providers.keys().map(String::as_str).collect();
        let text = format!("is no provider that is configured; give one of {}", known.join(", "));
        problems.push(Problem::new(key("provider"), text));
    }
}

fn check_listeners(draft: &Draft, key: &str, upstream: &upstream::Config, problems: &mut Vec<Problem>) {
    let known: Vec<_> = draft.accounts.iter().map(|(_, account)| account.name.as_str()).collect();
    for (nth, name) in upstream.inbound.iter().flatten().enumerate() {
        if !known.contains(&name.as_str()) {
            let text = format!("names no account; there is: {}", known.join(", "));
            problems.push(Problem::new(format!("{key}[{nth}]"), text));
        }
    }
}

/// What can be run, and may not do what is expected of it.
pub fn advise(draft: &Draft, warnings: &mut Vec<Problem>) {
    let has_token = draft.admin.as_ref().is_none_or(|admin| admin.token.is_some());
    let trusts_local = draft.server.as_ref().is_none_or(|server| server.trust_local);
    if !draft.accounts.is_empty() && !has_token && !trusts_local {
        let text = "is missing: nobody may look at the record, decide or replay; give a token, or its sha256";
        warnings.push(Problem::new("admin.token", text));
    }
    if draft.accounts.iter().all(|(_, account)| account.callbacks.is_empty()) {
        return;
    }
    for (at, upstream) in &draft.upstreams {
        let is_sandbox = upstream.provider.as_deref() == Some(SANDBOX_SCHEME);
        if upstream.webhook_secret.is_none() && !is_sandbox {
            let text = "is missing: webhooks of this upstream are refused, so its statuses reach no callback; give a secret, and the same to the provider";
            warnings.push(Problem::new(format!("upstreams[{at}].webhook_secret"), text));
        }
    }
}

/// Who sends, and with which credential.
fn check_identity(key: &impl Fn(&str) -> String, upstream: &upstream::Config, problems: &mut Vec<Problem>) {
    if upstream.sender.as_ref().is_some_and(|sender| !sender.bytes().all(|byte| byte.is_ascii_digit())) {
        problems
            .push(Problem::new(key("sender"), "is no number in digits; give country code and number: 442079460000"));
    }
    if upstream.key.as_ref().is_some_and(|key| HeaderValue::from_str(key.expose()).is_err()) {
        let text = "holds a line end or another sign that no header can carry; give the credential alone";
        problems.push(Problem::new(key("key"), text));
    }
}

/// Where it is and how it is spoken to, by itself or by its provider.
fn check_address(
    key: &impl Fn(&str) -> String,
    upstream: &upstream::Config,
    provider: Option<&Provider>,
    problems: &mut Vec<Problem>,
) {
    match &upstream.dialect {
        Some(name) => check_dialect(&key("dialect"), name, problems),
        None if provider.is_none() => {
            problems.push(Problem::new(key("dialect"), "is missing; give it, or a provider"));
        }
        None => {}
    }
    let base_url = upstream.base_url.as_ref().or(provider.and_then(|provider| provider.base_url.as_ref()));
    let Some(base_url) = base_url else {
        let text = "is missing; this provider gives every customer an address of his own";
        problems.push(Problem::new(key("base_url"), text));
        return;
    };
    let scheme = Url::parse(base_url).ok().map(|url| url.scheme().to_owned());
    match scheme.as_deref() {
        Some(SANDBOX_SCHEME) => {}
        Some("http" | "https") if upstream.key.is_none() => {
            problems.push(Problem::new(key("key"), "is missing; give the provider's credential, such as \"env:NAME\""));
        }
        Some("http" | "https") => {}
        _ => problems.push(Problem::new(key("base_url"), "is no address; give one that begins with https://")),
    }
}

fn check_routes(draft: &Draft, problems: &mut Vec<Problem>) {
    for (at, route) in &draft.routes {
        if route.upstreams.is_empty() {
            problems.push(Problem::new(format!("routes[{at}].upstreams"), "is empty; name at least one upstream"));
        }
        if let Some(name) = &route.account
            && draft.accounts.iter().all(|(_, account)| account.name != *name)
        {
            let known: Vec<_> = draft.accounts.iter().map(|(_, account)| account.name.as_str()).collect();
            let text = format!("names no account; there is: {}", known.join(", "));
            problems.push(Problem::new(format!("routes[{at}].account"), text));
        }
        for (nth, name) in route.upstreams.iter().enumerate() {
            check_upstream_name(draft, &format!("routes[{at}].upstreams[{nth}]"), name, problems);
        }
    }
}

fn check_upstream_name(draft: &Draft, key: &str, name: &str, problems: &mut Vec<Problem>) {
    let known: Vec<_> = draft.upstreams.iter().map(|(_, upstream)| upstream.name.as_str()).collect();
    let built_in = known.is_empty() && name == SANDBOX_SCHEME;
    if !draft.upstreams_are_whole || built_in || known.contains(&name) {
        return;
    }
    let known = if known.is_empty() { SANDBOX_SCHEME.to_owned() } else { known.join(", ") };
    problems.push(Problem::new(key, format!("names no upstream; there is: {known}")));
}

fn check_dialect(key: &str, name: &str, problems: &mut Vec<Problem>) {
    if dialect::named(name).is_none() {
        let known: Vec<_> = dialect::all().iter().map(|dialect| dialect.name()).collect();
        problems.push(Problem::new(key, format!("is no dialect; give one of {}", known.join(", "))));
    }
}
