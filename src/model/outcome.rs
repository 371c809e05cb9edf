//! What came of a request.

use serde::{Deserialize, Serialize};

/// The upstream took the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The upstream's id for the message; read marks and some dialects have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The recipient's WhatsApp id in digits; in Brazil, Mexico and Argentina it may differ from the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// The recipient's business-scoped user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// What the upstream says of a message that it holds back: `held_for_quality_assessment`, `paused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_status: Option<String>,
}

/// Something was dropped or bent on the way; it stands on the transaction, never in silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The member concerned, as the client spells it.
    pub member: String,
    /// What happened to it, and why.
    pub text: String,
}

impl Warning {
    /// A warning about one member.
    pub fn new(member: impl Into<String>, text: impl Into<String>) -> Self {
        Self { member: member.into(), text: text.into() }
    }
}
