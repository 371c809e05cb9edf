//! Credentials for links: from the operator and from the client, and for nobody else.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use super::origin::{Page, corpus};
use super::{Origin, gateway, message, named, send, spoken};
use crate::harness::{Answer, TestApp};
use crate::provider::Provider;

const PATH: &str = "/v1/settings/application/media/providers";

async fn settings(app: &TestApp, method: Method, path: &str, body: Value) -> Answer {
    let request = Request::builder().method(method).uri(format!("{}{path}", app.url()));
    let request = request.header("authorization", "Bearer on-premises").header("content-type", "application/json");
    app.call(request.body(Bytes::from(body.to_string())).unwrap()).await
}

async fn send_over(app: &TestApp, provider: &str, link: &str) -> Answer {
    let client = named("on-premises");
    let source = json!({ "kind": "image", "source": { "link": link }, "provider": { "name": provider } });
    send(app, client, &spoken(client, &message(json!({ "media": source }))).unwrap()).await
}

/// A credential that goes to one origin.
fn of_the_operator(origin: &Origin) -> String {
    format!(
        "media_providers = [{{ name = \"store\", bearer = \"token-of-the-operator\", hosts = [\"{}\"] }}]",
        origin.url
    )
}

#[tokio::test]
async fn a_credential_of_the_operators_goes_to_no_host_that_a_client_chooses() {
    let (provider, origin, foreign) = (Provider::start().await, Origin::start().await, Origin::start().await);
    let app = gateway(&provider, &of_the_operator(&origin)).await;
    let link = foreign.has("/bay.jpg", "image/jpeg", corpus("valid/image_rgb_640x480.jpg"));
    let answer = send_over(&app, "store", &link).await;
    let details = answer.body["errors"][0]["details"].as_str().unwrap();
    assert!(answer.status == 400 && details.starts_with("image.provider.name: the credential"), "{answer:?}");
    assert!(foreign.asked().is_empty());

    let headers = vec![("location", link)];
    let led_astray = origin.answers("/away", Page { status: 302, headers, body: Bytes::new() });
    let answer = send_over(&app, "store", &led_astray).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(foreign.asked().len(), 1);
    assert!(!foreign.asked()[0].headers.contains_key("authorization"));
    app.stop().await;
}

#[tokio::test]
async fn a_named_credential_fetches_the_link_and_goes_nowhere_else() {
    let (provider, origin) = (Provider::start().await, Origin::start().await);
    let app = gateway(&provider, &of_the_operator(&origin)).await;
    let link = origin.has("/bay.jpg", "image/jpeg", corpus("valid/image_rgb_640x480.jpg"));
    let answer = settings(
        &app,
        Method::POST,
        PATH,
        json!([
            { "name": "erp", "type": "www", "config": { "basic": { "username": "u", "password": "p" } } }
        ]),
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (name, value) in [("store", "Bearer token-of-the-operator"), ("erp", "Basic dTpw")] {
        let answer = send_over(&app, name, &link).await;
        assert_eq!(answer.status, 201, "{name}: {answer:?}");
        assert_eq!(origin.asked().pop().unwrap().headers["authorization"], value);
        let sent = provider.messages().pop().unwrap().json();
        assert_eq!(sent["image"], json!({ "id": "given-1" }), "{name}");
    }
    let told = settings(&app, Method::GET, PATH, Value::Null).await.body;
    assert!(!told.to_string().contains("dTpw") && told.to_string().contains("erp"), "{told}");
    assert_eq!(settings(&app, Method::DELETE, &format!("{PATH}/erp"), Value::Null).await.status, 200);
    let answer = send_over(&app, "erp", &link).await;
    let details = answer.body["errors"][0]["details"].as_str().unwrap();
    assert!(answer.status == 400 && details.starts_with("image.provider.name: no credential"), "{answer:?}");
    app.stop().await;
}
