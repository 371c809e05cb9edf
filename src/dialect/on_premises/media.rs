//! The media endpoints. Vendor page (archived): developers.facebook.com/docs/whatsapp/on-premises/reference/media.
//!
//! A file is the bare body of its upload, and is fetched in one step.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::json;
use time::Duration;

use super::meta;
use crate::dialect::media::{download, filename, is_type};
use crate::dialect::{Call, MediaAnswer, MediaCall, UploadForm, answer, asked};
use crate::model::{Fault, FaultKind};

/// How long WhatsApp and partners keep a file that somebody sent.
pub const KEPT: Duration = Duration::days(14);

/// `POST /v1/media`, `GET` and `DELETE /v1/media/{id}`.
pub fn decode(call: &Call) -> Option<Result<MediaCall, Fault>> {
    let segments: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match (&call.method, segments.as_slice()) {
        (&Method::POST, ["v1", "media"]) => Some(upload(call).map(MediaCall::Upload)),
        (&Method::GET, ["v1", "media", id]) => Some(Ok(MediaCall::Download((*id).to_owned()))),
        (&Method::DELETE, ["v1", "media", id]) => Some(Ok(MediaCall::Delete((*id).to_owned()))),
        _ => None,
    }
}

/// A form is taken too: no file has its type, and clients of the Cloud API call this path.
fn upload(call: &Call) -> Result<UploadForm, Fault> {
    if let Some(form) = UploadForm::parts(&call.headers) {
        return Ok(form);
    }
    let told = call.headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default().trim());
    let mime_type = told.unwrap_or("application/octet-stream");
    if !is_type(mime_type) || mime_type.to_ascii_lowercase().starts_with("multipart/") {
        let detail = "Content-Type is not the type of a file; send the file's own, such as image/jpeg, and its bytes as the body";
        return Err(Fault::client(FaultKind::WrongContentType, detail));
    }
    Ok(UploadForm::Bare { mime_type: mime_type.to_owned(), filename: filename(&call.headers) })
}

/// `{"media": [{"id"}], "meta"}` with exactly one entry, or `{"meta"}`: one client parses every body.
pub fn encode(said: &MediaAnswer<'_>) -> Response<Bytes> {
    match said {
        MediaAnswer::Uploaded(id) => answer(StatusCode::OK, &json!({ "media": [{ "id": id }], "meta": meta() })),
        MediaAnswer::Downloaded(file) | MediaAnswer::Described { file, .. } => download(file),
        MediaAnswer::Deleted => answer(StatusCode::OK, &json!({ "meta": meta() })),
    }
}

/// Writes what [`decode`] reads, of calls without a body. There is no description but the file's own head.
pub fn encode_call(call: &MediaCall) -> Result<Request<Bytes>, Fault> {
    match call {
        MediaCall::Describe(id) | MediaCall::Download(id) => asked::get(&format!("/v1/media/{}", asked::segment(id)?)),
        MediaCall::Upload(_) | MediaCall::Delete(_) => {
            Err(Fault::gateway(FaultKind::Internal, "the call is none for a file that is there"))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName};
    use serde_json::Value;

    use super::*;

    fn decoded(method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Option<Result<MediaCall, Fault>> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        decode(&Call { method, path: path.to_owned(), headers: HeaderMap::from_iter(headers), body: Value::Null })
    }

    fn uploaded(headers: &[(HeaderName, &str)]) -> Result<MediaCall, Fault> {
        decoded(Method::POST, "/v1/media", headers).unwrap()
    }

    fn bare(mime_type: &str, filename: Option<&str>) -> MediaCall {
        let (mime_type, filename) = (mime_type.to_owned(), filename.map(str::to_owned));
        MediaCall::Upload(UploadForm::Bare { mime_type, filename })
    }

    #[test]
    fn the_body_is_the_file_and_its_content_type_the_files() {
        let opus = "audio/ogg; codecs=opus";
        assert_eq!(uploaded(&[(header::CONTENT_TYPE, opus)]), Ok(bare(opus, None)));
        let named = [(header::CONTENT_TYPE, "text/csv"), (header::CONTENT_DISPOSITION, "attachment; filename=a.csv")];
        assert_eq!(uploaded(&named), Ok(bare("text/csv", Some("a.csv"))));
        assert_eq!(uploaded(&[]), Ok(bare("application/octet-stream", None)));
    }

    #[test]
    fn a_form_is_read_as_one() {
        let form = uploaded(&[(header::CONTENT_TYPE, "multipart/form-data; boundary=x")]);
        assert!(matches!(form, Ok(MediaCall::Upload(UploadForm::Parts { .. }))), "{form:?}");
    }

    #[test]
    fn what_is_no_files_type_is_refused_with_the_remedy() {
        for content_type in ["image", "", "multipart/form-data", "multipart/mixed; boundary=x"] {
            let fault = uploaded(&[(header::CONTENT_TYPE, content_type)]).unwrap_err();
            assert_eq!(fault.kind, FaultKind::WrongContentType, "{content_type}");
            assert!(fault.detail.contains("image/jpeg"), "{fault}");
        }
    }

    #[test]
    fn ids_are_opaque_and_one_segment() {
        let id = "6f1d2c1e-7a55-4d0e-9c57-0b8a3f6f2b10";
        let path = format!("/v1/media/{id}");
        assert_eq!(decoded(Method::GET, &path, &[]), Some(Ok(MediaCall::Download(id.to_owned()))));
        assert_eq!(decoded(Method::DELETE, &path, &[]), Some(Ok(MediaCall::Delete(id.to_owned()))));
        assert_eq!(decoded(Method::GET, &format!("{path}/x"), &[]), None);
        assert_eq!(decoded(Method::POST, &path, &[]), None);
        assert_eq!(decoded(Method::GET, "/v1/messages", &[]), None);
    }

    #[test]
    fn answers_are_those_of_the_vendors_page() {
        let body = |said: &MediaAnswer<'_>| serde_json::from_slice::<Value>(encode(said).body()).unwrap();
        let meta = json!({ "api_status": "stable", "version": "2.53.1" });
        assert_eq!(body(&MediaAnswer::Uploaded("4410")), json!({ "media": [{ "id": "4410" }], "meta": meta }));
        assert_eq!(body(&MediaAnswer::Deleted), json!({ "meta": meta }));
    }

    #[test]
    fn a_call_that_is_written_reads_back() {
        let call = MediaCall::Download("6f1d2c1e-7a55-4d0e-9c57-0b8a3f6f2b10".to_owned());
        let request = encode_call(&call).unwrap();
        assert_eq!(decoded(request.method().clone(), request.uri().path(), &[]), Some(Ok(call)));
    }
}
