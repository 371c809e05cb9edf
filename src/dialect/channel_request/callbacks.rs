//! Where statuses go: one text with addresses that are joined by commas. Vendor page: media-message.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use crate::dialect::reader::{Members, kind_of};
use crate::dialect::shapes::check_link;
use crate::model::{Fault, Warning};

/// Reads the envelope's callbacks; where it has none, those that stand inside `request` by mistake.
pub fn decode(
    envelope: &mut Members,
    request: &mut Members,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<String>, Fault> {
    let outer = read(envelope)?;
    let inner = read(request)?;
    if outer.is_empty() {
        return Ok(inner);
    }
    if !inner.is_empty() && inner != outer {
        let text = "stands beside other callbacks at the top level, which win: left out";
        warnings.push(Warning::new(request.path("callbacks"), text));
    }
    Ok(outer)
}

/// Reads the callbacks of one object: a text, or a list of texts. Each address counts once.
pub fn read(members: &mut Members) -> Result<Vec<String>, Fault> {
    let path = members.path("callbacks");
    let entries = match members.take("callbacks") {
        None => Vec::new(),
        Some(Value::Array(entries)) => {
            entries.into_iter().enumerate().map(|(at, entry)| (format!("{path}[{at}]"), entry)).collect()
        }
        Some(entry) => vec![(path, entry)],
    };
    let mut callbacks: Vec<String> = Vec::new();
    for (path, entry) in entries {
        let Value::String(text) = entry else {
            let what = format_args!("is {}; give an address, or several joined by commas", kind_of(&entry));
            return Err(Fault::invalid(path, what));
        };
        for address in split(&text) {
            check_link(&path, address)?;
            if !callbacks.iter().any(|known| known == address) {
                callbacks.push(address.to_owned());
            }
        }
    }
    Ok(callbacks)
}

/// An address may hold commas itself: only one that the next address follows, perhaps after blanks, separates.
fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    for (comma, _) in text.rmatch_indices(',') {
        let (head, tail) = rest.split_at(comma);
        if begins_address(tail.trim_start_matches(',')) {
            pieces.push(tail);
            rest = head;
        }
    }
    pieces.push(rest);
    let pieces = pieces.into_iter().rev().map(|piece| piece.trim_matches(|c: char| c == ',' || c.is_whitespace()));
    pieces.filter(|piece| !piece.is_empty()).collect()
}

fn begins_address(text: &str) -> bool {
    let text = text.trim_start();
    let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// Puts another address in the place of a request's only one, if it is that.
pub fn fill(request: &mut Request<Bytes>, shown: &str, called: &str) {
    let Ok(mut body) = serde_json::from_slice::<Value>(request.body()) else { return };
    let Some(callbacks) = body.get_mut("callbacks").filter(|callbacks| *callbacks == shown) else { return };
    *callbacks = called.into();
    *request.body_mut() = Bytes::from(body.to_string());
}

/// Writes callbacks; none where there is none.
pub fn encode(callbacks: &[String]) -> Option<String> {
    (!callbacks.is_empty()).then(|| callbacks.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_gateways_own_address_is_filled() {
        let filled = |callbacks: &str| {
            let body =
                serde_json::json!({ "request": { "message": "https://a.example/?token=***" }, "callbacks": callbacks });
            let mut request = Request::new(Bytes::from(body.to_string()));
            fill(&mut request, "https://a.example/?token=***", "https://a.example/?token=s");
            let filled: Value = serde_json::from_slice(request.body()).unwrap();
            assert_eq!(filled["request"], body["request"]);
            filled["callbacks"].as_str().unwrap().to_owned()
        };
        assert_eq!(filled("https://a.example/?token=***"), "https://a.example/?token=s");
        assert_eq!(filled("https://b.example/"), "https://b.example/");
    }

    #[test]
    fn only_a_comma_before_an_address_separates() {
        let pieces = split("https://a.example/x?at=1,2, HTTP://b.example/y,,https://c.example/,");
        assert_eq!(pieces, ["https://a.example/x?at=1,2", "HTTP://b.example/y", "https://c.example/"]);
        assert!(split(" , ").is_empty());
    }
}
