//! Reads a request's body: bounded in size and time, then parsed once.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use bytesize::ByteSize;
use futures_util::{Stream, stream};
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use memchr::memchr2;
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::Config;
use crate::model::{Fault, FaultKind};

/// Deepest nesting of a body. The model wraps what it does not know a few levels deeper, and must read back.
const MAX_DEPTH: usize = 64;

/// Members and entries of a body, on all levels together. Each takes some hundred bytes once it is read, however short it
/// was: a body of 1 MiB could else make a hundred of them.
pub const MAX_MEMBERS: usize = 20_000;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Largest body that is read of somebody without a key: enough to tell in which dialect to refuse it.
const OF_STRANGERS: ByteSize = ByteSize::kib(64);

/// Bytes in a millisecond: the pace that a long body has to keep on the whole.
const SLOWEST: u64 = 16;

/// The whole body; of a stranger less is read than of a client.
///
/// # Errors
/// When it is too large, too slow, or breaks off.
pub async fn read(body: Body, is_known: bool, config: &Config) -> Result<Bytes, Fault> {
    let max = if is_known { config.max_body } else { config.max_body.min(OF_STRANGERS) };
    within(body, max, config.body_timeout).await
}

/// The whole body, of a size and in a time.
///
/// # Errors
/// As for [`read`].
pub async fn within(body: Body, max: ByteSize, time: Duration) -> Result<Bytes, Fault> {
    let limit = usize::try_from(max.as_u64()).unwrap_or(usize::MAX);
    let whole = timeout(time, Limited::new(body, limit).collect());
    match whole.await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("the body is larger than {max}; send less");
            Err(Fault::client(FaultKind::BodyTooLarge, detail))
        }
        Ok(Err(_)) => Err(broken_off()),
        Err(_) => Err(too_slow(time)),
    }
}

/// The body piece by piece; each has to arrive within the time that a whole small body has, and all of them no slower than
/// [`SLOWEST`]: a byte now and then would else hold a connection and a file for days.
pub fn chunks(body: &mut Body, limit: Duration) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
    stream::try_unfold((body, Instant::now() + limit), move |(body, last)| async move {
        match timeout_at(last.min(Instant::now() + limit), body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let bytes = frame.into_data().unwrap_or_default();
                let earned = Duration::from_millis(bytes.len() as u64 / SLOWEST);
                Ok(Some((bytes, (body, last + earned))))
            }
            Ok(Some(Err(_))) => Err(broken_off()),
            Ok(None) => Ok(None),
            Err(_) => Err(too_slow(limit)),
        }
    })
}

fn broken_off() -> Fault {
    Fault::client(FaultKind::MalformedBody, "the body broke off; send it whole")
}

fn too_slow(limit: Duration) -> Fault {
    Fault::client(FaultKind::BodyTimeout, format!("the body did not arrive within {limit:?}; send it faster"))
}

/// Without the mark that some clients of Windows put in front of UTF-8; JSON knows none.
pub fn without_mark(body: Bytes) -> Bytes {
    if body.starts_with(BYTE_ORDER_MARK) { body.slice(BYTE_ORDER_MARK.len()..) } else { body }
}

/// The body as JSON.
///
/// # Errors
/// When the Content-Type says that it is something else, or it is no JSON; the fault says what is wrong and where.
pub fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Fault> {
    if let Some(other) = foreign_content_type(headers) {
        let detail = format!("Content-Type is {other}; send application/json");
        return Err(Fault::client(FaultKind::WrongContentType, detail));
    }
    if is_compressed(headers) {
        let detail = "the body is compressed; send it plain, without Content-Encoding";
        return Err(Fault::client(FaultKind::WrongContentType, detail));
    }
    if bytes.trim_ascii().is_empty() {
        return Err(Fault::client(FaultKind::MalformedBody, "the body is empty; send one JSON object"));
    }
    json(bytes)
}

/// Bytes as JSON, nested no deeper than it may be.
///
/// # Errors
/// When they are no JSON; the fault says what is wrong and where.
pub fn json(bytes: &[u8]) -> Result<Value, Fault> {
    let size = Size::of(bytes);
    if size.depth > MAX_DEPTH {
        let detail = format!("the body is nested more than {MAX_DEPTH} levels deep; send a flatter one");
        return Err(Fault::client(FaultKind::MalformedBody, detail));
    }
    if size.members > MAX_MEMBERS {
        return Err(too_many_members());
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Fault::client(FaultKind::MalformedBody, format!("the body is no valid JSON: {error}")))
}

/// Of JSON, or of a form.
pub fn too_many_members() -> Fault {
    let detail = format!("the body has more than {MAX_MEMBERS} members and entries; send fewer at a time");
    Fault::client(FaultKind::MalformedBody, detail)
}

/// How large JSON would be, told from its bytes before anything is made of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Size {
    /// Levels of nesting.
    depth: usize,
    /// Members and entries, or one more.
    members: usize,
}

impl Size {
    fn of(bytes: &[u8]) -> Self {
        let (mut size, mut level) = (Self::default(), 0_usize);
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b'"' => rest = behind_text(rest),
                b'[' | b'{' => {
                    level += 1;
                    size.depth = size.depth.max(level);
                    size.members += 1;
                }
                b']' | b'}' => level = level.saturating_sub(1),
                b',' => size.members += 1,
                _ => {}
            }
        }
        size
    }
}

/// What follows a text that has begun; nothing where it does not end.
fn behind_text(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        let (_, found) = rest.split_at(at);
        match found {
            [b'"', behind @ ..] => return behind,
            // A backslash takes what follows it along.
            [_, _, behind @ ..] => rest = behind,
            _ => break,
        }
    }
    &[]
}

/// A media type that is not JSON. A missing one is taken for JSON: old clients leave it out.
fn foreign_content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json =
        essence.is_empty() || essence == "application/json" || essence == "text/json" || essence.ends_with("+json");
    (!json).then_some(essence)
}

fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|coding| !coding.is_empty() && coding != "identity")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_size_is_told_without_reading_what_stands_in_texts() {
        let size = |text: &str| {
            let Size { depth, members } = Size::of(text.as_bytes());
            (depth, members)
        };
        assert_eq!(size("{}"), (1, 1));
        assert_eq!(size(r#"{"a": [1, 2, {"b": null}], "c": 1}"#), (3, 6));
        assert_eq!(size(r#"{"a": "[[[{{{,,,\\\"[[["}"#), (1, 1));
        assert_eq!(size(r#"{"a\\": [[1]]}"#), (3, 3), "a backslash of its own ends nothing");
        assert_eq!(size("]]]][["), (2, 2));
    }

    #[test]
    fn limits_are_exact_and_told() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(json(nested(MAX_DEPTH).as_bytes()).is_ok());
        let fault = json(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err();
        assert_eq!(fault.detail, "the body is nested more than 64 levels deep; send a flatter one");
        let entries = |entries: usize| json!(vec![0; entries]).to_string();
        assert!(json(entries(MAX_MEMBERS).as_bytes()).is_ok());
        let fault = json(entries(MAX_MEMBERS + 1).as_bytes()).unwrap_err();
        assert_eq!(fault.detail, "the body has more than 20000 members and entries; send fewer at a time");
    }
}
