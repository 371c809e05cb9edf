//! What golden files cannot hold: bodies that are no JSON, and addresses.

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Cloud;
use crate::dialect::{Answer, Call, Claim, Dialect, Losses, Target, Translation};
use crate::model::{Accepted, Fault, FaultKind, TransactionId, UpstreamError, Verdict};

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

/// The codes of Meta's list, and one that is not on it.
#[test]
fn each_code_has_its_kind() {
    use FaultKind::*;
    let groups: &[(FaultKind, &[i64])] = &[
        (UpstreamCredential, &[0, 102, 104, 190]),
        (UpstreamUnavailable, &[1, 2, 131000, 131016]),
        (UpstreamPermission, &[3, 10, 200, 299, 131005, 134011, 134102]),
        (RateLimited, &[4, 17, 341, 613, 80007, 130429, 131208]),
        (SenderUnavailable, &[33, 131037, 131045, 133000, 133003, 133005, 133010, 133015, 133016]),
        (InvalidMember, &[100, 131009]),
        (AccountLocked, &[368, 131031, 131064]),
        (RecipientBlocked, &[130403]),
        (Withheld, &[130472, 131049]),
        (CountryRestricted, &[130497]),
        (MissingMember, &[131008]),
        (MediaUnreachable, &[131014, 131052]),
        (RecipientIsSender, &[131021]),
        (NotOnWhatsapp, &[131026]),
        (RecipientNotAllowed, &[131030]),
        (InvalidRecipient, &[131062]),
        (PaymentRequired, &[131042]),
        (Expired, &[131043]),
        (WindowClosed, &[131047]),
        (SpamLimited, &[131048]),
        (RecipientOptedOut, &[131050]),
        (UnsupportedKind, &[131051]),
        (MediaTypeRefused, &[131053]),
        (PairRateLimited, &[131056]),
        (SenderMaintenance, &[131057, 133004, 134101]),
        (TemplateMismatch, &[132000, 132008, 132012, 132018]),
        (TemplateNotFound, &[132001]),
        (TemplateTooLong, &[132005]),
        (TemplatePolicy, &[132007]),
        (TemplatePaused, &[132015]),
        (TemplateDisabled, &[132016]),
        (FlowBlocked, &[132068]),
        (FlowThrottled, &[132069]),
        (UpstreamRefused, &[131020, 131041, 131055, 131063, 131200, 131299, 134100, 135000, 999_999]),
        (IdentityChanged, &[137000]),
    ];
    for (kind, codes) in groups {
        for code in *codes {
            let body = json!({"error": {"code": code, "message": "(#1) Said"}}).to_string();
            assert_eq!(outcome(400, body.leak()).unwrap_err().kind, *kind, "{code}");
        }
    }
    let odd = outcome(200, r#"{"error": {"message": "Said"}}"#).unwrap_err();
    assert_eq!(odd.kind, UpstreamUnreadable, "it may have been taken");
}

/// 360dialog's own refusals.
#[test]
fn what_has_no_code_is_told_by_its_words_and_by_its_status() {
    use FaultKind::*;
    for (status, words, kind) in [
        (400, "Rate limit exceeded", RateLimited),
        (400, "You can only request every 10 seconds", RateLimited),
        (400, "The account is disabled", AccountLocked),
        (400, "There is an unpaid invoice", PaymentRequired),
        (400, "Payment required", PaymentRequired),
        (400, "Odd", UpstreamRefused),
        (401, "Odd", UpstreamCredential),
        (403, "Odd", UpstreamPermission),
        (404, "Odd", UpstreamRefused),
        (429, "Odd", RateLimited),
        (500, "Odd", UpstreamFailed),
        (503, "Odd", UpstreamUnavailable),
    ] {
        let body = json!({"meta": {"developer_message": words}}).to_string();
        assert_eq!(outcome(status, body.leak()).unwrap_err().kind, kind, "{status} {words}");
    }
}

#[test]
fn an_error_of_this_family_keeps_its_own_code_and_title() {
    let said = |family: &str| UpstreamError {
        family: family.to_owned(),
        status: 400,
        code: Some("131053".to_owned()),
        title: Some("(#131053) Media upload error".to_owned()),
        trace_id: Some("AbCd".to_owned()),
    };
    let told = |family| {
        let fault = Fault::upstream(FaultKind::WindowClosed, "is closed").said_by(said(family));
        let to = Answer { transaction: TransactionId(Uuid::nil()), at: OffsetDateTime::UNIX_EPOCH, pace: None };
        let body: Value = serde_json::from_slice(Cloud.encode_fault(&fault, &to).body()).unwrap();
        let error = &body["error"];
        [&error["code"], &error["message"], &error["fbtrace_id"]].map(Value::clone)
    };
    assert_eq!(told("cloud"), [json!(131053), json!("(#131053) Media upload error"), json!("AbCd")]);
    let [code, _, trace] = told("on-premises");
    assert_eq!((code, trace), (json!(131047), json!(Uuid::nil().simple().to_string())));
}
