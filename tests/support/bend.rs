//! Bends JSON documents: values replaced, removed, copied elsewhere, members added.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value};

use super::arbitrary;

/// One bend of a JSON document, at a place of its own choice.
#[derive(Clone, Debug)]
pub enum Bend {
    Replace(Index, Value),
    Remove(Index),
    Duplicate(Index, Index),
}

pub fn bend() -> impl Strategy<Value = Bend> {
    prop_oneof![
        3 => (any::<Index>(), arbitrary::json()).prop_map(|(at, value)| Bend::Replace(at, value)),
        1 => any::<Index>().prop_map(Bend::Remove),
        1 => any::<(Index, Index)>().prop_map(|(from, to)| Bend::Duplicate(from, to)),
    ]
}

impl Bend {
    /// Bends it.
    pub fn apply(&self, document: &mut Value) {
        let places = places(document);
        let place = |at: &Index| at.get::<String>(&places);
        match self {
            Self::Replace(at, value) => put(document, place(at), value.clone()),
            Self::Remove(at) => remove(document, place(at)),
            // In a list as one more entry, elsewhere in another value's place.
            Self::Duplicate(from, to) => {
                let copy = document.pointer(place(from)).cloned().unwrap_or_default();
                match document.pointer_mut(place(to)) {
                    Some(Value::Array(entries)) => entries.push(copy),
                    _ => put(document, place(to), copy),
                }
            }
        }
    }
}

/// The pointers to every value of a document, the document itself first.
pub fn places(document: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut at = 0;
    while let Some(place) = found.get(at).cloned() {
        let names: Vec<String> = match document.pointer(&place) {
            Some(Value::Object(members)) => members.keys().map(|name| escaped(name)).collect(),
            Some(Value::Array(entries)) => (0..entries.len()).map(|at| at.to_string()).collect(),
            _ => Vec::new(),
        };
        found.extend(names.into_iter().map(|name| format!("{place}/{name}")));
        at += 1;
    }
    found
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Replaces one value.
pub fn put(document: &mut Value, place: &str, value: Value) {
    if let Some(found) = document.pointer_mut(place) {
        *found = value;
    }
}

fn remove(document: &mut Value, place: &str) {
    let (parent, name) = place.rsplit_once('/').unwrap_or_default();
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.shift_remove(&name.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(entries)) => drop(name.parse().map(|at: usize| entries.remove(at))),
        _ => {}
    }
}

/// A member that no vendor has, and the place of the object that it is put into.
pub type Unknown = (Index, String, Value);

pub fn unknown() -> impl Strategy<Value = Unknown> {
    (any::<Index>(), "x_[a-z]{1,8}", arbitrary::json())
}

/// Puts the members into objects of the body and gives their pointers with their values.
pub fn insert(body: &mut Value, unknown: &[Unknown]) -> Map<String, Value> {
    let objects = places(body).into_iter().filter(|place| body.pointer(place).is_some_and(Value::is_object));
    let objects: Vec<_> = objects.collect();
    let mut inserted = Map::new();
    if objects.is_empty() {
        return inserted;
    }
    for (at, name, value) in unknown {
        let place = at.get::<String>(&objects);
        if let Some(Value::Object(members)) = body.pointer_mut(place) {
            members.insert(name.clone(), value.clone());
            inserted.insert(format!("{place}/{name}"), value.clone());
        }
    }
    inserted
}
