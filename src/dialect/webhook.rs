//! Webhooks of providers and callbacks to clients: what a dialect is given of them, and what both have in common.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use serde_json::Value;
use time::OffsetDateTime;
use url::form_urlencoded;

use super::Decoded;
use super::reader::{Members, kind_of, unquoted};
use crate::model::{Business, Event, Fault, FaultKind, Tastes, Unreadable, Warning};

/// A provider's call: all of it, because signatures are made over the bytes.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// What follows the `?`.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The bytes of the body, as they came.
    pub body: Bytes,
}

impl Webhook {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = form_urlencoded::parse(self.query.as_bytes());
        parameters.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// The body.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn json(&self) -> Result<Value, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Fault::client(FaultKind::MalformedBody, format!("the webhook's body is no JSON ({place})"))
        })
    }
}

/// What a dialect has to know of the client that it tells an event to.
#[derive(Clone, Copy, Debug)]
pub struct EventContext<'a> {
    /// The business as the client knows it; where it knows nothing, the provider's word stands.
    pub business: &'a Business,
    /// How the account wants to be told.
    pub tastes: &'a Tastes,
    /// When it is told: the time of an event whose own is not known.
    pub at: OffsetDateTime,
}

impl EventContext<'_> {
    /// The business as the client knows it.
    pub fn business(&self, told: &Business) -> Business {
        let either = |known: &Option<String>, told: &Option<String>| known.clone().or_else(|| told.clone());
        Business {
            number: either(&self.business.number, &told.number),
            phone_number_id: either(&self.business.phone_number_id, &told.phone_number_id),
            account_id: either(&self.business.account_id, &told.account_id),
        }
    }
}

/// How a callback is signed.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    /// The secret that client and gateway share.
    pub secret: &'a str,
    /// The event's id, the same in every attempt.
    pub id: &'a str,
    /// When this attempt is made.
    pub at: OffsetDateTime,
}

/// An event that was read.
pub(super) fn heard(event: Event) -> Decoded<Event> {
    Decoded { value: event, warnings: Vec::new() }
}

/// An entry that was read, or what is kept of one that could not be.
pub(super) fn heard_or_kept(read: Result<Event, Fault>, raw: Value) -> Decoded<Event> {
    heard(read.unwrap_or_else(|fault| Event::Unreadable(Unreadable { fault, raw })))
}

/// Reads a list's entries, each by itself; of what is no list, one that could not be read is kept.
pub(super) fn entries(
    members: &mut Members,
    name: &str,
    read: impl Fn(Members) -> Result<Event, Fault>,
) -> Vec<Decoded<Event>> {
    let path = members.path(name);
    let list = match members.take(name).map(unquoted) {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(raw) => {
            let fault = Fault::invalid(path, format_args!("is {}; give a list", kind_of(&raw)));
            return vec![heard_or_kept(Err(fault), raw)];
        }
    };
    let paths = (0..).map(|at: usize| format!("{path}[{at}]"));
    list.into_iter()
        .zip(paths)
        .map(|(raw, path)| heard_or_kept(Members::of(path, raw.clone()).and_then(&read), raw))
        .collect()
}

/// Members that we do not know and that belong to no event: the first one's record names them.
pub(super) fn warn_of_rest(value: Members, events: &mut [Decoded<Event>]) {
    let path = value.path("");
    let Some(first) = events.first_mut() else { return };
    for name in value.rest().0.keys() {
        let member = format!("{path}{name}");
        let text = format!("{member} is not a member that we know; clients are not told it");
        first.warnings.push(Warning::new(member, text));
    }
}

/// A callback with a JSON body. The type stands alone, without a charset: clients compare it.
pub(super) fn callback(body: String) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}

/// Seconds, or milliseconds where they would lie thousands of years ahead: providers mix them up.
pub(super) fn instant(number: i64) -> Option<OffsetDateTime> {
    const LATEST: i64 = 100_000_000_000;
    if number.abs() < LATEST {
        return OffsetDateTime::from_unix_timestamp(number).ok();
    }
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(number) * 1_000_000).ok()
}
