//! The send request of surface A. Vendor pages: messaging/send-text, send-media, send-template, send-interactive.

use bytes::Bytes;

use super::content::{self, Surface};
use crate::dialect::{Call, Decoded, Translation};
use crate::model::{Fault, Request};

/// Numbers are digits alone: "no `+`, no spaces, no punctuation".
const SURFACE: Surface = Surface {
    path: "/v1/messages",
    links: ["link", "url"],
    write_number: |number| number.digits().to_owned(),
    plain: false,
};

pub fn decode(call: Call) -> Result<Decoded<Request>, Fault> {
    content::decode(call.body, &SURFACE)
}

pub fn encode(send: &Request, translation: &mut Translation<'_>) -> Result<http::Request<Bytes>, Fault> {
    content::encode(send, &SURFACE, translation)
}
