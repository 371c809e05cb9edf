//! What many messages share, and what no other account ever sees.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use serde_json::json;

use super::origin::{Page, corpus};
use super::{Origin, configuration, gateway, named, send, send_link};
use crate::harness::TestApp;
use crate::provider::Provider;

#[tokio::test]
async fn a_thousand_sends_of_one_link_are_one_fetch_and_one_upload() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let headers = vec![("content-type", "image/jpeg".to_owned()), ("cache-control", "max-age=600".to_owned())];
    let body = corpus("valid/image_rgb_640x480.jpg");
    let link = origin.answers("/bay.jpg", Page { status: 200, headers, body });
    // To as many people: messages of one pair leave one after the other.
    let sends = (0..1000).map(|number| {
        let body = json!({ "messaging_product": "whatsapp", "to": format!("4477009{number:05}"), "type": "image",
            "image": { "link": link } });
        let request = Request::post("/messages").body(Bytes::from(body.to_string())).unwrap();
        let app = &app;
        async move { send(app, named("cloud"), &request).await }
    });
    let answers = join_all(sends).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{:?}",
        answers.iter().find(|answer| answer.status != 200)
    );
    // Some may wait for their turn at the provider.
    while provider.messages().len() < 1000 {
        app.forward_a_little().await;
    }
    assert_eq!((origin.asked().len(), provider.uploads().len(), provider.messages().len()), (1, 1, 1000));
    app.stop().await;
}

#[tokio::test]
async fn what_is_kept_for_one_account_is_not_there_for_another() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, "").await;
    let headers = vec![("content-type", "image/jpeg".to_owned()), ("cache-control", "max-age=600".to_owned())];
    let body = corpus("valid/image_rgb_640x480.jpg");
    let link = origin.answers("/bay.jpg", Page { status: 200, headers, body });
    for (client, asked) in [("cloud", 1), ("cloud", 1), ("aisoule", 2), ("aisoule", 2), ("cloud", 2)] {
        let answer = send_link(&app, client, "image", &link).await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
        assert_eq!(origin.asked().len(), asked, "{client}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_slow_origin_is_asked_once_however_often_the_client_comes_back() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let text = configuration(&provider.url, "cloud", "media = \"upload\"", "");
    let app = TestApp::of(&text.replace("[net]", "[net]\ntotal_timeout = \"1s\"")).await;
    let link = origin.has("/bay.jpg", "image/jpeg", corpus("valid/image_rgb_640x480.jpg"));
    origin.takes(Duration::from_millis(1500));
    for _ in 0..3 {
        let answer = send_link(&app, "cloud", "image", &link).await;
        assert_eq!(answer.status, 200, "what a client cannot wait for is left to the queue: {answer:?}");
    }
    while provider.messages().len() < 3 {
        app.forward_a_little().await;
    }
    assert_eq!((origin.asked().len(), provider.uploads().len(), provider.messages().len()), (1, 1, 3));
    app.stop().await;
}
