//! The golden files, and the transaction, target and hour at which all of them are written.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use http::{HeaderMap, Method};
use sabir::dialect::{Answer, Call, Dialect, Target};
use sabir::model::TransactionId;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

pub const SENDER: &str = "442079460000";
const NOW: i64 = 1_790_000_123;

pub fn transaction() -> TransactionId {
    "0199c0de-7a11-7000-8000-2b7e1c905d44".parse().unwrap()
}

pub fn target() -> Target<'static> {
    Target { correlation: Some(transaction()), sender: Some(SENDER), ..Target::default() }
}

pub fn answer() -> Answer {
    Answer { transaction: transaction(), at: OffsetDateTime::from_unix_timestamp(NOW).unwrap(), pace: None }
}

/// A request as it stands in a golden file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: Value,
}

impl Wire {
    pub fn call(&self) -> Call {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        Call { method, path: self.path.clone(), headers, body: self.body.clone() }
    }
}

/// A dialect's golden files whose names begin so, in the order of their names.
pub fn fixtures(dialect: &dyn Dialect, prefix: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/dialect")
        .join(dialect.name().replace('-', "_"))
        .join("fixtures");
    let mut found: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = fs::read_to_string(entry.path()).unwrap();
            let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, value)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}
