//! Messages that can be answered by pressing something.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, Media};

/// An interactive message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interactive {
    /// What can be pressed.
    pub action: Action,
    /// What stands above the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The text; required for most actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Paragraph>,
    /// The small print, at most 60 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<Paragraph>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
    /// Members of the action that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub action_extra: Extra,
}

/// Body or footer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paragraph {
    /// The text.
    pub text: String,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// What stands above the body of an interactive message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The text or file.
    pub content: HeaderContent,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// The kinds of header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one header per message; boxing the file would burden every match")]
pub enum HeaderContent {
    /// At most 60 characters.
    Text(String),
    /// An image, video or document.
    Media(Media),
    /// A kind that we do not know, by its name; its members are the header's unknown ones.
    Other(String),
}

/// What can be pressed in an interactive message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// One to three reply buttons.
    Buttons(Vec<ReplyButton>),
    /// A button that opens a list of choices.
    List {
        /// The button's label, at most 20 characters.
        button: String,
        /// One to ten sections with ten rows in all.
        sections: Vec<ListSection>,
    },
    /// One product of a catalogue.
    Product {
        /// The catalogue.
        catalog_id: String,
        /// The product.
        product_retailer_id: String,
    },
    /// Several products of a catalogue.
    ProductList {
        /// The catalogue.
        catalog_id: String,
        /// At most ten sections with thirty products in all.
        sections: Vec<ProductSection>,
    },
    /// An action that consists of a name and parameters: `cta_url`, `flow`, `catalog_message`,
    /// `location_request_message`, `address_message`, `call_permission_request`, and those that come after them.
    Named {
        /// The value of `interactive.type`.
        kind: String,
        /// The whole action, as it came.
        action: Map<String, Value>,
    },
}

impl Action {
    /// The value that `interactive.type` has for it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Buttons(_) => "button",
            Self::List { .. } => "list",
            Self::Product { .. } => "product",
            Self::ProductList { .. } => "product_list",
            Self::Named { kind, .. } => kind,
        }
    }
}

/// A button that answers with its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplyButton {
    /// What comes back; at most 256 characters.
    pub id: String,
    /// What the person reads; at most 20 characters, unique in the message.
    pub title: String,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "ButtonExtra::is_empty")]
    pub extra: ButtonExtra,
}

/// Unknown members of a button and of the reply inside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ButtonExtra {
    /// Beside `type` and `reply`.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub button: Extra,
    /// Beside `id` and `title`.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub reply: Extra,
}

impl ButtonExtra {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.button.is_empty() && self.reply.is_empty()
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListSection {
    /// At most 24 characters; required where there are several sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The choices.
    pub rows: Vec<ListRow>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// One choice of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListRow {
    /// What comes back; at most 200 characters.
    pub id: String,
    /// At most 24 characters.
    pub title: String,
    /// At most 72 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// A part of a product list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductSection {
    /// At most 24 characters; required where there are several sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The products' retailer ids.
    pub products: Vec<ProductItem>,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

/// One product of a product list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductItem {
    /// The product.
    pub product_retailer_id: String,
    /// Members that we do not know.
    #[serde(default, skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn what_is_not_known_of_a_button_is_kept() {
        for extra in [json!({"button": {"tone": "soft"}}), json!({"reply": {"icon": "bell"}})] {
            let written = json!({"id": "yes", "title": "Yes", "extra": extra});
            let button: ReplyButton = from_value(written.clone()).unwrap();
            assert_eq!(to_value(button).unwrap(), written);
        }
        let plain = json!({"id": "yes", "title": "Yes"});
        assert_eq!(to_value(from_value::<ReplyButton>(plain.clone()).unwrap()).unwrap(), plain);
    }
}
