//! JSON as people read it: indented, its parts told apart, members of interest marked; never more than a page holds.

use askama::filters::{Html, escape};
use serde_json::Value;

/// Bytes of a text that are shown at most.
const MOST: usize = 24 * 1024;

/// A body on a page.
pub struct Shown {
    /// As HTML of ours.
    pub html: String,
    /// Whether there is more than is shown.
    pub is_cut: bool,
}

/// A value.
pub fn value(value: &Value) -> Shown {
    marked(value, &[])
}

/// A value with the members of these paths marked: `text.body`, `contacts[0].name`.
pub fn marked(value: &Value, members: &[&str]) -> Shown {
    let mut writer = Writer { html: String::new(), members, is_cut: false };
    writer.value(value, &mut String::new(), 0);
    Shown { html: writer.html, is_cut: writer.is_cut }
}

/// A body that is JSON as a rule.
pub fn text(text: &str) -> Shown {
    match serde_json::from_str(text) {
        Ok(parsed) => value(&parsed),
        Err(_) => {
            let cut: String = text.chars().take(MOST / 4).collect();
            Shown { html: escaped(&cut), is_cut: cut.len() < text.len() }
        }
    }
}

struct Writer<'a> {
    html: String,
    members: &'a [&'a str],
    is_cut: bool,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, path: &mut String, depth: usize) {
        if self.html.len() > MOST {
            if !self.is_cut {
                self.html.push('…');
            }
            self.is_cut = true;
            return;
        }
        match value {
            Value::Object(members) if !members.is_empty() => {
                let members = members.iter().map(|(name, value)| (Some(name), value));
                self.list('{', members, '}', path, depth);
            }
            Value::Array(entries) if !entries.is_empty() => {
                self.list('[', entries.iter().map(|value| (None, value)), ']', path, depth);
            }
            Value::String(text) => self.tagged('i', &shortened(text)),
            other => self.tagged('u', &other.to_string()),
        }
    }

    fn list<'v>(
        &mut self,
        open: char,
        entries: impl Iterator<Item = (Option<&'v String>, &'v Value)>,
        close: char,
        path: &mut String,
        depth: usize,
    ) {
        self.html.push(open);
        let length = path.len();
        for (place, (name, value)) in entries.enumerate() {
            if self.is_cut {
                break;
            }
            self.html.push_str(if place == 0 { "\n" } else { ",\n" });
            self.indent(depth + 1);
            match name {
                Some(name) if length == 0 => path.push_str(name),
                Some(name) => path.extend([".", name]),
                None => path.push_str(&format!("[{place}]")),
            }
            let is_marked = self.members.contains(&path.as_str());
            if is_marked {
                self.html.push_str("<mark>");
            }
            if let Some(name) = name {
                self.tagged('b', &Value::from(name.as_str()).to_string());
                self.html.push_str(": ");
            }
            self.value(value, path, depth + 1);
            if is_marked {
                self.html.push_str("</mark>");
            }
            path.truncate(length);
        }
        self.html.push('\n');
        self.indent(depth);
        self.html.push(close);
    }

    fn indent(&mut self, depth: usize) {
        self.html.extend(std::iter::repeat_n("  ", depth));
    }

    fn tagged(&mut self, tag: char, text: &str) {
        self.html.push_str(&format!("<{tag}>{}</{tag}>", escaped(text)));
    }
}

/// A text in quotes; of a long one its beginning.
fn shortened(text: &str) -> String {
    let cut: String = text.chars().take(MOST / 4).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    Value::from(cut + more).to_string()
}

fn escaped(text: &str) -> String {
    let Ok(escaped) = escape(text, Html);
    escaped.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_keep_their_order_and_what_was_lost_is_marked() {
        let body = json!({ "to": "1", "contacts": [{ "name": "<b>" }], "ok": true });
        let shown = marked(&body, &["contacts[0].name"]);
        let expected = "{\n  <b>&#34;to&#34;</b>: <i>&#34;1&#34;</i>,\n  <b>&#34;contacts&#34;</b>: [\n    {\n      \
                        <mark><b>&#34;name&#34;</b>: <i>&#34;&#60;b&#62;&#34;</i></mark>\n    }\n  ],\n  \
                        <b>&#34;ok&#34;</b>: <u>true</u>\n}";
        assert_eq!(shown.html, expected);
        assert!(!shown.is_cut);
    }

    #[test]
    fn what_is_long_is_cut_and_said_to_be() {
        let many: Vec<_> = (0..100_000).collect();
        let shown = value(&json!({ "many": many }));
        assert!(shown.is_cut && shown.html.len() < MOST + 100, "{}", shown.html.len());
        let long = value(&json!({ "text": "x".repeat(1_000_000) }));
        assert!(long.html.len() < MOST, "{}", long.html.len());
        let no_json = text("<html>no JSON");
        assert_eq!((no_json.html.as_str(), no_json.is_cut), ("&#60;html&#62;no JSON", false));
    }
}
