//! What is true of every dialect, whatever it says: checked with requests, bodies and answers that nobody thought of.
//!
//! Laws cannot see a member that is misspelt alike in both halves of a dialect; the golden files of `dialects.rs` can.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop where it stands"
)]

#[path = "support/arbitrary.rs"]
mod arbitrary;
#[path = "support/bend.rs"]
mod bend;
#[path = "support/golden.rs"]
mod golden;

use std::sync::LazyLock;

use bend::{bend, insert, places, put, unknown};
use bytes::Bytes;
use golden::{Wire, answer, fixtures, target, transaction};
use http::Response;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sabir::dialect::{self, Call, Dialect, Losses, Receipt, Translation};
use sabir::model::{Accepted, Content, Fault, FaultKind, Origin, References, Request, TransactionId, Verdict, Warning};
use serde_json::Value;

type Encoded = Result<http::Request<Bytes>, Fault>;

/// A failing case belongs into a golden file or a unit test, not into a file of seeds.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn encode(client: &dyn Dialect, upstream: &dyn Dialect, request: &Request, losses: Losses) -> (Encoded, Vec<Warning>) {
    let mut translation = Translation::new(client, upstream, losses);
    let encoded = upstream.encode_send(request, &target(), &mut translation);
    (encoded, translation.into_warnings())
}

fn say(dialect: &dyn Dialect, request: &Request) -> Encoded {
    encode(dialect, dialect, request, Losses::Refuse).0
}

/// The call that a client makes who sends what we send.
fn call(request: &http::Request<Bytes>) -> Call {
    let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    Call { method, path, headers: request.headers().clone(), body }
}

fn hear(dialect: &dyn Dialect, request: &http::Request<Bytes>) -> Result<Request, TestCaseError> {
    let refusal = |fault| TestCaseError::fail(format!("{} refuses what it says: {fault}: {request:?}", dialect.name()));
    dialect.decode_send(call(request)).map(|heard| heard.value).map_err(refusal)
}

fn assert_names_its_member(fault: &Fault) {
    let member = fault.member.as_deref().unwrap_or_else(|| panic!("no member: {fault}"));
    assert!(!member.is_empty() && fault.detail.contains(member), "{fault}");
}

/// What was heard, with the differences undone that are none of meaning: how the recipient is spelt, which sender the
/// upstream has, what the gateway keeps for the client, the only policy there is, and a "no" that is not said.
fn meaning(mut heard: Request, said: &Request) -> Request {
    match (&mut heard, said) {
        (Request::Send(heard), Request::Send(said)) => {
            heard.sender.clone_from(&said.sender);
            heard.recipient.input.clone_from(&said.recipient.input);
            keep(&mut heard.references, &mut heard.callbacks, &said.references, &said.callbacks);
            spell_out(&mut heard.content, &said.content);
        }
        (Request::Read(heard), Request::Read(said)) => heard.sender.clone_from(&said.sender),
        (Request::Relay(heard), Request::Relay(said)) => {
            keep(&mut heard.references, &mut heard.callbacks, &said.references, &said.callbacks);
        }
        _ => {}
    }
    heard
}

fn spell_out(heard: &mut Content, said: &Content) {
    match (heard, said) {
        (Content::Text(heard), Content::Text(said)) => heard.preview_url = heard.preview_url.or(no(said.preview_url)),
        (Content::Media(heard), Content::Media(said)) => heard.voice = heard.voice.or(no(said.voice)),
        (Content::Template(heard), Content::Template(said)) => heard.policy.clone_from(&said.policy),
        _ => {}
    }
}

fn no(flag: Option<bool>) -> Option<bool> {
    flag.filter(|flag| !flag)
}

/// References and callbacks stay with the gateway; its own transaction id may stand in their place.
fn keep(heard: &mut References, heard_callbacks: &mut Vec<String>, said: &References, said_callbacks: &[String]) {
    let ours = |value: &Option<String>| {
        value.as_ref().is_none_or(|value| value.parse::<TransactionId>().is_ok_and(|id| id == transaction()))
    };
    let pairs = [
        (&mut heard.client_id, &said.client_id),
        (&mut heard.external_id, &said.external_id),
        (&mut heard.opaque, &said.opaque),
    ];
    for (heard, said) in pairs {
        if ours(heard) {
            heard.clone_from(said);
        }
    }
    if heard_callbacks.is_empty() {
        *heard_callbacks = said_callbacks.to_vec();
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn decode_undoes_encode_or_encode_refuses_by_name(request in arbitrary::request()) {
        for &dialect in dialect::all() {
            match say(dialect, &request) {
                Ok(said) => prop_assert_eq!(meaning(hear(dialect, &said)?, &request), request.clone()),
                Err(fault) => assert_names_its_member(&fault),
            }
        }
    }

    #[test]
    fn encode_after_decode_settles_at_once(request in arbitrary::request()) {
        for &dialect in dialect::all() {
            let Ok(said) = say(dialect, &request) else { continue };
            let again = say(dialect, &hear(dialect, &said)?).unwrap();
            prop_assert_eq!(again.body(), said.body());
            prop_assert_eq!((again.method(), again.uri()), (said.method(), said.uri()));
        }
    }

    #[test]
    fn refusals_speak_the_clients_dialect(request in arbitrary::request()) {
        for &client in dialect::all() {
            for &upstream in dialect::all() {
                if let Err(fault) = encode(client, upstream, &request, Losses::Refuse).0 {
                    assert_names_its_member(&fault);
                    prop_assert!(fault.detail.contains(upstream.name()), "{}", fault);
                }
            }
        }
    }

    #[test]
    fn a_loss_that_is_allowed_becomes_a_warning_and_the_rest_arrives(request in arbitrary::request()) {
        for &client in dialect::all() {
            for &upstream in dialect::all() {
                let Err(fault) = encode(client, upstream, &request, Losses::Refuse).0 else { continue };
                let (said, warnings) = encode(client, upstream, &request, Losses::Warn);
                let Ok(said) = said else { continue };
                prop_assert_eq!(fault.kind, FaultKind::UnsupportedMember, "only members are left out: {}", fault);
                let member = fault.member.unwrap_or_default();
                let named = warnings.iter().any(|warning| warning.member == member && warning.text.contains(&member));
                prop_assert!(named, "{} is left out in silence: {:?}", member, warnings);
                let heard = meaning(hear(upstream, &said)?, &request);
                prop_assert_eq!(heard.kind(), request.kind());
                prop_assert_eq!(heard.recipient(), request.recipient());
                let (part, whole) = (serde_json::to_value(&heard).unwrap(), serde_json::to_value(&request).unwrap());
                prop_assert!(is_part_of(&part, &whole), "{} is no part of {}", part, whole);
            }
        }
    }
}

/// Whether nothing stands in `part` that does not stand in `whole` at the same place.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| is_part_of(part, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            let mut rest = whole.iter();
            part.iter().all(|part| rest.any(|whole| is_part_of(part, whole)))
        }
        (part, whole) => part == whole,
    }
}

/// The golden requests and answers of one dialect, to be bent.
struct Seeds {
    dialect: &'static dyn Dialect,
    requests: Vec<Wire>,
    outcomes: Vec<(u16, Value)>,
}

static SEEDS: LazyLock<Vec<Seeds>> = LazyLock::new(|| dialect::all().iter().map(|&dialect| seeds(dialect)).collect());

fn seeds(dialect: &'static dyn Dialect) -> Seeds {
    let requests = fixtures(dialect, "send.").into_iter();
    let requests = requests.map(|(_, file)| serde_json::from_value(file["request"].clone()).unwrap()).collect();
    let outcomes = fixtures(dialect, "accepted.").into_iter().chain(fixtures(dialect, "fault."));
    let outcomes = outcomes.map(|(_, file)| (file["status"].as_u64().unwrap() as u16, file["body"].clone())).collect();
    Seeds { dialect, requests, outcomes }
}

/// Decodes a call and does with it all that the gateway would do.
fn run(dialect: &'static dyn Dialect, call: Call) {
    match dialect.decode_send(call) {
        Ok(decoded) => {
            for &upstream in dialect::all() {
                for losses in [Losses::Refuse, Losses::Warn] {
                    let _ = encode(dialect, upstream, &decoded.value, losses);
                }
            }
            let accepted = Accepted::default();
            dialect.encode_receipt(&Receipt { answer: answer(), request: &decoded.value, accepted: &accepted });
        }
        Err(fault) => drop(dialect.encode_fault(&fault, &answer())),
    }
}

fn outcome(dialect: &dyn Dialect, status: u16, retry_after: Option<&str>, body: Vec<u8>) {
    let mut response = Response::builder().status(status);
    if let Some(wait) = retry_after {
        response = response.header("retry-after", wait);
    }
    let _ = dialect.decode_outcome(&response.body(Bytes::from(body)).unwrap());
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_body_makes_a_decoder_panic(body in arbitrary::json(), of in any::<Index>()) {
        for seeds in SEEDS.iter() {
            run(seeds.dialect, Call { body: body.clone(), ..of.get(&seeds.requests).call() });
        }
    }

    #[test]
    fn no_body_of_another_call_makes_a_decoder_panic(body in arbitrary::json(), of in any::<Index>()) {
        let paths = ["/v1/users/login", "/v1/contacts", "/v1/settings/application", "/v1/settings/business/profile",
            "/v1/settings/profile/about", "/v1/configs/webhook", "/kingslanding/login"];
        let path = (*of.get(&paths)).to_owned();
        let call = Call { method: http::Method::POST, path, headers: http::HeaderMap::new(), body };
        for &dialect in dialect::all() {
            if let Some(Err(fault)) = dialect.decode_service(&call) {
                prop_assert_eq!(fault.origin, Origin::Client);
                dialect.encode_fault(&fault, &answer());
            }
        }
    }

    #[test]
    fn no_bent_request_makes_a_decoder_panic(of in any::<Index>(), bends in vec(bend(), 1..4)) {
        for seeds in SEEDS.iter() {
            let mut call = of.get(&seeds.requests).call();
            bends.iter().for_each(|bend| bend.apply(&mut call.body));
            run(seeds.dialect, call);
        }
    }

    #[test]
    fn no_answer_makes_a_decoder_panic(status in 100..1000_u16, wait in "[ -~]{0,12}", body in any::<Vec<u8>>()) {
        for &dialect in dialect::all() {
            outcome(dialect, status, Some(&wait), body.clone());
        }
    }

    #[test]
    fn no_bent_answer_makes_a_decoder_panic(of in any::<Index>(), status in 200..600_u16, bends in vec(bend(), 1..4)) {
        for seeds in SEEDS.iter() {
            let (said, mut body) = of.get(&seeds.outcomes).clone();
            bends.iter().for_each(|bend| bend.apply(&mut body));
            outcome(seeds.dialect, said, None, body.to_string().into_bytes());
            outcome(seeds.dialect, status, None, body.to_string().into_bytes());
        }
    }

    #[test]
    fn no_fault_repeats_the_value(of in any::<Index>(), at in any::<Index>(), number in any::<bool>()) {
        let (value, printed) = match number {
            true => (Value::from(90_417_733_u64), "90417733"),
            false => (Value::from("zq-secret"), "zq-secret"),
        };
        for seeds in SEEDS.iter() {
            let mut call = of.get(&seeds.requests).call();
            let places = places(&call.body);
            put(&mut call.body, at.get::<String>(&places), value.clone());
            if let Err(fault) = seeds.dialect.decode_send(call) {
                prop_assert!(!fault.detail.contains(printed), "{}: {}", seeds.dialect.name(), fault);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn forwarding_in_one_dialect_keeps_every_unknown_member_or_warns_of_it(of in any::<Index>(), unknown in vec(unknown(), 1..5)) {
        for seeds in SEEDS.iter() {
            let wire = of.get(&seeds.requests);
            if !wire.body.is_object() {
                continue; // a request without a body has no place for them
            }
            let mut call = wire.call();
            let inserted = insert(&mut call.body, &unknown);
            let heard = seeds.dialect.decode_send(call);
            let heard = heard.unwrap_or_else(|fault| panic!("{} {}: {fault}", seeds.dialect.name(), wire.path));
            let said = say(seeds.dialect, &heard.value).unwrap();
            let said: Value = serde_json::from_slice(said.body()).unwrap();
            for (place, value) in inserted {
                // A null says the same as no member.
                let found = said.pointer(&place).unwrap_or(&Value::Null);
                let warned = heard.warnings.iter().any(|warning| warning.member == member(&place));
                prop_assert!(warned || *found == value, "{} {}: {}", seeds.dialect.name(), place, found);
            }
        }
    }
}

/// A pointer as faults and warnings write it: `/contacts/0/name` → `contacts[0].name`.
fn member(place: &str) -> String {
    let segments = place.split('/').skip(1);
    let path: String =
        segments.map(|name| name.parse().map_or(format!(".{name}"), |at: u32| format!("[{at}]"))).collect();
    path.trim_start_matches('.').to_owned()
}

/// A credential of the caller's that we refuse is the caller's to mend: for it the fault is one of credential.
fn verdict_for_the_caller(kind: FaultKind, heard: Verdict) -> Verdict {
    match kind {
        FaultKind::Unauthenticated | FaultKind::Forbidden if heard == Verdict::Credential => heard,
        kind => kind.verdict(),
    }
}

/// An answer that says what is wrong: in the fault's words, or in fixed ones that the vendor's clients look for and that
/// a golden file of the kind shows.
fn render(dialect: &dyn Dialect, fault: &Fault) -> Response<Bytes> {
    let rendered = dialect.encode_fault(fault, &answer());
    let case = format!("{} {fault}: {rendered:?}", dialect.name());
    let body: Value = serde_json::from_slice(rendered.body()).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert!(rendered.status().as_u16() >= 400, "{case}");
    let body = body.to_string();
    let fixed = fixtures(dialect, "fault.").into_iter().filter(|(_, file)| file["kind"] == fault.kind.code());
    let mut fixed = fixed.filter_map(|(_, file)| file["detail"].as_str().map(str::to_owned));
    assert!(body.contains(&fault.detail) || fixed.any(|words| body.contains(&words)), "{case}");
    rendered
}

#[test]
fn every_fault_renders_and_its_verdict_survives_the_trip_back() {
    for &dialect in dialect::all() {
        for &kind in FaultKind::ALL {
            let fault = Fault::upstream(kind, "image.link: say it another way").for_client();
            let rendered = render(dialect, &fault);
            let case = format!("{} {kind}: {rendered:?}", dialect.name());
            let heard = dialect.decode_outcome(&rendered).expect_err(&case).verdict();
            let cautious = fault.verdict() == Verdict::Transient
                && heard == Verdict::Ambiguous
                && rendered.status().is_server_error();
            assert!(cautious || heard == verdict_for_the_caller(fault.kind, heard), "{case}: {heard:?}");
        }
    }
}

#[test]
fn a_credential_fault_renders_even_where_it_was_not_softened() {
    let credential = FaultKind::ALL.iter().filter(|kind| kind.verdict() == Verdict::Credential);
    for &kind in credential {
        for &dialect in dialect::all() {
            render(dialect, &Fault::upstream(kind, "the key is refused"));
        }
    }
}
