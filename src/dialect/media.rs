//! The media endpoints: what clients ask of them, and what they are told. The bytes themselves never come here.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The type of a file of which none is known.
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// Characters of a name that are kept: file systems take about as many bytes.
const MAX_NAME: usize = 200;

/// A call of the media endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaCall {
    /// A file arrives.
    Upload(UploadForm),
    /// What is known of a file.
    Describe(String),
    /// A file's bytes.
    Download(String),
    /// A file may go.
    Delete(String),
}

/// How a file arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadForm {
    /// The body is the file.
    Bare {
        /// Its type.
        mime_type: String,
        /// Its name, where the client gave one.
        filename: Option<String>,
    },
    /// The file is a part of a form, the parts in any order.
    Parts {
        /// What stands between the parts.
        boundary: String,
        /// The part that holds the file.
        file: &'static str,
        /// The part that names its type.
        mime_type: &'static str,
    },
}

impl UploadForm {
    /// The form, where the Content-Type says that the body is one.
    pub fn parts(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let essence = content_type.split(';').next()?.trim();
        if !essence.eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty())?;
        Some(Self::Parts { boundary, file: "file", mime_type: "type" })
    }
}

/// What a client is told.
#[derive(Clone, Copy, Debug)]
pub enum MediaAnswer<'a> {
    /// The file is kept under this id.
    Uploaded(&'a str),
    /// What is known of it.
    Described {
        /// The file.
        file: FileFacts<'a>,
        /// Where the gateway is for this client: `https://gateway.example.net`.
        origin: &'a str,
    },
    /// Here it is: the head alone is written, the bytes follow it.
    Downloaded(FileFacts<'a>),
    /// It is gone.
    Deleted,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub struct FileFacts<'a> {
    /// The id that the client was given.
    pub id: &'a str,
    /// Its type.
    pub mime_type: &'a str,
    /// Its name, where the client gave one.
    pub filename: Option<&'a str>,
    /// How many bytes it has.
    pub size: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: &'a str,
}

/// The type of a file in a form: its part's own, unless that says nothing; else what the form names. Clients leave out
/// either, and some write a mere kind ("image") for the form's.
pub fn mime_type(part: Option<&str>, form: Option<&str>) -> String {
    let told = [part, form].into_iter().flatten().map(str::trim);
    let mut told = told.filter(|text| is_type(text) && !text.eq_ignore_ascii_case(UNKNOWN_TYPE));
    told.next().unwrap_or(UNKNOWN_TYPE).to_owned()
}

/// Whether a text is a media type: `image/jpeg`, `audio/ogg; codecs=opus`.
pub fn is_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    essence.split_once('/').is_some_and(|(kind, name)| is_name(kind) && is_name(name))
        && text.len() <= MAX_NAME
        && HeaderValue::try_from(text).is_ok()
}

/// The name that a Content-Disposition gives, without folders and control characters. Clients write it in raw UTF-8,
/// percent-encoded (`filename*`), or with the path that the file had on their disk.
pub fn filename(headers: &HeaderMap) -> Option<String> {
    let disposition = String::from_utf8_lossy(headers.get(header::CONTENT_DISPOSITION)?.as_bytes());
    let name = extended(&disposition).or_else(|| parameter(&disposition, "filename"))?;
    let name = name.rsplit(['/', '\\']).find(|segment| !segment.is_empty())?;
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let name = name.trim();
    (!matches!(name, "" | "." | "..")).then(|| name.to_owned())
}

/// `filename*=UTF-8''na%C3%AFve.pdf`
fn extended(disposition: &str) -> Option<String> {
    let value = parameter(disposition, "filename*")?;
    let (_charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    Some(percent_decode_str(encoded).decode_utf8_lossy().into_owned())
}

/// A parameter of a header: `form-data; name="file"; filename="a;b.jpg"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = value_of(value.trim_start());
        if name.trim_matches([' ', '\t', ';']).eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
    None
}

/// A parameter's value and what follows it. A quote inside is written `\"`; no other backslash is taken away, because
/// paths hold them.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return (value.trim().to_owned(), rest);
    };
    let halves = quoted.match_indices('"').filter_map(|(at, _)| quoted.split_at_checked(at));
    let (value, rest) = halves.into_iter().find(|(value, _)| !value.ends_with('\\')).unwrap_or((quoted, ""));
    (value.replace("\\\"", "\""), rest.trim_start_matches('"'))
}

/// The head of an answer that is a file. The length is always there: clients index it, and chunks break them. The type
/// is the client's own word, so no browser shall guess another or show it as a page of the gateway's.
pub fn download(file: &FileFacts<'_>) -> Response<Bytes> {
    let name = file.filename.map_or_else(|| made_up_name(file), str::to_owned);
    let mime_type = HeaderValue::try_from(file.mime_type);
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, mime_type.unwrap_or(HeaderValue::from_static(UNKNOWN_TYPE)));
    headers.insert(header::CONTENT_LENGTH, file.size.into());
    headers.insert(header::CONTENT_DISPOSITION, attachment(&name));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// What may stand in a name without quotes.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+".contains(c)
}

/// Without quotes where it can be: clients split at `filename=` and take the rest.
fn attachment(name: &str) -> HeaderValue {
    const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let ascii: String =
        name.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '_' }).collect();
    let written = if name.chars().all(is_plain) {
        format!("attachment; filename={name}")
    } else if ascii == name {
        format!("attachment; filename=\"{name}\"")
    } else {
        format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, &KEPT))
    };
    HeaderValue::try_from(written).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The extensions of the types that the dialects know.
const EXTENSIONS: &[(&str, &str)] = &[
    ("application/msword", "doc"),
    ("application/pdf", "pdf"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.ms-powerpoint", "ppt"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/zip", "zip"),
    ("audio/aac", "aac"),
    ("audio/amr", "amr"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/opus", "opus"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/webp", "webp"),
    ("text/csv", "csv"),
    ("text/plain", "txt"),
    ("video/3gpp", "3gp"),
    ("video/mp4", "mp4"),
];

/// The name of a file that came without one.
fn made_up_name(file: &FileFacts<'_>) -> String {
    let essence = file.mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = EXTENSIONS.iter().find(|(mime_type, _)| *mime_type == essence);
    format!("{}.{}", file.id, known.map_or("bin", |(_, extension)| extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(disposition: &str) -> Option<String> {
        let value = HeaderValue::from_bytes(disposition.as_bytes()).unwrap();
        filename(&HeaderMap::from_iter([(header::CONTENT_DISPOSITION, value)]))
    }

    fn head(mime_type: &str, filename: Option<&str>) -> (String, String) {
        let response = download(&FileFacts { id: "4410", mime_type, filename, size: 9, sha256: "" });
        let text = |name| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(text(header::CONTENT_LENGTH), "9");
        (text(header::CONTENT_TYPE), text(header::CONTENT_DISPOSITION))
    }

    #[test]
    fn odd_names_are_read_as_people_would() {
        for (written, read) in [
            (r#"form-data; name="file"; filename="bay.jpg""#, "bay.jpg"),
            (r#"form-data; filename=bay.jpg; name="file""#, "bay.jpg"),
            (r#"form-data; name="file"; filename="/home/ann/a;b.jpg""#, "a;b.jpg"),
            (r#"form-data; name="file"; filename="C:\pictures\bay.jpg""#, "bay.jpg"),
            (r#"form-data; name="file"; filename="a \"quoted\" bay.jpg""#, r#"a "quoted" bay.jpg"#),
            (r#"form-data; name="file"; filename="100% sure%20.pdf""#, "100% sure%20.pdf"),
            (r#"form-data; name="file"; filename="naïve 海.pdf""#, "naïve 海.pdf"),
            ("form-data; name=\"file\"; filename*=utf-8''na%C3%AFve.pdf", "naïve.pdf"),
            ("attachment; filename=\"na_ve.pdf\"; filename*=UTF-8'en'na%C3%AFve.pdf", "naïve.pdf"),
            ("attachment; FileName = bay.jpg ", "bay.jpg"),
        ] {
            assert_eq!(named(written).as_deref(), Some(read), "{written}");
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        for written in
            ["form-data; name=\"file\"", "attachment; filename=\"\"", "attachment; filename=\"../..\"", "=;=;\""]
        {
            assert_eq!(named(written), None, "{written}");
        }
        assert_eq!(named(&format!("attachment; filename={}", "x".repeat(5000))).unwrap().len(), MAX_NAME);
    }

    #[test]
    fn the_parts_own_type_is_taken_unless_it_says_nothing() {
        let both = |part, form| mime_type(part, form);
        assert_eq!(both(Some("image/png"), Some("image/jpeg")), "image/png");
        assert_eq!(both(Some("application/octet-stream"), Some("image/jpeg")), "image/jpeg");
        assert_eq!(both(None, Some(" audio/ogg; codecs=opus ")), "audio/ogg; codecs=opus");
        assert_eq!(both(Some("image"), Some("image")), "application/octet-stream");
        assert_eq!(both(None, None), "application/octet-stream");
    }

    #[test]
    fn a_type_has_a_kind_and_a_name() {
        for text in ["image/jpeg", "audio/ogg; codecs=opus", "application/vnd.ms-excel", "image/svg+xml"] {
            assert!(is_type(text), "{text}");
        }
        let long = format!("image/{}", "a".repeat(MAX_NAME));
        for text in ["image", "/jpeg", "image/", "im age/jpeg", "image/jp eg", "image/jpeg;\n", &long, ""] {
            assert!(!is_type(text), "{text}");
        }
    }

    #[test]
    fn a_boundary_is_read_with_and_without_quotes() {
        for (content_type, found) in [
            ("multipart/form-data; boundary=----x=1", Some("----x=1")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"a;b\"", Some("a;b")),
            ("multipart/form-data", None),
            ("multipart/mixed; boundary=x", None),
            ("image/jpeg", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
            let form = UploadForm::parts(&headers);
            let boundary = match &form {
                Some(UploadForm::Parts { boundary, .. }) => Some(boundary.as_str()),
                _ => None,
            };
            assert_eq!(boundary, found, "{content_type}");
        }
    }

    #[test]
    fn a_download_is_named_so_that_old_clients_can_split_it() {
        let disposition = |name| head("application/pdf", Some(name)).1;
        assert_eq!(disposition("bay.pdf"), "attachment; filename=bay.pdf");
        assert_eq!(disposition("the bay.pdf"), "attachment; filename=\"the bay.pdf\"");
        assert_eq!(
            disposition("na\"ïve.pdf"),
            "attachment; filename=\"na__ve.pdf\"; filename*=UTF-8''na%22%C3%AFve.pdf"
        );
    }

    #[test]
    fn a_file_without_a_name_is_called_by_its_id_and_type() {
        let audio = "audio/ogg; codecs=opus";
        assert_eq!(head(audio, None), (audio.to_owned(), "attachment; filename=4410.ogg".to_owned()));
        assert_eq!(head("x/y", None).1, "attachment; filename=4410.bin");
    }
}
