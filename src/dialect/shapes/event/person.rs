//! `"contacts": [{ "profile": { "name", "username"? }, "wa_id"?, "user_id"? }]`

use serde_json::Value;

use super::{EventForms, filled};
use crate::dialect::Telling;
use crate::dialect::reader::Members;
use crate::dialect::shapes::Object;
use crate::model::{Fault, Person, PhoneNumber, RecipientAddress};

/// The people that a webhook introduces beside its messages and statuses.
#[derive(Default)]
pub struct People(Vec<Person>);

impl People {
    /// Reads them. One that cannot be read is not worth the messages beside it: nobody is introduced by it.
    pub fn decode(value: &mut Members) -> Self {
        let people = value.list("contacts").unwrap_or_default().into_iter();
        let people = people.map(|(path, person)| Members::of(path, person).and_then(decode_person));
        Self(people.filter_map(Result::ok).collect())
    }

    /// What is known of a person besides the ids that a message names.
    pub fn complete(&self, mut person: Person) -> Person {
        let is_same = |known: &Option<String>, named: &Option<String>| named.is_some() && known == named;
        let mut people = self.0.iter();
        let known =
            people.find(|known| is_same(&known.wa_id, &person.wa_id) || is_same(&known.user_id, &person.user_id));
        // A message without any id of its writer has the only person there is.
        let known = known.or_else(|| self.0.first().filter(|_| self.0.len() == 1 && person.id().is_none()));
        let Some(known) = known.cloned() else { return person };
        person.wa_id = person.wa_id.or(known.wa_id);
        person.user_id = person.user_id.or(known.user_id);
        person.parent_user_id = person.parent_user_id.or(known.parent_user_id);
        Person { name: known.name, username: known.username, extra: known.extra, ..person }
    }
}

fn decode_person(mut members: Members) -> Result<Person, Fault> {
    let (mut name, mut username) = (None, None);
    if let Some(mut profile) = members.optional_object("profile")? {
        (name, username) = (filled(&mut profile, "name")?, filled(&mut profile, "username")?);
        members.keep("profile", profile);
    }
    let mut person = identified(filled(&mut members, "wa_id")?);
    person.user_id = filled(&mut members, "user_id")?.or(person.user_id);
    person.parent_user_id = filled(&mut members, "parent_user_id")?;
    Ok(Person { name, username, extra: members.rest(), ..person })
}

/// A person by the only id that is given: a dialect without user ids puts them where numbers stand.
pub fn identified(id: Option<String>) -> Person {
    match id {
        Some(id) if RecipientAddress::looks_like_user(&id) => Person { user_id: Some(id), ..Person::default() },
        wa_id => Person { wa_id, ..Person::default() },
    }
}

/// A person's number with `+`, in dialects that write it; other ids as they are.
pub fn international(person: &Person) -> Option<String> {
    let id = person.id()?;
    Some(PhoneNumber::parse(id).map_or_else(|_| id.to_owned(), |number| number.e164()))
}

/// Writes the entry of `contacts` for a person. The profile is always there: clients index it.
pub fn encode_person(person: &Person, forms: &EventForms, telling: &mut Telling<'_>) -> Value {
    let mut profile = Object::new();
    profile.put("name", person.name.as_deref().unwrap_or_default());
    let mut object = Object::new();
    if forms.user_ids {
        profile.put_some("username", &person.username);
        object.put("profile", profile);
        object.put_some("wa_id", &person.wa_id);
        object.put_some("user_id", &person.user_id);
        object.put_some("parent_user_id", &person.parent_user_id);
    } else {
        lose_ids(person, telling);
        object.put("profile", profile);
        object.put("wa_id", person.id().unwrap_or_default());
    }
    telling.extra(&person.extra, "contacts[0]", &mut object.0);
    object.into()
}

/// Notes what is lost of a person where a dialect knows people by one id.
pub fn lose_ids(person: &Person, telling: &mut Telling<'_>) {
    let why = "it knows people by one id";
    telling.lose_if(person.wa_id.is_some() && person.user_id.is_some(), "contacts[0].user_id", why);
    telling.lose_if(person.parent_user_id.is_some(), "contacts[0].parent_user_id", why);
    telling.lose_if(person.username.is_some(), "contacts[0].profile.username", why);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(contacts: Value, named: Person) -> Option<String> {
        let mut value = Members::of(String::new(), json!({ "contacts": contacts })).unwrap();
        People::decode(&mut value).complete(named).name
    }

    #[test]
    fn whoever_is_named_gets_what_is_told_of_that_person_alone() {
        let ann = || json!({"profile": {"name": "Ann"}, "wa_id": "447700900123"});
        let bob = || json!({"profile": {"name": "Bob"}, "wa_id": "447700900124"});
        let by = |wa_id: &str| Person { wa_id: Some(wa_id.to_owned()), ..Person::default() };
        assert_eq!(completed(json!([ann(), bob()]), by("447700900124")).as_deref(), Some("Bob"));
        assert_eq!(completed(json!([ann()]), Person::default()).as_deref(), Some("Ann"));
        assert_eq!(completed(json!([ann(), bob()]), Person::default()), None, "it may be either");
        assert_eq!(completed(json!([ann()]), by("447700900199")), None, "somebody else");
    }
}
