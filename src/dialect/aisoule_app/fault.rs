//! Faults → errors of surface B: `{"message", "status": "error"}`. The decoder is that of surface A, which reads both.
//! Vendor pages: help/integrations/error-codes, help/messaging/why-messages-fail.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use crate::dialect::aisoule::{FAMILY, fault, table};
use crate::model::{Fault, FaultKind};

/// Writes the flat envelope. The message begins with the words by which clients know the fault.
pub fn encode(fault: &Fault) -> Response<Bytes> {
    let message = relayed(fault).map_or_else(|| table::say(fault.kind, &fault.detail), str::to_owned);
    fault::respond(status(fault.kind), &json!({ "message": message, "status": "error" }), fault.retry_after)
}

/// Clients of this surface are told to repeat 429 and 500 and nothing else.
fn status(kind: FaultKind) -> u16 {
    match table::row(kind) {
        (503, _) => 500,
        (status, _) => status,
    }
}

/// The words of an upstream of the family, where the clients of this surface know the fault by them.
fn relayed(fault: &Fault) -> Option<&str> {
    let said = fault.upstream.as_deref().filter(|upstream| upstream.family == FAMILY)?;
    let title = said.title.as_deref()?;
    let (kind, _) = table::read(title);
    (kind.unwrap_or(FaultKind::UpstreamRefused) == fault.kind).then_some(title)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn relay(code: &str, message: &str) -> Value {
        let body = json!({ "success": false, "error": { "code": code, "message": message } });
        let fault = fault::decode(&fault::respond(400, &body, None), &body);
        serde_json::from_slice(encode(&fault).body()).unwrap()
    }

    #[test]
    fn words_that_say_the_kind_are_kept() {
        assert_eq!(relay("window_closed", "Session window closed")["message"], "Session window closed");
        assert_eq!(relay("quota_spent", "No credit is left.")["message"], "No credit is left.");
    }

    #[test]
    fn words_that_do_not_say_the_kind_are_introduced() {
        assert_eq!(relay("rate_limit_exceeded", "Slow down.")["message"], "Rate limit exceeded: Slow down.");
    }
}
