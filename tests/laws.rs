//! What is true of every dialect, whatever it says: checked with requests, bodies and answers that nobody thought of. And of
//! every configuration, which is read too.
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
#[path = "support/probe_config.rs"]
mod probe_config;
#[path = "support/probe_dialect.rs"]
#[allow(dead_code, reason = "shared with the laws of events")]
mod probe_dialect;

use std::sync::LazyLock;

use bend::{Unknown, bend, insert, places, put, unknown};
use bytes::Bytes;
use golden::{Wire, answer, fixtures, target, transaction};
use http::Response;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sabir::dialect::{self, Call, Dialect, FileFacts, Losses, MediaAnswer, Receipt, Speaker, Target, Translation};
use sabir::model::{Accepted, Content, Fault, FaultKind, References, Request, TransactionId, Verdict, Warning};
use serde_json::{Map, Value};

type Encoded = Result<http::Request<Bytes>, Fault>;

/// As many cases as `PROPTEST_CASES` says. A failing one belongs into a golden file or a unit test, not into a file of
/// seeds.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

fn encode(client: &dyn Dialect, upstream: &dyn Dialect, request: &Request, losses: Losses) -> (Encoded, Vec<Warning>) {
    let mut translation = Translation::new(client, upstream, losses);
    let encoded = translation.say(request, &target());
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

#[test]
fn the_id_of_an_upload_is_read_as_it_is_written_and_made_up_by_nobody() {
    let (id, target) = ("4410099887766", Target { phone_number_id: Some("551200034477"), ..target() });
    let file = FileFacts { id, mime_type: "image/png", filename: None, size: 1, sha256: "" };
    for &dialect in dialect::all() {
        assert!(dialect.decode_uploaded(&Response::new(Bytes::from("{}"))).is_err(), "{}", dialect.name());
        if dialect.encode_upload(&file, &target).is_ok() {
            let said = dialect.encode_media_answer(&MediaAnswer::Uploaded(id));
            assert_eq!(dialect.decode_uploaded(&said).unwrap(), id, "{}", dialect.name());
        }
    }
}

#[test]
fn a_provider_that_forgets_files_keeps_them_for_some_days() {
    for &dialect in dialect::all() {
        assert!(dialect.keeps_files_for().is_none_or(|kept| kept.whole_days() > 0), "{}", dialect.name());
    }
}

proptest! {
    #![proptest_config(config())]

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
    fn what_may_name_messages_is_what_names_some(request in arbitrary::request()) {
        prop_assert_eq!(request.may_name_messages(), !request.clone().message_ids().is_empty());
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

/// The golden requests, in the usual and in odd spellings, and answers of one dialect, to be bent.
struct Seeds {
    dialect: &'static dyn Dialect,
    requests: Vec<Wire>,
    oddities: Vec<Wire>,
    outcomes: Vec<(u16, Value)>,
}

static SEEDS: LazyLock<Vec<Seeds>> = LazyLock::new(|| dialect::all().iter().map(|&dialect| seeds(dialect)).collect());

fn seeds(dialect: &'static dyn Dialect) -> Seeds {
    let requests = |prefix| {
        let files = fixtures(dialect, prefix).into_iter();
        files.map(|(_, file)| serde_json::from_value(file["request"].clone()).unwrap()).collect()
    };
    let outcomes = fixtures(dialect, "accepted.").into_iter().chain(fixtures(dialect, "fault."));
    let outcomes = outcomes.map(|(_, file)| (file["status"].as_u64().unwrap() as u16, file["body"].clone())).collect();
    Seeds { dialect, requests: requests("send."), oddities: requests("alias."), outcomes }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_body_makes_a_decoder_panic(body in arbitrary::json(), of in any::<Index>()) {
        for seeds in SEEDS.iter() {
            probe_dialect::send(seeds.dialect, Call { body: body.clone(), ..of.get(&seeds.requests).call() });
        }
    }

    #[test]
    fn no_body_of_another_call_makes_a_decoder_panic(body in arbitrary::json(), of in any::<Index>()) {
        let paths = ["/v1/users/login", "/v1/contacts", "/v1/settings/application", "/v1/settings/business/profile",
            "/v1/settings/profile/about", "/v1/configs/webhook", "/kingslanding/login"];
        let path = (*of.get(&paths)).to_owned();
        let call = Call { method: http::Method::POST, path, headers: http::HeaderMap::new(), body };
        for &dialect in dialect::all() {
            probe_dialect::other_call(dialect, &call);
        }
    }

    #[test]
    fn no_bent_request_makes_a_decoder_panic(of in any::<Index>(), bends in vec(bend(), 1..4)) {
        for seeds in SEEDS.iter() {
            let mut call = of.get(&seeds.requests).call();
            bends.iter().for_each(|bend| bend.apply(&mut call.body));
            probe_dialect::send(seeds.dialect, call);
        }
    }

    #[test]
    fn no_answer_makes_a_decoder_panic(status in 100..1000_u16, wait in "[ -~]{0,12}", body in any::<Vec<u8>>()) {
        for &dialect in dialect::all() {
            probe_dialect::outcome(dialect, status, Some(&wait), body.clone());
        }
    }

    #[test]
    fn no_bent_answer_makes_a_decoder_panic(of in any::<Index>(), status in 200..600_u16, bends in vec(bend(), 1..4)) {
        for seeds in SEEDS.iter() {
            let (said, mut body) = of.get(&seeds.outcomes).clone();
            bends.iter().for_each(|bend| bend.apply(&mut body));
            probe_dialect::outcome(seeds.dialect, said, None, body.to_string().into_bytes());
            probe_dialect::outcome(seeds.dialect, status, None, body.to_string().into_bytes());
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
    #![proptest_config(config())]

    #[test]
    fn forwarding_in_one_dialect_keeps_every_unknown_member_or_warns_of_it(of in any::<Index>(), unknown in vec(unknown(), 1..5)) {
        for seeds in SEEDS.iter() {
            let (client, wire) = (seeds.dialect, of.get(&seeds.requests));
            let Forwarded { said, inserted, warnings } = forward(client, client, wire, &unknown).unwrap();
            for (place, value) in inserted {
                // A null says the same as no member.
                let found = said.pointer(&place).unwrap_or(&Value::Null);
                prop_assert!(*found == value || is_warned_of(&place, &warnings), "{} {}", seeds.dialect.name(), place);
            }
        }
    }

    #[test]
    fn odd_spellings_and_other_dialects_keep_every_unknown_member_somewhere_or_warn_of_it(
        of in any::<Index>(),
        odd in any::<bool>(),
        unknown in vec(unknown(), 1..5),
    ) {
        for seeds in SEEDS.iter() {
            let wire = of.get(if odd { &seeds.oddities } else { &seeds.requests });
            for &upstream in dialect::all() {
                let Ok(forwarded) = forward(seeds.dialect, upstream, wire, &unknown) else { continue };
                for (place, value) in &forwarded.inserted {
                    let case = format!("{} to {}: {place}", seeds.dialect.name(), upstream.name());
                    let is_kept = value.is_null() || is_somewhere(place, value, &forwarded.said);
                    let is_warned_of = is_warned_of(place, &forwarded.warnings) || is_named(place, &forwarded.warnings);
                    prop_assert!(is_kept || is_warned_of, "{}", case);
                }
            }
        }
    }
}

/// What became of a client's request on its way to an upstream.
struct Forwarded {
    said: Value,
    inserted: Map<String, Value>,
    warnings: Vec<Warning>,
}

/// Forwards a golden request with unknown members in it.
fn forward(client: &dyn Dialect, upstream: &dyn Dialect, wire: &Wire, unknown: &[Unknown]) -> Result<Forwarded, Fault> {
    let mut call = wire.call();
    let inserted = insert(&mut call.body, unknown);
    let heard = client.decode_send(call).unwrap_or_else(|fault| panic!("{} {}: {fault}", client.name(), wire.body));
    let (said, left_out) = encode(client, upstream, &heard.value, Losses::Warn);
    let said = serde_json::from_slice(said?.body()).unwrap();
    Ok(Forwarded { said, inserted, warnings: [heard.warnings, left_out].concat() })
}

/// Whether an object in the document has the member that stood at the place.
fn is_somewhere(place: &str, value: &Value, document: &Value) -> bool {
    places(document).iter().any(|parent| document.pointer(parent).unwrap().get(name_of(place)) == Some(value))
}

/// Whether a warning names the member at the place that it has in the usual spelling.
fn is_named(place: &str, warnings: &[Warning]) -> bool {
    warnings.iter().any(|warning| warning.member.rsplit('.').next() == Some(name_of(place)))
}

fn name_of(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or_default()
}

/// Whether a warning names the place, or what it is a part of.
fn is_warned_of(place: &str, warnings: &[Warning]) -> bool {
    let member = member(place);
    let mut rests = warnings.iter().filter_map(|warning| member.strip_prefix(warning.member.as_str()));
    rests.any(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A pointer as faults and warnings write it: `/contacts/0/name` → `contacts[0].name`.
fn member(place: &str) -> String {
    let segments = place.split('/').skip(1);
    let path: String =
        segments.map(|name| name.parse().map_or(format!(".{name}"), |at: u32| format!("[{at}]"))).collect();
    path.trim_start_matches('.').to_owned()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_configuration_makes_its_reader_panic(lines in vec((any::<Index>(), any::<Index>(), "[ -~]{0,8}"), 1..6)) {
        let whole = include_str!("../config/example.toml").to_owned() + include_str!("../config/default.toml");
        let mut text: Vec<_> = whole.lines().map(str::to_owned).collect();
        for (at, from, more) in lines {
            let line = from.get(&text).clone() + &more;
            text[at.index(whole.lines().count())] = line;
        }
        probe_config::configuration(&text.join("\n"));
    }
}

/// The kinds of fault that a caller mends by changing the member that is named.
const OF_MEMBERS: [FaultKind; 6] = [
    FaultKind::MissingMember,
    FaultKind::InvalidMember,
    FaultKind::TooLong,
    FaultKind::UnsupportedKind,
    FaultKind::UnsupportedMember,
    FaultKind::InvalidRecipient,
];

/// An error's answer with its body: a JSON object.
fn render(dialect: &dyn Dialect, fault: &Fault) -> (Response<Bytes>, String) {
    let rendered = dialect.encode_fault(fault, &answer());
    let case = format!("{} {fault}: {rendered:?}", dialect.name());
    let body: Value = serde_json::from_slice(rendered.body()).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert!(body.is_object() && rendered.status().as_u16() >= 400, "{case}");
    (rendered, body.to_string())
}

#[test]
fn what_a_caller_must_mend_is_told_in_full() {
    for &dialect in dialect::all() {
        for kind in OF_MEMBERS {
            let fault = Fault::at(kind, "image.link", "say it another way");
            let (_, body) = render(dialect, &fault);
            assert!(body.contains(&fault.detail), "{} {kind}: {body}", dialect.name());
        }
    }
}

/// Words that a dialect prescribes for a kind, because its clients look for them; a golden file shows them.
fn prescribed(dialect: &dyn Dialect, kind: FaultKind) -> Vec<String> {
    let files = fixtures(dialect, "fault.").into_iter().filter(|(_, file)| file["kind"] == kind.code());
    files.filter_map(|(_, file)| file["detail"].as_str().map(str::to_owned)).collect()
}

/// A credential of the caller's that we refuse is ours to the caller, if it is a gateway itself.
fn verdict_for_the_caller(kind: FaultKind) -> Vec<Verdict> {
    match kind {
        FaultKind::Unauthenticated | FaultKind::Forbidden => vec![kind.verdict(), Verdict::Credential],
        kind => vec![kind.verdict()],
    }
}

#[test]
fn every_fault_renders_and_its_verdict_survives_the_trip_back() {
    for &dialect in dialect::all() {
        for &kind in FaultKind::ALL {
            let fault = Fault::upstream(kind, "the depot is closed").for_client();
            let (rendered, body) = render(dialect, &fault);
            let case = format!("{} {kind}: {rendered:?}", dialect.name());
            let is_prescribed = || prescribed(dialect, fault.kind).iter().any(|words| body.contains(words));
            assert!(body.contains(&fault.detail) || is_prescribed(), "{case}");
            let heard = dialect.decode_outcome(&rendered).expect_err(&case).verdict();
            // Under a 5xx, "try again" may be heard as "it may have gone out": that is on the safe side.
            let cautious = fault.verdict() == Verdict::Transient
                && heard == Verdict::Ambiguous
                && rendered.status().is_server_error();
            assert!(cautious || verdict_for_the_caller(fault.kind).contains(&heard), "{case}: {heard:?}");
        }
    }
}

#[test]
fn that_the_gateways_own_key_fails_renders_and_never_reaches_a_client() {
    let is_ours = |kind: &&FaultKind| kind.verdict() == Verdict::Credential && **kind != FaultKind::SenderUnavailable;
    let kinds = FaultKind::ALL.iter().filter(is_ours);
    for (&kind, &dialect) in kinds.flat_map(|kind| dialect::all().iter().map(move |dialect| (kind, dialect))) {
        let fault = Fault::upstream(kind, "the key zq-9077 is refused");
        render(dialect, &fault);
        let told = Speaker::of(dialect).encode_fault(&fault, &answer());
        let case = format!("{} {kind}: {told:?}", dialect.name());
        // A client that saw a 401 would log in again, for ever.
        assert!(told.status().is_server_error(), "{case}");
        assert!(!String::from_utf8_lossy(told.body()).contains("zq-9077"), "{case}");
    }
}

#[test]
fn that_a_sender_is_none_is_told_as_what_fails_again() {
    for &dialect in dialect::all() {
        let fault = Fault::upstream(FaultKind::SenderUnavailable, "the depot's number is not registered");
        let told = Speaker::of(dialect).encode_fault(&fault, &answer());
        let (status, body) = (told.status(), String::from_utf8_lossy(told.body()));
        assert!(status.is_client_error() && status != 401, "{}: {told:?}", dialect.name());
        assert!(body.contains("the depot's number is not registered"), "{}: {body}", dialect.name());
    }
}

#[test]
fn an_answer_names_the_number_that_the_client_used() {
    let request: Request = serde_json::from_value(serde_json::json!({ "send": {
        "recipient": { "address": { "phone": "5511987654321" }, "input": "+55 11 98765-4321" },
        "content": { "text": { "body": "Hi" } },
    } }))
    .unwrap();
    let accepted = Accepted { wa_id: Some("551187654321".to_owned()), ..Accepted::default() };
    for &dialect in dialect::all() {
        let receipt = Receipt { answer: answer(), request: &request, accepted: &accepted };
        let told = Speaker::of(dialect).encode_receipt(&receipt);
        let told = String::from_utf8_lossy(told.body()).into_owned();
        assert!(!told.contains("551187654321"), "{}: {told}", dialect.name());
    }
}
