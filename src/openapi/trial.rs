//! What a dialect's decoder takes, found out by asking it: each golden request is changed at one place after another, and
//! the decoder says whether it still takes it. So the limits in the document are those of the code.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schema::{Findings, below};
use crate::dialect::{Dialect, Wire};
use crate::model::{Channel, FaultKind};

/// Longer than any text that a dialect takes.
const LONG: usize = 70_000;
/// More entries than any list that a dialect takes.
const MANY: usize = 40;
/// A word that no dialect knows.
const NO_WORD: &str = "nosuchword";

/// What was found out of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The request is refused without it.
    pub is_required: bool,
    /// It must not be empty.
    is_filled: bool,
    /// Characters or entries at most.
    most: Option<usize>,
    /// The words that it may be.
    words: Vec<String>,
}

impl Facts {
    /// Writes what was found out into the place's schema.
    pub fn describe(&self, schema: &mut Map<String, Value>) {
        let (least, most) = match schema.get("type").and_then(Value::as_str) {
            Some("string") => ("minLength", "maxLength"),
            Some("array") => ("minItems", "maxItems"),
            _ => return,
        };
        if !self.words.is_empty() {
            schema.insert("enum".to_owned(), json!(self.words));
            return;
        }
        if self.is_filled {
            schema.insert(least.to_owned(), json!(1));
        }
        if let Some(most_of) = self.most {
            schema.insert(most.to_owned(), json!(most_of));
        }
    }

    /// What holds of both.
    fn join(&mut self, other: Self) {
        self.is_required &= other.is_required;
        self.is_filled &= other.is_filled;
        self.most = self.most.zip(other.most).map(|(one, other)| one.max(other));
        // Where it may be any word in one request, it may be any.
        if self.words.is_empty() || other.words.is_empty() {
            self.words.clear();
            return;
        }
        self.words.extend(other.words);
        self.words.sort_unstable();
        self.words.dedup();
    }
}

/// Tries every place of the requests.
pub fn findings(dialect: &dyn Dialect, requests: &[&Wire]) -> Findings {
    let mut words: Vec<_> = Channel::ALL.iter().map(|channel| channel.as_str()).collect();
    requests.iter().for_each(|request| gather_words(&request.body, &mut words));
    words.sort_unstable();
    words.dedup();
    let mut findings = BTreeMap::new();
    for request in requests {
        let trial = Trial { dialect, request, words: &words };
        trial.walk(&request.body, "", "", &mut findings);
    }
    findings
}

fn gather_words<'a>(value: &'a Value, words: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if is_word(text) => words.push(text),
        Value::Array(entries) => entries.iter().for_each(|entry| gather_words(entry, words)),
        Value::Object(members) => members.values().for_each(|member| gather_words(member, words)),
        _ => {}
    }
}

fn is_word(text: &str) -> bool {
    (3..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

/// One request to be changed.
struct Trial<'a> {
    dialect: &'a dyn Dialect,
    request: &'a Wire,
    words: &'a [&'a str],
}

impl Trial<'_> {
    /// Tries a value and all in it; `at` is its pointer, `place` the same without numbers.
    fn walk(&self, value: &Value, at: &str, place: &str, findings: &mut Findings) {
        if !at.is_empty() {
            let facts = self.facts(value, at);
            match findings.get_mut(place) {
                Some(known) => known.join(facts),
                None => drop(findings.insert(place.to_owned(), facts)),
            }
        }
        match value {
            Value::Object(members) => {
                members
                    .iter()
                    .for_each(|(name, value)| self.walk(value, &below(at, name), &below(place, name), findings));
            }
            Value::Array(entries) => {
                let entries = entries.iter().enumerate();
                entries.for_each(|(nth, entry)| {
                    self.walk(entry, &below(at, &nth.to_string()), &below(place, "*"), findings)
                });
            }
            _ => {}
        }
    }

    fn facts(&self, value: &Value, at: &str) -> Facts {
        let is_required = self.refusal_without(at).is_some();
        let (is_filled, most) = match value {
            Value::String(_) => (self.refuses(at, json!("")), self.most(LONG, |length| self.is_too_long(at, length))),
            Value::Array(entries) => {
                (self.refuses(at, json!([])), self.most(MANY, |count| self.is_too_many(at, entries, count)))
            }
            _ => (false, None),
        };
        let words = value.as_str().map(|text| self.alternatives(at, text)).unwrap_or_default();
        Facts { is_required, is_filled, most, words }
    }

    /// The largest size that is not too much, where one is.
    fn most(&self, limit: usize, is_too_much: impl Fn(usize) -> bool) -> Option<usize> {
        if !is_too_much(limit) {
            return None;
        }
        let (mut fits, mut exceeds) = (0, limit);
        while exceeds - fits > 1 {
            let middle = usize::midpoint(fits, exceeds);
            if is_too_much(middle) { exceeds = middle } else { fits = middle }
        }
        Some(fits)
    }

    fn is_too_long(&self, at: &str, length: usize) -> bool {
        self.refusal(at, json!("x".repeat(length))) == Some(FaultKind::TooLong)
    }

    fn is_too_many(&self, at: &str, entries: &[Value], count: usize) -> bool {
        let many: Vec<_> = entries.iter().cycle().take(if entries.is_empty() { 0 } else { count }).collect();
        self.refusal(at, json!(many)) == Some(FaultKind::TooLong)
    }

    /// The words that may stand in a word's place; none where any may.
    fn alternatives(&self, at: &str, text: &str) -> Vec<String> {
        if !is_word(text) || !self.refuses(at, json!(NO_WORD)) {
            return Vec::new();
        }
        // Many decoders read words in any case; the vendor's own is enough.
        let others = self.words.iter().filter(|word| !word.eq_ignore_ascii_case(text));
        let others = others.filter(|word| !self.refuses(at, json!(word)));
        others.chain([&text]).map(|word| (*word).to_owned()).collect()
    }

    fn refuses(&self, at: &str, value: Value) -> bool {
        self.refusal(at, value).is_some()
    }

    fn refusal(&self, at: &str, value: Value) -> Option<FaultKind> {
        let mut call = self.request.call();
        *call.body.pointer_mut(at)? = value;
        self.dialect.decode_send(call).err().map(|fault| fault.kind)
    }

    /// Entries of lists are not left out: how many there may be is asked elsewhere.
    fn refusal_without(&self, at: &str) -> Option<FaultKind> {
        let (parent, name) = at.rsplit_once('/')?;
        let mut call = self.request.call();
        let name = name.replace("~1", "/").replace("~0", "~");
        call.body.pointer_mut(parent)?.as_object_mut()?.shift_remove(&name);
        self.dialect.decode_send(call).err().map(|fault| fault.kind)
    }
}
