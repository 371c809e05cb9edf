//! Uploads: `POST /v1/media` with the bare bytes under their own type; the answer is `{"media": [{"id"}], "meta"}`.

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use time::Duration;

use super::{fault, outcome};
use crate::dialect::{FileFacts, Upload};
use crate::model::{Fault, FaultKind};

/// How long WhatsApp's and 360dialog's servers keep an upload.
const KEPT: Duration = Duration::days(14);

/// "Internal error"; of an upload: "bad image".
const BAD_FILE: &str = "1014";

/// Writes the head; the body is the file and nothing else. The file's name is the message's affair.
pub fn encode(file: &FileFacts<'_>) -> Result<Upload, Fault> {
    Upload::post("/v1/media", file.mime_type, KEPT)
}

/// Reads `media[0].id`.
pub fn decode(response: &Response<Bytes>) -> Result<String, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if !response.status().is_success() || outcome::is_failure(&body) {
        return Err(refusal(fault::decode(response, &body)));
    }
    let id = body.pointer("/media/0/id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let lost = || Fault::upstream(FaultKind::UpstreamUnreadable, "the answer to the upload holds no media[0].id");
    id.map(str::to_owned).ok_or_else(lost)
}

/// A file that the server cannot read comes back under 500, and no other try mends it.
fn refusal(fault: Fault) -> Fault {
    let code = fault.upstream.as_deref().and_then(|said| said.code.as_deref());
    if code == Some(BAD_FILE) { Fault { kind: FaultKind::MediaTypeRefused, ..fault } } else { fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;

    fn file(mime_type: &str) -> FileFacts<'_> {
        FileFacts { id: "1", mime_type, filename: Some("bay.ogg"), size: 10, sha256: "00" }
    }

    fn answered(status: u16, body: &'static str) -> Result<String, Fault> {
        decode(&Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
    }

    #[test]
    fn the_body_is_the_file_alone_under_its_own_type() {
        let upload = encode(&file("audio/ogg; codecs=opus")).unwrap();
        assert_eq!(upload.head.method(), "POST");
        assert_eq!(upload.head.uri(), "/v1/media");
        assert_eq!(upload.head.headers()["content-type"], "audio/ogg; codecs=opus");
        assert!(upload.before.is_empty() && upload.after.is_empty());
        assert_eq!(upload.kept, Duration::days(14));
    }

    #[test]
    fn a_type_that_is_no_header_is_refused() {
        let fault = encode(&file("image/png\r\nX-Other: 1")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::MediaTypeRefused);
        assert!(!fault.detail.contains("X-Other"), "{fault}");
    }

    #[test]
    fn the_id_is_read() {
        let body = "{\"media\": [{\"id\": \"6f1d2c1e-7a55-4d0e-9c57-0b8a3f6f2b10\"}], \"meta\": {}}";
        assert_eq!(answered(200, body).unwrap(), "6f1d2c1e-7a55-4d0e-9c57-0b8a3f6f2b10");
        assert_eq!(answered(201, body).unwrap(), "6f1d2c1e-7a55-4d0e-9c57-0b8a3f6f2b10");
    }

    #[test]
    fn a_refusal_is_read_by_its_code_and_an_answer_without_an_id_is_unreadable() {
        let refused = "{\"errors\": [{\"code\": 1005, \"title\": \"Access denied\"}], \"meta\": {}}";
        assert_eq!(answered(401, refused).unwrap_err().verdict(), Verdict::Credential);
        assert_eq!(answered(200, refused).unwrap_err().verdict(), Verdict::Credential);
        let bad = "{\"errors\": [{\"code\": 1014, \"title\": \"Internal error\", \"details\": \"bad image\"}]}";
        assert_eq!(answered(500, bad).unwrap_err().kind, FaultKind::MediaTypeRefused);
        for body in ["", "{}", "{\"media\": []}", "{\"media\": [{\"id\": \"\"}]}", "{\"meta\": {}}"] {
            assert_eq!(answered(200, body).unwrap_err().kind, FaultKind::UpstreamUnreadable, "{body}");
        }
    }
}
