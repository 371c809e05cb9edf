//! Clients' files, through each dialect that has media endpoints: there and back, and what is refused.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{KEY, TestApp};

/// A second account, which sees nothing of the first one's files.
const OTHER: &str =
    "[[accounts]]\nname = \"shop\"\nkey = \"shop-key\"\n[[accounts]]\nname = \"other\"\nkey = \"other-key\"\n";

/// A text with every boundary-like beginning in it, different for each length.
fn bytes(length: usize) -> Bytes {
    let mut chance = length as u32 | 1;
    let next = || {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if chance.is_multiple_of(50) { b'\r' } else { b' ' + (chance >> 24) as u8 % 95 }
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A part of a form: the rest of its Content-Disposition, its type, its content.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// A form with the boundary `x y`.
fn form(parts: &[Part<'_>]) -> Bytes {
    let mut body = Vec::new();
    for (disposition, content_type, content) in parts {
        body.extend(format!("--x-y\r\nContent-Disposition: form-data; {disposition}\r\n").bytes());
        if let Some(content_type) = content_type {
            body.extend(format!("Content-Type: {content_type}\r\n").bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x-y--\r\n");
    body.into()
}

const FORM: &str = "multipart/form-data; boundary=x-y";
const PRODUCT: Part<'_> = ("name=\"messaging_product\"", None, b"whatsapp");
const TYPE: Part<'_> = ("name=\"type\"", None, b"image/jpeg");

impl TestApp {
    fn request_for(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Request<Bytes> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url()) };
        let request = Request::builder().method(method).uri(url).header("authorization", format!("Bearer {KEY}"));
        request.header("content-type", content_type).body(body).unwrap()
    }

    async fn send(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Response<Bytes> {
        self.fetch(self.request_for(method, path, content_type, body)).await
    }

    /// A call without a body, with a Content-Type all the same, as old clients make it.
    async fn ask(&self, method: Method, path: &str) -> Response<Bytes> {
        self.send(method, path, "application/json", Bytes::new()).await
    }

    /// Uploads as a form and gives the id.
    async fn upload_form(&self, path: &str, parts: &[Part<'_>]) -> String {
        let answer = self.send(Method::POST, path, FORM, form(parts)).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        id_of(&body(&answer)["id"])
    }

    async fn upload_bare(&self, content_type: &str, file: Bytes) -> String {
        let answer = self.send(Method::POST, "/v1/media", content_type, file).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(body(&answer)["media"].as_array().unwrap().len(), 1);
        id_of(&body(&answer)["media"][0]["id"])
    }

    /// The files that lie in the vault, half ones included.
    fn files(&self) -> usize {
        std::fs::read_dir(self.app.state.config().data_dir.join("media")).unwrap().count()
    }

    /// Waits until nothing lies there: half a file goes in the background.
    async fn assert_nothing_is_left(&self) {
        while self.files() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Writes to the end before it reads anything, as many clients do.
    async fn write_then_read(&self, head: &str, pieces: &[Bytes]) -> String {
        let mut stream = TcpStream::connect(self.url().trim_start_matches("http://")).await.unwrap();
        let head = format!("{head}\r\nHost: gateway\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        for piece in pieces {
            stream.write_all(piece).await.expect("no broken pipe");
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("no reset");
        answer
    }
}

fn body(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Media ids are text, of digits alone.
fn id_of(id: &Value) -> String {
    let id = id.as_str().unwrap();
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit()), "{id}");
    id.to_owned()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

/// The typed error of either dialect, in words.
fn refused(answer: &Response<Bytes>) -> (u16, i64, String) {
    let body = body(answer);
    let (code, details) = match body.get("errors") {
        Some(errors) => (&errors[0]["code"], &errors[0]["details"]),
        None => (&body["error"]["code"], &body["error"]["error_data"]["details"]),
    };
    (answer.status().as_u16(), code.as_i64().unwrap(), details.as_str().unwrap().to_owned())
}

const SIZES: [usize; 7] = [1, 2, 8191, 65_537, 1_048_576, 1_048_577, 5_000_000];

#[tokio::test]
async fn on_premises_a_file_is_uploaded_bare_fetched_in_one_step_and_deleted() {
    let app = TestApp::start().await;
    for size in SIZES {
        let file = bytes(size);
        let id = app.upload_bare("audio/ogg; codecs=opus", file.clone()).await;
        let path = format!("/v1/media/{id}");
        let fetched = app.ask(Method::GET, &path).await;
        assert_eq!(fetched.status(), 200);
        assert_eq!(header(fetched.headers(), "content-type"), "audio/ogg; codecs=opus");
        assert_eq!(header(fetched.headers(), "content-length"), size.to_string());
        assert_eq!(header(fetched.headers(), "content-disposition"), format!("attachment; filename={id}.ogg"));
        assert!(fetched.headers().get("transfer-encoding").is_none());
        assert!(fetched.body() == &file, "{size} bytes came back changed");
        let deleted = app.ask(Method::DELETE, &format!("{path}/")).await;
        assert_eq!((deleted.status().as_u16(), &body(&deleted)["meta"]["api_status"]), (200, &json!("stable")));
        for method in [Method::GET, Method::DELETE] {
            let (status, code, details) = refused(&app.ask(method, &path).await);
            assert_eq!((status, code), (404, 1006), "{details}");
        }
    }
    assert_eq!(app.files(), 0);
    app.stop().await;
}

#[tokio::test]
async fn cloud_a_file_is_uploaded_in_a_form_described_fetched_at_its_url_and_deleted() {
    let app = TestApp::start().await;
    for (size, prefix) in SIZES.into_iter().zip(["", "/v13.0", "/v23.0"].into_iter().cycle()) {
        let file = bytes(size);
        let upload = if prefix.is_empty() { "/media".to_owned() } else { format!("{prefix}/5512000/media") };
        let part = ("name=\"file\"; filename=\"bay.jpg\"", Some("image/jpeg"), &file[..]);
        let id = app.upload_form(&upload, &[PRODUCT, TYPE, part]).await;
        let path = format!("{prefix}/{id}");
        let described = app.ask(Method::GET, &format!("{path}?phone_number_id=5512000")).await;
        let expected = json!({
            "messaging_product": "whatsapp",
            "url": format!("{}/media/{id}", app.url()),
            "mime_type": "image/jpeg",
            "sha256": hex::encode(Sha256::digest(&file)),
            "file_size": size,
            "id": id
        });
        assert_eq!(body(&described), expected);
        let fetched = app.ask(Method::GET, expected["url"].as_str().unwrap()).await;
        assert_eq!(header(fetched.headers(), "content-type"), "image/jpeg");
        assert_eq!(header(fetched.headers(), "content-disposition"), "attachment; filename=bay.jpg");
        assert_eq!(header(fetched.headers(), "content-length"), size.to_string());
        assert!(fetched.body() == &file, "{size} bytes came back changed");
        assert_eq!(body(&app.ask(Method::DELETE, &path).await), json!({ "success": true }));
        for path in [path, format!("/media/{id}")] {
            let (status, code, details) = refused(&app.ask(Method::GET, &path).await);
            assert_eq!((status, code), (404, 100), "{details}");
        }
    }
    assert_eq!(app.files(), 0);
    app.stop().await;
}

#[tokio::test]
async fn forms_are_taken_with_their_parts_in_any_order_and_with_odd_names() {
    let app = TestApp::start().await;
    let file = b"\r\n--x-\r\n--x almost\r\n-";
    let named = |name| (name, Some("application/pdf"), &file[..]);
    let plain = named("name=\"file\"; filename=\"bay.pdf\"");
    let other = ("name=\"ttl_minutes\"", None, &b"30"[..]);
    let late_type: Part<'_> = ("name=\"type\"", None, b"application/pdf");
    let untyped: Part<'_> = ("name=file; filename=bay.pdf", None, file);
    let cases: Vec<(&str, Vec<Part<'_>>, &str)> = vec![
        ("/media", vec![PRODUCT, late_type, plain], "bay.pdf"),
        ("/media", vec![plain, other, late_type, PRODUCT], "bay.pdf"),
        ("/media?messaging_product=whatsapp", vec![plain], "bay.pdf"),
        ("/5512000/media/", vec![untyped, late_type], "bay.pdf"),
        ("/v1/media", vec![plain, PRODUCT], "bay.pdf"),
        ("/media", vec![named("name=\"file\"; filename=\"/home/ann/the bay.pdf\"")], "\"the bay.pdf\""),
        ("/media", vec![named("name=\"file\"; filename=\"100%20.pdf\"")], "\"100%20.pdf\""),
        (
            "/media",
            vec![named("name=\"file\"; filename=\"naïve.pdf\"")],
            "\"na_ve.pdf\"; filename*=UTF-8''na%C3%AFve.pdf",
        ),
        (
            "/media",
            vec![named("name=\"file\"; filename*=utf-8''na%C3%AFve.pdf")],
            "\"na_ve.pdf\"; filename*=UTF-8''na%C3%AFve.pdf",
        ),
    ];
    for (path, parts, filename) in cases {
        let answer = app.send(Method::POST, path, FORM, form(&parts)).await;
        let uploaded = body(&answer);
        let id = id_of(uploaded.get("id").unwrap_or(&uploaded["media"][0]["id"]));
        let fetched = app.ask(Method::GET, &format!("/media/{id}")).await;
        assert_eq!(header(fetched.headers(), "content-type"), "application/pdf", "{parts:?}");
        assert_eq!(header(fetched.headers(), "content-disposition"), format!("attachment; filename={filename}"));
        assert_eq!(fetched.body(), &file[..], "{parts:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn chunks_without_a_length_are_taken_by_both() {
    let app = TestApp::start().await;
    let file = bytes(70_000);
    let part = ("name=\"file\"; filename=\"a.jpg\"", None, &file[..]);
    for (path, content_type, whole) in
        [("/v1/media", "image/jpeg", file.clone()), ("/v23.0/5512000/media", FORM, form(&[part, TYPE]))]
    {
        let head = format!(
            "POST {path} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked"
        );
        let chunk = |piece: &[u8]| Bytes::from([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
        let mut pieces: Vec<Bytes> = whole.chunks(999).map(chunk).collect();
        pieces.push(Bytes::from_static(b"0\r\n\r\n"));
        let answer = app.write_then_read(&head, &pieces).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        let (_, after) = answer.split_once("\"id\":\"").unwrap();
        let fetched = app.ask(Method::GET, &format!("/v1/media/{}", &after[..16])).await;
        assert!(fetched.body() == &file, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_head_alone_is_answered_as_the_whole_would_be() {
    let app = TestApp::start().await;
    let id = app.upload_bare("image/png", bytes(5000)).await;
    let answer = app.ask(Method::HEAD, &format!("/v1/media/{id}")).await;
    assert_eq!((answer.status().as_u16(), header(answer.headers(), "content-length")), (200, "5000"));
    assert!(answer.body().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn an_url_leads_back_the_way_the_client_came() {
    let described = async |app: &TestApp, headers: &[(&str, &str)]| {
        let id = app.upload_bare("image/png", bytes(5)).await;
        let mut request = app.request_for(Method::GET, &format!("/{id}"), "application/json", Bytes::new());
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let url = body(&app.fetch(request).await)["url"].as_str().unwrap().to_owned();
        url.trim_end_matches(&id).to_owned()
    };
    let app = TestApp::start().await;
    let proxied = [("host", "wa.example.net"), ("x-forwarded-proto", "https, http")];
    assert_eq!(described(&app, &proxied).await, "https://wa.example.net/media/");
    assert_eq!(described(&app, &[("host", "wa.example.net:8080")]).await, "http://wa.example.net:8080/media/");
    app.stop().await;
    let app = TestApp::with("[server]\npublic_url = \"https://gateway.example.net/wa/\"\n").await;
    assert_eq!(described(&app, &[]).await, "https://gateway.example.net/wa/media/");
    app.stop().await;
}

#[tokio::test]
async fn a_file_is_its_accounts_alone_and_a_wrong_key_opens_nothing() {
    let app = TestApp::with(OTHER).await;
    let id = app.upload_bare("image/png", bytes(5)).await;
    let cases = [
        ("Bearer other-key", 404, 1006, 404, 100),
        ("Bearer wrong", 401, 1005, 401, 190),
        ("Basic c2hvcDpzaG9wLWtleQ==", 401, 1005, 401, 190),
    ];
    for (credential, status, code, cloud_status, cloud_code) in cases {
        for (path, expected) in
            [(format!("/v1/media/{id}"), (status, code)), (format!("/v23.0/{id}"), (cloud_status, cloud_code))]
        {
            for method in [Method::GET, Method::DELETE] {
                let mut request = app.request_for(method, &path, "application/json", Bytes::new());
                request.headers_mut().insert("authorization", credential.parse().unwrap());
                let (status, code, details) = refused(&app.fetch(request).await);
                assert_eq!((status, code), expected, "{path} {credential}: {details}");
            }
        }
    }
    assert_eq!(app.ask(Method::GET, &format!("/v1/media/{id}")).await.status(), 200);
    app.stop().await;
}

#[tokio::test]
async fn an_upload_with_a_wrong_key_is_told_so_though_it_writes_to_the_end() {
    let app = TestApp::start().await;
    let file = bytes(3_000_000);
    for path in ["/v1/media", "/media"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nAuthorization: Bearer wrong\r\nContent-Type: {FORM}\r\nContent-Length: 3000000"
        );
        let answer = app.write_then_read(&head, std::slice::from_ref(&file)).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    app.assert_nothing_is_left().await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_told_so_though_it_writes_to_the_end() {
    let app = TestApp::with("[server]\nmax_upload = \"1 MiB\"\n").await;
    let largest = bytes(1_048_576);
    let large = bytes(1_048_577);
    let part = |file| ("name=\"file\"; filename=\"a.jpg\"", Some("image/jpeg"), file);
    app.upload_bare("image/jpeg", largest.clone()).await;
    app.upload_form("/media", &[part(&largest[..]), PRODUCT]).await;
    let uploads = [
        ("/v1/media", "image/jpeg", large.clone()),
        ("/v1/media", "image/jpeg", bytes(2_050_000)),
        ("/media", FORM, form(&[part(&large[..]), PRODUCT])),
        ("/v23.0/5512000/media", FORM, form(&[part(&bytes(2_050_000)[..]), PRODUCT])),
    ];
    for (path, content_type, body) in uploads {
        for length in [format!("Content-Length: {}", body.len()), "Transfer-Encoding: chunked".to_owned()] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Type: {content_type}\r\n{length}"
            );
            let pieces = match length.starts_with("Content-Length") {
                true => vec![body.clone()],
                false => vec![format!("{:x}\r\n", body.len()).into(), body.clone(), Bytes::from("\r\n0\r\n\r\n")],
            };
            let answer = app.write_then_read(&head, &pieces).await;
            assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("1.0 MiB"), "{path} {length}: {answer}");
        }
    }
    while app.files() > 2 {
        tokio::task::yield_now().await;
    }
    app.stop().await;
}

#[tokio::test]
async fn half_a_body_leaves_nothing() {
    let app = TestApp::start().await;
    let file = bytes(500_000);
    let part = ("name=\"file\"; filename=\"a.jpg\"", Some("image/jpeg"), &file[..]);
    let whole = form(&[part, TYPE]);
    let after_the_file = whole.len() - 40;
    for (path, content_type, sent) in [
        ("/v1/media", "image/jpeg", file.slice(..200_000)),
        ("/media", FORM, whole.slice(..200_000)),
        ("/media", FORM, whole.slice(..after_the_file)),
    ] {
        let mut stream = TcpStream::connect(app.url().trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {KEY}\r\nContent-Type: {content_type}\r\n\
             Content-Length: {}\r\n\r\n",
            whole.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        while app.files() == 0 {
            tokio::task::yield_now().await;
        }
        drop(stream);
        app.assert_nothing_is_left().await;
    }
    // The same with a proxy in between that ends the body where the client went away.
    for sent in [whole.slice(..200_000), whole.slice(..after_the_file)] {
        let (status, code, details) = refused(&app.send(Method::POST, "/media", FORM, sent).await);
        assert_eq!((status, code), (400, 100), "{details}");
        assert!(details.contains("broke off"), "{details}");
    }
    app.assert_nothing_is_left().await;
    app.stop().await;
}

#[tokio::test]
async fn an_upload_that_cannot_be_read_is_told_why_and_leaves_nothing() {
    let app = TestApp::start().await;
    let no_file = form(&[PRODUCT, TYPE]);
    let empty = form(&[("name=\"file\"; filename=\"a.jpg\"", Some("image/jpeg"), b"")]);
    let jpeg = "image/jpeg";
    let cases = [
        ("/media", jpeg, bytes(9), (400, 100), "multipart/form-data"),
        ("/media", "multipart/form-data", bytes(9), (400, 100), "boundary"),
        ("/media", FORM, no_file.clone(), (400, 131_008), "file: is missing"),
        ("/media", FORM, empty, (400, 100), "empty"),
        ("/media", FORM, bytes(3_000_000), (400, 100), "boundary"),
        ("/media", FORM, Bytes::new(), (400, 100), "broke off"),
        ("/v1/media", FORM, no_file, (400, 1008), "file: is missing"),
        ("/v1/media", jpeg, Bytes::new(), (400, 1025), "empty"),
        ("/v1/media", "jpeg", bytes(9), (400, 1025), "image/jpeg"),
    ];
    for (path, content_type, body, expected, word) in cases {
        let (status, code, details) = refused(&app.send(Method::POST, path, content_type, body).await);
        assert_eq!((status, code), expected, "{path} {content_type}: {details}");
        assert!(details.contains(word), "{path} {content_type}: {details}");
    }
    app.assert_nothing_is_left().await;
    app.stop().await;
}

#[tokio::test]
async fn paths_that_only_look_like_ids_are_unknown_and_the_methods_are_kept() {
    let app = TestApp::start().await;
    for (method, path, expected) in [
        (Method::GET, "/unknown", (404, 100)),
        (Method::POST, "/unknown", (404, 100)),
        (Method::GET, "/v23.0/me", (404, 100)),
        (Method::PUT, "/4410099887766", (404, 100)),
        (Method::GET, "/media", (405, 100)),
        (Method::PUT, "/v1/media", (405, 1025)),
        (Method::POST, "/v1/media/4410099887766", (405, 1025)),
    ] {
        let (status, code, details) = refused(&app.ask(method.clone(), path).await);
        assert_eq!((status, code), expected, "{method} {path}: {details}");
    }
    app.stop().await;
}
