//! Wire ↔ model, pure.
//!
//! A dialect is a codec with both halves of each exchange, so one folder serves clients, upstreams, the sandbox, the
//! documents and the tests. It translates between its wire format and the model, never into another dialect; it does
//! no I/O, asks no clock and knows no provider: address and credential are configuration.
//!
//! To add a dialect: a folder with the same file names as the others and its golden files, and one line in [`all`].

mod aisoule;
mod aisoule_app;
mod asked;
mod channel_request;
mod cloud;
mod golden;
pub mod media;
mod on_premises;
mod promise;
mod reader;
mod receipt;
mod samples;
mod shapes;
mod signature;
mod speaker;
mod telling;
mod translation;
mod upload;
mod webhook;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

pub use asked::{Described, FileAt};
pub use golden::{GoldenAnswer, GoldenSend, Wire, golden_faults, golden_receipts, golden_sends};
pub use media::{FileFacts, MediaAnswer, MediaCall, UploadForm};
pub use promise::{KindPromise, MediaPromise, SizeLimit};
pub use receipt::Receipt;
pub use samples::{SENDER, Sample, events, samples};
pub use speaker::{Speaker, media_call, service, speaker};
pub use telling::Telling;
pub use translation::{Losses, Translation, say, understand};
pub use upload::Upload;
pub use webhook::{EventContext, Signing, Webhook};

use crate::model::{Accepted, Event, Fault, FaultKind, Manner, Pace, Request, Served, Service, TransactionId, Warning};

/// Every dialect, in the order of the capability table.
pub fn all() -> &'static [&'static dyn Dialect] {
    &[
        &aisoule::Aisoule,
        &aisoule_app::AisouleApp,
        &on_premises::OnPremises,
        &cloud::Cloud,
        &channel_request::ChannelRequest,
    ]
}

/// The dialect of that name.
pub fn named(name: &str) -> Option<&'static dyn Dialect> {
    all().iter().copied().find(|dialect| dialect.name() == name)
}

/// The dialect in whose spelling members are named where no client's counts, and in which a call is answered that is
/// spoken in none: the Cloud API's, whose clients are the most.
pub fn reference() -> &'static dyn Dialect {
    &cloud::Cloud
}

/// One wire language.
pub trait Dialect: Send + Sync {
    /// Its name in configuration, records and documents.
    fn name(&self) -> &'static str;

    /// The family whose unknown members it understands: surfaces of one vendor share a family.
    fn family(&self) -> &'static str {
        self.name()
    }

    /// The path that requests are sent to.
    fn send_path(&self) -> &'static str;

    /// Whether the path is one that the vendor's server has, or would answer "unknown path" to.
    fn serves(&self, path: &str) -> bool;

    /// How sure this dialect is that a client's call, on a path that it serves, is spoken in it. See [`speaker`].
    fn claim(&self, call: &Call) -> Claim;

    /// Says in the body of a client's request what the client leaves unsaid and its account says for it.
    fn complete(&self, _: &mut Value, _: &Manner) {}

    /// Reads a client's request, tolerant where the vendor's server is.
    ///
    /// # Errors
    /// Faults of origin client that name the member in this dialect's spelling.
    fn decode_send(&self, call: Call) -> Result<Decoded<Request>, Fault>;

    /// The id by which clients know a message: the upstream's where an answer told it, else the gateway's own in the form
    /// of the vendor's. Answers, callbacks and quotes all name the message by it.
    fn message_id(&self, transaction: TransactionId, told: Option<&str>) -> String {
        told.map_or_else(|| transaction.to_string(), str::to_owned)
    }

    /// Writes the answer for a request that was taken.
    fn encode_receipt(&self, receipt: &Receipt<'_>) -> Response<Bytes>;

    /// Writes the answer for a request that failed.
    fn encode_fault(&self, fault: &Fault, answer: &Answer) -> Response<Bytes>;

    /// This dialect's spelling of a member that is given in the [`reference`]'s: `context.message_id` → `request.replyTo`.
    fn spell(&self, member: &str) -> String {
        member.to_owned()
    }

    /// Writes a request for an upstream, strict as the vendor's documents. The address is relative to the upstream's.
    ///
    /// # Errors
    /// Faults that name what this dialect cannot say, where the translation does not allow its loss.
    fn encode_send(
        &self,
        request: &Request,
        target: &Target<'_>,
        translation: &mut Translation<'_>,
    ) -> Result<http::Request<Bytes>, Fault>;

    /// Whether the vendor's server answers before it forwards, so that its clients expect no more than that a request was
    /// taken.
    fn answers_first(&self) -> bool {
        false
    }

    /// Puts the address that is called in the place of the one that is shown ([`Target::callback`]), which lacks the
    /// secret: a request is recorded before that.
    fn fill_callback(&self, _request: &mut http::Request<Bytes>, _shown: &str, _called: &str) {}

    /// Reads an upstream's answer.
    ///
    /// # Errors
    /// What the upstream refused, decided by its own code before its status.
    fn decode_outcome(&self, answer: &Response<Bytes>) -> Result<Accepted, Fault>;

    /// Whether it knows uploads, so that messages can name files by ids.
    fn takes_uploads(&self) -> bool {
        false
    }

    /// Whether its servers keep credentials for links, which messages call for by name.
    fn keeps_providers(&self) -> bool {
        false
    }

    /// Writes the request that uploads a file for messages to name by its id.
    ///
    /// # Errors
    /// Where the dialect knows no uploads; then it refuses messages with ids too, and nobody should get here.
    fn encode_upload(&self, _: &FileFacts<'_>, _: &Target<'_>) -> Result<Upload, Fault> {
        let detail = format!("the {} upstream takes links only; give a link", self.name());
        Err(Fault::client(FaultKind::UnsupportedMember, detail))
    }

    /// Reads the id that an upstream gave to an upload.
    ///
    /// # Errors
    /// What the upstream refused, as [`Self::decode_outcome`].
    fn decode_uploaded(&self, _: &Response<Bytes>) -> Result<String, Fault> {
        Err(Fault::gateway(FaultKind::Internal, format!("the {} upstream knows no uploads", self.name())))
    }

    /// Reads a provider's webhook, entry by entry: one that cannot be read is an event of its own and spoils no other.
    ///
    /// # Errors
    /// When the body as a whole is not what this dialect's webhooks are.
    fn decode_webhook(&self, webhook: &Webhook) -> Result<Vec<Decoded<Event>>, Fault>;

    /// Writes an event for a client: one callback for each event, none where the dialect has no words for it. The address
    /// is the callback's own.
    fn encode_event(
        &self,
        event: &Event,
        context: &EventContext<'_>,
        telling: &mut Telling<'_>,
    ) -> Vec<http::Request<Bytes>>;

    /// Answers the question with which a provider makes sure that a webhook's address is ours, given the token that was
    /// agreed on; none where the call is no such question.
    fn answer_challenge(&self, _webhook: &Webhook, _token: &str) -> Option<Result<Response<Bytes>, Fault>> {
        None
    }

    /// Checks that a webhook comes from one who knows the secret.
    ///
    /// # Errors
    /// Where nothing says so, and where what is said does not fit.
    fn verify_webhook(&self, webhook: &Webhook, secret: &str, now: OffsetDateTime) -> Result<(), Fault> {
        signature::check_standard(webhook, secret, now).unwrap_or_else(|| signature::check_secret(webhook, secret))
    }

    /// Signs a callback: with the dialect's own header, or as the Standard Webhooks say where it has none.
    fn sign_callback(&self, callback: &mut http::Request<Bytes>, signing: &Signing<'_>) {
        signature::sign_standard(callback, signing);
    }

    /// How the vendor's own server takes its credential; an upstream's configuration may differ.
    fn credential(&self) -> CredentialForm;

    /// What the vendor's documents promise of media; whatever WhatsApp takes, where they promise that.
    fn media_promise(&self) -> &'static MediaPromise {
        &MediaPromise::EVERYTHING
    }

    /// Reads a call that is no send and no matter of media; none where the vendor's server has no such path.
    fn decode_service(&self, _call: &Call) -> Option<Result<Service, Fault>> {
        None
    }

    /// Writes the answer to such a call.
    fn encode_served(&self, _serving: &Serving<'_>) -> Response<Bytes> {
        answer(StatusCode::OK, &Value::Object(serde_json::Map::new()))
    }

    /// Reads a call of the media endpoints; none where the vendor's server has no such path.
    fn decode_media_call(&self, _call: &Call) -> Option<Result<MediaCall, Fault>> {
        None
    }

    /// Writes the answer to such a call. A file is a file everywhere: clients that know no such calls are given links.
    fn encode_media_answer(&self, said: &MediaAnswer<'_>) -> Response<Bytes> {
        match said {
            MediaAnswer::Downloaded(file) => media::download(file),
            _ => answer(StatusCode::OK, &Value::Object(serde_json::Map::new())),
        }
    }

    /// What is asked first for a file of that id: what is known of it, or the file itself. None where files have addresses
    /// alone, so that clients too are told an address in the place of an id.
    fn file_call(&self, _id: &str) -> Option<MediaCall> {
        None
    }

    /// Writes a call for what is known of a file, or for the file itself. The address is relative to the upstream's.
    ///
    /// # Errors
    /// Where the dialect has no such call.
    fn encode_media_call(&self, _: &MediaCall, _: &Target<'_>) -> Result<http::Request<Bytes>, Fault> {
        Err(Fault::gateway(FaultKind::Internal, format!("the {} upstream keeps no files by id", self.name())))
    }

    /// Reads what an upstream knows of a file.
    ///
    /// # Errors
    /// What the upstream refused, as [`Self::decode_outcome`].
    fn decode_described(&self, _: &Response<Bytes>) -> Result<Described, Fault> {
        Err(Fault::gateway(FaultKind::Internal, format!("the {} upstream describes no files", self.name())))
    }

    /// Whose an address of a file is, for an upstream at `base`.
    fn file_at(&self, address: Url, base: &Url) -> FileAt {
        asked::file_at(address, base)
    }

    /// Whether the answer that begins so is the file; else it says why not.
    fn is_file(&self, head: &Response<()>) -> bool {
        head.status() == StatusCode::OK
    }

    /// Reads why an upstream does not give a file.
    fn decode_no_file(&self, answer: &Response<Bytes>) -> Fault {
        asked::refusal(answer, self.decode_outcome(answer))
    }

    /// How long the vendor keeps files that people sent, where that is said.
    fn keeps_files_for(&self) -> Option<time::Duration> {
        None
    }
}

/// A client's call: everything of its request that a dialect may look at, the body parsed once.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path without its query and without a trailing slash.
    pub path: String,
    /// The headers; no dialect reads a key from them, but its form tells dialects apart. A login's password is read.
    pub headers: HeaderMap,
    /// The body; `null` where it is empty or could not be read.
    pub body: Value,
}

/// How sure a dialect is that a call is spoken in it, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// It is not.
    No,
    /// What can be seen fits.
    Possible,
    /// Something fits this dialect better than its neighbours.
    Likely,
    /// It is.
    Certain,
}

/// What was read, and what was dropped or bent in reading it.
#[derive(Debug)]
pub struct Decoded<T> {
    /// What was read.
    pub value: T,
    /// What was dropped or bent.
    pub warnings: Vec<Warning>,
}

/// What every answer carries, whatever came of the request.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The transaction that the answer belongs to.
    pub transaction: TransactionId,
    /// When it is given.
    pub at: OffsetDateTime,
    /// Where the caller stands with the rate that it is held to; none where it is held to none.
    pub pace: Option<Pace>,
}

/// What a client is told of a call that is no send.
#[derive(Clone, Copy, Debug)]
pub struct Serving<'a> {
    /// Whose answer it is.
    pub answer: Answer,
    /// What was done.
    pub served: &'a Served,
    /// How the account wants it said.
    pub manner: &'a Manner,
    /// The number that the account sends from, where the gateway knows it.
    pub sender: Option<&'a str>,
}

/// What a dialect has to know of the upstream that it writes for; without any of it, an upstream that is nobody's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// The transaction, which goes along where the dialect has a field that the provider repeats in its statuses.
    pub correlation: Option<TransactionId>,
    /// Where the provider tells what becomes of the message, in dialects whose requests say so: the gateway's own address,
    /// as it may be shown.
    pub callback: Option<&'a str>,
    /// The sender's number in digits.
    pub sender: Option<&'a str>,
    /// The sender's phone number id, where the provider's paths name it.
    pub phone_number_id: Option<&'a str>,
    /// The namespace of the templates, where the client gives none.
    pub template_namespace: Option<&'a str>,
}

/// The header forms in which a credential travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialForm {
    /// `Authorization: Bearer …`
    Bearer,
    /// `D360-API-KEY: …`
    D360ApiKey,
    /// `X-API-Key: …`
    XApiKey,
}

impl CredentialForm {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Bearer, Self::D360ApiKey, Self::XApiKey];

    /// The header that carries it.
    pub fn header(self) -> &'static str {
        match self {
            Self::Bearer => "authorization",
            Self::D360ApiKey => "d360-api-key",
            Self::XApiKey => "x-api-key",
        }
    }

    /// The header's value for a key.
    pub fn value(self, key: &str) -> String {
        match self {
            Self::Bearer => format!("Bearer {key}"),
            Self::D360ApiKey | Self::XApiKey => key.to_owned(),
        }
    }

    /// The key in the headers, if one came in this form.
    pub fn read(self, headers: &HeaderMap) -> Option<&str> {
        let value = headers.get(self.header())?.to_str().ok()?.trim();
        let key = match self {
            Self::Bearer => {
                let (scheme, key) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then_some(key)?
            }
            Self::D360ApiKey | Self::XApiKey => value,
        };
        Some(key.trim()).filter(|key| !key.is_empty())
    }
}

/// A JSON answer.
fn answer(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let mut response = Response::new(json_text(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// A value as JSON, not by way of `Display`, which takes three times as long.
fn json_text(value: &impl Serialize) -> Bytes {
    // What is written here has names for its members, so there is nothing that JSON could not say.
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// How long an upstream's answer asks to wait, in seconds; its other form, a date, is used by none of them.
fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// A JSON request to an upstream.
fn request(method: Method, path: &str, body: &Value) -> Result<http::Request<Bytes>, Fault> {
    http::Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(json_text(body))
        .map_err(|_| Fault::gateway(FaultKind::Internal, "the upstream's path could not be formed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_the_header_that_it_was_written_into() {
        for form in CredentialForm::ALL {
            let value = header::HeaderValue::try_from(form.value("k-1")).unwrap();
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static(form.header()), value)]);
            for other in CredentialForm::ALL {
                assert_eq!(other.read(&headers), (other == form).then_some("k-1"), "{form:?} as {other:?}");
            }
        }
        assert_eq!(CredentialForm::Bearer.value("k-1"), "Bearer k-1");
        let basic = HeaderMap::from_iter([(header::AUTHORIZATION, header::HeaderValue::from_static("Basic k-1"))]);
        assert_eq!(CredentialForm::Bearer.read(&basic), None);
    }
}
