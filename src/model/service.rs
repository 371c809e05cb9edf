//! What clients call beside sends: logins, contact checks, health, settings.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::Fault;

/// What a client asks for.
#[derive(Clone, Debug)]
pub enum Service {
    /// A token for a name and a password.
    Login(Login),
    /// The end of the token that the call came with.
    Logout,
    /// Which of these numbers can be written to, each as the client spells it.
    CheckContacts(Vec<String>),
    /// Whether requests are taken.
    Health,
    /// Who the caller is.
    Profile,
    /// Counters for dashboards.
    Statistics,
    /// The templates that may be sent.
    Templates,
    /// A setting as it stands.
    Read(Setting),
    /// Another value for a setting, or for some of its members.
    Change(Setting, Value),
    /// A setting as it is where nobody changes it.
    Clear(Setting),
    /// Something that is done as soon as it is asked for: the gateway has no need of it.
    Nothing,
    /// Something that the gateway has no part in; the fault says so to whoever may ask.
    Refuse(Fault),
}

/// A name and a password to be exchanged for a token.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name; of an account, or whatever the client's old server knew.
    pub user: String,
    /// The password.
    pub password: SecretString,
    /// The password from now on.
    pub new_password: Option<SecretString>,
    /// How long the token is good for.
    pub life: Duration,
}

/// What an account can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The options of the client's old server, its webhook among them.
    Application,
    /// Where statuses and inbound messages go, with the headers to send along.
    Webhook,
    /// The business's address, description and the like.
    BusinessProfile,
    /// The line below the business's name.
    About,
    /// Credentials for media links by their names, each as `{"bearer"}` or `{"user", "password"}`.
    MediaProviders,
}

impl Setting {
    /// Every setting.
    pub const ALL: [Self; 5] =
        [Self::Application, Self::Webhook, Self::BusinessProfile, Self::About, Self::MediaProviders];

    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Webhook => "webhook",
            Self::BusinessProfile => "business_profile",
            Self::About => "about",
            Self::MediaProviders => "media_providers",
        }
    }

    /// Whether a change says only what is different.
    pub fn changes_by_member(self) -> bool {
        matches!(self, Self::Application | Self::BusinessProfile | Self::MediaProviders)
    }
}

/// What was done.
#[derive(Clone, Debug)]
pub enum Served {
    /// Here is a token.
    LoggedIn {
        /// The token.
        token: SecretString,
        /// Until when it is good.
        expires_at: OffsetDateTime,
    },
    /// Name or password is wrong.
    LoginRefused,
    /// It is done, and there is nothing to say.
    Done,
    /// What is known of the numbers, in the order of the question.
    Contacts(Vec<CheckedContact>),
    /// Whether requests are taken.
    Health {
        /// They are.
        ready: bool,
    },
    /// The name of the account.
    Profile(String),
    /// Counters; there are none yet.
    Statistics,
    /// The templates; the gateway keeps none.
    Templates,
    /// A setting as it stands; none where nobody set it.
    Setting(Setting, Option<Value>),
    /// A setting as it stands after its change.
    Changed(Setting, Value),
}

/// What is known of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedContact {
    /// The client's spelling.
    pub input: String,
    /// Its WhatsApp id; none where it is no number.
    pub wa_id: Option<String>,
}

impl CheckedContact {
    /// Whether a text is a number, by its form alone: 7 to 15 digits among punctuation. The On-Premises API has
    /// answered no better since 2.43, and no provider can be asked.
    pub fn new(input: String) -> Self {
        let digits: String = input.chars().filter(char::is_ascii_digit).collect();
        let is_number = (7..=15).contains(&digits.len()) && !input.chars().any(char::is_alphabetic);
        Self { input, wa_id: is_number.then_some(digits) }
    }
}

/// What an account says of its client where clients contradict each other, or leave something unsaid.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// The shape of the answer about health.
    pub health: HealthForm,
    /// The version that the gateway goes for; none for the dialect's own choice.
    pub version: Option<String>,
    /// The language of an `hsm` that names none; none for the dialect's own choice.
    pub hsm_language: Option<String>,
}

/// The shapes of the answer about health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthForm {
    /// One word for the whole gateway.
    #[default]
    Flat,
    /// An entry for each node; there is one.
    Nodes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_known_by_its_digits() {
        for (input, wa_id) in [
            ("+44 7700 900-123", Some("447700900123")),
            ("(00) 44.7700.900", Some("00447700900")),
            ("447700900123", Some("447700900123")),
            ("12", None),
            ("1234567890123456", None),
            ("IT.48210077113", None),
            ("", None),
        ] {
            assert_eq!(CheckedContact::new(input.to_owned()).wa_id.as_deref(), wa_id, "{input}");
        }
    }
}
