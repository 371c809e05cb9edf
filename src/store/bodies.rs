//! What is kept of bodies: all of it, what says nothing about anybody, or nothing.
//!
//! Texts and numbers are taken out before anything is written. What is still to be sent needs its request; that one goes
//! with the commit by which its transaction comes to its end. Where everything is kept, none of this happens.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::{NewAttempt, Write};
use crate::model::TransactionId;

/// Stands for what was taken out.
const TAKEN_OUT: &str = "***";

/// Members whose values say how a call is made or why it failed, and nothing about anybody.
const HARMLESS: &[&str] = &[
    "type",
    "messaging_product",
    "recipient_type",
    "channel",
    "code",
    "error_code",
    "error_subcode",
    "status",
    "success",
    "fbtrace_id",
];

/// What is kept of bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bodies {
    /// Everything, until it is forgotten by its age.
    #[default]
    Full,
    /// Their shape, with stars for texts and numbers.
    Redacted,
    /// Nothing.
    None,
}

impl Bodies {
    /// A batch as it is kept.
    pub(super) fn kept(self, batch: &[Write]) -> Cow<'_, [Write]> {
        match self {
            Self::Full => Cow::Borrowed(batch),
            Self::Redacted | Self::None => batch.iter().map(|write| self.of(write.clone())).collect(),
        }
    }

    /// The transactions of a batch whose requests are to be forgotten where they are at their end now.
    pub(super) fn maybe_ended(self, batch: &[Write]) -> Vec<TransactionId> {
        if self == Self::Full {
            return Vec::new();
        }
        let may_end = batch.iter().filter(|write| !matches!(write, Write::Begin(_)));
        may_end.map(Write::transaction).collect()
    }

    fn of(self, mut write: Write) -> Write {
        match &mut write {
            Write::Record(new) => {
                new.client_request = self.json(&new.client_request).unwrap_or_else(|| Value::Null.to_string());
                self.forget_in(new.attempt.as_mut());
            }
            Write::Begin(begin) => self.forget_in(Some(&mut begin.attempt)),
            // The id of what was sent has a column of its own; the rest of such an answer is the recipient.
            Write::Settle(settlement) if settlement.fault.is_none() => settlement.answer = None,
            Write::Settle(settlement) => {
                settlement.answer = settlement.answer.as_deref().and_then(|answer| self.json(answer));
            }
            Write::Turn(_) => {}
        }
        write
    }

    fn forget_in(self, attempt: Option<&mut NewAttempt>) {
        if let Some(attempt) = attempt {
            attempt.body = self.json(&attempt.body).unwrap_or_default();
        }
    }

    fn json(self, text: &str) -> Option<String> {
        if self == Self::None {
            return None;
        }
        let mut body = serde_json::from_str(text).unwrap_or_else(|_| Value::from(TAKEN_OUT));
        redact(&mut body);
        Some(body.to_string())
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let telling = members.iter_mut().filter(|(name, value)| !is_harmless(name, value));
            telling.for_each(|(_, value)| redact(value));
        }
        Value::Array(entries) => entries.iter_mut().for_each(redact),
        Value::String(_) | Value::Number(_) => *value = Value::from(TAKEN_OUT),
        Value::Bool(_) | Value::Null => {}
    }
}

fn is_harmless(name: &str, value: &Value) -> bool {
    !value.is_object() && !value.is_array() && HARMLESS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_are_taken_out_and_the_shape_stays() {
        let body = r#"{"to":"447700900123","type":"text","text":{"body":"Hi","type":{"x":[1,true,null]}}}"#;
        let kept = r#"{"to":"***","type":"text","text":{"body":"***","type":{"x":["***",true,null]}}}"#;
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(&Bodies::Redacted.json(body).unwrap()), read(kept));
    }

    #[test]
    fn what_is_no_json_is_taken_out_whole() {
        assert_eq!(Bodies::Redacted.json("to=447700900123").as_deref(), Some("\"***\""));
        assert_eq!(Bodies::None.json("{}"), None);
    }
}
