//! Which way files go, and what becomes of them on it.

use bytes::Bytes;
use sabir::media::check::{Inspection, Inspector};
use sabir::model::MediaFormat;
use serde_json::{Value, json};

use super::origin::{Page, corpus};
use super::{Origin, configuration, gateway, media, message, named, send, send_link, send_to, spoken};
use crate::harness::TestApp;
use crate::provider::{Provider, Seen};

async fn over(provider: &Provider, upstream: &str, media: &str) -> TestApp {
    TestApp::of(&configuration(&provider.url, upstream, media, "")).await
}

/// What was in the form of an upload.
fn file_in(upload: &Seen) -> Inspection {
    let at = |text: &[u8], wanted: &[u8]| text.windows(wanted.len()).position(|window| window == wanted).unwrap();
    let from = at(&upload.body, b"filename=");
    let part = &upload.body[from..];
    let part = &part[at(part, b"\r\n\r\n") + 4..];
    let mut inspector = Inspector::new();
    inspector.push(&part[..at(part, b"\r\n--sabir-")]);
    inspector.finish()
}

/// The texts of what was recorded of the latest message.
async fn warnings(app: &TestApp) -> Vec<String> {
    let latest = app.recorded().await.remove(0);
    let transaction = app.find(&latest.id.to_string()).await.unwrap();
    transaction.warnings.into_iter().map(|warning| warning.text).collect()
}

#[tokio::test]
async fn a_link_is_passed_on_where_the_upstream_says_so_and_where_it_knows_no_uploads() {
    for (upstream, media) in
        [("cloud", "media = \"link\""), ("aisoule", "media = \"upload\""), ("channel-request", "media = \"upload\"")]
    {
        let (provider, origin) = (Provider::start().await, Origin::start().await);
        let app = over(&provider, upstream, media).await;
        let link = origin.has("/bay.jpg", "image/jpeg", corpus("valid/image_rgb_640x480.jpg"));
        let answer = send_link(&app, "cloud", "image", &link).await;
        assert_eq!(answer.status, 200, "{upstream}: {answer:?}");
        assert!(provider.messages()[0].json().to_string().contains(&link), "{upstream}");
        assert!(provider.uploads().is_empty() && !origin.asked().is_empty(), "{upstream}");
        let unlabelled = origin.has("/bay", "application/octet-stream", corpus("valid/image_rgb_640x480.jpg"));
        let answer = send_link(&app, "cloud", "image", &unlabelled).await;
        assert!(answer.body.to_string().contains("(MIME-LABEL)"), "{upstream}: {answer:?}");
        app.stop().await;
    }
}

#[tokio::test]
async fn an_upstream_may_say_that_nothing_is_fetched() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = over(&provider, "cloud", "media = \"unchecked\"").await;
    let link = origin.has("/bay.jpg", "image/jpeg", Bytes::new());
    assert_eq!(send_link(&app, "cloud", "image", &link).await.status, 200);
    assert!(origin.asked().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn documents_that_uploads_refuse_go_by_link_with_a_warning() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    for (path, content_type, file) in
        [("/a.csv", "text/csv", "invalid/doc_table.csv"), ("/a.zip", "application/zip", "invalid/doc_archive.zip")]
    {
        let link = origin.has(path, content_type, corpus(file));
        let answer = send_link(&app, "cloud", "document", &link).await;
        assert_eq!(answer.status, 200, "{file}: {answer:?}");
        assert_eq!(provider.messages().pop().unwrap().json()["document"]["link"], link);
        assert!(warnings(&app).await[0].contains("(DOC-NOT-LISTED)"), "{file}");
    }
    assert!(provider.uploads().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_wrongly_labelled_file_is_uploaded_under_the_type_of_its_bytes() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let link = origin.has("/bay.bin", "application/octet-stream", corpus("valid/image_rgb_640x480.jpg"));
    assert_eq!(send_link(&app, "cloud", "image", &link).await.status, 200);
    let upload = String::from_utf8_lossy(&provider.uploads()[0].body).into_owned();
    assert!(upload.contains("filename=\"file.jpg\"\r\nContent-Type: image/jpeg\r\n"), "{}", &upload[..400]);
    assert!(warnings(&app).await[0].contains("(MIME-RELABEL)"));
    app.stop().await;
}

#[tokio::test]
async fn the_name_of_a_document_is_mended() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let link = origin.has("/1", "application/pdf", corpus("valid/doc_report.pdf"));
    let document =
        json!({ "media": { "kind": "document", "source": { "link": link }, "filename": "a/b/report.docx" } });
    let client = named("cloud");
    assert_eq!(send(&app, client, &spoken(client, &message(document)).unwrap()).await.status, 200);
    assert_eq!(provider.messages()[0].json()["document"]["filename"], "report.pdf");
    app.stop().await;
}

#[tokio::test]
async fn a_document_without_a_name_is_called_as_its_link_says() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    for (place, name) in [("/inv/Invoice%202209.pdf", "Invoice 2209.pdf"), ("/download", "download.pdf")] {
        let link = origin.has(place, "application/pdf", corpus("valid/doc_report.pdf"));
        assert_eq!(send_link(&app, "cloud", "document", &link).await.status, 200);
        assert_eq!(provider.messages().pop().unwrap().json()["document"]["filename"], name);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_webp_picture_that_the_dialect_promises_is_converted_and_noted() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let link = origin.has("/bay.webp", "image/webp", corpus("invalid/image_webp_as_image.webp"));
    for client in ["aisoule", "aisoule-app"] {
        let answer = send_link(&app, client, "image", &link).await;
        assert!((200..300).contains(&answer.status), "{client}: {answer:?}");
        assert!(warnings(&app).await[0].contains("(IMG-REPAIRED)"), "{client}");
    }
    assert_eq!(provider.uploads().len(), 1, "what came of it is the same file");
    assert!(matches!(file_in(&provider.uploads()[0]).format, MediaFormat::Jpeg | MediaFormat::Png));
    let answer = send_link(&app, "cloud", "image", &link).await;
    assert!(answer.body.to_string().contains("(IMG-WEBP)"), "{answer:?}");
    app.stop().await;
}

#[tokio::test]
async fn each_account_says_what_is_repaired() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let webp = origin.has("/bay.webp", "image/webp", corpus("invalid/image_webp_as_image.webp"));
    let cmyk = origin.has("/bay.jpg", "image/jpeg", corpus("invalid/image_cmyk.jpg"));
    let off = gateway(&provider, "repair = \"off\"").await;
    assert!(send_link(&off, "aisoule", "image", &webp).await.body.to_string().contains("(IMG-WEBP)"));
    off.stop().await;
    let all = gateway(&provider, "repair = \"all\"").await;
    for link in [&webp, &cmyk] {
        assert_eq!(send_link(&all, "cloud", "image", link).await.status, 200);
        assert!(warnings(&all).await[0].contains("(IMG-REPAIRED)"));
    }
    all.stop().await;
}

#[tokio::test]
async fn sound_and_films_are_refused_with_a_remedy_where_there_is_no_ffmpeg() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let text = configuration(&provider.url, "cloud", "media = \"upload\"", "repair = \"all\"");
    let app = TestApp::of(&format!("[media]\nffmpeg = \"/nowhere/ffmpeg\"\n{text}")).await;
    let link = origin.has("/a.ogg", "audio/ogg", corpus("invalid/audio_opus_stereo.ogg"));
    let answer = send_link(&app, "cloud", "audio", &link).await;
    let details = answer.body["error"]["error_data"]["details"].as_str().unwrap().to_owned();
    assert!(details.ends_with("It could not be mended: ffmpeg is not installed. (AUD-OGG-CHANNELS)"), "{details}");
    app.stop().await;
}

/// A program that takes ffmpeg's arguments and gives the file that a real one would.
#[tokio::test]
#[cfg(unix)]
async fn sound_is_encoded_by_an_installed_ffmpeg() {
    use std::os::unix::fs::PermissionsExt;
    let (provider, origin, folder) = (Provider::start().await, Origin::start().await, tempfile::tempdir().unwrap());
    let (program, result) = (folder.path().join("ffmpeg"), folder.path().join("result.ogg"));
    std::fs::write(&result, corpus("valid/audio_opus_mono.ogg")).unwrap();
    let script = format!("#!/bin/sh\nfor last; do :; done\nexec cp '{}' \"$last\"\n", result.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = configuration(&provider.url, "cloud", "media = \"upload\"", "repair = \"all\"");
    let app = TestApp::of(&format!("[media]\nffmpeg = \"{}\"\n{text}", program.display())).await;
    let link = origin.has("/a.ogg", "audio/ogg", corpus("invalid/audio_opus_stereo.ogg"));
    let answer = send_link(&app, "cloud", "audio", &link).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(warnings(&app).await[0].contains("(AUD-REPAIRED)"));
    assert_eq!(file_in(&provider.uploads()[0]).format, MediaFormat::OggOpus);
    app.stop().await;
}

#[tokio::test]
async fn redirects_are_followed_by_upload_and_refused_where_the_dialect_or_the_route_says_so() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    origin.has("/final.jpg", "image/jpeg", corpus("valid/image_rgb_640x480.jpg"));
    let headers = vec![("location", "/final.jpg".to_owned())];
    let link = origin.answers("/first", Page { status: 302, headers, body: Bytes::new() });
    let app = gateway(&provider, "").await;
    assert_eq!(send_link(&app, "cloud", "image", &link).await.status, 200);
    let answer = send_link(&app, "channel-request", "image", &link).await;
    assert!(answer.body["errors"]["reason"].as_str().unwrap().contains("(HTTP-REDIRECT)"), "{answer:?}");
    app.stop().await;
    let app = over(&provider, "cloud", "media = \"link\"").await;
    let answer = send_link(&app, "cloud", "image", &link).await;
    assert!(answer.body.to_string().contains("(HTTP-REDIRECT)"), "{answer:?}");
    app.stop().await;
}

#[tokio::test]
async fn the_sandbox_takes_a_link_that_cannot_be_reached_with_a_warning() {
    let app = TestApp::of(&format!("{}[[upstreams]]\nname = \"s\"\nprovider = \"sandbox\"\nmedia = \"upload\"\n[[accounts]]\nname = \"cloud\"\nkey = \"cloud\"\n", super::NET)).await;
    let answer = send_link(&app, "cloud", "image", "http://127.0.0.1:1/bay.jpg").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(app.received()[0].body["image"]["link"], "http://127.0.0.1:1/bay.jpg");
    assert!(warnings(&app).await[0].contains("(NET-"));
    let origin = Origin::start().await;
    let answer = send_link(&app, "cloud", "image", &format!("{}/none.jpg", origin.url)).await;
    assert!(answer.body.to_string().contains("(HTTP-GONE)"), "{answer:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_rehearsal_tells_of_each_file_and_uploads_nothing() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let client = named("cloud");
    let rehearse = async |link: &str| {
        let request = spoken(client, &message(media("image", link))).unwrap();
        send_to(&app, client, &request, "?dry_run=true").await.body
    };
    let good = rehearse(&origin.has("/a.jpg", "image/jpeg", corpus("valid/image_rgb_640x480.jpg"))).await;
    assert_eq!(good["would_send"], true, "{good}");
    let file = &good["media"][0];
    assert_eq!(
        (&file["member"], &file["verdict"], &file["route"]),
        (&json!("image.link"), &json!("accept"), &json!("upload"))
    );
    assert_eq!((&file["facts"]["format"], &file["facts"]["width"]), (&json!("JPEG"), &json!(640)));
    assert_eq!(good["upstream_request"]["body"]["image"]["id"], "<id of the upload>");
    let bad = rehearse(&origin.has("/a.webp", "image/webp", corpus("invalid/image_webp_as_image.webp"))).await;
    assert_eq!((&bad["would_send"], &bad["fault"]["kind"]), (&json!(false), &json!("media_type_refused")));
    assert_eq!((&bad["media"][0]["verdict"], &bad["media"][0]["codes"]), (&json!("reject"), &json!(["IMG-WEBP"])));
    let none: Value = rehearse(&format!("{}/none", origin.url)).await;
    assert_eq!((&none["media"][0]["codes"], none["media"][0].get("facts")), (&json!(["HTTP-GONE"]), None));
    assert!(provider.uploads().is_empty() && app.recorded().await.is_empty());
    app.stop().await;
}
