//! `[{ "name": { "formatted_name", … }, "phones"?: [ … ], … }]`

use serde_json::{Map, Value};

use crate::dialect::reader::{ANY_LENGTH, Members, kind_of, unquoted};
use crate::model::{Contact, Fault};

/// Reads contact cards: a list, or a single card as one .NET library sends it.
///
/// # Errors
/// When there is none, or a card lacks `name.formatted_name` and one more part of the name, or a part of it has
/// the wrong kind.
pub fn decode_contacts(message: &mut Members) -> Result<Vec<Contact>, Fault> {
    let path = message.path("contacts");
    let cards = match message.take("contacts").map(unquoted) {
        None => Vec::new(),
        Some(Value::Array(cards)) => cards,
        Some(card @ Value::Object(_)) => vec![card],
        Some(other) => return Err(Fault::invalid(path, format_args!("is {}; give a list of cards", kind_of(&other)))),
    };
    if cards.is_empty() {
        return Err(Fault::missing(path, "give at least one card"));
    }
    let cards = cards.into_iter().enumerate();
    cards.map(|(at, card)| decode_contact(Members::of(format!("{path}[{at}]"), card)?)).collect()
}

fn decode_contact(mut card: Members) -> Result<Contact, Fault> {
    let path = card.own_path().to_owned();
    let mut name = card.object("name")?;
    let formatted_name = name.text("formatted_name", ANY_LENGTH)?;
    let name_parts = decode_name_parts(name)?;
    let details = without_blanks(card.rest().0, is_detail);
    for (member, value) in &details {
        check_detail(&path, member, value)?;
    }
    Ok(Contact { formatted_name, name_parts, details })
}

fn decode_name_parts(name: Members) -> Result<Map<String, Value>, Fault> {
    let path = name.own_path().to_owned();
    let is_part = |member: &str| Contact::NAME_PARTS.contains(&member);
    let parts = without_blanks(name.rest().0, is_part);
    let mut known = parts.iter().filter(|(member, _)| is_part(member)).peekable();
    if known.peek().is_none() {
        return Err(Fault::missing(path, "give one more part of the name, such as first_name"));
    }
    match known.find(|(_, value)| !value.is_string()) {
        Some((member, value)) => {
            Err(Fault::invalid(format!("{path}.{member}"), format_args!("is {}; give a text", kind_of(value))))
        }
        None => Ok(parts),
    }
}

fn is_detail(member: &str) -> bool {
    matches!(member, "org" | "birthday") || Contact::LISTS.contains(&member)
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

/// Leaves out the members that we know and that say nothing: real clients fill in whole forms. Members that we do not
/// know stay as they are.
fn without_blanks(members: Map<String, Value>, known: impl Fn(&str) -> bool) -> Map<String, Value> {
    members.into_iter().filter(|(member, value)| !(known(member) && is_blank(value))).collect()
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        _ => false,
    }
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
