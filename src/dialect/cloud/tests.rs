//! What golden files cannot hold: bodies that are no JSON, and addresses.

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use serde_json::{Value, json};

use super::Cloud;
use crate::dialect::{Call, Claim, Dialect, Losses, Target, Translation};
use crate::model::{Accepted, Fault, FaultKind, Verdict};

fn outcome(status: u16, body: &'static str) -> Result<Accepted, Fault> {
    Cloud.decode_outcome(&Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
}

fn call(path: &str, body: Value) -> Call {
    Call { method: Method::POST, path: path.to_owned(), headers: HeaderMap::new(), body }
}

#[test]
fn a_page_of_a_proxy_leaves_open_whether_the_message_went_out() {
    for status in [500, 502, 503, 504] {
        let fault = outcome(status, "<html><h1>Bad gateway</h1></html>").unwrap_err();
        assert_eq!(fault.kind, FaultKind::UpstreamFailed, "{status}");
        assert_eq!(fault.upstream.unwrap().status, status);
    }
    assert!(outcome(502, "").unwrap_err().detail.starts_with("the upstream answered 502"));
}

#[test]
fn a_page_under_a_4xx_is_a_refusal() {
    assert_eq!(outcome(404, "<html>").unwrap_err().kind, FaultKind::UpstreamRefused);
    assert_eq!(outcome(401, "<html>").unwrap_err().kind, FaultKind::UpstreamCredential);
    assert_eq!(outcome(429, "").unwrap_err().kind, FaultKind::RateLimited);
}

#[test]
fn a_success_that_cannot_be_read_was_taken_and_its_id_is_lost() {
    for body in ["", "OK", "[]", "{\"messages\": {}}", "{\"messages\": [{\"id\": null}]}"] {
        let fault = outcome(200, body).unwrap_err();
        assert_eq!((fault.kind, fault.verdict()), (FaultKind::UpstreamUnreadable, Verdict::Ambiguous), "{body}");
    }
}

#[test]
fn an_error_that_says_nothing_does_not_undo_a_success() {
    for error in ["null", "false", "\"\"", "{}", "[]"] {
        let body = format!("{{\"messages\": [{{\"id\": \"wamid.X\"}}], \"error\": {error}}}");
        let accepted = outcome(200, body.leak()).unwrap_or_else(|fault| panic!("{error}: {fault}"));
        assert_eq!(accepted.message_id.as_deref(), Some("wamid.X"));
    }
}

#[test]
fn the_path_names_the_sender_where_the_provider_wants_it() {
    let decoded = Cloud.decode_send(call(
        "/messages",
        json!({
            "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.X"
        }),
    ));
    let transaction = "0199c0de-7a11-7000-8000-2b7e1c905d44".parse().unwrap();
    let target = Target { correlation: Some(transaction), phone_number_id: Some("551200034477"), ..Target::default() };
    let mut translation = Translation::new(&Cloud, &Cloud, Losses::Refuse);
    let request = Cloud.encode_send(&decoded.unwrap().value, &target, &mut translation).unwrap();
    assert_eq!(request.uri(), "/551200034477/messages");
}

#[test]
fn paths_of_both_homes_are_served() {
    for path in ["/messages", "/v1/messages", "/v23.0/551200034477/messages", "/551200034477/messages", "/media"] {
        assert!(Cloud.serves(path), "{path}");
    }
    for path in ["/", "/v1/contacts", "/messages/send", "/notification", "/v3/messages", "/vx.0/1/messages"] {
        assert!(!Cloud.serves(path), "{path}");
    }
}

#[test]
fn the_product_tells_the_dialect_on_the_shared_path() {
    let spoken = call("/v1/messages", json!({"messaging_product": "whatsapp"}));
    assert_eq!(Cloud.claim(&spoken), Claim::Certain);
    assert_eq!(Cloud.claim(&call("/v1/messages", json!({"to": "447700900123"}))), Claim::No);
}
