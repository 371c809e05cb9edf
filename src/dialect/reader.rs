//! Reads JSON objects member by member, tolerant in spelling and exact in complaint.
//!
//! Real clients write `null` for absent members, numbers as texts, texts as numbers and whole objects as JSON in a
//! string. All of that is read here, once, for every dialect. Every fault names the member by its full path, the kind
//! of value that was found, what is expected and the remedy; the value itself is never repeated.

use serde_json::{Number, Value};

use crate::model::{Extra, Fault, FaultKind};

/// No limit for a text.
pub const ANY_LENGTH: usize = usize::MAX;

/// The members of one JSON object that were not read yet, and where the object stands.
#[derive(Debug)]
pub struct Members {
    path: String,
    // In the order of the object, in which what is not read goes on. Objects of messages have a handful of members:
    // looking them through is quicker than the hash of a name.
    members: Vec<(String, Value)>,
}

impl Members {
    /// The members of a request's body.
    ///
    /// # Errors
    /// When the body is not an object.
    pub fn of_body(body: Value) -> Result<Self, Fault> {
        match body {
            Value::Object(members) => Ok(Self { path: String::new(), members: members.into_iter().collect() }),
            other => Err(Fault::client(
                FaultKind::MalformedBody,
                format!("the body is {}; send one JSON object", kind_of(&other)),
            )),
        }
    }

    /// The members of an object at a path. A text that holds a JSON object is read as that object.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn of(path: impl Into<String>, value: Value) -> Result<Self, Fault> {
        let path = path.into();
        match unquoted(value) {
            Value::Object(members) => Ok(Self { path, members: members.into_iter().collect() }),
            other => Err(Fault::invalid(path, format_args!("is {}; give an object", kind_of(&other)))),
        }
    }

    /// The full path of a member: `interactive.body.text`.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Where the object itself stands; empty for the body.
    pub fn own_path(&self) -> &str {
        &self.path
    }

    /// Whether a member is there and not null.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some_and(|value| !value.is_null())
    }

    /// Whether a member is an object.
    pub fn has_object(&self, name: &str) -> bool {
        self.find(name).is_some_and(Value::is_object)
    }

    /// Takes a member out; `null` counts as absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.members.iter().position(|(own, _)| own == name)?;
        Some(self.members.remove(at).1).filter(|value| !value.is_null())
    }

    /// Takes a member that must be there.
    ///
    /// # Errors
    /// When it is absent; the remedy says what to give.
    pub fn require(&mut self, name: &str, remedy: &str) -> Result<Value, Fault> {
        self.take(name).ok_or_else(|| Fault::missing(self.path(name), remedy))
    }

    /// Drops members that mean nothing in the dialect.
    pub fn ignore(&mut self, names: &[&str]) {
        self.members.retain(|(name, _)| !names.contains(&name.as_str()));
    }

    /// Gives a member a second name: where only `alias` is there it is read as `name`.
    ///
    /// # Errors
    /// When both are there and differ.
    pub fn alias(&mut self, alias: &str, name: &str) -> Result<(), Fault> {
        let Some(value) = self.take(alias) else { return Ok(()) };
        match self.find(name).filter(|existing| !existing.is_null()) {
            Some(existing) if *existing != value => Err(Fault::invalid(
                self.path(alias),
                format_args!("stands beside a different {}; give one of them", self.path(name)),
            )),
            Some(_) => Ok(()),
            None => {
                self.put(name, value);
                Ok(())
            }
        }
    }

    /// A text of at most `max` characters. Numbers are read as their decimal text.
    ///
    /// # Errors
    /// When it is of another kind or too long.
    pub fn optional_text(&mut self, name: &str, max: usize) -> Result<Option<String>, Fault> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => decimal(&number),
            other => return Err(self.wrong(name, &other, "a text")),
        };
        within(|| self.path(name), &text, max)?;
        Ok(Some(text))
    }

    /// A text that must be there and hold more than blanks, of at most `max` characters.
    ///
    /// # Errors
    /// When it is missing, empty, of another kind or too long.
    pub fn text(&mut self, name: &str, max: usize) -> Result<String, Fault> {
        let text = self.optional_text(name, max)?.ok_or_else(|| Fault::missing(self.path(name), "give a text"))?;
        if text.trim().is_empty() {
            return Err(Fault::invalid(self.path(name), "is empty; give at least one character"));
        }
        Ok(text)
    }

    /// True or false, also as a text.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match &value {
            Value::Bool(flag) => Ok(Some(*flag)),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            other => Err(self.wrong(name, other, "true or false")),
        }
    }

    /// A number between two bounds, also as a text.
    ///
    /// # Errors
    /// When it is missing, no number or out of bounds.
    pub fn number(&mut self, name: &str, min: f64, max: f64) -> Result<f64, Fault> {
        let value = self.require(name, "give a number")?;
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number: f64 = number.ok_or_else(|| self.wrong(name, &value, "a number"))?;
        if !(min..=max).contains(&number) {
            return Err(Fault::invalid(self.path(name), format_args!("is out of range; give {min} to {max}")));
        }
        Ok(number)
    }

    /// A whole number that is not negative, also as a text.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_whole(&mut self, name: &str) -> Result<Option<u64>, Fault> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.wrong(name, &value, "a whole number"))
    }

    /// An object, also as JSON in a text.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_object(&mut self, name: &str) -> Result<Option<Self>, Fault> {
        self.take(name).map(|value| Self::of(self.path(name), value)).transpose()
    }

    /// An object that must be there.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn object(&mut self, name: &str) -> Result<Self, Fault> {
        self.optional_object(name)?.ok_or_else(|| Fault::missing(self.path(name), "give an object"))
    }

    /// The entries of a list with their paths, also as JSON in a text. An absent list is an empty one.
    ///
    /// # Errors
    /// When it is something else.
    pub fn list(&mut self, name: &str) -> Result<Vec<(String, Value)>, Fault> {
        let path = self.path(name);
        match self.take(name).map(unquoted) {
            None => Ok(Vec::new()),
            Some(Value::Array(entries)) => {
                Ok(entries.into_iter().enumerate().map(|(at, entry)| (format!("{path}[{at}]"), entry)).collect())
            }
            Some(other) => Err(self.wrong(name, &other, "a list")),
        }
    }

    /// A list of objects.
    ///
    /// # Errors
    /// When it, or one of its entries, is something else.
    pub fn objects(&mut self, name: &str) -> Result<Vec<Self>, Fault> {
        self.list(name)?.into_iter().map(|(path, entry)| Self::of(path, entry)).collect()
    }

    /// A list of one to `max` objects.
    ///
    /// # Errors
    /// When it is empty, too long or something else.
    pub fn objects_within(&mut self, name: &str, max: usize) -> Result<Vec<Self>, Fault> {
        let objects = self.objects(name)?;
        match objects.len() {
            0 => Err(Fault::missing(self.path(name), format_args!("give 1 to {max}"))),
            found if found > max => Err(Fault::at(
                FaultKind::TooLong,
                self.path(name),
                format_args!("has {found} entries; at most {max} are allowed"),
            )),
            _ => Ok(objects),
        }
    }

    /// Puts what was not read of an object back into its place.
    pub fn keep(&mut self, name: &str, unread: Self) {
        let unread = unread.rest();
        if !unread.is_empty() {
            self.put(name, Value::Object(unread.0));
        }
    }

    /// Puts back what was not read of a member.
    pub fn put(&mut self, name: &str, unread: Value) {
        match self.members.iter_mut().find(|(own, _)| own == name) {
            Some((_, value)) => *value = unread,
            None => self.members.push((name.to_owned(), unread)),
        }
    }

    /// What was not read; `null` counts as absent.
    pub fn rest(self) -> Extra {
        Extra(self.members.into_iter().filter(|(_, value)| !value.is_null()).collect())
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    fn wrong(&self, name: &str, found: &Value, expected: &str) -> Fault {
        Fault::invalid(self.path(name), format_args!("is {}; give {expected}", kind_of(found)))
    }
}

/// Checks a text's length in characters (Unicode scalar values). Its path is only asked for where it is too long.
///
/// # Errors
/// When it is longer than `max`.
pub fn within(path: impl FnOnce() -> String, text: &str, max: usize) -> Result<(), Fault> {
    // A text has no more characters than bytes, so nearly all are passed without counting.
    if text.len() <= max {
        return Ok(());
    }
    let found = text.chars().count();
    if found <= max {
        return Ok(());
    }
    let what = format_args!("has {found} characters; at most {max} are allowed");
    Err(Fault::at(FaultKind::TooLong, path(), what))
}

/// The kind of a value, in words.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A number's decimal text. Data frames turn a column of numbers into `447700900123.0`: a whole number is written
/// without its fraction, or a number with one digit too many would be read from it.
pub fn decimal(number: &Number) -> String {
    match number.as_f64() {
        Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() < 1e15 => format!("{whole:.0}"),
        _ => number.to_string(),
    }
}

/// Chatwoot, for one, sends `interactive.action` as JSON in a text: such a text is read as what it holds.
pub fn unquoted(value: Value) -> Value {
    match &value {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Members {
        Members::of_body(value).unwrap()
    }

    #[test]
    fn null_is_absent() {
        let mut members = members(json!({"caption": null, "other": null}));
        assert_eq!(members.optional_text("caption", 10).unwrap(), None);
        assert!(members.rest().is_empty());
    }

    #[test]
    fn numbers_and_texts_stand_for_each_other() {
        let mut members = members(json!({"index": "2", "id": 77, "latitude": " 52.5 ", "flag": "TRUE"}));
        assert_eq!(members.optional_whole("index").unwrap(), Some(2));
        assert_eq!(members.text("id", ANY_LENGTH).unwrap(), "77");
        assert_eq!(members.number("latitude", -90.0, 90.0).unwrap(), 52.5);
        assert_eq!(members.optional_flag("flag").unwrap(), Some(true));
    }

    #[test]
    fn a_whole_number_never_grows_a_digit() {
        let mut members = members(json!({"to": 447700900123.0, "half": 0.5}));
        assert_eq!(members.text("to", ANY_LENGTH).unwrap(), "447700900123");
        assert_eq!(members.text("half", ANY_LENGTH).unwrap(), "0.5");
    }

    #[test]
    fn an_object_in_a_text_is_read() {
        let mut members = members(json!({"action": "{\"button\": \"Go\"}"}));
        assert_eq!(members.object("action").unwrap().text("button", 20).unwrap(), "Go");
    }

    #[test]
    fn faults_name_the_full_path_the_kind_and_the_remedy() {
        let mut members = members(json!({"image": {"caption": 5.5, "link": []}}));
        let mut image = members.object("image").unwrap();
        assert_eq!(image.text("link", 10).unwrap_err().detail, "image.link: is a list; give a text");
        assert_eq!(image.text("id", 10).unwrap_err().detail, "image.id: is missing; give a text");
        assert_eq!(members.objects_within("x", 3).unwrap_err().detail, "x: is missing; give 1 to 3",);
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let mut long = members(json!({"title": "äöü€"}));
        assert!(long.text("title", 4).is_ok());
        let mut long = members(json!({"title": "äöü€"}));
        assert_eq!(long.text("title", 3).unwrap_err().detail, "title: has 4 characters; at most 3 are allowed");
    }

    #[test]
    fn an_alias_fills_in_but_never_contradicts() {
        let mut url = members(json!({"url": "https://a"}));
        url.alias("url", "link").unwrap();
        assert_eq!(url.text("link", ANY_LENGTH).unwrap(), "https://a");
        let mut both = members(json!({"url": "https://a", "link": "https://b"}));
        assert!(both.alias("url", "link").unwrap_err().detail.contains("give one of them"));
    }
}
