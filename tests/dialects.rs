//! Every dialect against its golden files. `laws.rs` holds what is true of all dialects whatever they say.
//!
//! Golden files are written from the vendors' documents, never from our own output. In `src/dialect/NAME/fixtures/`:
//!
//! | File | Holds | Shown |
//! |---|---|---|
//! | `send.SAMPLE.json` | `request {method, path, body}` | decodes to the sample, and the sample encodes to it |
//! | `decode.SAMPLE.json` | the same | decodes to the sample |
//! | `encode.SAMPLE.json` | the same | the sample encodes to it; what the wire lacks the gateway keeps |
//! | `unsupported.json` | sample → member | the sample is refused, naming the member |
//! | `alias.*.json` | `why`, `request`, `means` (a sample) or `model`, `warnings` (members) | decodes to that |
//! | `reject.*.json` | `why`, `request`, `kind`, `member`, `detail` (a part of it) | is refused so |
//! | `accepted.*.json` | `status`, `body`, `sample`, `accepted` | the receipt encodes to it and decodes from it |
//! | `fault.*.json` | `status`, `body`, `headers`?, `kind`, `detail`, `encodes`? (false: only decoded), `retry_after`? | both ways |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop where it stands"
)]

#[path = "support/golden.rs"]
mod golden;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use golden::{SENDER, Wire, answer, fixtures, target, transaction};
use http::Response;
use sabir::dialect::{self, Dialect, Losses, Receipt, Translation, samples};
use sabir::model::{Accepted, Fault, FaultKind, Origin, Request};
use serde::Deserialize;
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(dialect: &dyn Dialect, name: &str, value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{} {name}: {error}", dialect.name()))
}

fn sample(name: &str) -> Request {
    let found = samples().iter().find(|sample| sample.name == name).unwrap_or_else(|| panic!("no sample {name}"));
    found.request().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What the gateway adds on the way out is taken off again, and spelling does not count.
fn plain(mut request: Request, like: &Request) -> Request {
    match (&mut request, like) {
        (Request::Send(message), Request::Send(like)) => {
            message.recipient.input = like.recipient.input.clone();
            let ours = Some(transaction().to_string());
            for reference in [&mut message.references.opaque, &mut message.references.client_id] {
                *reference = reference.take().filter(|id| ours.as_ref() != Some(id));
            }
            if like.sender.is_none() && message.sender.as_deref() == Some(SENDER) {
                message.sender = None;
            }
        }
        (Request::Read(mark), Request::Read(like))
            if like.sender.is_none() && mark.sender.as_deref() == Some(SENDER) =>
        {
            mark.sender = None;
        }
        _ => {}
    }
    request
}

fn encode(dialect: &dyn Dialect, request: &Request) -> Result<http::Request<Bytes>, Fault> {
    dialect.encode_send(request, &target(), &mut Translation::new(dialect, dialect, Losses::Refuse))
}

fn assert_encodes(dialect: &dyn Dialect, file: &str, request: &Request, wire: &Wire) {
    let encoded = encode(dialect, request).unwrap_or_else(|fault| panic!("{} {file}: {fault}", dialect.name()));
    let body: Value = serde_json::from_slice(encoded.body()).unwrap();
    assert_eq!(body, wire.body, "{} {file}", dialect.name());
    assert_eq!(encoded.method().as_str(), wire.method, "{} {file}", dialect.name());
    assert_eq!(encoded.uri().path(), wire.path, "{} {file}", dialect.name());
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    request: Wire,
}

fn assert_decodes(dialect: &dyn Dialect, file: &str, wire: &Wire, sample: &Request) {
    let decoded = dialect.decode_send(wire.call());
    let decoded = decoded.unwrap_or_else(|fault| panic!("{} {file}: {fault}", dialect.name()));
    assert_eq!(plain(decoded.value, sample), *sample, "{} {file}", dialect.name());
    assert_eq!(decoded.warnings, [], "{} {file}", dialect.name());
}

#[test]
fn every_sample_is_said_as_the_golden_file_says_or_refused_by_name() {
    for &dialect in dialect::all() {
        let mut said: Vec<String> = Vec::new();
        for (file, value) in fixtures(dialect, "send.") {
            let name = file.trim_start_matches("send.").trim_end_matches(".json").to_owned();
            let golden: Send = read(dialect, &file, value);
            let sample = sample(&name);
            assert_decodes(dialect, &file, &golden.request, &sample);
            assert_encodes(dialect, &file, &sample, &golden.request);
            said.push(name);
        }
        for (file, value) in fixtures(dialect, "decode.") {
            let name = file.trim_start_matches("decode.").trim_end_matches(".json").to_owned();
            assert_decodes(dialect, &file, &read::<Send>(dialect, &file, value).request, &sample(&name));
        }
        for (file, value) in fixtures(dialect, "encode.") {
            let name = file.trim_start_matches("encode.").trim_end_matches(".json").to_owned();
            let golden: Send = read(dialect, &file, value);
            assert_encodes(dialect, &file, &sample(&name), &golden.request);
            said.push(name);
        }
        for (file, value) in fixtures(dialect, "unsupported.") {
            let unsupported: BTreeMap<String, String> = read(dialect, &file, value);
            for (name, member) in unsupported {
                let fault = encode(dialect, &sample(&name)).expect_err(&format!("{} says {name}", dialect.name()));
                assert_eq!(fault.member.as_deref(), Some(member.as_str()), "{} {name}: {fault}", dialect.name());
                assert!(fault.detail.contains(&member), "{} {name}: {fault}", dialect.name());
                said.push(name);
            }
        }
        let missing: Vec<_> = samples().iter().map(|s| s.name).filter(|name| !said.iter().any(|s| s == name)).collect();
        assert!(missing.is_empty(), "{} has no golden file for {missing:?}", dialect.name());
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    #[allow(dead_code, reason = "for the reader of the file")]
    why: String,
    request: Wire,
    means: Option<String>,
    model: Option<Request>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[test]
fn odd_spellings_mean_what_their_golden_file_says() {
    for &dialect in dialect::all() {
        for (file, value) in fixtures(dialect, "alias.") {
            let golden: Alias = read(dialect, &file, value);
            let meant = match (golden.means, golden.model) {
                (Some(name), None) => sample(&name),
                (None, Some(model)) => model,
                _ => panic!("{} {file}: give means or model", dialect.name()),
            };
            let decoded = dialect.decode_send(golden.request.call());
            let decoded = decoded.unwrap_or_else(|fault| panic!("{} {file}: {fault}", dialect.name()));
            assert_eq!(plain(decoded.value, &meant), meant, "{} {file}", dialect.name());
            let members: Vec<_> = decoded.warnings.into_iter().map(|warning| warning.member).collect();
            assert_eq!(members, golden.warnings, "{} {file}", dialect.name());
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reject {
    #[allow(dead_code, reason = "for the reader of the file")]
    why: String,
    request: Wire,
    kind: FaultKind,
    member: Option<String>,
    detail: String,
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    for &dialect in dialect::all() {
        for (file, value) in fixtures(dialect, "reject.") {
            let golden: Reject = read(dialect, &file, value);
            let fault = dialect.decode_send(golden.request.call()).expect_err(&format!("{} {file}", dialect.name()));
            assert_eq!(fault.kind, golden.kind, "{} {file}: {fault}", dialect.name());
            assert_eq!(fault.member, golden.member, "{} {file}: {fault}", dialect.name());
            assert_eq!(fault.origin, Origin::Client, "{} {file}", dialect.name());
            assert!(fault.detail.contains(&golden.detail), "{} {file}: {fault}", dialect.name());
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptedFile {
    status: u16,
    body: Value,
    sample: String,
    accepted: Accepted,
    #[serde(default)]
    input: Option<String>,
    /// What decoding the body gives, where that is less than what was encoded.
    decodes: Option<Accepted>,
}

fn response(status: u16, body: &Value, headers: &BTreeMap<String, String>) -> Response<Bytes> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Bytes::from(body.to_string())).unwrap()
}

#[test]
fn receipts_are_written_and_read_as_their_golden_file_says() {
    for &dialect in dialect::all() {
        let files = fixtures(dialect, "accepted.");
        assert!(!files.is_empty(), "{} has no accepted.*.json", dialect.name());
        for (file, value) in files {
            let golden: AcceptedFile = read(dialect, &file, value);
            let mut request = sample(&golden.sample);
            if let (Request::Send(message), Some(input)) = (&mut request, golden.input) {
                message.recipient.input = input;
            }
            let receipt = Receipt { answer: answer(), request: &request, accepted: &golden.accepted };
            let encoded = dialect.encode_receipt(&receipt);
            assert_eq!(encoded.status().as_u16(), golden.status, "{} {file}", dialect.name());
            let body: Value = serde_json::from_slice(encoded.body()).unwrap();
            assert_eq!(body, golden.body, "{} {file}", dialect.name());
            let decoded = dialect.decode_outcome(&response(golden.status, &golden.body, &BTreeMap::new()));
            let decoded = decoded.unwrap_or_else(|fault| panic!("{} {file}: {fault}", dialect.name()));
            assert_eq!(decoded, golden.decodes.unwrap_or(golden.accepted), "{} {file}", dialect.name());
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultFile {
    status: u16,
    body: Value,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    kind: FaultKind,
    detail: String,
    #[serde(default = "yes")]
    encodes: bool,
    #[serde(default = "yes")]
    decodes: bool,
    retry_after: Option<u64>,
}

fn yes() -> bool {
    true
}

#[test]
fn faults_are_written_and_read_as_their_golden_file_says() {
    for &dialect in dialect::all() {
        let files = fixtures(dialect, "fault.");
        assert!(!files.is_empty(), "{} has no fault.*.json", dialect.name());
        for (file, value) in files {
            let golden: FaultFile = read(dialect, &file, value);
            let wait = golden.retry_after.map(Duration::from_secs);
            if golden.encodes {
                let fault = Fault::client(golden.kind, golden.detail.clone()).retry_after(wait);
                let encoded = dialect.encode_fault(&fault, &answer());
                assert_eq!(encoded.status().as_u16(), golden.status, "{} {file}", dialect.name());
                let body: Value = serde_json::from_slice(encoded.body()).unwrap();
                assert_eq!(body, golden.body, "{} {file}", dialect.name());
                for (name, value) in &golden.headers {
                    let found = encoded.headers().get(name).map(|value| value.to_str().unwrap());
                    assert_eq!(found, Some(value.as_str()), "{} {file} {name}", dialect.name());
                }
            }
            if golden.decodes {
                let fault = dialect
                    .decode_outcome(&response(golden.status, &golden.body, &golden.headers))
                    .expect_err(&format!("{} {file}", dialect.name()));
                assert_eq!(fault.kind, golden.kind, "{} {file}: {fault}", dialect.name());
                assert_eq!(fault.detail, golden.detail, "{} {file}", dialect.name());
                assert_eq!(fault.retry_after, wait, "{} {file}", dialect.name());
                assert_eq!(fault.origin, Origin::Upstream, "{} {file}", dialect.name());
            }
        }
    }
}

#[test]
fn each_dialect_serves_the_paths_of_its_golden_files_and_none_of_the_gateways_own() {
    for &dialect in dialect::all() {
        let files = ["send.", "decode.", "alias."].into_iter().flat_map(|kind| fixtures(dialect, kind));
        let paths: Vec<_> = files.map(|(_, file)| file["request"]["path"].as_str().unwrap().to_owned()).collect();
        for path in &paths {
            assert!(dialect.serves(path), "{} {path}", dialect.name());
        }
        let own = dialect.send_path();
        assert!(paths.iter().any(|path| path == own), "{} sends to {own:?}", dialect.name());
        for path in ["", "/", "/healthz", "/metrics", "/console/messages", "/admin/v1/messages"] {
            assert!(!dialect.serves(path), "{} {path:?}", dialect.name());
        }
    }
}

/// AISoule and the servers of On-Premises pass the Cloud API's codes on.
#[test]
fn a_code_of_the_cloud_api_means_the_same_whoever_passes_it_on() {
    use FaultKind::*;
    for (code, kind) in [
        (368, AccountLocked),
        (130429, RateLimited),
        (131047, WindowClosed),
        (131048, SpamLimited),
        (131049, Withheld),
        (131051, UnsupportedKind),
        (131052, MediaUnreachable),
        (131053, MediaTypeRefused),
        (131056, PairRateLimited),
        (131057, SenderMaintenance),
    ] {
        for (name, body) in [
            ("cloud", json!({ "error": { "message": "Refused", "type": "OAuthException", "code": code } })),
            ("on-premises", json!({ "errors": [{ "code": code, "title": "Refused", "details": "Refused" }] })),
            ("aisoule", json!({ "success": false, "error": { "code": code, "message": "Refused" } })),
        ] {
            let told = dialect::named(name).unwrap().decode_outcome(&response(400, &body, &BTreeMap::new()));
            assert_eq!(told.unwrap_err().kind, kind, "{name} {code}");
        }
    }
}

/// Under no other would a client find it again.
#[test]
fn a_client_hears_of_a_message_by_the_id_that_it_was_given() {
    for &dialect in dialect::all() {
        for (file, value) in fixtures(dialect, "accepted.") {
            let golden: AcceptedFile = read(dialect, &file, value);
            let Request::Send(_) = sample(&golden.sample) else { continue };
            let id = dialect.message_id(transaction(), golden.accepted.message_id.as_deref());
            assert!(!id.is_empty() && golden.body.to_string().contains(&id), "{} {file}: {id}", dialect.name());
        }
    }
}

#[test]
fn every_sample_reads_back() {
    for sample in samples() {
        let request = sample.request().unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        let written: Value = serde_json::to_value(&request).unwrap();
        let golden: Value = serde_json::from_str(sample.json).unwrap();
        assert_eq!(written, golden, "{}", sample.name);
    }
}
