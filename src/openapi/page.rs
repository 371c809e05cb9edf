//! The document as pages for people: a page for each dialect, and one each for providers, operators and machines. They need
//! no script and nothing from elsewhere, so they are read where there is no network, and under the strictest policy. What
//! stands around them is that of all pages, and is put there where they are shown.

mod members;

use std::fmt::Display;

use serde_json::{Map, Value};

use super::document;

/// The page of a tag, or the first one; none where there is no such tag.
pub fn page(tag: Option<&str>) -> Option<String> {
    match tag {
        None => Some(first()),
        Some(tag) if pages().any(|name| name == tag) => Some(Page { tag }.write()),
        Some(_) => None,
    }
}

/// The names of the pages behind the first.
pub fn pages() -> impl Iterator<Item = &'static str> {
    tags().map(|(name, _)| name)
}

fn first() -> String {
    let rows: String = tags()
        .map(|(name, description)| {
            let paths = operations(name).map(|operation| operation.title()).collect::<Vec<_>>().join("<br>");
            format!("<tr><th scope=\"row\"><a href=\"/docs/{name}\">{name}</a><p>{description}</p><td>{paths}\n")
        })
        .collect();
    format!(
        "<h1>What may be called here</h1>\n<p>Made from the code, with the golden files of its tests as examples. \
         The same for programs: <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>\n\
         <p>A client's key goes into any of the headers <code>Authorization: Bearer</code>, <code>D360-API-KEY</code> and \
         <code>X-API-Key</code>, whatever the dialect.</p>\n<table>{rows}</table>\n"
    )
}

/// The page of a tag.
struct Page<'a> {
    tag: &'a str,
}

impl Page<'_> {
    fn write(&self) -> String {
        let operations: String = operations(self.tag).map(|operation| self.operation(&operation)).collect();
        let parts = [
            self.schemas(),
            self.examples("send", "Messages, for example"),
            self.examples("accepted", "Answers"),
            self.faults(),
        ];
        format!("<h1>{}</h1>\n{operations}{}", self.tag, parts.concat())
    }

    fn operation(&self, operation: &Operation<'_>) -> String {
        let answers = operation.answers().filter(|(_, answer)| self.gives(answer));
        let (taken, refused): (Vec<_>, Vec<_>) = answers.partition(|(status, _)| status.starts_with('2'));
        let taken: String = taken.into_iter().map(|(status, answer)| self.answer(status, answer)).collect();
        let refused: Vec<_> = refused.into_iter().map(|(status, answer)| self.refusal(status, answer)).collect();
        let errors = if refused.is_empty() { "none" } else { &refused.join(", ") };
        format!(
            "<section>\n<h2 id=\"{id}\">{}</h2>\n<p>{}.</p>\n{}{}<table><caption>Answers</caption>{taken}\
             <tr><th scope=\"row\">Errors<td>{errors}</table>\n</section>\n",
            operation.title(),
            escape(text(operation.said, "summary")),
            members::parameters(operation.said.get("parameters")),
            self.request(operation.said),
            id = escape(text(operation.said, "operationId")),
        )
    }

    /// Of a path that several dialects share, an answer with examples of others alone is theirs.
    fn gives(&self, answer: &Value) -> bool {
        let examples = answer.pointer("/content/application~1json/examples").and_then(Value::as_object);
        examples.is_none_or(|examples| examples.keys().any(|name| self.is_mine(name)))
    }

    /// A dialect's errors stand below, in one table for all its paths.
    fn refusal(&self, status: &str, answer: &Value) -> String {
        let example = answer.pointer("/content/application~1json/example").map(pre).unwrap_or_default();
        format!("{status} {}{example}", escape(text(answer, "description")))
    }

    /// Examples of sends stand below, because a dialect may have several paths for them.
    fn request(&self, said: &Value) -> String {
        let Some(Value::Object(contents)) = said.pointer("/requestBody/content") else { return String::new() };
        let types = contents.keys().map(code).collect::<Vec<_>>().join(" or ");
        format!("<p>Body: {types}</p>\n{}", contents.values().map(|content| self.inline(content)).collect::<String>())
    }

    fn answer(&self, status: &str, answer: &Value) -> String {
        let contents = answer.get("content").and_then(Value::as_object);
        let mine = contents.map(|contents| contents.values().map(|content| self.inline(content)).collect::<String>());
        format!(
            "<tr><th scope=\"row\">{status}<td>{}{}\n",
            escape(text(answer, "description")),
            mine.unwrap_or_default()
        )
    }

    /// This page's examples that stand nowhere else.
    fn inline(&self, content: &Value) -> String {
        let named = content.get("examples").and_then(Value::as_object).into_iter().flatten();
        let mine = named.filter(|(name, _)| self.is_mine(name)).filter_map(|(_, example)| example.get("value"));
        mine.chain(content.get("example")).map(pre).collect()
    }

    fn is_mine(&self, name: &str) -> bool {
        name.split('.').next() == Some(self.tag)
    }

    /// The schemas of the tag; those without a dialect are for operators.
    fn schemas(&self) -> String {
        let of_page = |name: &str| match name.split_once('.') {
            Some((dialect, _)) => dialect == self.tag,
            None => self.tag == "operators",
        };
        let schemas = components("schemas").filter(|(name, _)| of_page(name));
        let write = |(name, schema): (&String, &Value)| {
            let title = name.split_once('.').map_or(name.as_str(), |(_, title)| title);
            format!("<details id=\"{name}\"><summary>{title}</summary>{}</details>\n", members::table(schema))
        };
        section("Members", &schemas.map(write).collect::<String>())
    }

    fn examples(&self, kind: &str, title: &str) -> String {
        let prefix = format!("{}.{kind}.", self.tag);
        let mine = components("examples").filter_map(|(name, example)| Some((name.strip_prefix(&prefix)?, example)));
        let write = |(name, example): (&str, &Value)| {
            let shown = example.get("value").map(pre).unwrap_or_default();
            format!("<details><summary>{}</summary>{shown}</details>\n", escape(&name.replace('_', " ")))
        };
        section(title, &mine.map(write).collect::<String>())
    }

    fn faults(&self) -> String {
        let table = document().pointer("/x-sabir-faults").and_then(|tables| tables.get(self.tag)?.as_array());
        let rows: String = table.into_iter().flatten().map(|fault| self.fault(fault)).collect();
        let head = "<tr><th scope=\"col\">Kind<th scope=\"col\">Status<th scope=\"col\">The same request<th scope=\"col\">Means";
        section("Errors", &if rows.is_empty() { rows } else { format!("<table>{head}\n{rows}</table>\n") })
    }

    fn fault(&self, fault: &Value) -> String {
        let kind = text(fault, "kind");
        let name = format!("{}.{kind}", self.tag);
        let example = components("examples").find(|(known, _)| **known == name);
        let body = example.and_then(|(_, example)| example.get("value")).map(pre).unwrap_or_default();
        let status = fault.get("status").map(Value::to_string).unwrap_or_default();
        let (meaning, verdict) = (escape(text(fault, "meaning")), again(text(fault, "verdict")));
        format!(
            "<tr id=\"{name}\"><th scope=\"row\">{}<td>{status}<td>{verdict}\
             <td>{meaning}<details><summary>Body</summary>{body}</details>\n",
            code(kind)
        )
    }
}

/// What a verdict means to a client.
fn again(verdict: &str) -> &str {
    match verdict {
        "permanent" => "fails again",
        "transient" => "may succeed later",
        "rate" => "slow down, then repeat",
        "credential" => "fails until the operator acts",
        "ambiguous" => "may have gone out: as accepted",
        other => other,
    }
}

/// An operation of the document.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    said: &'a Value,
}

impl Operation<'_> {
    fn title(&self) -> String {
        format!("<code><b>{}</b> {}</code>", self.method.to_ascii_uppercase(), escape(self.path))
    }

    fn answers(&self) -> impl Iterator<Item = (&String, &Value)> {
        members_of(self.said.get("responses"))
    }
}

/// The operations of a tag.
fn operations(tag: &str) -> impl Iterator<Item = Operation<'static>> {
    let paths = members_of(document().get("paths"));
    let all = paths
        .flat_map(|(path, item)| members_of(Some(item)).map(move |(method, said)| Operation { method, path, said }));
    all.filter(move |operation| {
        let mut tags = operation.said.get("tags").and_then(Value::as_array).into_iter().flatten();
        tags.any(|name| name.as_str() == Some(tag))
    })
}

fn tags() -> impl Iterator<Item = (&'static str, &'static str)> {
    let tags = document().get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.map(|tag| (text(tag, "name"), text(tag, "description")))
}

fn components(of: &str) -> impl Iterator<Item = (&'static String, &'static Value)> {
    members_of(document().get("components").and_then(|components| components.get(of)))
}

fn members_of(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn section(title: &str, inside: &str) -> String {
    if inside.is_empty() { String::new() } else { format!("<section>\n<h2>{title}</h2>\n{inside}</section>\n") }
}

fn code(shown: impl Display) -> String {
    format!("<code>{}</code>", escape(&shown.to_string()))
}

fn pre(value: &Value) -> String {
    format!("<pre tabindex=\"0\">{}</pre>", escape(&serde_json::to_string_pretty(value).unwrap_or_default()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_has_a_page_that_is_small_and_asks_for_nothing_from_elsewhere() {
        for tag in [None].into_iter().chain(tags().map(|(name, _)| Some(name))) {
            let page = page(tag).unwrap();
            assert!(page.len() < 200_000, "{tag:?} has {} bytes", page.len());
            for foreign in ["<script", "src=", "style=", "href=\"http", "@import"] {
                assert!(!page.contains(foreign), "{tag:?} has {foreign}");
            }
        }
        assert_eq!(page(Some("nothing")), None);
    }

    #[test]
    fn every_operation_and_fault_of_a_tag_is_on_its_page() {
        for (tag, _) in tags() {
            let page = page(Some(tag)).unwrap();
            assert!(operations(tag).all(|operation| page.contains(&operation.title())), "{tag}");
            let faults = document().pointer("/x-sabir-faults").unwrap().get(tag).and_then(Value::as_array);
            let mut kinds = faults.into_iter().flatten().map(|fault| text(fault, "kind"));
            assert!(kinds.all(|kind| page.contains(&format!("id=\"{tag}.{kind}\""))), "{tag}");
        }
    }
}
