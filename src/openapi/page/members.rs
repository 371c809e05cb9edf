//! Schemas and parameters as tables: a row for each member, with its path.

use serde_json::Value;

use super::{code, escape, members_of, text};

/// Parameters of an operation; nothing where it has none.
pub fn parameters(parameters: Option<&Value>) -> String {
    let parameters = parameters.and_then(Value::as_array).into_iter().flatten();
    let row = |parameter: &Value| {
        let schema = parameter.get("schema").unwrap_or(&Value::Null);
        let place = format!("{} in the {}", kind(schema), text(parameter, "in"));
        let example = parameter.get("example").map(|example| code(plain(example))).unwrap_or_default();
        let said = escape(text(parameter, "description"));
        format!("<tr><th scope=\"row\">{}<td>{place}<td>{said} {example}\n", code(text(parameter, "name")))
    };
    let rows: String = parameters.map(row).collect();
    if rows.is_empty() { rows } else { format!("<table><caption>Parameters</caption>{rows}</table>\n") }
}

/// The members of a schema, those of members in it included.
pub fn table(schema: &Value) -> String {
    let mut rows = String::new();
    walk(schema, "", true, &mut rows);
    format!("<table>{rows}</table>")
}

fn walk(schema: &Value, path: &str, is_required: bool, rows: &mut String) {
    if !path.is_empty() {
        let needed = if is_required { "required" } else { "" };
        rows.push_str(&format!("<tr><th scope=\"row\">{}<td>{}<td>{needed}\n", code(path), kind(schema)));
    }
    let required = schema.get("required").and_then(Value::as_array);
    for (name, member) in members_of(schema.get("properties")) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let is_required = required.is_some_and(|required| required.iter().any(|known| known == name));
        walk(member, &path, is_required, rows);
    }
    if let Some(entry) = schema.get("items") {
        walk(entry, &format!("{path}[]"), false, rows);
    }
}

/// Type and limits: `string, 1 to 4096 characters`.
fn kind(schema: &Value) -> String {
    if let Some(name) = text(schema, "$ref").rsplit('/').next().filter(|name| !name.is_empty()) {
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(|word| code(plain(word))).collect::<Vec<_>>().join(" or ");
    }
    let of = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().map(plain).collect::<Vec<_>>().join(" or "),
        Some(name) => plain(name),
        None => "anything".to_owned(),
    };
    [of].into_iter().chain(limits(schema)).collect::<Vec<_>>().join(", ")
}

fn limits(schema: &Value) -> Option<String> {
    let limit = |name: &str| schema.get(name).and_then(Value::as_u64);
    let (least, most) = (limit("minLength").or(limit("minItems")), limit("maxLength").or(limit("maxItems")));
    let what = if schema.get("items").is_some() { "entries" } else { "characters" };
    match (least, most) {
        (None, None) => None,
        (Some(_), None) => Some("not empty".to_owned()),
        (None, Some(most)) => Some(format!("at most {most} {what}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most} {what}")),
    }
}

/// A text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
