//! What a client is told of a request that was taken: in its own terms, so that it hears of the message by the same.

use super::{Answer, Dialect};
use crate::model::{Accepted, Recipient, RecipientAddress, Request};

/// What a client is told of a request that was taken.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    /// Whose answer it is.
    pub answer: Answer,
    /// What was asked for.
    pub request: &'a Request,
    /// What the upstream said of it; nothing is known yet where the request waits or its outcome is unknown.
    pub accepted: &'a Accepted,
}

impl<'a> Receipt<'a> {
    /// The id that a client of the dialect is given for the message.
    pub fn message_id(&self, dialect: &dyn Dialect) -> String {
        dialect.message_id(self.answer.transaction, self.accepted.message_id.as_deref())
    }

    /// What the upstream said, with the id and the number by which a client of the dialect will hear of the message: by
    /// these it finds it again. In Brazil, Mexico and Argentina the upstream's number is another.
    pub fn for_client(&self, dialect: &dyn Dialect) -> Accepted {
        let is_number = |recipient: &Recipient| matches!(recipient.address, RecipientAddress::Phone(_));
        let has_number = self.request.recipient().is_some_and(is_number);
        Accepted {
            message_id: Some(self.message_id(dialect)),
            wa_id: self.accepted.wa_id.clone().filter(|_| !has_number),
            ..self.accepted.clone()
        }
    }

    /// The recipient's WhatsApp id: the upstream's word, else the number as the client gave it.
    pub fn wa_id(&self) -> Option<&'a str> {
        let recipient = self.request.recipient().map(|recipient| recipient.address.as_str());
        self.accepted.wa_id.as_deref().or(recipient)
    }
}
