//! What clients call: the catalogue's rows, each asked of every dialect.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::catalogue::{Purpose, ROWS, Row};
use super::faults::Faults;
use super::operation::{Contents, JSON, Operation, component};
use super::{ANSWER, Parts, schema, trial};
use crate::dialect::{
    self, Call, Dialect, FileFacts, GoldenAnswer, GoldenSend, MediaAnswer, MediaCall, SENDER, Serving, UploadForm,
    Wire, golden_receipts, golden_sends,
};
use crate::model::{CheckedContact, Kind, Manner, Served, Service};

/// A file of the examples.
const FILE: FileFacts<'static> = FileFacts {
    id: "4410099887766",
    mime_type: "image/jpeg",
    filename: Some("bay.jpg"),
    size: 184_220,
    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
};
/// Where the gateway of the examples is.
const ORIGIN: &str = "https://gateway.example.net";
/// A credential of a log-in, in HTTP's Basic form, which is no key: dialects only look whether one is there.
const LOGIN: &str = "Basic c2hvcDpzZWNyZXQ=";

/// One dialect, and what is drawn of it once.
struct Client {
    dialect: &'static dyn Dialect,
    sends: Vec<GoldenSend>,
    faults: Faults,
}

/// Adds every operation of the catalogue, with its components.
pub fn add_to(parts: &mut Parts) {
    let clients: Vec<_> = dialect::all().iter().map(|&dialect| Client::of(dialect)).collect();
    clients.iter().for_each(|client| client.add_components(parts));
    for row in ROWS {
        let summary = row.summary.to_owned();
        let mut operation = Operation { summary, security: super::client_security(), ..Operation::default() };
        clients.iter().for_each(|client| client.add_to(row, &mut operation));
        operation.parameters = parameters(row);
        parts.add(row.method, row.path, &operation);
    }
}

impl Client {
    fn of(dialect: &'static dyn Dialect) -> Self {
        Self { dialect, sends: golden_sends(dialect), faults: Faults::of(dialect) }
    }

    fn name(&self, what: &str) -> String {
        format!("{}.{what}", self.dialect.name())
    }

    fn add_components(&self, parts: &mut Parts) {
        let receipts = golden_receipts(self.dialect);
        self.add_schemas(&receipts, parts);
        self.add_examples(&receipts, parts);
    }

    fn add_schemas(&self, receipts: &[GoldenAnswer], parts: &mut Parts) {
        for (kind, requests) in self.by_kind() {
            let findings = trial::findings(self.dialect, &requests);
            let drawn = schema::tried(requests.iter().map(|request| &request.body), &findings);
            parts.component("schemas", self.name(kind.as_str()), drawn);
        }
        parts.component("schemas", self.name("Accepted"), schema::of(receipts.iter().map(|receipt| &receipt.body)));
        parts.component("schemas", self.name("Fault"), self.faults.schema());
    }

    fn add_examples(&self, receipts: &[GoldenAnswer], parts: &mut Parts) {
        for send in &self.sends {
            let example = json!({ "summary": send.name.replace('_', " "), "value": send.request.body });
            parts.component("examples", self.name(&format!("send.{}", send.name)), example);
        }
        for receipt in receipts {
            let example = json!({ "summary": receipt.name.replace('_', " "), "value": receipt.body });
            parts.component("examples", self.name(&format!("accepted.{}", receipt.name)), example);
        }
        self.faults.examples().for_each(|(name, example)| parts.component("examples", name, example));
    }

    /// The golden requests of each kind, in the order of their first.
    fn by_kind(&self) -> Vec<(Kind, Vec<&Wire>)> {
        let mut kinds: Vec<(Kind, Vec<&Wire>)> = Vec::new();
        for send in &self.sends {
            let Some(kind) = self.kind(&send.request) else { continue };
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, requests)) => requests.push(&send.request),
                None => kinds.push((kind, vec![&send.request])),
            }
        }
        kinds
    }

    fn kind(&self, request: &Wire) -> Option<Kind> {
        self.dialect.decode_send(request.call()).ok().map(|decoded| decoded.value.kind())
    }

    /// Adds what this dialect says of a row, where it has it.
    fn add_to(&self, row: &Row, operation: &mut Operation) {
        let has_it = self.dialect.serves(row.called)
            && match row.purpose {
                Purpose::Send => self.add_send(row, operation),
                Purpose::Service => self.add_service(row, operation),
                Purpose::Media => self.add_media(row, operation),
            };
        if has_it {
            operation.tags.push(self.dialect.name());
            self.faults.add_to(operation, row.purpose == Purpose::Send);
        }
    }

    fn add_send(&self, row: &Row, operation: &mut Operation) -> bool {
        let taken: Vec<_> = self.sends.iter().filter(|send| self.takes(row, &send.request)).collect();
        for send in &taken {
            let name = self.name(&format!("send.{}", send.name));
            if let Some(kind) = self.kind(&send.request) {
                operation.request.schema(JSON, component("schemas", &self.name(kind.as_str())));
            }
            operation.request.example(&name, component("examples", &name));
        }
        if taken.is_empty() {
            return false;
        }
        for receipt in golden_receipts(self.dialect) {
            let name = self.name(&format!("accepted.{}", receipt.name));
            let answer = operation.answer(receipt.status);
            answer.body(JSON, component("schemas", &self.name("Accepted")));
            answer.example(&name, component("examples", &name));
            super::send_headers().into_iter().for_each(|(name, header)| answer.header(name, header));
        }
        operation.answer(200).body(JSON, component("schemas", "DryRun"));
        true
    }

    /// Whether the dialect reads a golden request on this path too.
    fn takes(&self, row: &Row, request: &Wire) -> bool {
        let call = Call { path: row.called.to_owned(), ..request.call() };
        request.method == row.method && self.dialect.decode_send(call).is_ok()
    }

    fn add_service(&self, row: &Row, operation: &mut Operation) -> bool {
        let body: Value = serde_json::from_str(row.body).unwrap_or(Value::Null);
        let headers = [(header::AUTHORIZATION, LOGIN)];
        let Some(service) = self.dialect.decode_service(&call(row, &headers, body.clone())) else { return false };
        if !body.is_null() {
            operation.request.schema(JSON, json!({ "type": "object" }));
            operation.request.example(&self.name("example"), json!({ "value": body }));
        }
        if matches!(service, Ok(Service::Login(_))) {
            operation.security = self.security_of_login(row, &body);
        }
        let served = service.map(|service| served(&service)).unwrap_or_default();
        for served in &served {
            let manner = Manner::default();
            let serving = Serving { answer: ANSWER, served, manner: &manner, sender: Some(SENDER) };
            self.add_answer(&self.dialect.encode_served(&serving), operation);
        }
        true
    }

    /// Name and password stand in the header, or else in the body.
    fn security_of_login(&self, row: &Row, body: &Value) -> Vec<Value> {
        let without_header = self.dialect.decode_service(&call(row, &[], body.clone()));
        let is_in_header = without_header.is_some_and(|service| service.is_err());
        is_in_header.then(|| json!({ "login": [] })).into_iter().collect()
    }

    fn add_media(&self, row: &Row, operation: &mut Operation) -> bool {
        let forms = ["multipart/form-data; boundary=x", "image/jpeg"];
        let calls = forms.map(|form| call(row, &[(header::CONTENT_TYPE, form)], Value::Null));
        let asked: Vec<_> = calls.iter().filter_map(|call| self.dialect.decode_media_call(call)?.ok()).collect();
        for asked in &asked {
            add_upload(asked, &mut operation.request);
            let answer = match asked {
                MediaCall::Upload(_) => MediaAnswer::Uploaded(FILE.id),
                MediaCall::Describe(_) => MediaAnswer::Described { file: FILE, origin: ORIGIN },
                MediaCall::Download(_) => MediaAnswer::Downloaded(FILE),
                MediaCall::Delete(_) => MediaAnswer::Deleted,
            };
            self.add_answer(&self.dialect.encode_media_answer(&answer), operation);
        }
        !asked.is_empty()
    }

    /// What is not JSON is a file, or nothing.
    fn add_answer(&self, response: &Response<bytes::Bytes>, operation: &mut Operation) {
        let answer = operation.answer(response.status().as_u16());
        answer.headers(response.headers());
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match serde_json::from_slice::<Value>(response.body()) {
            Ok(body) => {
                let name = self.name(&format!("example_{}", response.status().as_u16()));
                answer.body(JSON, schema::outline(&body)).example(&name, json!({ "value": body }));
            }
            Err(_) if content_type.is_some() => drop(answer.body("*/*", json!({}))),
            Err(_) => {}
        }
    }
}

fn add_upload(asked: &MediaCall, request: &mut Contents) {
    match asked {
        MediaCall::Upload(UploadForm::Parts { file, mime_type, .. }) => {
            let bytes = json!({ "type": "string", "contentMediaType": "application/octet-stream" });
            let parts = json!({ *file: bytes, *mime_type: { "type": "string" } });
            let form = json!({ "type": "object", "properties": parts, "required": [file, mime_type] });
            request.schema("multipart/form-data", form);
        }
        MediaCall::Upload(UploadForm::Bare { .. }) => request.schema("*/*", json!({})),
        _ => {}
    }
}

fn call(row: &Row, headers: &[(HeaderName, &'static str)], body: Value) -> Call {
    let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    Call {
        method: Method::try_from(row.method).unwrap_or_default(),
        path: row.called.to_owned(),
        headers: HeaderMap::from_iter(headers),
        body,
    }
}

/// What may come of a call; nothing but faults of what is refused.
fn served(service: &Service) -> Vec<Served> {
    match service {
        Service::Login(_) => {
            let token = SecretString::from("the token".to_owned());
            vec![Served::LoggedIn { token, expires_at: ANSWER.at + Duration::from_secs(86_400) }, Served::LoginRefused]
        }
        Service::Logout | Service::Clear(_) | Service::Nothing => vec![Served::Done],
        Service::CheckContacts(inputs) => {
            vec![Served::Contacts(inputs.iter().cloned().map(CheckedContact::new).collect())]
        }
        Service::Health => vec![Served::Health { ready: true }],
        Service::Profile => vec![Served::Profile("shop".to_owned())],
        Service::Statistics => vec![Served::Statistics],
        Service::Templates => vec![Served::Templates],
        Service::Read(setting) => vec![Served::Setting(*setting, None)],
        Service::Change(setting, value) => vec![Served::Changed(*setting, value.clone())],
        Service::Refuse(_) => Vec::new(),
    }
}

/// Those in the path with the value of the row's call, and the query's of sends.
fn parameters(row: &Row) -> Vec<Value> {
    let pairs = row.path.split('/').zip(row.called.split('/'));
    let named = pairs.filter_map(|(segment, value)| Some((segment.strip_prefix('{')?.strip_suffix('}')?, value)));
    let in_path = named.map(|(name, value)| path_parameter(name, value));
    let in_query = (row.purpose == Purpose::Send).then(|| {
        json!({
            "name": "dry_run", "in": "query", "schema": { "type": "boolean" },
            "description": "Answer with what would be sent, and send nothing",
        })
    });
    in_path.chain(in_query).collect()
}

fn path_parameter(name: &str, value: &str) -> Value {
    let pattern = match name {
        "version" => "^v[0-9]{1,3}\\.[0-9]{1,2}$",
        "phone_number_id" | "media_id" => "^[0-9]{5,20}$",
        _ => "^[A-Za-z0-9][A-Za-z0-9_.=-]*$",
    };
    let mut parameter = Map::new();
    parameter.insert("name".to_owned(), json!(name));
    parameter.insert("in".to_owned(), json!("path"));
    parameter.insert("required".to_owned(), json!(true));
    parameter.insert("schema".to_owned(), json!({ "type": "string", "pattern": pattern }));
    if !value.starts_with('{') {
        parameter.insert("example".to_owned(), json!(value));
    }
    Value::Object(parameter)
}
