//! The golden files, compiled in: what is tested is what the documents show.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::Value;

use super::{Call, Dialect};
use crate::model::FaultKind;

/// Dialect, name and text of each.
const FILES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/golden.rs"));

/// A request as the vendor documents it.
#[derive(Debug)]
pub struct GoldenSend {
    /// The sample that it says: `image_by_link`.
    pub name: &'static str,
    /// The request.
    pub request: Wire,
}

/// A request on the wire.
#[derive(Debug, Deserialize)]
pub struct Wire {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The headers that tell something.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Value,
}

/// An answer as the vendor documents it.
#[derive(Debug, Deserialize)]
pub struct GoldenAnswer {
    /// The name of the case: `window_closed`.
    #[serde(skip)]
    pub name: &'static str,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// What went wrong; none where the request was taken.
    pub kind: Option<FaultKind>,
    /// Whether clients get it. Some are only ever heard from upstreams.
    #[serde(default = "yes")]
    pub encodes: bool,
}

fn yes() -> bool {
    true
}

impl Wire {
    /// As a client's call.
    pub fn call(&self) -> Call {
        let header = |(name, value): (&String, &String)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        };
        Call {
            method: Method::try_from(self.method.as_str()).unwrap_or(Method::POST),
            path: self.path.clone(),
            headers: self.headers.iter().filter_map(header).collect::<HeaderMap>(),
            body: self.body.clone(),
        }
    }
}

#[derive(Deserialize)]
struct SendFile {
    request: Wire,
}

/// The golden requests of a dialect.
pub fn golden_sends(dialect: &dyn Dialect) -> Vec<GoldenSend> {
    let read = |(name, text)| {
        let file: SendFile = serde_json::from_str(text).ok()?;
        Some(GoldenSend { name, request: file.request })
    };
    files(dialect, "send.").chain(files(dialect, "decode.")).filter_map(read).collect()
}

/// The golden answers of a dialect to requests that it took.
pub fn golden_receipts(dialect: &dyn Dialect) -> Vec<GoldenAnswer> {
    files(dialect, "accepted.").filter_map(answer).collect()
}

/// The golden answers of a dialect to requests that failed.
pub fn golden_faults(dialect: &dyn Dialect) -> Vec<GoldenAnswer> {
    files(dialect, "fault.").filter_map(answer).collect()
}

fn answer((name, text): (&'static str, &str)) -> Option<GoldenAnswer> {
    let answer: GoldenAnswer = serde_json::from_str(text).ok()?;
    Some(GoldenAnswer { name, ..answer })
}

fn files(dialect: &dyn Dialect, prefix: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = FILES.iter().filter(|(of, ..)| *of == dialect.name());
    files.filter_map(move |(_, name, text)| Some((name.strip_prefix(prefix)?, *text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect;

    #[test]
    fn every_golden_file_is_read() {
        for (of, name, text) in FILES {
            let dialect = dialect::named(of).unwrap_or_else(|| panic!("{of} is no dialect"));
            let is_read = match name.split_once('.').unwrap() {
                ("send" | "decode", name) => golden_sends(dialect).iter().any(|send| send.name == name),
                ("accepted", name) => golden_receipts(dialect).iter().any(|answer| answer.name == name),
                (_, name) => golden_faults(dialect).iter().any(|answer| answer.name == name),
            };
            assert!(is_read, "{of} {name}: {text}");
        }
        assert!(dialect::all().iter().all(|&dialect| !golden_sends(dialect).is_empty()));
    }
}
