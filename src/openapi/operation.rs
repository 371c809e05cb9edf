//! One operation of the document, as it is put together: a shared path gathers what several dialects say of it.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::{Map, Value, json};

/// What a path and a method do.
#[derive(Debug, Default)]
pub struct Operation {
    /// In one line.
    pub summary: String,
    /// The dialects that have it.
    pub tags: Vec<&'static str>,
    /// Parameters in path and query.
    pub parameters: Vec<Value>,
    /// What is sent.
    pub request: Contents,
    /// Whether nothing may be sent too.
    pub may_be_empty: bool,
    /// Who may ask; nobody in particular where it is empty.
    pub security: Vec<Value>,
    /// What is answered, by status.
    pub answers: BTreeMap<u16, Answer>,
}

/// What is answered under one status.
#[derive(Debug, Default)]
pub struct Answer {
    contents: Contents,
    headers: Map<String, Value>,
}

/// Bodies by their type.
#[derive(Debug, Default)]
pub struct Contents(BTreeMap<String, Content>);

/// A body of one type.
#[derive(Debug, Default)]
struct Content {
    schemas: Vec<Value>,
    examples: Map<String, Value>,
}

impl Operation {
    /// The operation in OpenAPI's words.
    pub fn write(&self, id: &str) -> Value {
        let answers = self.answers.iter().map(|(status, answer)| (status.to_string(), answer.write(*status)));
        let mut written = json!({
            "operationId": id,
            "summary": self.summary,
            "tags": self.tags,
            "parameters": self.parameters,
            "security": self.security,
            "responses": answers.collect::<Map<_, _>>(),
        });
        if let (Some(written), false) = (written.as_object_mut(), self.request.0.is_empty()) {
            let request = json!({ "required": !self.may_be_empty, "content": self.request.write() });
            written.insert("requestBody".to_owned(), request);
        }
        written
    }

    /// The answer under a status.
    pub fn answer(&mut self, status: u16) -> &mut Answer {
        self.answers.entry(status).or_default()
    }
}

impl Answer {
    /// Adds a body.
    pub fn body(&mut self, mime_type: &str, schema: Value) -> &mut Self {
        self.contents.schema(mime_type, schema);
        self
    }

    /// Adds an example of the JSON body.
    pub fn example(&mut self, name: &str, example: Value) -> &mut Self {
        self.contents.example(name, example);
        self
    }

    /// Adds headers that tell something.
    pub fn headers(&mut self, headers: &HeaderMap) {
        let telling = headers.iter().filter(|(name, _)| !["content-type", "content-length"].contains(&name.as_str()));
        for (name, value) in telling {
            let example = value.to_str().unwrap_or_default();
            self.header(name.as_str(), json!({ "schema": { "type": "string" }, "example": example }));
        }
    }

    /// Adds a header.
    pub fn header(&mut self, name: &str, described: Value) {
        self.headers.entry(name).or_insert(described);
    }

    fn write(&self, status: u16) -> Value {
        let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let mut written = Map::new();
        written.insert("description".to_owned(), json!(reason.unwrap_or("An answer")));
        if !self.headers.is_empty() {
            written.insert("headers".to_owned(), json!(self.headers));
        }
        if !self.contents.0.is_empty() {
            written.insert("content".to_owned(), self.contents.write());
        }
        Value::Object(written)
    }
}

impl Contents {
    /// Adds a form that bodies of a type have.
    pub fn schema(&mut self, mime_type: &str, schema: Value) {
        let content = self.0.entry(mime_type.to_owned()).or_default();
        if !content.schemas.contains(&schema) {
            content.schemas.push(schema);
        }
    }

    /// Adds an example in JSON.
    pub fn example(&mut self, name: &str, example: Value) {
        self.0.entry(JSON.to_owned()).or_default().examples.insert(name.to_owned(), example);
    }

    fn write(&self) -> Value {
        let written = self.0.iter().map(|(mime_type, content)| (mime_type.clone(), content.write()));
        Value::Object(written.collect())
    }
}

impl Content {
    fn write(&self) -> Value {
        let schema = match self.schemas.as_slice() {
            [schema] => schema.clone(),
            schemas => json!({ "anyOf": schemas }),
        };
        let mut written = json!({ "schema": schema });
        if let (Some(written), false) = (written.as_object_mut(), self.examples.is_empty()) {
            written.insert("examples".to_owned(), json!(self.examples));
        }
        written
    }
}

/// The type of most bodies.
pub const JSON: &str = "application/json";

/// A reference to a component.
pub fn component(of: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{of}/{name}") })
}
