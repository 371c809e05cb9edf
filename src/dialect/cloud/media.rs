//! The media endpoints. Vendor page: developers.facebook.com/docs/whatsapp/cloud-api/reference/media;
//! docs.360dialog.com/docs/messaging-api/media.
//!
//! A file is fetched in two steps: its id gives JSON with a `url`, and that gives the bytes, with the same key.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use serde_json::json;

use super::send::{is_id, is_version};
use crate::dialect::media::download;
use crate::dialect::{Call, MediaAnswer, MediaCall, UploadForm, answer};
use crate::model::{Fault, FaultKind};

/// `POST [/{version}][/{phone-number-id}]/media`, `GET` and `DELETE [/{version}]/{media-id}`; `/media/{media-id}` is
/// the gateway's own, where `url` leads.
pub fn decode(call: &Call) -> Option<Result<MediaCall, Fault>> {
    let segments: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    let segments = match segments.as_slice() {
        [version, rest @ ..] if is_version(version) => rest,
        all => all,
    };
    match (&call.method, segments) {
        (&Method::POST, ["media"]) => Some(upload(call)),
        (&Method::POST, [number, "media"]) if is_id(number) => Some(upload(call)),
        (&Method::GET, ["media", id]) => Some(Ok(MediaCall::Download((*id).to_owned()))),
        (&Method::GET, [id]) if is_id(id) => Some(Ok(MediaCall::Describe((*id).to_owned()))),
        (&Method::DELETE, [id]) if is_id(id) => Some(Ok(MediaCall::Delete((*id).to_owned()))),
        _ => None,
    }
}

fn upload(call: &Call) -> Result<MediaCall, Fault> {
    let form = UploadForm::parts(&call.headers).ok_or_else(|| {
        let detail =
            "Content-Type is not multipart/form-data with a boundary; send the file as the part `file` of a form";
        Fault::client(FaultKind::WrongContentType, detail)
    })?;
    Ok(MediaCall::Upload(form))
}

/// `file_size` is text in Meta's documents and a number in its answers; clients in typed languages read a number.
pub fn encode(said: &MediaAnswer<'_>) -> Response<Bytes> {
    match said {
        MediaAnswer::Uploaded(id) => answer(StatusCode::OK, &json!({ "id": id })),
        MediaAnswer::Described { file, origin } => {
            let body = json!({
                "messaging_product": "whatsapp",
                "url": format!("{origin}/media/{}", file.id),
                "mime_type": file.mime_type,
                "sha256": file.sha256,
                "file_size": file.size,
                "id": file.id,
            });
            let mut response = answer(StatusCode::OK, &body);
            response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
            response
        }
        MediaAnswer::Downloaded(file) => download(file),
        MediaAnswer::Deleted => answer(StatusCode::OK, &json!({ "success": true })),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::Value;

    use super::*;
    use crate::dialect::FileFacts;

    fn decoded(method: Method, path: &str, content_type: &str) -> Option<Result<MediaCall, Fault>> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
        decode(&Call { method, path: path.to_owned(), headers, body: Value::Null })
    }

    #[test]
    fn each_path_is_read_with_any_version_and_with_none() {
        let json = "application/json";
        for version in ["", "/v13.0", "/v23.0", "/v100.1"] {
            let read = |method, path: &str| decoded(method, &format!("{version}{path}"), json).unwrap().unwrap();
            assert_eq!(read(Method::GET, "/4410099887766"), MediaCall::Describe("4410099887766".to_owned()));
            assert_eq!(read(Method::DELETE, "/4410099887766"), MediaCall::Delete("4410099887766".to_owned()));
            assert_eq!(read(Method::GET, "/media/4410099887766"), MediaCall::Download("4410099887766".to_owned()));
            for path in ["/media", "/5512000/media"] {
                let form = decoded(Method::POST, &format!("{version}{path}"), "multipart/form-data; boundary=x");
                assert!(matches!(form, Some(Ok(MediaCall::Upload(UploadForm::Parts { .. })))), "{version}{path}");
            }
        }
    }

    #[test]
    fn other_paths_and_methods_are_none_of_its() {
        for (method, path) in [
            (Method::GET, "/unknown"),
            (Method::GET, "/v1/4410"),
            (Method::GET, "/v23.0"),
            (Method::POST, "/4410"),
            (Method::POST, "/shop/media"),
            (Method::GET, "/v23.0/4410/media/1"),
        ] {
            assert_eq!(decoded(method, path, "text/plain"), None, "{path}");
        }
    }

    #[test]
    fn an_upload_that_is_no_form_is_told_what_to_send() {
        let fault = decoded(Method::POST, "/media", "image/jpeg").unwrap().unwrap_err();
        assert_eq!(fault.kind, FaultKind::WrongContentType);
        assert!(fault.detail.contains("multipart/form-data"), "{fault}");
    }

    #[test]
    fn answers_are_those_of_the_vendors_page() {
        let file = FileFacts { id: "4410", mime_type: "image/jpeg", filename: None, size: 184_220, sha256: "9f86" };
        let body = |said: &MediaAnswer<'_>| serde_json::from_slice::<Value>(encode(said).body()).unwrap();
        assert_eq!(body(&MediaAnswer::Uploaded("4410")), json!({ "id": "4410" }));
        assert_eq!(body(&MediaAnswer::Deleted), json!({ "success": true }));
        let described = MediaAnswer::Described { file, origin: "https://gateway.example.net" };
        let expected = json!({
            "messaging_product": "whatsapp",
            "url": "https://gateway.example.net/media/4410",
            "mime_type": "image/jpeg",
            "sha256": "9f86",
            "file_size": 184_220,
            "id": "4410"
        });
        assert_eq!(body(&described), expected);
    }
}
