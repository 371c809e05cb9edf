//! What the golden files cannot show: that unknown members pass at every level, and that a fault keeps its verdict.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::ChannelRequest;
use crate::dialect::{Answer, Call, Dialect, Losses, Target, Translation, golden_sends, reference, samples};
use crate::model::{Content, Extra, Fault, FaultKind, Request, Text, TransactionId, Verdict};

fn transaction() -> TransactionId {
    "0199c0de-7a11-7000-8000-2b7e1c905d44".parse().unwrap()
}

fn decode(body: Value) -> Request {
    let call = Call { method: Method::POST, path: "/notification".to_owned(), headers: HeaderMap::new(), body };
    ChannelRequest.decode_send(call).unwrap().value
}

fn target(sender: Option<&str>) -> Target<'_> {
    Target { correlation: Some(transaction()), sender, ..Target::default() }
}

fn encode(request: &Request, sender: Option<&str>) -> Result<http::Request<Bytes>, Fault> {
    Translation::new(&ChannelRequest, &ChannelRequest, Losses::Refuse).say(request, &target(sender))
}

/// Puts a member that nobody knows into every object.
fn mark(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(mark);
            members.insert("x_new".to_owned(), json!({ "a": 1 }));
        }
        Value::Array(entries) => entries.iter_mut().for_each(mark),
        _ => {}
    }
}

#[test]
fn an_upstream_of_this_dialect_gets_unknown_members_at_every_level() {
    for golden in golden_sends(&ChannelRequest) {
        let mut body = golden.request.body;
        // Where the client wants to be told is not passed on.
        body.as_object_mut().unwrap().remove("callbacks");
        mark(&mut body);
        let encoded = encode(&decode(body.clone()), None).unwrap();
        let forwarded: Value = serde_json::from_slice(encoded.body()).unwrap();
        assert_eq!(forwarded, body, "{}", golden.name);
    }
}

#[test]
fn unknown_members_of_the_envelope_are_noted_as_they_stand_where_the_upstream_has_no_envelope() {
    let message = json!({ "from": "442079460000", "to": "447700900123", "type": "text", "message": "Hi" });
    let sent = decode(json!({ "channel": "WHATSAPP", "request": message, "x_new": 1 }));
    let mut translation = Translation::new(&ChannelRequest, reference(), Losses::Refuse);
    translation.say(&sent, &target(None)).unwrap();
    let noted: Vec<_> = translation.into_warnings().into_iter().map(|warning| warning.member).collect();
    assert_eq!(noted, ["x_new"]);
}

#[test]
fn the_verdict_of_a_fault_survives_the_way_back() {
    let to = Answer { transaction: transaction(), at: OffsetDateTime::UNIX_EPOCH, pace: None };
    for &kind in FaultKind::ALL {
        let answer = ChannelRequest.encode_fault(&Fault::gateway(kind, "why"), &to);
        let verdict = ChannelRequest.decode_outcome(&answer).unwrap_err().verdict();
        match kind {
            // The client's key at the upstream is our own.
            FaultKind::Unauthenticated | FaultKind::Forbidden => assert_eq!(verdict, Verdict::Credential, "{kind}"),
            // A defect says nothing of how far the message came.
            FaultKind::Internal => assert_eq!(verdict, Verdict::Ambiguous, "{kind}"),
            _ => assert_eq!(verdict, kind.verdict(), "{kind}"),
        }
    }
}

#[test]
fn the_provider_tells_the_gateway_and_not_the_client() {
    let request = decode(json!({"channel": "WHATSAPP", "callbacks": "https://hooks.example.net/a", "request": {
        "from": "442079460000", "to": "+447700900123", "type": "text", "message": "Bay 2 is open",
    }}));
    let ours = "https://gateway.example.net/webhooks/main";
    for callback in [None, Some(ours)] {
        let target = Target { callback, ..target(None) };
        let said = Translation::new(&ChannelRequest, &ChannelRequest, Losses::Refuse).say(&request, &target).unwrap();
        let body: Value = serde_json::from_slice(said.body()).unwrap();
        assert_eq!(body.get("callbacks").and_then(Value::as_str), callback);
    }
}

#[test]
fn the_upstreams_sender_wins_and_one_is_needed() {
    let mut request = decode(json!({"channel": "WHATSAPP", "request": {
        "from": "442079460000", "to": "+447700900123", "type": "text", "message": "Bay 2 is open",
    }}));
    let from = |encoded: http::Request<Bytes>| {
        serde_json::from_slice::<Value>(encoded.body()).unwrap()["request"]["from"].as_str().unwrap().to_owned()
    };
    assert_eq!(from(encode(&request, Some("442079460001")).unwrap()), "442079460001");
    assert_eq!(from(encode(&request, None).unwrap()), "442079460000");
    let Request::Send(message) = &mut request else { panic!("a message") };
    message.sender = None;
    let fault = encode(&request, None).unwrap_err();
    assert_eq!(fault.kind, FaultKind::MissingMember);
    assert!(fault.detail.contains("set `sender` of the upstream"), "{fault}");
}

#[test]
fn a_text_that_is_longer_than_the_vendor_takes_is_refused_by_name() {
    let Request::Send(mut message) = decode(json!({"channel": "WHATSAPP", "request": {
        "from": "442079460000", "to": "+447700900123", "type": "text", "message": "ä",
    }})) else {
        panic!("a message")
    };
    for (length, fits) in [(1024, true), (1025, false)] {
        message.content = Content::Text(Text { body: "ä".repeat(length), preview_url: None, extra: Extra::default() });
        let encoded = encode(&Request::Send(message.clone()), None);
        assert_eq!(encoded.is_ok(), fits, "{length}");
        let member = encoded.err().and_then(|fault| fault.member);
        assert_eq!(member.as_deref(), (!fits).then_some("request.message"));
    }
}

#[test]
fn members_are_spelt_as_this_dialect_has_them() {
    let spelt = [
        ("context.message_id", "request.replyTo"),
        ("to", "request.to"),
        ("type", "request.type"),
        ("text.body", "request.message"),
        ("image.link", "request.message"),
        ("video.caption", "request.caption"),
        ("document.filename", "request.fileName"),
        ("template.id", "request.template.id"),
        ("cards.caption", "request.cards.caption"),
        ("channel", "channel"),
        ("interactive.header.image.link", "request.interactive.header.image.link"),
    ];
    for (cloud, own) in spelt {
        assert_eq!(ChannelRequest.spell(cloud), own);
    }
}

#[test]
fn a_place_without_a_name_is_called_by_its_coordinates() {
    let request = decode(json!({"channel": "WHATSAPP", "request": {
        "from": "442079460000", "to": "+447700900123", "type": "location", "latitude": 51.5, "longitude": -0.25,
    }}));
    let body: Value = serde_json::from_slice(encode(&request, None).unwrap().body()).unwrap();
    assert_eq!(body["request"]["message"], "51.5,-0.25");
    assert_eq!(body["request"]["location"], json!({"latitude": 51.5, "longitude": -0.25}));
}

#[test]
fn half_a_place_is_no_place_and_the_other_half_is_named() {
    for (given, lacks) in [("latitude", "request.longitude"), ("longitude", "request.latitude")] {
        let request = json!({"from": "442079460000", "to": "447700900123", "type": "location", given: 51.5});
        let body = json!({"channel": "WHATSAPP", "request": request});
        let call = Call { method: Method::POST, path: "/notification".to_owned(), headers: HeaderMap::new(), body };
        let fault = ChannelRequest.decode_send(call).unwrap_err();
        assert_eq!((fault.kind, fault.member.as_deref()), (FaultKind::MissingMember, Some(lacks)));
    }
}

#[test]
fn an_upstream_without_a_sender_says_so() {
    let request = samples().iter().find(|sample| sample.name == "text").unwrap().request().unwrap();
    let Request::Send(mut message) = request else { unreachable!() };
    message.sender = None;
    let fault = encode(&Request::Send(message), None).unwrap_err();
    assert_eq!((fault.kind, fault.member.as_deref()), (FaultKind::MissingMember, Some("request.from")));
}
