//! Statuses whose ids somebody made up: a provider that tells of another's messages, a client whose references name the
//! transaction of another account. Neither moves what is not theirs.

use bytes::Bytes;
use http::Request;
use sabir::model::State;
use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::provider::Provider;

/// Two accounts, each over an upstream of its own; each upstream has a secret of its own.
async fn gateway(dialect: &str) -> TestApp {
    gateway_at("sandbox://in-process", dialect).await
}

async fn gateway_at(base_url: &str, dialect: &str) -> TestApp {
    let each = ["shop", "bank"].map(|name| {
        format!(
            "[[accounts]]\nname = \"{name}\"\nkey = \"{name}\"\nupstream = \"{name}\"\n\
             [[upstreams]]\nname = \"{name}\"\ndialect = \"{dialect}\"\nbase_url = \"{base_url}\"\nkey = \"k\"\n\
             sender = \"442079460000\"\nwebhook_secret = \"secret-of-{name}\"\n"
        )
    });
    TestApp::of(&each.concat()).await
}

/// Sends a message with an account's key and returns its transaction.
async fn sent(app: &TestApp, account: &str, path: &str, body: &Value) -> String {
    let request = Request::post(format!("{}{path}", app.url())).header("authorization", format!("Bearer {account}"));
    let request = request.header("content-type", "application/json").body(Bytes::from(body.to_string()));
    let answer = app.call(request.unwrap()).await;
    assert_eq!(answer.status / 100, 2, "{answer:?}");
    let transaction = answer.headers["sabir-transaction-id"].to_str().unwrap().to_owned();
    while state(app, &transaction).await != State::Sent {
        app.forward_a_little().await;
    }
    transaction
}

async fn tell(app: &TestApp, upstream: &str, body: &Value) {
    let told = Request::post(format!("{}/webhooks/{upstream}?token=secret-of-{upstream}", app.url()));
    let answer = app.call(told.body(Bytes::from(body.to_string())).unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // It is heard, or given up after an hour.
    while app.app.state.store.next_event_due().await.unwrap().is_some() {
        app.forward(std::time::Duration::from_secs(60));
        app.get("/healthz").await;
    }
}

async fn state(app: &TestApp, transaction: &str) -> State {
    app.find(transaction).await.unwrap().summary.state
}

fn text() -> Value {
    json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": { "body": "Hi" } })
}

fn failed(id: &str, opaque: Option<&str>) -> Value {
    status(id, "failed", opaque)
}

/// What became of a message, as the Cloud API tells it.
fn status(id: &str, step: &str, opaque: Option<&str>) -> Value {
    let status = json!({ "id": id, "status": step, "timestamp": "1790000123", "recipient_id": "447700900123",
        "biz_opaque_callback_data": opaque });
    let value = json!({ "messaging_product": "whatsapp", "metadata": {}, "statuses": [status] });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1",
        "changes": [{ "field": "messages", "value": value }] }] })
}

#[tokio::test]
async fn a_provider_tells_nothing_of_what_went_over_another() {
    let app = gateway("cloud").await;
    let transaction = sent(&app, "shop", "/messages", &text()).await;
    let message_id = app.find(&transaction).await.unwrap().summary.message_id.unwrap();
    for made_up in [failed(&message_id, None), failed("wamid.MADEUP", Some(&transaction)), failed(&transaction, None)] {
        tell(&app, "bank", &made_up).await;
        assert_eq!(state(&app, &transaction).await, State::Sent, "{made_up}");
    }
    tell(&app, "shop", &failed(&message_id, Some(&transaction))).await;
    assert_eq!(state(&app, &transaction).await, State::Failed, "its own provider is heard");
    app.stop().await;
}

#[tokio::test]
async fn a_provider_that_takes_anothers_message_id_neither_moves_nor_hides_its_message() {
    // Gives every message the same id.
    let provider = Provider::start().await;
    let app = gateway_at(&provider.url, "cloud").await;
    let own = sent(&app, "shop", "/messages", &text()).await;
    let taken = sent(&app, "bank", "/messages", &text()).await;
    let message_id = app.find(&own).await.unwrap().summary.message_id.unwrap();
    tell(&app, "shop", &status(&message_id, "delivered", None)).await;
    assert_eq!([state(&app, &own).await, state(&app, &taken).await], [State::Delivered, State::Sent]);
    tell(&app, "shop", &status(&message_id, "read", Some(&own))).await;
    assert_eq!([state(&app, &own).await, state(&app, &taken).await], [State::Read, State::Sent]);
    tell(&app, "bank", &failed(&message_id, None)).await;
    assert_eq!([state(&app, &own).await, state(&app, &taken).await], [State::Read, State::Failed]);
    app.stop().await;
}

#[tokio::test]
async fn a_client_whose_references_name_anothers_transaction_moves_its_own() {
    let app = gateway("channel-request").await;
    let message = |references: Value| {
        let mut request = json!({ "from": "442079460000", "to": "+447700900123", "type": "text", "message": "Hi" });
        request.as_object_mut().unwrap().extend(references.as_object().unwrap().clone());
        json!({ "channel": "WHATSAPP", "request": request })
    };
    let anothers = sent(&app, "shop", "/notification", &message(json!({}))).await;
    for slot in ["externalId", "clientId"] {
        let own = sent(&app, "shop", "/notification", &message(json!({ slot: anothers }))).await;
        let mut failed = json!({ "channel": "WHATSAPP", "to": "+447700900123", "status": "FAILED",
            "externalId": own, "clientId": own, "transactionId": format!("unheard-of-{slot}") });
        failed[slot] = json!(anothers);
        tell(&app, "shop", &failed).await;
        assert_eq!(state(&app, &anothers).await, State::Sent, "{slot}");
        assert_eq!(state(&app, &own).await, State::Failed, "{slot}");
    }
    app.stop().await;
}
