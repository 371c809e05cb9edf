//! The media endpoints. Vendor page: developers.facebook.com/docs/whatsapp/cloud-api/reference/media;
//! docs.360dialog.com/docs/messaging-api/media.
//!
//! A file is fetched in two steps: its id gives JSON with a `url`, and that gives the bytes, with the same key.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use time::Duration;
use url::Url;

use super::send::{is_id, is_version};
use super::{fault, outcome};
use crate::dialect::media::download;
use crate::dialect::{Call, Described, FileAt, MediaAnswer, MediaCall, Target, UploadForm, answer, asked};
use crate::model::{Fault, FaultKind};

/// How long Meta keeps a file whose id it told by webhook.
pub const KEPT: Duration = Duration::days(7);

/// Meta's API itself; whoever else speaks this dialect passes its calls on.
const GRAPH: &str = "graph.facebook.com";
/// Where Meta describes files to be.
const LOOKASIDE: &str = "lookaside.fbsbx.com";

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

/// Writes what [`decode`] reads, of calls without a body. Naming the number makes Meta check that the file is its own.
pub fn encode_call(call: &MediaCall, target: &Target<'_>) -> Result<Request<Bytes>, Fault> {
    let number = target.phone_number_id.map(|id| format!("?phone_number_id={id}")).unwrap_or_default();
    match call {
        MediaCall::Describe(id) => asked::get(&format!("/{}{number}", asked::segment(id)?)),
        MediaCall::Download(id) => asked::get(&format!("/media/{}", asked::segment(id)?)),
        MediaCall::Upload(_) | MediaCall::Delete(_) => {
            Err(Fault::gateway(FaultKind::Internal, "the call is none for a file that is there"))
        }
    }
}

/// Reads `url`; a refusal is read by its code.
pub fn decode_described(response: &Response<Bytes>) -> Result<Described, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if outcome::is_failure(response, &body) {
        let fault = asked::refusal(response, Err(fault::decode(response, &body)));
        // "Object with ID … does not exist" speaks of the file here.
        let is_gone = matches!(fault.kind, FaultKind::InvalidMember | FaultKind::SenderUnavailable);
        return Err(if is_gone { Fault { kind: FaultKind::NotFound, ..fault } } else { fault });
    }
    let text = |name| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let unreadable = || Fault::upstream(FaultKind::UpstreamUnreadable, "the answer says of no url where the file is");
    Ok(Described { url: text("url").ok_or_else(unreadable)?, mime_type: text("mime_type") })
}

/// Meta's own host for files knows Meta's tokens alone, and partners pass it on below their own address: path and query
/// stay. (docs.360dialog.com/docs/messaging-api/media)
pub fn file_at(address: Url, base: &Url) -> FileAt {
    match address.host_str() {
        Some(LOOKASIDE) if base.host_str() == Some(GRAPH) => FileAt::Vendor(address),
        Some(LOOKASIDE) => {
            let prefix = base.as_str().trim_end_matches('/');
            let query = address.query().map(|query| format!("?{query}")).unwrap_or_default();
            match Url::parse(&format!("{prefix}{}{query}", address.path())) {
                Ok(own) => FileAt::Own(own),
                Err(_) => FileAt::Public(address),
            }
        }
        _ => asked::file_at(address, base),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

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

    fn target(phone_number_id: Option<&str>) -> Target<'_> {
        Target { phone_number_id, ..Target::default() }
    }

    #[test]
    fn a_call_that_is_written_reads_back() {
        for call in [MediaCall::Describe("4410099887766".to_owned()), MediaCall::Download("4410099887766".to_owned())] {
            for number in [None, Some("551200034477")] {
                let request = encode_call(&call, &target(number)).unwrap();
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                assert_eq!(
                    decode(&Call { method, path, headers: HeaderMap::new(), body: Value::Null }),
                    Some(Ok(call.clone()))
                );
            }
        }
        let asked = encode_call(&MediaCall::Describe("4410".to_owned()), &target(Some("5512"))).unwrap();
        assert_eq!(asked.uri(), "/4410?phone_number_id=5512");
    }

    #[test]
    fn what_is_known_of_a_file_reads_back_and_a_refusal_has_its_kind() {
        let file = FileFacts { id: "4410", mime_type: "image/jpeg", filename: None, size: 9, sha256: "9f86" };
        let said = encode(&MediaAnswer::Described { file, origin: "https://gateway.example.net" });
        let url = "https://gateway.example.net/media/4410".to_owned();
        assert_eq!(decode_described(&said).unwrap(), Described { url, mime_type: Some("image/jpeg".to_owned()) });
        let answered = |status: u16, body: &'static str| {
            decode_described(&Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
        };
        let unknown = r#"{"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}}"#;
        assert_eq!(answered(400, unknown).unwrap_err().kind, FaultKind::NotFound);
        assert_eq!(answered(404, "").unwrap_err().kind, FaultKind::NotFound);
        assert_ne!(answered(503, "").unwrap_err().kind, FaultKind::NotFound);
        assert_eq!(answered(200, "{}").unwrap_err().kind, FaultKind::UpstreamUnreadable);
    }

    #[test]
    fn metas_host_for_files_is_asked_by_meta_and_passed_on_by_others() {
        let at = |address: &str, base: &str| file_at(Url::parse(address).unwrap(), &Url::parse(base).unwrap());
        let url = |text| Url::parse(text).unwrap();
        let lookaside = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&hash=x";
        assert_eq!(at(lookaside, "https://graph.facebook.com/v23.0"), FileAt::Vendor(url(lookaside)));
        let own = "https://waba-v2.360dialog.io/whatsapp_business/attachments/?mid=1&hash=x";
        assert_eq!(at(lookaside, "https://waba-v2.360dialog.io"), FileAt::Own(url(own)));
        let cdn = "https://scontent.whatsapp.net/v/1";
        assert_eq!(at(cdn, "https://graph.facebook.com/v23.0"), FileAt::Public(url(cdn)));
        let evil = "https://lookaside.fbsbx.com.example.net/x";
        assert_eq!(at(evil, "https://graph.facebook.com/v23.0"), FileAt::Public(url(evil)));
    }
}
