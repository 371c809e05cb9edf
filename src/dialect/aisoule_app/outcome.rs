//! The answer to a send. Vendor page: help/integrations/sending-messages-api.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::AisouleApp;
use crate::dialect::{Receipt, aisoule, answer};
use crate::model::{Accepted, Fault};

pub fn decode(response: &Response<Bytes>) -> Result<Accepted, Fault> {
    aisoule::outcome::decode(response, "/data/message_id")
}

/// `{"data": {"message_id", "status"}, "status"}`. The overview promises the outer status for all answers and the send
/// page's sample lacks it; with it, both kinds of client are served.
pub fn encode(receipt: &Receipt<'_>) -> Response<Bytes> {
    let body =
        json!({ "data": { "message_id": receipt.message_id(&AisouleApp), "status": "sent" }, "status": "success" });
    answer(StatusCode::OK, &body)
}
