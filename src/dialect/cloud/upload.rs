//! Uploads: `POST /{phone-number-id}/media` as `multipart/form-data` with `messaging_product`, `type` and `file`; the
//! answer is `{"id"}`. Vendor page: cloud-api/reference/media.

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use time::Duration;

use super::{fault, outcome};
use crate::dialect::{FileFacts, Target, Upload};
use crate::model::{Fault, FaultKind};

/// How long Meta keeps an upload.
const KEPT: Duration = Duration::days(30);

/// Writes the form around the file. Its boundary holds the file's own hash: no file contains that.
pub fn encode(file: &FileFacts<'_>, target: &Target<'_>) -> Result<Upload, Fault> {
    let path = target.phone_number_id.map_or_else(|| "/media".to_owned(), |id| format!("/{id}/media"));
    let boundary = format!("sabir-{}", file.sha256);
    let upload = Upload::post(&path, &format!("multipart/form-data; boundary={boundary}"), KEPT)?;
    let mime_type = on_one_line(file.mime_type);
    let filename = quoted(file.filename);
    let before = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\n{mime_type}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\
         Content-Type: {mime_type}\r\n\r\n"
    );
    Ok(Upload { before: before.into(), after: format!("\r\n--{boundary}--\r\n").into(), ..upload })
}

/// The name without folders, its quotes written as browsers write them in forms. A part without a name would be read
/// as text.
fn quoted(filename: Option<&str>) -> String {
    let name = filename.and_then(|name| name.rsplit(['/', '\\']).next()).filter(|name| !name.is_empty());
    on_one_line(name.unwrap_or("file")).replace('"', "%22")
}

/// Control characters could end a header early.
fn on_one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Reads the id: a text in the documents, a number in some of Meta's imitations.
pub fn decode(response: &Response<Bytes>) -> Result<String, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if outcome::is_failure(response, &body) {
        return Err(fault::decode(response, &body));
    }
    match body.get("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
        Some(Value::Number(id)) => Ok(id.to_string()),
        _ => Err(Fault::upstream(FaultKind::UpstreamUnreadable, "the answer to the upload holds no id")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "bd7bd5c1ef4e04ad1dbe6d29ab3b4e0d7f8d1a8db0dc1b4c1ffcc6cbdc0b2a11";

    fn target(phone_number_id: Option<&str>) -> Target<'_> {
        Target { phone_number_id, ..Target::default() }
    }

    fn file<'a>(mime_type: &'a str, filename: Option<&'a str>) -> FileFacts<'a> {
        FileFacts { id: "1", mime_type, filename, size: 10, sha256: SHA256 }
    }

    fn answered(status: u16, body: &'static str) -> Result<String, Fault> {
        decode(&Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
    }

    #[test]
    fn the_form_is_written_as_the_vendor_documents_it() {
        let upload = encode(&file("image/png", Some("bay.png")), &target(Some("551200034477"))).unwrap();
        assert_eq!(upload.head.method(), "POST");
        assert_eq!(upload.head.uri(), "/551200034477/media");
        let boundary = format!("sabir-{SHA256}");
        assert_eq!(upload.head.headers()["content-type"], format!("multipart/form-data; boundary={boundary}"));
        let before = [
            &format!("--{boundary}"),
            "Content-Disposition: form-data; name=\"messaging_product\"",
            "",
            "whatsapp",
            &format!("--{boundary}"),
            "Content-Disposition: form-data; name=\"type\"",
            "",
            "image/png",
            &format!("--{boundary}"),
            "Content-Disposition: form-data; name=\"file\"; filename=\"bay.png\"",
            "Content-Type: image/png",
            "",
            "",
        ];
        assert_eq!(upload.before, before.join("\r\n"));
        assert_eq!(upload.after, format!("\r\n--{boundary}--\r\n"));
        assert_eq!(upload.kept, Duration::days(30));
    }

    #[test]
    fn a_boundary_is_no_longer_than_the_standard_allows() {
        assert!(format!("sabir-{SHA256}").len() <= 70);
    }

    #[test]
    fn at_360dialog_the_path_names_no_sender() {
        assert_eq!(encode(&file("image/png", None), &target(None)).unwrap().head.uri(), "/media");
    }

    #[test]
    fn no_name_breaks_out_of_its_header() {
        for (name, written) in [
            (Some("a\"; x=\"b.pdf"), "a%22; x=%22b.pdf"),
            (Some("a\r\nX-Other: 1.pdf"), "aX-Other: 1.pdf"),
            (Some("folder/../Rechnung März 100%.pdf"), "Rechnung März 100%.pdf"),
            (Some("C:\\bay.png"), "bay.png"),
            (Some("folder/"), "file"),
            (None, "file"),
        ] {
            let upload = encode(&file("application/pdf\r\nX-Other: 1", name), &target(None)).unwrap();
            let before = String::from_utf8(upload.before.to_vec()).unwrap();
            assert!(before.contains(&format!("; filename=\"{written}\"\r\n")), "{before}");
            assert!(!before.contains("\nX-Other"), "{before}");
        }
    }

    #[test]
    fn the_id_is_read_as_text_or_number() {
        assert_eq!(answered(200, "{\"id\": \"4410099887766\"}").unwrap(), "4410099887766");
        assert_eq!(answered(200, "{\"id\": 4410099887766}").unwrap(), "4410099887766");
    }

    #[test]
    fn a_refusal_is_read_by_its_code_and_an_answer_without_an_id_is_unreadable() {
        let refused = "{\"error\": {\"code\": 190, \"message\": \"Expired\", \"error_data\": {}}}";
        assert_eq!(answered(401, refused).unwrap_err().kind, FaultKind::UpstreamCredential);
        assert_eq!(answered(200, refused).unwrap_err().kind, FaultKind::UpstreamCredential);
        assert_eq!(answered(502, "<html>").unwrap_err().kind, FaultKind::UpstreamFailed);
        for body in ["", "{}", "{\"id\": \"\"}", "{\"id\": null}"] {
            assert_eq!(answered(200, body).unwrap_err().kind, FaultKind::UpstreamUnreadable, "{body}");
        }
    }
}
