//! `[{ "name": { "formatted_name", … }, "phones"?: [ … ], … }]`

use serde_json::{Map, Value};

use crate::dialect::reader::{ANY_LENGTH, Members, kind_of};
use crate::model::{Contact, Fault};

/// Reads contact cards: a list, or a single card as one .NET library sends it.
///
/// # Errors
/// When there is none, or a card lacks `name.formatted_name` and one more part of the name, or a part of it has
/// the wrong kind.
pub fn decode_contacts(message: &mut Members) -> Result<Vec<Contact>, Fault> {
    let path = message.path("contacts");
    let cards = match message.take("contacts") {
        None => Vec::new(),
        Some(card @ Value::Object(_)) => vec![Members::of(format!("{path}[0]"), card)?],
        Some(Value::Array(cards)) => {
            let cards = cards.into_iter().enumerate();
            cards.map(|(at, card)| Members::of(format!("{path}[{at}]"), card)).collect::<Result<_, _>>()?
        }
        Some(Value::String(text)) => match serde_json::from_str(&text) {
            Ok(Value::Array(cards)) => {
                let cards = cards.into_iter().enumerate();
                cards.map(|(at, card)| Members::of(format!("{path}[{at}]"), card)).collect::<Result<_, _>>()?
            }
            Ok(card) => vec![Members::of(format!("{path}[0]"), card)?],
            Err(_) => return Err(Fault::invalid(path, "is a text; give a list of cards")),
        },
        Some(other) => return Err(Fault::invalid(path, format_args!("is {}; give a list of cards", kind_of(&other)))),
    };
    if cards.is_empty() {
        return Err(Fault::missing(path, "give at least one card"));
    }
    cards.into_iter().map(decode_contact).collect()
}

fn decode_contact(mut card: Members) -> Result<Contact, Fault> {
    let path = card.own_path().to_owned();
    let mut name = card.object("name")?;
    let formatted_name = name.text("formatted_name", ANY_LENGTH)?;
    let name_path = name.own_path().to_owned();
    let name_parts = present(name.rest().0);
    if name_parts.is_empty() {
        return Err(Fault::missing(name_path, "give one more part of the name, such as first_name"));
    }
    let details = present(card.rest().0);
    for (member, value) in &details {
        check_detail(&path, member, value)?;
    }
    Ok(Contact { formatted_name, name_parts, details })
}

fn check_detail(path: &str, member: &str, value: &Value) -> Result<(), Fault> {
    let wrong = |expected: &str| {
        Err(Fault::invalid(format!("{path}.{member}"), format_args!("is {}; give {expected}", kind_of(value))))
    };
    match (member, value) {
        ("org", Value::Object(_)) => Ok(()),
        ("org", _) => wrong("an object"),
        ("birthday", Value::String(date)) if is_date(date) => Ok(()),
        ("birthday", _) => Err(Fault::invalid(format!("{path}.birthday"), "is no date; give YYYY-MM-DD")),
        (list, Value::Array(entries)) if Contact::LISTS.contains(&list) => {
            match entries.iter().position(|entry| !entry.is_object()) {
                Some(at) => Err(Fault::invalid(format!("{path}.{member}[{at}]"), "is no object; give an object")),
                None => Ok(()),
            }
        }
        (list, _) if Contact::LISTS.contains(&list) => wrong("a list of objects"),
        _ => Ok(()),
    }
}

fn is_date(text: &str) -> bool {
    let form = time::macros::format_description!("[year]-[month]-[day]");
    time::Date::parse(text, &form).is_ok()
}

fn present(members: Map<String, Value>) -> Map<String, Value> {
    let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    members.into_iter().filter(|(_, value)| !empty(value)).collect()
}

/// Writes contact cards.
pub fn encode_contacts(contacts: &[Contact]) -> Value {
    contacts.iter().map(encode_contact).collect()
}

fn encode_contact(contact: &Contact) -> Value {
    let mut name = Map::new();
    name.insert("formatted_name".to_owned(), contact.formatted_name.as_str().into());
    name.extend(contact.name_parts.clone());
    let mut card = Map::new();
    card.insert("name".to_owned(), Value::Object(name));
    card.extend(contact.details.clone());
    Value::Object(card)
}
