//! What operators change, through the admin API and with the program.

use http::Method;
use sabir::model::State;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, TestApp};
use crate::program::{Gateway, json as parsed, read};

/// The sandbox takes its message, and then the connection breaks.
const UNKNOWN: &str = "99900000104";
/// The sandbox says that there is no such recipient on WhatsApp.
const REFUSED: &str = "99900131026";

fn text(to: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "Hi" } })
}

async fn send(app: &TestApp, to: &str) -> String {
    let answer = app.post("/messages", &text(to)).await;
    answer.headers["sabir-transaction-id"].to_str().unwrap().to_owned()
}

async fn operate(app: &TestApp, path: &str, body: &Value) -> Answer {
    app.post(&format!("/admin/v1/{path}"), body).await
}

fn error(answer: &Answer) -> &str {
    answer.body["error"].as_str().unwrap()
}

#[tokio::test]
async fn what_is_unknown_is_settled_as_somebody_found_out() {
    let app = TestApp::start().await;
    for state in ["sent", "failed"] {
        let id = send(&app, UNKNOWN).await;
        app.until(State::Unknown).await;
        let settled =
            operate(&app, &format!("transactions/{id}/settle"), &json!({ "action": "settle", "state": state })).await;
        assert_eq!((settled.status, &settled.body), (200, &json!({ "id": id, "state": state })));
        let shown = app.get(&format!("/admin/v1/transactions/{id}")).await.body;
        assert_eq!((&shown["state"], &shown["turns"][0]["cause"]), (&json!(state), &json!("operator")));
    }
    app.stop().await;
}

#[tokio::test]
async fn what_was_sent_is_sent_again_only_by_force_and_by_any_of_its_ids() {
    let app = TestApp::start().await;
    let sent = app.post("/messages", &text("447700900123")).await;
    let given = sent.body["messages"][0]["id"].as_str().unwrap().to_owned();
    app.until(State::Sent).await;
    for (path, body) in [("settle", json!({ "action": "resend" })), ("replay", json!({}))] {
        let refused = operate(&app, &format!("transactions/{given}/{path}"), &body).await;
        assert_eq!(refused.status, 409);
        assert!(error(&refused).contains("its recipient gets it twice"), "{refused:?}");
    }
    assert_eq!(app.received().len(), 1);
    let forced = operate(&app, &format!("transactions/{given}/replay"), &json!({ "force": true })).await;
    assert_eq!((forced.status, &forced.body["state"]), (200, &json!("waiting")));
    while app.received().len() < 2 {
        tokio::task::yield_now().await;
    }
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_decided_is_refused_with_its_reason() {
    let app = TestApp::start().await;
    let id = send(&app, REFUSED).await;
    app.until(State::Failed).await;
    let settle = format!("transactions/{id}/settle");
    let sent = operate(&app, &settle, &json!({ "action": "settle", "state": "sent" })).await;
    assert_eq!((sent.status, error(&sent)), (409, "a transaction that is failed cannot be changed so"));
    assert_eq!(operate(&app, "transactions/nothing/replay", &json!({})).await.status, 404);
    for wrong in
        [json!({ "action": "settle", "state": "lost" }), json!({ "action": "resend", "forced": true }), json!(1)]
    {
        assert_eq!(operate(&app, &settle, &wrong).await.status, 400, "{wrong}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_replay_is_dry_first_then_paced_and_leaves_alone_what_was_sent() {
    let app = TestApp::start().await;
    for to in [REFUSED, "447700900123", REFUSED, REFUSED] {
        send(&app, to).await;
    }
    app.until_all(State::Failed, 3).await;
    let dry = operate(&app, "transactions/replay", &json!({ "filter": { "account": "shop" } })).await;
    assert_eq!((dry.status, &dry.body["matched"], &dry.body["replayed"]), (200, &json!(3), &json!(0)), "{dry:?}");
    assert_eq!(dry.body["first"].as_array().unwrap().len(), 3);
    assert_eq!(app.recorded().await.iter().filter(|summary| summary.state == State::Waiting).count(), 0);

    let before = app.received().len();
    let many = json!({ "filter": { "fault": "not_on_whatsapp" }, "dry_run": false, "rate": 0.5 });
    let replayed = operate(&app, "transactions/replay", &many).await;
    assert_eq!((&replayed.body["replayed"], &replayed.body["skipped"]), (&json!(3), &json!(0)), "{replayed:?}");
    assert_eq!(replayed.body["until"], "2026-09-21T13:35:27Z", "the third comes four seconds later");
    // The first is due at once, the others when the clock says so.
    app.until_all(State::Failed, 1).await;
    assert_eq!(app.recorded().await.iter().filter(|summary| summary.state == State::Waiting).count(), 2);
    while app.recorded().await.iter().any(|summary| summary.state != State::Failed && summary.state != State::Sent) {
        app.forward_a_little().await;
    }
    assert_eq!(app.received().len(), before, "the sandbox refuses them again");
    let turn = &app.find(&replayed.body["first"][0]["id"].to_string().replace('"', "")).await.unwrap().turns[0];
    assert_eq!(turn.cause.as_str(), "replay");
    app.stop().await;
}

#[tokio::test]
async fn a_replay_that_could_do_harm_is_refused() {
    let app = TestApp::start().await;
    for (many, said) in [
        (json!({ "filter": { "acount": "shop" } }), "filter.acount: is no part of a filter"),
        (json!({ "filter": { "state": "sent" } }), "give force to insist"),
        (json!({ "filter": { "state": "waiting" } }), "is on its way by itself"),
        (json!({ "filter": {}, "rate": 0 }), "rate: is no number of messages a second"),
        (json!({ "filter": 1 }), "filter: is no object"),
        (json!({}), "missing field"),
    ] {
        let refused = operate(&app, "transactions/replay", &many).await;
        assert_eq!(refused.status, 400, "{many}: {refused:?}");
        assert!(error(&refused).contains(said), "{refused:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_recipient_is_erased_but_for_what_is_still_to_be_sent() {
    let app = TestApp::start().await;
    send(&app, UNKNOWN).await;
    app.until(State::Unknown).await;
    send(&app, "447700900123").await;
    app.until(State::Sent).await;
    let erased = operate(&app, "erase", &json!({ "recipient": "+44 7700 900-123" })).await;
    assert_eq!((erased.status, &erased.body), (200, &json!({ "erased": 1, "unfinished": [], "more": false })));
    let left = operate(&app, "erase", &json!({ "recipient": UNKNOWN })).await;
    assert_eq!((&left.body["erased"], left.body["unfinished"].as_array().unwrap().len()), (&json!(0), 1));
    let sent = app.recorded().await.into_iter().find(|summary| summary.state == State::Sent).unwrap();
    let again = operate(&app, &format!("transactions/{}/replay", sent.id), &json!({ "force": true })).await;
    assert_eq!(again.status, 409);
    assert!(error(&again).contains("its request was forgotten"), "{again:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_page_of_somebody_else_changes_nothing() {
    let app = TestApp::start().await;
    for (origin, status) in [("https://pages.example.net", 401), ("null", 401), (app.url().as_str(), 200)] {
        let mut request = app.request(Method::POST, "/admin/v1/erase", &json!({ "recipient": "447700900123" }));
        request.headers_mut().insert("origin", origin.parse().unwrap());
        assert_eq!(app.call(request).await.status, status, "{origin}");
    }
    app.stop().await;
}

#[test]
fn the_program_does_all_of_it_with_the_exit_codes_of_the_contract() {
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(folder.path(), &[]);
    let run = |arguments: &[&str]| read(&gateway.client(folder.path(), arguments));
    let listed = |state: &str| {
        let page = parsed(&run(&["transactions", "list", "--state", state, "--json"]).1);
        page["transactions"].as_array().unwrap().clone()
    };
    run(&["send", "--to", REFUSED, "--text", "Hi"]);
    run(&["send", "--to", "447700900123", "--text", "Hi"]);
    while listed("failed").is_empty() || listed("sent").is_empty() {
        std::thread::yield_now();
    }
    let id = |state: &str| listed(state)[0]["id"].as_str().unwrap().to_owned();
    let (failed, sent) = (id("failed"), id("sent"));

    let (code, printed, _) = run(&["transactions", "replay", "--account", "dev"]);
    assert!(code == 0 && printed.contains("1 would be sent once more") && printed.contains("--yes"), "{printed}");
    let (code, printed, _) = run(&["transactions", "replay", "--account", "dev", "--yes", "--json"]);
    assert_eq!((code, &parsed(&printed)["replayed"]), (0, &json!(1)));
    let (code, printed, said) = run(&["transactions", "resend", &sent, "nothing"]);
    assert_eq!((code, printed.as_str()), (1, ""));
    assert!(said.contains("gets it twice") && said.contains("no transaction has this id"), "{said}");
    assert!(said.contains("2 of 2 left as they are"), "{said}");
    let (code, _, said) = run(&["transactions", "settle", &failed, "--as", "sent"]);
    assert!(code == 1 && said.contains("cannot be changed so"), "{said}");
    assert_eq!(run(&["transactions", "give-up", &sent]).0, 1);
    assert_eq!(run(&["transactions", "replay"]).0, 2, "neither ids nor a filter");
    assert_eq!(run(&["transactions", "settle", &failed, "--as", "lost"]).0, 2);
    let (code, printed, _) = run(&["erase", "--recipient", "447700900123"]);
    // The transaction, and what had been told of it by then.
    let erased: u64 = printed.strip_suffix(" erased\n").unwrap().parse().unwrap();
    assert!(code == 0 && erased >= 1, "{printed}");
    assert_eq!(run(&["erase", "--recipient", "447700900123", "--url", "http://127.0.0.1:1"]).0, 69);
}
