//! Which dialect a call is spoken in, and so which one it is answered in.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::{Answer, Call, Claim, Decoded, Dialect, MediaCall, Receipt, Serving, all, answer, reference};
use crate::model::{Fault, Manner, Request, Service};

/// The dialect of a call. Where a body is equally good in two dialects, the first reads it and the answer carries
/// both forms: clients of either family ignore the members that they don't know.
#[derive(Clone, Copy)]
pub struct Speaker {
    dialect: &'static dyn Dialect,
    twin: Option<&'static dyn Dialect>,
}

/// Finds the dialect of a call: the account's own setting where it has the path, else the strongest claim.
///
/// Paths that no dialect has are answered in the account's dialect, or in the [`reference`].
pub fn speaker(call: &Call, setting: Option<&'static dyn Dialect>) -> Speaker {
    if let Some(dialect) = setting.filter(|dialect| dialect.serves(&call.path)) {
        return Speaker::of(dialect);
    }
    let claims =
        all().iter().filter(|dialect| dialect.serves(&call.path)).map(|&dialect| (dialect.claim(call), dialect));
    let claims: Vec<_> = claims.filter(|(claim, _)| *claim > Claim::No).collect();
    let strongest = claims.iter().map(|(claim, _)| *claim).max();
    let mut equals = claims.into_iter().filter(|(claim, _)| Some(*claim) == strongest).map(|(_, dialect)| dialect);
    match equals.next() {
        Some(dialect) => Speaker { dialect, twin: equals.next() },
        None => Speaker::of(setting.unwrap_or_else(reference)),
    }
}

/// The service that a call asks for, and who asks: the account's own dialect where it has the path, else the first that
/// knows the service.
pub fn service(call: &Call, setting: Option<&'static dyn Dialect>) -> Option<(Speaker, Result<Service, Fault>)> {
    let own = setting.filter(|dialect| dialect.serves(&call.path));
    let others = all().iter().copied().filter(|_| own.is_none());
    own.into_iter().chain(others).find_map(|dialect| Some((Speaker::of(dialect), dialect.decode_service(call)?)))
}

/// What a call asks of the media endpoints, and who asks: the account's own dialect where it has the path, else the first
/// that knows the call.
pub fn media_call(call: &Call, setting: Option<&'static dyn Dialect>) -> Option<(Speaker, Result<MediaCall, Fault>)> {
    let own = setting.filter(|dialect| dialect.serves(&call.path));
    let others = all().iter().copied().filter(|_| own.is_none());
    own.into_iter().chain(others).find_map(|dialect| Some((Speaker::of(dialect), dialect.decode_media_call(call)?)))
}

impl Speaker {
    /// A dialect that is known beforehand.
    pub fn of(dialect: &'static dyn Dialect) -> Self {
        Self { dialect, twin: None }
    }

    /// The dialect that reads the call.
    pub fn dialect(&self) -> &'static dyn Dialect {
        self.dialect
    }

    /// Reads the request.
    ///
    /// # Errors
    /// As [`Dialect::decode_send`].
    pub fn decode_send(&self, call: Call) -> Result<Decoded<Request>, Fault> {
        self.dialect.decode_send(call)
    }

    /// Reads the request of an account's client, which may leave unsaid what the account says for it.
    ///
    /// # Errors
    /// As [`Dialect::decode_send`].
    pub fn decode_send_of(&self, manner: &Manner, mut call: Call) -> Result<Decoded<Request>, Fault> {
        self.dialect.complete(&mut call.body, manner);
        self.decode_send(call)
    }

    /// Answers a request that was taken, in either form with the same id and number: those of its callbacks.
    pub fn encode_receipt(&self, receipt: &Receipt<'_>) -> Response<Bytes> {
        let accepted = receipt.for_client(self.dialect);
        self.both(|dialect| dialect.encode_receipt(&Receipt { accepted: &accepted, ..*receipt }))
    }

    /// Answers a request that failed.
    pub fn encode_fault(&self, fault: &Fault, to: &Answer) -> Response<Bytes> {
        let fault = fault.for_client();
        self.both(|dialect| dialect.encode_fault(&fault, to))
    }

    /// Answers a call that is no send.
    pub fn encode_served(&self, serving: &Serving<'_>) -> Response<Bytes> {
        self.dialect.encode_served(serving)
    }

    /// The first dialect's answer, with the members of its twin's that it lacks.
    fn both(&self, encode: impl Fn(&'static dyn Dialect) -> Response<Bytes>) -> Response<Bytes> {
        let first = encode(self.dialect);
        let Some(twin) = self.twin else { return first };
        let (parts, body) = first.into_parts();
        let second = encode(twin);
        let (Ok(Value::Object(mut merged)), Ok(Value::Object(other))) =
            (serde_json::from_slice(&body), serde_json::from_slice(second.body()))
        else {
            return Response::from_parts(parts, body);
        };
        for (name, value) in other {
            merged.entry(name).or_insert(value);
        }
        let merged = answer(parts.status, &Value::Object(merged));
        Response::from_parts(parts, merged.into_body())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};
    use serde_json::json;
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;
    use crate::dialect::{FileFacts, MediaAnswer, named};
    use crate::model::{Accepted, FaultKind, TransactionId};

    fn call(method: Method, path: &str) -> Call {
        Call { method, path: path.to_owned(), headers: HeaderMap::new(), body: Value::Null }
    }

    fn to() -> Answer {
        Answer { transaction: TransactionId(Uuid::nil()), at: OffsetDateTime::UNIX_EPOCH, pace: None }
    }

    fn members(answer: &Response<Bytes>) -> Value {
        serde_json::from_slice(answer.body()).unwrap()
    }

    #[test]
    fn calls_for_files_are_answered_in_the_dialect_that_has_the_path() {
        let asked = |path: &str, setting: Option<&str>| {
            let found = media_call(&call(Method::GET, path), setting.and_then(named));
            found.map(|(speaker, call)| (speaker.dialect().name(), call.unwrap()))
        };
        let download = || MediaCall::Download("4410".to_owned());
        assert_eq!(asked("/v1/media/4410", None), Some(("on-premises", download())));
        assert_eq!(asked("/media/4410", None), Some(("cloud", download())));
        assert_eq!(asked("/media/4410", Some("on-premises")), Some(("cloud", download())));
        assert_eq!(asked("/v1/media/4410", Some("aisoule")), None, "it has no files below its paths");
        assert_eq!(asked("/v1/files/4410", None), None);
    }

    #[test]
    fn a_file_is_a_file_in_every_dialect() {
        let file = FileFacts { id: "4410", mime_type: "image/jpeg", filename: Some("bay.jpg"), size: 9, sha256: "" };
        for dialect in all() {
            let answer = dialect.encode_media_answer(&MediaAnswer::Downloaded(file));
            assert_eq!(answer.headers()["content-disposition"], "attachment; filename=bay.jpg", "{}", dialect.name());
            let gone = dialect.encode_media_answer(&MediaAnswer::Deleted);
            assert!(members(&gone).is_object(), "{}", dialect.name());
        }
    }

    #[test]
    fn services_are_answered_in_the_dialect_that_has_the_path() {
        let asked = |path: &str, setting: Option<&str>| {
            let found = service(&call(Method::GET, path), setting.and_then(named));
            found.map(|(speaker, service)| (speaker.dialect().name(), service.is_ok()))
        };
        assert_eq!(asked("/v1/health", None), Some(("on-premises", true)));
        assert_eq!(asked("/v1/health", Some("cloud")), Some(("on-premises", true)));
        assert_eq!(asked("/v1/nothing", None), None);
    }

    #[test]
    fn where_a_body_is_equally_good_in_two_dialects_the_answer_has_the_members_of_both() {
        let mut spoken = call(Method::POST, "/v1/messages");
        spoken.body = json!({"to": "447700900123", "type": "text", "text": {"body": "Your table is free"}});
        let speaker = speaker(&spoken, None);
        let twin = speaker.twin.unwrap();
        let request = speaker.decode_send(spoken).unwrap().value;
        let accepted = Accepted { message_id: Some("gBEGkYiEB1VXAglK1ZEqA1YKPrU".to_owned()), ..Accepted::default() };
        let receipt = Receipt { answer: to(), request: &request, accepted: &accepted };
        let [said, alone, other] = [
            speaker.encode_receipt(&receipt),
            Speaker::of(speaker.dialect()).encode_receipt(&receipt),
            Speaker::of(twin).encode_receipt(&receipt),
        ]
        .map(|answer| members(&answer));
        for (name, value) in alone.as_object().unwrap() {
            assert_eq!(&said[name], value);
        }
        for name in other.as_object().unwrap().keys() {
            assert!(said.get(name).is_some(), "{name} in {said}");
        }
        assert_ne!(said, alone);

        let refused = speaker.encode_fault(&Fault::at(FaultKind::TooLong, "text.body", "is too long"), &to());
        assert!(refused.status().is_client_error());
        assert!(members(&refused).get("error").is_some() && members(&refused).get("errors").is_some(), "{refused:?}");
    }
}
