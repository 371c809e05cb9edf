//! JSON Schemas, drawn from examples.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::trial::Facts;

/// What trials found out of each place: `/interactive/action/buttons/*/reply/id`.
pub type Findings = BTreeMap<String, Facts>;

/// The schema that every value fits; required is what each of them has.
pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Value {
    Sketch { findings: None }.of(&values.into_iter().collect::<Vec<_>>(), "")
}

/// The same, with what trials found out: required is only what is refused where it is missing, and limits are named.
pub fn tried<'a>(values: impl IntoIterator<Item = &'a Value>, findings: &Findings) -> Value {
    Sketch { findings: Some(findings) }.of(&values.into_iter().collect::<Vec<_>>(), "")
}

/// The type alone, and of an object the names of its members: for what clients may fill as they like.
pub fn outline(value: &Value) -> Value {
    let mut schema = of([value]);
    if let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        members.values_mut().for_each(|member| *member = json!({ "type": member.get("type") }));
    }
    schema
}

/// The place of a member, or of the entries of a list.
pub fn below(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}

struct Sketch<'a> {
    findings: Option<&'a Findings>,
}

impl Sketch<'_> {
    fn of(&self, values: &[&Value], place: &str) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), types(values));
        let objects: Vec<_> = values.iter().filter_map(|value| value.as_object()).collect();
        if !objects.is_empty() {
            self.describe_object(&objects, place, &mut schema);
        }
        let entries: Vec<_> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
        if !entries.is_empty() {
            schema.insert("items".to_owned(), self.of(&entries, &below(place, "*")));
        }
        if let Some(facts) = self.findings.and_then(|findings| findings.get(place)) {
            facts.describe(&mut schema);
        }
        Value::Object(schema)
    }

    fn describe_object(&self, objects: &[&Map<String, Value>], place: &str, schema: &mut Map<String, Value>) {
        let mut members: Map<String, Value> = Map::new();
        let mut required = Vec::new();
        for name in objects.iter().flat_map(|object| object.keys()) {
            if members.contains_key(name) {
                continue;
            }
            let place = below(place, name);
            let values: Vec<_> = objects.iter().filter_map(|object| object.get(name)).collect();
            if values.len() == objects.len() && self.is_required(&place) {
                required.push(name.clone());
            }
            members.insert(name.clone(), self.of(&values, &place));
        }
        schema.insert("properties".to_owned(), Value::Object(members));
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
    }

    fn is_required(&self, place: &str) -> bool {
        self.findings.is_none_or(|findings| findings.get(place).is_some_and(|facts| facts.is_required))
    }
}

/// The name of their type, or the list of their types.
fn types(values: &[&Value]) -> Value {
    let mut names: Vec<_> = values.iter().map(|value| type_of(value)).collect();
    names.sort_unstable();
    names.dedup();
    if names.contains(&"number") {
        names.retain(|name| *name != "integer");
    }
    match names.as_slice() {
        [name] => json!(name),
        names => json!(names),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_example_has_is_required_and_types_are_joined() {
        let schema = of(&[json!({ "a": 1, "b": "x" }), json!({ "a": 1.5, "c": [true, null] })]);
        let expected = json!({
            "type": "object",
            "properties": {
                "a": { "type": "number" },
                "b": { "type": "string" },
                "c": { "type": "array", "items": { "type": ["boolean", "null"] } },
            },
            "required": ["a"],
        });
        assert_eq!(schema, expected);
    }
}
