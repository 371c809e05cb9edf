//! Who a message goes to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A telephone number in E.164: 7 to 15 digits, the first of them not zero. Parsed once, at the door.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number as people write it: blanks, `-`, `.`, `(` and `)` are skipped, one leading `+` or `00` too.
    ///
    /// # Errors
    /// When letters are in it, when it is too short or too long, or when it starts with a zero (a national number).
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let compact: String = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '-' | '.' | '(' | ')')).collect();
        let digits = compact.strip_prefix('+').or_else(|| compact.strip_prefix("00")).unwrap_or(&compact);
        if digits.is_empty() {
            return Err(PhoneNumberError::Empty);
        }
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PhoneNumberError::NotDigits);
        }
        if digits.starts_with('0') {
            return Err(PhoneNumberError::National);
        }
        if !(7..=15).contains(&digits.len()) {
            return Err(PhoneNumberError::Length(digits.len()));
        }
        Ok(Self(digits.to_owned()))
    }

    /// The digits alone: `447700900123`.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The international form: `+447700900123`.
    pub fn e164(&self) -> String {
        format!("+{}", self.0)
    }
}

/// Prints all but the last two digits as stars: numbers do not belong into logs.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.len().saturating_sub(2);
        write!(f, "PhoneNumber(…{})", self.0.get(shown..).unwrap_or_default())
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneNumberError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

/// Why a text is not a telephone number; the words go to the caller and never repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberError {
    /// Nothing is left once the punctuation is gone.
    #[error("is empty: give country code and number, for example +447700900123")]
    Empty,
    /// Letters or other signs.
    #[error("holds something other than digits: give country code and number, for example +447700900123")]
    NotDigits,
    /// A national number.
    #[error("starts with 0 like a national number: begin with the country code, for example +447700900123")]
    National,
    /// Outside E.164.
    #[error("has {0} digits: a number with its country code has 7 to 15")]
    Length(usize),
}

/// The recipient of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipient {
    /// Where the message goes.
    pub address: RecipientAddress,
    /// The caller's own spelling, repeated to it in the answer.
    pub input: String,
}

/// The forms that a recipient's address takes.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientAddress {
    /// A telephone number.
    Phone(PhoneNumber),
    /// A business-scoped user id: `CC.` and up to 128 letters or digits, perhaps with `ENT.` between.
    User(String),
    /// A group id.
    Group(String),
}

/// A text is no business-scoped user id; the words never repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no business-scoped user id (a country, a dot and letters or digits); give numbers in `to`")]
pub struct NoUserId;

impl RecipientAddress {
    /// Reads a business-scoped user id.
    ///
    /// # Errors
    /// Where it has not the form of one.
    pub fn user(id: String) -> Result<Self, NoUserId> {
        if Self::looks_like_user(&id) { Ok(Self::User(id)) } else { Err(NoUserId) }
    }

    /// Whether the text has the form of a business-scoped user id.
    pub fn looks_like_user(text: &str) -> bool {
        let Some((country, rest)) = text.split_once('.') else { return false };
        let id = rest.strip_prefix("ENT.").unwrap_or(rest);
        country.len() == 2
            && country.bytes().all(|b| b.is_ascii_uppercase())
            && (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric())
    }

    /// The address in digits or as the id it is, for the record and for answers.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(number) => number.digits(),
            Self::User(id) | Self::Group(id) => id,
        }
    }
}

impl fmt::Debug for RecipientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(number) => number.fmt(f),
            Self::User(_) => f.write_str("User(…)"),
            Self::Group(_) => f.write_str("Group(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_write_it() {
        for text in ["447700900123", "+447700900123", "00447700900123", "+44 (7700) 900-123", "44.7700.900.123"] {
            assert_eq!(PhoneNumber::parse(text).unwrap().digits(), "447700900123", "{text}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused_with_its_reason() {
        use PhoneNumberError::*;
        for (text, why) in
            [("", Empty), ("+", Empty), ("07700900123", National), ("44x", NotDigits), ("123", Length(3))]
        {
            assert_eq!(PhoneNumber::parse(text), Err(why), "{text}");
        }
        assert_eq!(PhoneNumber::parse("1234567890123456"), Err(Length(16)));
    }

    #[test]
    fn debug_output_hides_the_number() {
        assert_eq!(format!("{:?}", PhoneNumber::parse("447700900123").unwrap()), "PhoneNumber(…23)");
    }

    #[test]
    fn debug_output_tells_the_form_of_an_address_and_no_more() {
        use RecipientAddress::{Group, Phone, User};
        let [phone, user, group] =
            [Phone(PhoneNumber::parse("447700900123").unwrap()), User("IT.4821".into()), Group("Y2FwaV9n".into())];
        let shown = format!("{phone:?} {user:?} {group:?}");
        assert_eq!(shown, "PhoneNumber(…23) User(…) Group(…)");
    }

    #[test]
    fn user_ids_are_told_from_numbers() {
        assert!(RecipientAddress::looks_like_user("IT.48210077113"));
        assert!(RecipientAddress::looks_like_user("IT.ENT.abc123"));
        assert!(!RecipientAddress::looks_like_user("447700900123"));
        assert!(!RecipientAddress::looks_like_user("44.7700"));
    }
}
