//! What clients are told: the exact answers of each dialect.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use super::origin::{Page, corpus};
use super::{Origin, gateway, media, message, named, send, send_link, spoken};
use crate::harness::{Answer, TestApp};
use crate::provider::Provider;

const HREF: &str = "https://developers.facebook.com/docs/whatsapp/on-premises/errors";

/// The whole answer that a dialect gives for a refused file.
fn expected(client: &str, code: &str, words: &str, member: &str, text: &str, answer: &Answer) -> (u16, Value) {
    let transaction = answer.headers["sabir-transaction-id"].to_str().unwrap();
    let details = format!("{member}: {text}");
    let body = match client {
        "cloud" => json!({ "error": {
            "message": "(#131053) Media upload error", "type": "OAuthException", "code": 131_053,
            "error_data": { "messaging_product": "whatsapp", "details": details },
            "fbtrace_id": transaction.replace('-', ""),
        } }),
        "on-premises" => json!({
            "errors": [{ "code": 1009, "title": "Parameter value is not valid", "details": details, "href": HREF }],
            "meta": {
                "api_status": "stable", "version": "2.53.1", "success": false, "http_code": 400,
                "developer_message": details,
            },
        }),
        "aisoule" => json!({ "success": false, "error": { "code": code, "message": details } }),
        "aisoule-app" => json!({ "message": format!("{words}: {details}"), "status": "error" }),
        _ => json!({
            "meta": { "timestamp": 1_789_997_723_000_i64, "transactionId": transaction, "explain": "Send Notification" },
            "errors": { "reason": details, "code": answer.body["errors"]["code"] },
        }),
    };
    (400, body)
}

/// The member that holds an image's or document's link in each dialect.
fn member(client: &str, kind: &str) -> String {
    match client {
        "aisoule-app" => format!("{kind}.url"),
        "channel-request" => "request.message".to_owned(),
        _ => format!("{kind}.link"),
    }
}

const DIALECTS: [&str; 5] = ["cloud", "on-premises", "aisoule", "aisoule-app", "channel-request"];

#[tokio::test]
async fn a_file_of_another_format_is_refused_in_the_words_of_each_dialect() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let link = origin.has("/a.gif", "image/gif", Bytes::from_static(b"GIF89a........"));
    for client in DIALECTS {
        let answer = send_link(&app, client, "image", &link).await;
        let text = "The file is GIF; WhatsApp takes JPEG, PNG as image. Convert it. (FMT-UNSUPPORTED)";
        let member = member(client, "image");
        let expected = expected(client, "media_type_not_allowed", "Media type not allowed", &member, text, &answer);
        assert_eq!((answer.status, answer.body.clone()), expected, "{client}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_in_the_words_of_each_dialect() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let picture = corpus("valid/image_rgb_640x480.jpg");
    let large = [picture.as_ref(), &vec![0; 6_000_000 - picture.len()]].concat();
    let link = origin.has("/a.jpg", "image/jpeg", large.into());
    for client in DIALECTS {
        let answer = send_link(&app, client, "image", &link).await;
        let limit = if client == "channel-request" { 5_242_879 } else { 5_242_880 };
        let text = details(&answer).split_once(": ").unwrap().1.to_owned();
        assert!(text.contains("6000000 bytes") && text.contains(&limit.to_string()), "{client}: {text}");
        assert!(text.ends_with("(SIZE-OVER)"), "{client}: {text}");
        let text = text.trim_start_matches("image.url: ");
        let member = member(client, "image");
        let expected = expected(client, "media_too_large", "Media size exceeds limit", &member, text, &answer);
        assert_eq!((answer.status, answer.body.clone()), expected, "{client}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_link_that_leads_nowhere_is_refused_in_the_words_of_each_dialect() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let link = format!("{}/none.jpg?signature=hunter2", origin.url);
    for client in DIALECTS {
        let answer = send_link(&app, client, "image", &link).await;
        let details = details(&answer);
        assert!(details.ends_with("(HTTP-GONE)") && !details.contains("hunter2"), "{client}: {details}");
        let member = member(client, "image");
        let (_, text) = details.split_once(&format!("{member}: ")).unwrap();
        let expected = expected(client, "media_unreachable", "Media download failed", &member, text, &answer);
        assert_eq!((answer.status, answer.body.clone()), expected, "{client}");
    }
    app.stop().await;
}

#[tokio::test]
async fn trouble_of_the_origin_is_told_with_a_time_to_wait() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let page = |status, headers| Page { status, headers, body: Bytes::new() };
    let busy = origin.answers("/busy", page(429, vec![("retry-after", "7".to_owned())]));
    let broken = origin.answers("/broken", page(500, Vec::new()));
    for (link, code, wait) in [(busy, "(HTTP-RATE)", "7"), (broken, "(HTTP-SERVER)", "5")] {
        let answer = send_link(&app, "cloud", "image", &link).await;
        assert!(details(&answer).ends_with(code), "{answer:?}");
        assert_eq!(answer.headers["retry-after"], wait, "{code}");
    }
    app.stop().await;
}

/// The words about the file, wherever the dialect has them.
fn details(answer: &Answer) -> String {
    let places = ["/error/error_data/details", "/errors/0/details", "/error/message", "/message", "/errors/reason"];
    let found = places.iter().find_map(|place| answer.body.pointer(place)).unwrap();
    found.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_address_inside_is_a_parameter_and_tells_nothing() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "").await;
    for link in ["http://10.0.0.1/a.jpg", "http://169.254.169.254/latest/meta-data/", "http://[fd00::1]/a.jpg"] {
        let answer = send_link(&app, "cloud", "image", link).await;
        assert_eq!(answer.status, 400, "{link}: {answer:?}");
        let details = details(&answer);
        assert!(!details.contains("10.0.0.1") && !details.contains("169.254"), "{details}");
    }
    assert!(provider.messages().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_narrower_promise_is_kept_unless_the_operator_says_otherwise() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let link = origin.has(
        "/a.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        corpus("valid/doc_letter.docx"),
    );
    for (limits, status) in [("enforce", 400), ("warn", 200), ("off", 200)] {
        let text = super::configuration(&provider.url, "cloud", "media = \"upload\"", super::SYNC);
        let app = TestApp::of(&format!("[media]\ndialect_limits = \"{limits}\"\n{text}")).await;
        let answer = send_link(&app, "channel-request", "document", &link).await;
        assert_eq!(answer.status, status, "{limits}: {answer:?}");
        let latest = app.recorded().await.remove(0);
        let warnings = app.find(&latest.id.to_string()).await.unwrap().warnings;
        assert_eq!(warnings.iter().any(|warning| warning.text.contains("(FMT-NOT-OFFERED)")), limits == "warn");
        app.stop().await;
    }
}

async fn upload(app: &TestApp, path: &str, content_type: &str, file: Bytes) -> Answer {
    let key = if path == "/v1/media" { "on-premises" } else { "cloud" };
    let request = Request::builder().method(Method::POST).uri(format!("{}{path}", app.url()));
    let request = request.header("authorization", format!("Bearer {key}")).header("content-type", content_type);
    app.call(request.body(file).unwrap()).await
}

#[tokio::test]
async fn an_upload_that_could_not_be_sent_as_anything_is_refused_as_it_comes() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "").await;
    let page = corpus("invalid/html_error_named.jpg");
    let answer = upload(&app, "/v1/media", "image/jpeg", page.clone()).await;
    assert_eq!((answer.status, &answer.body["errors"][0]["code"]), (400, &json!(1009)), "{answer:?}");
    assert!(details(&answer).starts_with("file: ") && details(&answer).ends_with("(ERROR-BODY)"), "{answer:?}");
    let head = "--x-y\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n";
    let form: Bytes = [head.as_bytes(), &page, b"\r\n--x-y--\r\n"].concat().into();
    let answer = upload(&app, "/v23.0/5512000/media", "multipart/form-data; boundary=x-y", form).await;
    assert_eq!((answer.status, &answer.body["error"]["code"]), (400, &json!(100)), "{answer:?}");
    assert!(details(&answer).ends_with("(ERROR-BODY)"), "{answer:?}");
    // What is refused goes again, in the background.
    while std::fs::read_dir(app.app.state.config().data_dir.join("media")).unwrap().count() > 0 {
        tokio::task::yield_now().await;
    }
    app.stop().await;
}

#[tokio::test]
async fn an_upload_is_held_against_the_message_that_names_it() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "").await;
    let answer = upload(&app, "/v1/media", "image/jpeg", corpus("invalid/image_cmyk.jpg")).await;
    let id = answer.body["media"][0]["id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    let send = async |kind: &str| {
        let client = named("on-premises");
        let mut content = media(kind, "");
        content["media"]["source"] = json!({ "id": id });
        send(&app, client, &spoken(client, &message(content)).unwrap()).await
    };
    let answer = send("image").await;
    let text = "image.id: The JPEG has four colour components (CMYK); WhatsApp takes three. Save it as RGB. (IMG-CMYK)";
    assert_eq!((answer.status, details(&answer).as_str()), (400, text));
    assert_eq!(send("document").await.status, 201, "as a document it is a file like any other");
    app.stop().await;
}
