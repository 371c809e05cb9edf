//! What is kept of answers, and for how long: a shared cache in the sense of RFC 9111, at least as strict as the one that
//! WhatsApp keeps. Nothing is fresh that its origin did not call so.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_cache_semantics::{CacheOptions, CachePolicy};
use moka::policy::EvictionPolicy;
use moka::sync::Cache as Shelf;
use time::OffsetDateTime;

use super::read::Sight;
use crate::net::Redirects;

/// Nothing is kept longer, whatever its origin says: WhatsApp forgets an upload after thirty days.
const LONGEST: Duration = Duration::from_secs(29 * 24 * 60 * 60);

/// A shared cache that guesses nothing.
const STRICT: CacheOptions = CacheOptions {
    shared: true,
    cache_heuristic: 0.0,
    immutable_min_time_to_live: Duration::ZERO,
    ignore_cargo_cult: false,
};

/// Whose answer to what. What was fetched with credentials is seen only by who has them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub account: String,
    pub url: String,
    pub credentials: Option<[u8; 32]>,
    pub redirects: Redirects,
}

/// Answers by key, bounded by bytes on disk and by number.
pub struct Cache {
    shelf: Shelf<Key, Arc<Kept>>,
}

/// An answer, and how long it may be used.
#[derive(Debug)]
pub struct Kept {
    pub sight: Sight,
    policy: CachePolicy,
    headers: HeaderMap,
    is_doubtful: bool,
}

impl Cache {
    pub fn new(bytes: u64, entries: u64) -> Self {
        // What weighs at least its share of the whole is never there in greater number.
        let share = bytes / entries.max(1);
        let weight = move |_: &Key, kept: &Arc<Kept>| {
            u32::try_from(kept.sight.bytes_on_disk().max(share).max(1)).unwrap_or(u32::MAX)
        };
        let shelf = Shelf::builder()
            .max_capacity(if entries == 0 { 0 } else { bytes })
            .weigher(weight)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(LONGEST);
        Self { shelf: shelf.build() }
    }

    pub fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        self.shelf.get(key)
    }

    /// Keeps an answer where that is allowed and of use; else forgets what was there.
    pub fn put(&self, key: &Key, kept: Kept) {
        if kept.is_worth_keeping() {
            self.shelf.insert(key.clone(), Arc::new(kept));
        } else {
            self.shelf.invalidate(key);
        }
        // What has no place any more goes now, since its bytes lie on the disk.
        self.shelf.run_pending_tasks();
    }

    pub fn forget(&self, account: &str) {
        let of_account = self.shelf.iter().filter(|(key, _)| key.account == account);
        of_account.for_each(|(key, _)| self.shelf.invalidate(&*key));
        self.shelf.run_pending_tasks();
    }
}

impl Kept {
    pub fn new(sight: Sight, headers: &HeaderMap, with_credentials: bool, now: OffsetDateTime) -> Self {
        let headers = readable(headers);
        let policy = CachePolicy::new_options(&request(with_credentials), &response(&headers), now.into(), STRICT);
        Self { sight, policy, is_doubtful: is_doubtful(&headers), headers }
    }

    /// Whether it may be used without asking.
    pub fn is_fresh(&self, now: OffsetDateTime) -> bool {
        let now = SystemTime::from(now);
        !self.is_doubtful && !self.policy.is_stale(now) && self.policy.age(now) < LONGEST
    }

    /// The question whether it is still the same: by the tag, else by the date.
    pub fn conditions(&self) -> HeaderMap {
        let with = |ask: HeaderName, told: HeaderName| self.headers.get(told).map(|value| (ask, value.clone()));
        let by_tag = with(header::IF_NONE_MATCH, header::ETAG);
        let by_date = || with(header::IF_MODIFIED_SINCE, header::LAST_MODIFIED);
        by_tag.or_else(by_date).into_iter().collect()
    }

    /// The same with the headers of a 304; nothing, where that speaks of another version.
    pub fn renewed(&self, headers: &HeaderMap, with_credentials: bool, now: OffsetDateTime) -> Option<Self> {
        let tag = |headers: &HeaderMap| headers.get(header::ETAG).map(|tag| opaque(tag).to_vec());
        if tag(headers).is_some_and(|told| tag(&self.headers) != Some(told)) {
            return None;
        }
        let mut merged = self.headers.clone();
        for name in headers.keys().filter(|name| !speaks_of_the_body(name)) {
            merged.remove(name);
            for value in headers.get_all(name) {
                merged.append(name, value.clone());
            }
        }
        // How long the old answer had been under way says nothing of this one.
        if !headers.contains_key(header::AGE) {
            merged.remove(header::AGE);
        }
        let sight = Sight { content_type: content_type(&merged), ..self.sight.clone() };
        Some(Self::new(sight, &merged, with_credentials, now))
    }

    fn is_worth_keeping(&self) -> bool {
        let varies = self.headers.get_all(header::VARY).iter().any(|value| value.as_bytes().contains(&b'*'));
        let has_validator = !self.conditions().is_empty();
        let may_be_fresh = !self.policy.time_to_live(SystemTime::UNIX_EPOCH).is_zero() && !self.is_doubtful;
        self.policy.is_storable() && !varies && (has_validator || may_be_fresh)
    }
}

/// The type that an origin gives.
pub fn content_type(headers: &HeaderMap) -> Option<String> {
    headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The library takes directives as they are spelt; they may be in capitals.
fn readable(headers: &HeaderMap) -> HeaderMap {
    let mut readable = headers.clone();
    readable.remove(header::CACHE_CONTROL);
    for value in headers.get_all(header::CACHE_CONTROL) {
        let lower = HeaderValue::from_bytes(&value.as_bytes().to_ascii_lowercase());
        readable.append(header::CACHE_CONTROL, lower.unwrap_or_else(|_| HeaderValue::from_static("no-store")));
    }
    readable
}

/// Whether it says twice how long it is fresh: then nobody knows.
fn is_doubtful(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let names: Vec<_> = values.flat_map(|value| value.split(',')).map(|it| name_of(it).to_owned()).collect();
    ["max-age", "s-maxage"].iter().any(|age| names.iter().filter(|name| name == age).count() > 1)
}

fn name_of(directive: &str) -> &str {
    directive.split('=').next().unwrap_or_default().trim()
}

/// A tag without its mark of weakness.
fn opaque(tag: &HeaderValue) -> &[u8] {
    tag.as_bytes().strip_prefix(b"W/").unwrap_or(tag.as_bytes())
}

/// Headers of a body that a 304 has not got.
fn speaks_of_the_body(name: &HeaderName) -> bool {
    [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_RANGE, header::TRANSFER_ENCODING].contains(name)
}

/// The request as the library wants to see it. The address stands in the key.
fn request(with_credentials: bool) -> Request<()> {
    let mut request = Request::new(());
    if with_credentials {
        request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_static("*"));
    }
    request
}

fn response(headers: &HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = headers.clone();
    response
}
