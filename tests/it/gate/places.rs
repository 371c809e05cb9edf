//! Links of every dialect, of every kind, wherever they stand, go through the same gate.

use sabir::dialect;
use serde_json::{Value, json};

use super::origin::corpus;
use super::{Origin, SYNC, gateway, message, send, spoken};
use crate::provider::Provider;

/// A file that every dialect takes as the kind.
fn file_of(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "image" => ("valid/image_rgb_640x480.jpg", "image/jpeg"),
        "video" => ("valid/video_h264_baseline_aac.mp4", "video/mp4"),
        "audio" => ("valid/audio_adts.aac", "audio/aac"),
        "sticker" => ("valid/sticker_static_lossy_alpha_512.webp", "image/webp"),
        _ => ("valid/doc_report.pdf", "application/pdf"),
    }
}

/// Every place that a file can stand in: the content with the link, and where the upstream finds it.
fn places(kind: &str, link: &str) -> Vec<(Value, String)> {
    let source = json!({ "kind": kind, "source": { "link": link } });
    let object = json!({ "type": kind, kind: { "link": link } });
    let mut places = vec![(json!({ "media": source }), format!("/{kind}"))];
    if !["image", "video", "document"].contains(&kind) {
        return places;
    }
    let buttons = json!({ "buttons": [{ "id": "1", "title": "Yes" }] });
    let header = json!({ "content": { "media": source } });
    let interactive = |header: &Value, action: Value| json!({ "interactive": { "header": header, "body": { "text": "Well?" }, "action": action } });
    places.push((interactive(&header, buttons), format!("/interactive/header/{kind}")));
    let cards = json!([{ "card_index": 0, "header": object }]);
    let carousel = json!({ "named": { "kind": "carousel", "action": { "cards": cards } } });
    places.push((interactive(&Value::Null, carousel), format!("/interactive/action/cards/0/header/{kind}")));
    let template =
        |components: Value| json!({ "template": { "name": "offer", "language": "en", "components": components } });
    let parameters = json!([{ "value": { "media": source } }]);
    let in_header = json!([{ "kind": "header", "parameters": parameters }]);
    places.push((template(in_header), format!("/template/components/0/parameters/0/{kind}")));
    let cards = json!([{ "card_index": 0, "components": [{ "type": "header", "parameters": [object] }] }]);
    let in_card = json!([{ "kind": { "other": "carousel" }, "extra": { "cards": cards } }]);
    let path = format!("/template/components/0/cards/0/components/0/parameters/0/{kind}");
    places.push((template(in_card), path));
    places
}

#[tokio::test]
async fn links_of_every_dialect_of_every_kind_in_every_place_become_ids() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, SYNC).await;
    let mut gone = 0;
    for &client in dialect::all() {
        for kind in ["image", "video", "audio", "document", "sticker"] {
            let (file, content_type) = file_of(kind);
            let link = origin.has(&format!("/{}/{kind}", client.name()), content_type, corpus(file));
            for (content, at) in places(kind, &link) {
                let Some(request) = spoken(client, &message(content)) else { continue };
                let cell = format!("{} {at}", client.name());
                let answer = send(&app, client, &request).await;
                assert!((200..300).contains(&answer.status), "{cell}: {answer:?}");
                let sent = provider.messages().pop().unwrap().json();
                // Cards are members that we do not know: between families they are left out.
                let is_kept = !at.contains("cards") || client.family() == "cloud";
                if !is_kept {
                    continue;
                }
                let found = sent.pointer(&at).unwrap_or_else(|| panic!("{cell}: {sent}"));
                assert!(found["id"].as_str().unwrap().starts_with("given-"), "{cell}: {sent}");
                assert_eq!(found.get("link"), None, "{cell}: {sent}");
                gone += 1;
            }
        }
    }
    assert!(gone >= 40, "only {gone} of the places were reached");
    assert_eq!(provider.uploads().len(), 5, "each file went there once");
    app.stop().await;
}

#[tokio::test]
async fn a_page_in_the_place_of_a_file_is_refused_in_every_place() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    for &client in dialect::all() {
        for kind in ["image", "video", "audio", "document", "sticker"] {
            let page = corpus("invalid/html_error_named.jpg");
            let link = origin.has(&format!("/{}/{kind}", client.name()), "image/jpeg", page);
            for (content, at) in places(kind, &link) {
                let Some(request) = spoken(client, &message(content)) else { continue };
                let answer = send(&app, client, &request).await;
                assert_eq!(answer.status, 400, "{} {at}: {answer:?}", client.name());
                assert!(answer.body.to_string().contains("(ERROR-BODY)"), "{} {at}: {answer:?}", client.name());
            }
        }
    }
    assert!(provider.uploads().is_empty() && provider.messages().is_empty());
    let recorded = app.recorded().await;
    assert!(recorded.iter().all(|summary| summary.fault.as_deref() == Some("media_unreachable")), "{recorded:?}");
    app.stop().await;
}
