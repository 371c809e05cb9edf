//! Callbacks are signed so that the other half of the dialect, and public receivers, can tell.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use sabir::dialect::{self, Dialect, Signing, Webhook};
use sabir::model::FaultKind;
use time::Duration;

use super::{now, webhook};

const SECRET: &str = "demo-secret-42";

fn signed(dialect: &dyn Dialect) -> Request<Bytes> {
    let mut callback = Request::new(Bytes::from_static(br#"{"event":"message.read"}"#));
    dialect.sign_callback(&mut callback, &Signing { secret: SECRET, id: "evt_1", at: now() });
    callback
}

fn received(callback: &Request<Bytes>) -> Webhook {
    Webhook { headers: callback.headers().clone(), ..webhook(callback.body().clone()) }
}

#[test]
fn what_a_dialect_signs_it_verifies() {
    for &dialect in dialect::all() {
        let name = dialect.name();
        let webhook = received(&signed(dialect));
        assert_eq!(dialect.verify_webhook(&webhook, SECRET, now()), Ok(()), "{name}");
        let other = dialect.verify_webhook(&webhook, "another", now()).unwrap_err();
        assert_eq!(other.kind, FaultKind::Forbidden, "{name}: {other}");
        let mut bent = webhook.body.to_vec();
        bent.push(b' ');
        let bent = Webhook { body: bent.into(), ..webhook };
        assert!(dialect.verify_webhook(&bent, SECRET, now()).is_err(), "{name}");
    }
}

#[test]
fn clients_of_turn_find_its_headers_beside_the_standard_ones() {
    let callback = signed(dialect::named("on-premises").unwrap());
    assert_eq!(callback.headers()["x-turn-hook-subscription"], "whatsapp");
    assert!(callback.headers().contains_key("webhook-signature"));
    let mut as_turn_calls = received(&callback);
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        as_turn_calls.headers.remove(name);
    }
    let on_premises = dialect::named("on-premises").unwrap();
    assert_eq!(on_premises.verify_webhook(&as_turn_calls, SECRET, now()), Ok(()));
    assert!(on_premises.verify_webhook(&as_turn_calls, "another", now()).is_err());
}

#[test]
fn what_says_nothing_is_unauthenticated() {
    for &dialect in dialect::all() {
        let fault = dialect.verify_webhook(&webhook("{}"), SECRET, now()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unauthenticated, "{}", dialect.name());
    }
}

#[test]
fn providers_that_sign_nothing_may_repeat_the_secret() {
    for &dialect in dialect::all() {
        let name = dialect.name();
        let mut by_header = webhook("{}");
        by_header.headers.insert("authorization", format!("Bearer {SECRET}").parse().unwrap());
        assert_eq!(dialect.verify_webhook(&by_header, SECRET, now()), Ok(()), "{name}");
        assert!(dialect.verify_webhook(&by_header, "another", now()).is_err(), "{name}");
        let by_query = Webhook { query: format!("token={SECRET}"), ..webhook("{}") };
        assert_eq!(dialect.verify_webhook(&by_query, SECRET, now()), Ok(()), "{name}");
    }
}

#[test]
fn a_wrong_signature_is_not_saved_by_anything_beside_it() {
    for &dialect in dialect::all() {
        let mut webhook = received(&signed(dialect));
        webhook.body = Bytes::from_static(b"{}");
        assert!(dialect.verify_webhook(&webhook, SECRET, now()).is_err(), "{}", dialect.name());
    }
}

fn dialect(name: &str) -> &'static dyn Dialect {
    dialect::named(name).unwrap()
}

fn with_header(name: &'static str, value: &str, body: &'static str) -> Webhook {
    let mut headers = HeaderMap::new();
    headers.insert(name, value.parse().unwrap());
    Webhook { headers, ..webhook(body) }
}

/// Digests that another program made.
#[test]
fn published_vectors_fit() {
    let body = r#"{"event":"message.delivered","timestamp":1790000123,"data":{"message_id":"msg_5c1e9d7a20b34f8","status":"delivered"}}"#;
    let digest = "ea57b99b4ebcc869f6b65867f2e13fb34d13fc15d79a985022e792cab6e7708d";
    for (name, header, prefix) in [
        ("aisoule", "x-aisoule-signature", "sha256="),
        ("aisoule-app", "x-webhook-signature", ""),
        ("cloud", "x-hub-signature-256", "sha256="),
    ] {
        let webhook = with_header(header, &format!("{prefix}{digest}"), body);
        assert_eq!(dialect(name).verify_webhook(&webhook, SECRET, now()), Ok(()), "{name}");
    }
}

#[test]
fn turn_signs_in_base64() {
    let digest = "6le5m068yGn2tlhn8uE/s00T/BXXmphQIueSyrbncI0=";
    let body = r#"{"event":"message.delivered","timestamp":1790000123,"data":{"message_id":"msg_5c1e9d7a20b34f8","status":"delivered"}}"#;
    let webhook = with_header("x-turn-hook-signature", digest, body);
    assert_eq!(dialect("on-premises").verify_webhook(&webhook, SECRET, now()), Ok(()));
    assert!(dialect("on-premises").verify_webhook(&webhook, "another", now()).is_err());
}

#[test]
fn a_standard_webhook_is_good_for_five_minutes() {
    let dialect = dialect("channel-request");
    let webhook = received(&signed(dialect));
    assert_eq!(dialect.verify_webhook(&webhook, SECRET, now() + Duration::minutes(4)), Ok(()));
    assert!(dialect.verify_webhook(&webhook, SECRET, now() + Duration::minutes(6)).is_err());
    assert!(dialect.verify_webhook(&webhook, SECRET, now() - Duration::minutes(6)).is_err());
}

#[test]
fn the_vector_of_the_standard_webhooks_fits() {
    let mut webhook = webhook(r#"{"test": 2432232314}"#);
    for (name, value) in [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,AAAA"),
    ] {
        webhook.headers.insert(name, value.parse().unwrap());
    }
    let at = time::OffsetDateTime::from_unix_timestamp(1_614_265_330).unwrap();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert_eq!(dialect("channel-request").verify_webhook(&webhook, secret, at), Ok(()));
}

#[test]
fn the_question_of_the_set_up_is_answered_with_its_challenge() {
    let ask = |query: &str| {
        let webhook = Webhook { method: Method::GET, query: query.to_owned(), ..webhook("") };
        dialect("cloud").answer_challenge(&webhook, "tok&en")
    };
    let right = ask("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=tok%26en").unwrap().unwrap();
    assert_eq!((right.status().as_u16(), &right.body()[..]), (200, &b"1158201444"[..]));
    let wrong = ask("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=other").unwrap().unwrap_err();
    assert_eq!(wrong.kind, FaultKind::Forbidden);
    assert!(ask("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=tok%26en").unwrap().is_err());
    assert!(ask("a=b").is_none());
}
