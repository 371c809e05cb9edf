//! Contact cards.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One card. Every dialect that has cards writes them alike and the gateway reads nothing in them but the name, so
/// the rest travels as the checked JSON that it came as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// The name as it is shown.
    pub formatted_name: String,
    /// The other parts of the name; a card needs at least one of [`Self::NAME_PARTS`].
    pub name_parts: Map<String, Value>,
    /// `phones`, `emails`, `urls`, `addresses`, `org`, `birthday`, `ims` and what else the card has.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
}

impl Contact {
    /// The parts of a name beside the one that is shown.
    pub const NAME_PARTS: [&str; 5] = ["first_name", "last_name", "middle_name", "prefix", "suffix"];
    /// The members of a card that hold lists of objects.
    pub const LISTS: [&str; 5] = ["phones", "emails", "urls", "addresses", "ims"];
}
