//! The gateway described in OpenAPI 3.1, made from the code: nothing in it is written down twice.
//!
//! - What clients call stands in `catalogue`; which dialects have it, and what they take and answer, is asked of the
//!   dialects (`clients`). Examples are the golden files. Schemas are drawn from those (`schema`), and their limits are
//!   what the decoders refuse (`trial`).
//! - What may go wrong is every fault, encoded by every dialect (`faults`).
//! - What providers, operators and machines call stands in `operators.json`, because it has no dialect to be asked.
//!
//! A new path wants a row in the catalogue or an entry in `operators.json`; a test compares both with the router.

mod catalogue;
mod clients;
mod faults;
mod operation;
mod page;
mod schema;
mod trial;

use std::sync::OnceLock;

use operation::Operation;
pub use page::{page, pages};
use serde_json::{Map, Value, json};
use time::macros::datetime;
use uuid::Uuid;

use crate::dialect::{self, Answer, CredentialForm, Dialect};
use crate::model::{EventKind, State, TransactionId};

/// The part that has no dialect.
const OPERATORS: &str = include_str!("operators.json");

/// The transaction and the hour of all examples.
const ANSWER: Answer = Answer {
    transaction: TransactionId(Uuid::from_u128(0x0199_c0de_7a11_7000_8000_2b7e_1c90_5d44)),
    at: datetime!(2026-09-21 14:15:23 UTC),
    pace: None,
};

/// The document. It is made once, when it is first asked for.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut parts = Parts::default();
        clients::add_to(&mut parts);
        parts.add_operators();
        parts.finish()
    })
}

/// The document as it is put together.
#[derive(Default)]
pub struct Parts {
    paths: Map<String, Value>,
    components: Map<String, Value>,
}

impl Parts {
    /// Adds an operation.
    fn add(&mut self, method: &str, path: &str, operation: &Operation) {
        let id: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let method = method.to_ascii_lowercase();
        let written = operation.write(&format!("{method}{}", id.trim_end_matches('_')));
        if let Some(operations) = place(&mut self.paths, path) {
            operations.insert(method, written);
        }
    }

    /// Adds a component.
    fn component(&mut self, of: &str, name: String, component: Value) {
        if let Some(components) = place(&mut self.components, of) {
            components.insert(name, component);
        }
    }

    /// Adds what providers, operators and machines call, with the names that the code has for states, events and faults.
    fn add_operators(&mut self) {
        let operators: Map<String, Value> = serde_json::from_str(OPERATORS).unwrap_or_default();
        let members = |name: &str| operators.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        self.paths.extend(members("paths"));
        for (name, schema) in members("schemas") {
            self.component("schemas", name, schema);
        }
        let states: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        self.component("schemas", "State".to_owned(), json!({ "type": "string", "enum": states }));
        let events: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        self.component("schemas", "EventKind".to_owned(), json!({ "type": "string", "enum": events }));
        self.component("schemas", "FaultKind".to_owned(), json!({ "type": "string", "enum": faults::codes() }));
    }

    fn finish(mut self) -> Value {
        self.components.insert("securitySchemes".to_owned(), security_schemes());
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Sabir",
                "version": env!("CARGO_PKG_VERSION"),
                "summary": "One address for every dialect of business messaging",
                "description": "Each client is answered in its own dialect, whatever the provider speaks.",
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            "tags": tags(),
            "paths": self.paths,
            "components": self.components,
            "x-sabir-faults": faults::tables(),
        })
    }
}

fn place<'a>(map: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    map.entry(name).or_insert_with(|| json!({})).as_object_mut()
}

fn tags() -> Value {
    let of = |dialect: &&'static dyn Dialect| json!({ "name": dialect.name(), "description": "A dialect of clients" });
    let providers =
        json!({ "name": "providers", "description": "Where they ask for the address, and tell what happens" });
    let operators = json!({ "name": "operators", "description": "The record, and what the sandbox got" });
    let machines = json!({ "name": "machines", "description": "Probes, measurements, this document" });
    dialect::all().iter().map(of).chain([providers, operators, machines]).collect()
}

/// The forms of a key that every dialect's path takes: one of them is enough.
fn client_security() -> Vec<Value> {
    CredentialForm::ALL.iter().map(|form| json!({ form.header(): [] })).collect()
}

fn security_schemes() -> Value {
    let scheme = |form: &CredentialForm| {
        let scheme = match form {
            CredentialForm::Bearer => json!({ "type": "http", "scheme": "bearer" }),
            form => json!({ "type": "apiKey", "in": "header", "name": form.header() }),
        };
        (form.header().to_owned(), scheme)
    };
    let admin = json!({ "type": "http", "scheme": "bearer", "description": "The admin token" });
    let login = json!({ "type": "http", "scheme": "basic", "description": "Any name, and the account's key" });
    let others = [("admin".to_owned(), admin), ("login".to_owned(), login)];
    Value::Object(CredentialForm::ALL.iter().map(scheme).chain(others).collect())
}

/// Headers of every answer to a send.
fn send_headers() -> [(&'static str, Value); 2] {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    [
        ("sabir-transaction-id", text("The transaction on the record")),
        ("server-timing", text("How long the upstream took, and the gateway without it")),
    ]
}
