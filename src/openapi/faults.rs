//! Every fault in every dialect, as clients are told it: encoded by the dialect, or its golden file.

use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::{Map, Value, json};

use super::operation::{JSON, Operation, component};
use super::{ANSWER, schema};
use crate::dialect::{self, Dialect, Speaker, golden_faults};
use crate::model::{Fault, FaultKind, Verdict};

/// What may go wrong wherever a client calls.
const GENERAL: &[FaultKind] = &[
    FaultKind::MalformedBody,
    FaultKind::WrongContentType,
    FaultKind::BodyTooLarge,
    FaultKind::BodyTimeout,
    FaultKind::MissingMember,
    FaultKind::InvalidMember,
    FaultKind::TooLong,
    FaultKind::Unauthenticated,
    FaultKind::Forbidden,
    FaultKind::NotFound,
    FaultKind::MethodNotAllowed,
    FaultKind::RateLimited,
    FaultKind::Overloaded,
    FaultKind::StoreUnavailable,
    FaultKind::Internal,
];

/// A fault as a dialect tells it.
struct Told {
    kind: FaultKind,
    status: u16,
    headers: HeaderMap,
    body: Value,
}

/// Every fault as a dialect tells it.
pub struct Faults {
    dialect: &'static dyn Dialect,
    all: Vec<Told>,
}

impl Faults {
    /// Asks the dialect.
    pub fn of(dialect: &'static dyn Dialect) -> Self {
        let golden = golden_faults(dialect);
        let tell = |&kind: &FaultKind| {
            let response = told(dialect, kind);
            let status = response.status().as_u16();
            let same = golden.iter().find(|file| file.encodes && file.kind == Some(kind) && file.status == status);
            let body = same.map_or_else(|| parsed(&response), |file| file.body.clone());
            Told { kind, status, headers: response.headers().clone(), body }
        };
        Self { dialect, all: FaultKind::ALL.iter().map(tell).collect() }
    }

    /// Adds what may go wrong to an operation: anything at a send, elsewhere what may go wrong everywhere.
    pub fn add_to(&self, operation: &mut Operation, is_send: bool) {
        for told in self.all.iter().filter(|told| is_send || GENERAL.contains(&told.kind)) {
            let name = self.name(told.kind);
            let answer = operation.answer(told.status);
            answer.body(JSON, component("schemas", &format!("{}.Fault", self.dialect.name())));
            answer.example(&name, component("examples", &name)).headers(&told.headers);
            answer.header("retry-after", wait());
        }
    }

    /// The examples, for the document's components.
    pub fn examples(&self) -> impl Iterator<Item = (String, Value)> + '_ {
        let example = |told: &Told| json!({ "summary": told.kind.meaning(), "value": told.body });
        self.all.iter().map(move |told| (self.name(told.kind), example(told)))
    }

    /// The form that all of them have.
    pub fn schema(&self) -> Value {
        schema::of(self.all.iter().map(|told| &told.body))
    }

    /// The table: each kind with its status, and whether the same request may succeed later.
    pub fn table(&self) -> Value {
        let row = |told: &Told| {
            json!({
                "kind": told.kind.code(),
                "status": told.status,
                "verdict": told.kind.verdict(),
                "meaning": told.kind.meaning(),
            })
        };
        self.all.iter().map(row).collect()
    }

    fn name(&self, kind: FaultKind) -> String {
        format!("{}.{}", self.dialect.name(), kind.code())
    }
}

/// As a client hears it: that the gateway's own account is at fault is kept from clients.
fn told(dialect: &'static dyn Dialect, kind: FaultKind) -> Response<Bytes> {
    let detail = kind.meaning().trim_end_matches('.');
    let fault = match kind.verdict() {
        Verdict::Credential => Fault::upstream(kind, detail),
        _ => Fault::client(kind, detail),
    };
    Speaker::of(dialect).encode_fault(&fault, &ANSWER)
}

fn parsed(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

fn wait() -> Value {
    json!({ "description": "Seconds to wait, where that is known", "schema": { "type": "integer", "minimum": 1 } })
}

/// The stable codes, for the admin API.
pub fn codes() -> Value {
    FaultKind::ALL.iter().map(|kind| kind.code()).collect()
}

/// The tables of all dialects.
pub fn tables() -> Value {
    let table = |&dialect: &&'static dyn Dialect| (dialect.name().to_owned(), Faults::of(dialect).table());
    Value::Object(dialect::all().iter().map(table).collect::<Map<_, _>>())
}
