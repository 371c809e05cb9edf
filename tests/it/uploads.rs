//! Files that clients uploaded, on their way to upstreams: once, and then by the upstream's own id.

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use sabir::store::{StoredMedia, UploadKey, UpstreamMedia};
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{Answer, TestApp};
use crate::provider::{Mood, Provider, deaf, hasty};

/// The id that the gateway gave to the client's file.
const ID: &str = "8801234567890";
const BYTES: &[u8] = include_bytes!("../fixtures/media/valid/image_rgb8_320x240.png");

/// The dialects of clients and of upstreams that know files by id.
const WITH_IDS: [&str; 2] = ["cloud", "on-premises"];

/// A gateway in front of the provider, and a file of the account `shop` that has never left it.
async fn gateway(provider: &Provider, client: &str, upstream: &str) -> TestApp {
    gateway_at(&provider.url, client, upstream).await
}

async fn gateway_at(base_url: &str, client: &str, upstream: &str) -> TestApp {
    let app = TestApp::with(&format!(
        "[delivery]\ndeadline = \"3s\"\n[net]\nfirst_byte_timeout = \"500ms\"\n\
         [[upstreams]]\nname = \"main\"\ndialect = \"{upstream}\"\nbase_url = \"{base_url}\"\nkey = \"upstream-key\"\n\
         sender = \"442079460000\"\n\
         [[accounts]]\nname = \"shop\"\nkey = \"shop-key\"\ndialect = \"{client}\"\n\
         [[accounts]]\nname = \"other\"\nkey = \"other-key\""
    ))
    .await;
    put(&app, "shop", ID, Bytes::from_static(BYTES)).await;
    app
}

/// A text of many lines.
fn text(length: usize) -> Bytes {
    b"A line of the log.\n".iter().copied().cycle().take(length).collect()
}

async fn put(app: &TestApp, account: &str, id: &str, bytes: Bytes) -> StoredMedia {
    let chunks =
        stream::iter(bytes.chunks(64 * 1024).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk))));
    let state = &app.app.state;
    let stored = state.vault.put(id, chunks, u64::MAX).await.unwrap();
    let media = StoredMedia {
        id: id.to_owned(),
        account: account.to_owned(),
        mime_type: "image/png".to_owned(),
        filename: Some("bay.png".to_owned()),
        size: stored.size,
        sha256: stored.sha256,
        created_at: state.clock.now(),
    };
    state.store.add_media(&media).await.unwrap();
    media
}

fn image(id: &str) -> Value {
    message(json!({ "type": "image", "image": { "id": id, "caption": "Front view" } }))
}

fn document(id: &str) -> Value {
    message(json!({ "type": "document", "document": { "id": id } }))
}

fn message(mut content: Value) -> Value {
    content["messaging_product"] = json!("whatsapp");
    content["to"] = json!("447700900123");
    content
}

async fn send(app: &TestApp, body: &Value) -> Answer {
    app.post("/v1/messages", body).await
}

#[tokio::test]
async fn a_file_goes_to_the_upstream_once_and_from_then_on_by_its_id() {
    for client in WITH_IDS {
        for upstream in WITH_IDS {
            let provider = Provider::start().await;
            let app = gateway(&provider, client, upstream).await;
            for _ in 0..2 {
                let answer = send(&app, &image(ID)).await;
                assert!((200..300).contains(&answer.status), "{client} over {upstream}: {answer:?}");
            }
            assert_eq!(provider.uploads().len(), 1, "{client} over {upstream}");
            let messages = provider.messages();
            assert_eq!(messages.len(), 2);
            for message in messages {
                assert_eq!(message.json()["image"], json!({ "id": "given-1", "caption": "Front view" }));
            }
            app.stop().await;
        }
    }
}

#[tokio::test]
async fn the_cloud_api_gets_a_form_of_known_length() {
    let provider = Provider::start().await;
    let app = TestApp::with(&format!(
        "[delivery]\ndeadline = \"3s\"\n\
         [[upstreams]]\nname = \"main\"\nprovider = \"meta\"\nbase_url = \"{}/v23.0\"\nkey = \"upstream-key\"\n\
         phone_number_id = \"551200034477\"",
        provider.url
    ))
    .await;
    let media = put(&app, "shop", ID, Bytes::from_static(BYTES)).await;
    assert_eq!(send(&app, &image(ID)).await.status, 200);
    let upload = &provider.uploads()[0];
    assert_eq!(upload.path, "/v23.0/551200034477/media");
    assert_eq!(upload.headers["authorization"], "Bearer upstream-key");
    let boundary = format!("sabir-{}", media.sha256);
    assert_eq!(upload.headers["content-type"], format!("multipart/form-data; boundary={boundary}"));
    assert_eq!(upload.headers["content-length"], upload.body.len().to_string());
    assert!(!upload.headers.contains_key("transfer-encoding"));
    let part = |head: &str| format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n");
    let form = [
        part("name=\"messaging_product\"").as_bytes(),
        b"\r\nwhatsapp\r\n",
        part("name=\"type\"").as_bytes(),
        b"\r\nimage/png\r\n",
        part("name=\"file\"; filename=\"file.png\"").as_bytes(),
        b"Content-Type: image/png\r\n\r\n",
        BYTES,
        format!("\r\n--{boundary}--\r\n").as_bytes(),
    ]
    .concat();
    assert_eq!(upload.body, form);
    app.stop().await;
}

#[tokio::test]
async fn on_premises_gets_the_bare_bytes_under_their_own_type() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "on-premises").await;
    let large = text(20_000_000);
    put(&app, "shop", "77", large.clone()).await;
    assert_eq!(send(&app, &document("77")).await.status, 200);
    let upload = &provider.uploads()[0];
    assert_eq!(upload.path, "/v1/media");
    assert_eq!(upload.headers["content-type"], "text/plain");
    assert_eq!(upload.headers["content-length"], "20000000");
    assert!(upload.body == large, "the bytes arrive equal");
    app.stop().await;
}

#[tokio::test]
async fn the_record_shows_what_the_client_and_what_the_upstream_was_told() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    send(&app, &image(ID)).await;
    let transaction = app.only().await;
    assert_eq!(transaction.client_request["image"]["id"], ID);
    let request = serde_json::to_value(&transaction.request).unwrap();
    assert_eq!(request["send"]["content"]["media"]["source"]["id"], ID);
    let sent: Value = serde_json::from_str(&transaction.attempts[0].body).unwrap();
    assert_eq!(sent["image"]["id"], "given-1");
    app.stop().await;
}

#[tokio::test]
async fn sends_at_the_same_time_share_one_upload() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    let to_each = |nth: usize| {
        let mut message = image(ID);
        message["to"] = json!(format!("4477009001{nth:02}"));
        message
    };
    let messages: Vec<_> = (0..50).map(to_each).collect();
    let answers = join_all(messages.iter().map(|message| send(&app, message))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(provider.uploads().len(), 1);
    assert_eq!(provider.messages().len(), 50);
    app.stop().await;
}

#[tokio::test]
async fn equal_bytes_under_another_id_are_not_uploaded_again() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    put(&app, "shop", "77", Bytes::from_static(BYTES)).await;
    send(&app, &image(ID)).await;
    send(&app, &image("77")).await;
    assert_eq!(provider.uploads().len(), 1);
    assert_eq!(provider.messages()[1].json()["image"]["id"], "given-1");
    app.stop().await;
}

#[tokio::test]
async fn headers_and_parameters_are_files_too() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    let file = json!({ "type": "image", "image": { "id": ID } });
    let buttons = json!({ "buttons": [{ "type": "reply", "reply": { "id": "1", "title": "Yes" } }] });
    let interactive = json!({ "type": "button", "header": file, "body": { "text": "Well?" }, "action": buttons });
    let parts = json!([{ "type": "header", "parameters": [file] }]);
    let cards = json!([{ "card_index": 0, "components": parts }]);
    let components = json!([{ "type": "header", "parameters": [file] }, { "type": "carousel", "cards": cards }]);
    let template = json!({ "name": "offer", "language": { "code": "en" }, "components": components });
    send(&app, &message(json!({ "type": "interactive", "interactive": interactive }))).await;
    send(&app, &message(json!({ "type": "template", "template": template }))).await;
    assert_eq!(provider.uploads().len(), 1);
    let [interactive, template] = [0, 1].map(|at| provider.messages()[at].json());
    assert_eq!(interactive["interactive"]["header"]["image"]["id"], "given-1");
    let components = &template["template"]["components"];
    assert_eq!(components[0]["parameters"][0]["image"]["id"], "given-1");
    assert_eq!(components[1]["cards"][0]["components"][0]["parameters"][0]["image"]["id"], "given-1");
    app.stop().await;
}

#[tokio::test]
async fn an_id_that_is_not_the_accounts_own_passes_as_it_is() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    put(&app, "other", "99", Bytes::from_static(BYTES)).await;
    for id in ["4410099887766", "99", "6f1d2c1e-7a55-4d0e-9c57-0b8a3f6f2b10"] {
        assert_eq!(send(&app, &image(id)).await.status, 200);
        assert_eq!(provider.messages().pop().unwrap().json()["image"]["id"], id);
    }
    assert!(provider.uploads().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn an_upstream_that_takes_links_only_costs_no_upload() {
    for upstream in ["aisoule", "aisoule-app", "channel-request"] {
        let provider = Provider::start().await;
        let app = gateway(&provider, "cloud", upstream).await;
        let answer = send(&app, &image(ID)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(
            answer.body["error"]["error_data"]["details"].as_str().unwrap().starts_with("image.id: "),
            "{answer:?}"
        );
        assert!(provider.uploads().is_empty() && provider.messages().is_empty());
        app.stop().await;
    }
}

#[tokio::test]
async fn an_upload_that_fails_is_tried_again_and_leaves_nothing_unknown() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    let cases = [Mood::Refuses(500, "<html>"), Mood::Refuses(200, "OK"), Mood::Hangs, Mood::Refuses(429, "{}")];
    for (nth, mood) in cases.into_iter().enumerate() {
        provider.feels(mood);
        let mut message = image(ID);
        message["to"] = json!(format!("44770090012{nth}"));
        assert_eq!(send(&app, &message).await.status, 200, "{mood:?}");
        assert_eq!(app.recorded().await[0].state.as_str(), "accepted", "{mood:?}: nothing was sent");
    }
    assert!(provider.messages().is_empty());
    provider.feels(Mood::Well);
    while provider.messages().len() < cases.len() {
        app.forward_a_little().await;
    }
    assert!(provider.messages().iter().all(|message| message.json()["image"]["id"] == "given-1"));
    app.stop().await;
}

#[tokio::test]
async fn an_upstream_that_is_not_there_gets_nothing() {
    let app = gateway_at("http://127.0.0.1:1", "on-premises", "cloud").await;
    assert_eq!(send(&app, &image(ID)).await.status, 201);
    assert_eq!(app.recorded().await[0].state.as_str(), "accepted");
    app.stop().await;
}

#[tokio::test]
async fn a_client_does_not_wait_for_a_long_upload_and_the_message_follows_it() {
    let provider = Provider::start().await;
    let app = TestApp::with(&format!(
        "[net]\ntotal_timeout = \"1s\"\n\
         [[upstreams]]\nname = \"main\"\nprovider = \"360dialog\"\nbase_url = \"{}\"\nkey = \"upstream-key\"",
        provider.url
    ))
    .await;
    put(&app, "shop", "77", text(1_000_000)).await;
    provider.feels(Mood::Slow);
    let answer = send(&app, &document("77")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(provider.messages().is_empty());
    while provider.messages().is_empty() {
        app.forward_a_little().await;
    }
    assert_eq!((provider.uploads().len(), provider.messages().len()), (1, 1));
    app.stop().await;
}

#[tokio::test]
async fn an_upstream_that_stops_reading_does_not_hold_the_send_for_ever() {
    let app = gateway_at(&deaf().await, "cloud", "on-premises").await;
    put(&app, "shop", "77", text(20_000_000)).await;
    let answer = send(&app, &document("77")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(app.recorded().await[0].state.as_str(), "accepted");
    app.stop().await;
}

#[tokio::test]
async fn an_upstream_that_refuses_before_it_has_read_the_file_is_heard() {
    let body = r#"{"errors":[{"code":1014,"title":"Upload failed"}]}"#;
    let refusal = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let app = gateway_at(&hasty(refusal.leak()).await, "on-premises", "on-premises").await;
    put(&app, "shop", "77", text(20_000_000)).await;
    let answer = send(&app, &document("77")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.body["errors"][0]["code"], 1014);
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_the_upstream_refuses_is_named_with_the_upstreams_words() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    let refused = r#"{"error": {"code": 131053, "message": "(#131053) Media upload error", "type": "OAuthException",
        "error_data": {"details": "Unsupported image type"}}}"#;
    provider.feels(Mood::Refuses(400, refused));
    let answer = send(&app, &image(ID)).await;
    assert_eq!(answer.status, 400);
    let error = &answer.body["error"];
    assert_eq!(error["code"], 131053);
    assert_eq!(error["error_data"]["details"], "image.id: Unsupported image type");
    assert!(provider.messages().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_is_gone_is_named() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "on-premises", "cloud").await;
    app.app.state.vault.delete(ID).await.unwrap();
    let answer = send(&app, &image(ID)).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let details = answer.body["errors"][0]["details"].as_str().unwrap();
    assert!(details.contains("image.id: the file of this upload is gone"), "{details}");
    assert!(provider.uploads().is_empty() && provider.messages().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn an_id_that_the_upstream_is_about_to_forget_is_not_used() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    let media = app.app.state.store.media("shop", ID).await.unwrap().unwrap();
    let key = key_of(&media);
    for (left, id) in [(Duration::hours(1), "given-1"), (Duration::days(2), "older")] {
        let known = UpstreamMedia { media_id: "older".to_owned(), expires_at: app.app.state.clock.now() + left };
        app.app.state.store.remember_upstream_media(&key, &known).await.unwrap();
        send(&app, &image(ID)).await;
        assert_eq!(provider.messages().pop().unwrap().json()["image"]["id"], id);
    }
    app.stop().await;
}

#[tokio::test]
async fn each_vendor_keeps_an_upload_for_its_own_time() {
    for (upstream, days) in [("cloud", 30), ("on-premises", 14)] {
        let provider = Provider::start().await;
        let app = gateway(&provider, "cloud", upstream).await;
        send(&app, &image(ID)).await;
        let state = &app.app.state;
        let media = state.store.media("shop", ID).await.unwrap().unwrap();
        let known = state.store.upstream_media(&key_of(&media)).await.unwrap().unwrap();
        assert_eq!(known.expires_at, state.clock.now() + Duration::days(days), "{upstream}");
        app.stop().await;
    }
}

#[tokio::test]
async fn an_id_that_the_upstream_does_not_know_any_more_is_forgotten_and_the_file_uploaded_again() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    send(&app, &image(ID)).await;
    let unknown = r##"{"error": {"code": 100, "message": "(#100) Param image['id'] is not a valid media id"}}"##;
    provider.feels(Mood::RefusesMessages(400, unknown));
    // It certainly did not go out, so the client waits for the next try and not for an error.
    let again = image(ID);
    let (answer, ()) = tokio::join!(send(&app, &again), async {
        while provider.messages().len() < 2 {
            tokio::task::yield_now().await;
        }
        provider.feels(Mood::Well);
    });
    assert_eq!(answer.status, 200, "{answer:?}");
    while provider.messages().len() < 3 {
        app.forward_a_little().await;
    }
    let ids: Vec<_> = provider.messages().iter().map(|message| message.json()["image"]["id"].clone()).collect();
    assert_eq!(ids, ["given-1", "given-1", "given-2"]);
    app.stop().await;
}

#[tokio::test]
async fn an_id_that_is_lost_costs_none_of_the_messages_that_name_it_at_once() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    send(&app, &image(ID)).await;
    let unknown = r##"{"error": {"code": 100, "message": "(#100) Param image['id'] is not a valid media id"}}"##;
    provider.feels(Mood::RefusesIdOfTwo("given-1", unknown));
    let (one, mut other) = (image(ID), image(ID));
    other["to"] = json!("447700900124");
    let answers = tokio::join!(send(&app, &one), send(&app, &other));
    assert_eq!((answers.0.status, answers.1.status), (200, 200), "{answers:?}");
    while provider.messages().len() < 5 {
        app.forward_a_little().await;
    }
    let ids: Vec<_> = provider.messages().iter().map(|message| message.json()["image"]["id"].clone()).collect();
    assert_eq!(ids, ["given-1", "given-1", "given-1", "given-2", "given-2"]);
    app.stop().await;
}

#[tokio::test]
async fn a_rehearsal_uploads_nothing() {
    let provider = Provider::start().await;
    let app = gateway(&provider, "cloud", "cloud").await;
    let answer = app.post("/v1/messages?dry_run=true", &image(ID)).await;
    assert_eq!(answer.body["would_send"], true, "{answer:?}");
    assert!(provider.uploads().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn the_sandbox_takes_files_in_every_dialect_that_has_uploads() {
    for client in WITH_IDS {
        for upstream in WITH_IDS {
            let app = TestApp::with(&format!(
                "[delivery]\ndeadline = \"3s\"\n\
                 [[upstreams]]\nname = \"main\"\nprovider = \"sandbox\"\ndialect = \"{upstream}\"\n\
                 [[accounts]]\nname = \"shop\"\nkey = \"shop-key\"\ndialect = \"{client}\""
            ))
            .await;
            let media = put(&app, "shop", ID, Bytes::from_static(BYTES)).await;
            let answer = send(&app, &image(ID)).await;
            assert!((200..300).contains(&answer.status), "{client} over {upstream}: {answer:?}");
            let kept = app.app.state.sandbox.files().remove(0);
            assert_eq!((kept.file.size, kept.file.sha256), (media.size, media.sha256), "{client} over {upstream}");
            assert_eq!((kept.dialect, kept.file.mime_type.as_str()), (upstream, "image/png"));
            assert!(kept.id.bytes().all(|b| b.is_ascii_digit()));
            assert_eq!(app.received()[0].body["image"]["id"], kept.id);
            app.stop().await;
        }
    }
}

fn key_of(media: &StoredMedia) -> UploadKey {
    UploadKey {
        upstream: "main".to_owned(),
        sender: "442079460000".to_owned(),
        sha256: media.sha256.clone(),
        mime_type: media.mime_type.clone(),
    }
}
