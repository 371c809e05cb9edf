//! Approved templates, filled in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, Media};

/// A template with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// The approved name.
    pub name: String,
    /// The approved language, as `en` or `pt_BR`.
    pub language: String,
    /// `deterministic` where the client said so; the only policy left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The namespace that On-Premises requires and Cloud ignores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What fills the placeholders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
    /// Members of the language object that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub language_extra: Extra,
}

/// A part of a template that takes parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Which part.
    pub kind: ComponentKind,
    /// Of a button: `quick_reply`, `url`, `copy_code`, `flow`, `catalog` …, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_type: Option<String>,
    /// Of a button: its position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The values, in order or by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Members that we do not know: the cards of a carousel, for one.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// The parts of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// Above the body.
    Header,
    /// The body.
    Body,
    /// A button, chosen by its index.
    Button,
    /// Another part, by its name in lower case: `carousel`, `limited_time_offer` …
    Other(String),
}

impl ComponentKind {
    /// Its name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Header => "header",
            Self::Body => "body",
            Self::Button => "button",
            Self::Other(name) => name,
        }
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The placeholder's name, where the template has named ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value.
    pub value: ParameterValue,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// The kinds of value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterValue {
    /// A text.
    Text(String),
    /// What a quick-reply button answers with.
    Payload(String),
    /// An image, video or document in the header.
    Media(Media),
    /// Any other kind, `currency`, `date_time`, `location`, `action`, `coupon_code` …: its name and the member of that
    /// name as it came, which all dialects of Meta's write alike.
    Other {
        /// The value of `type`, in lower case.
        kind: String,
        /// The members beside `type`.
        members: Map<String, Value>,
    },
}
