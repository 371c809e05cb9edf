//! The sandbox's inbox without a browser: what is shown of what clients send, and what becomes of what somebody writes,
//! presses or orders there. What it looks like and how it is used is tried in `tests/browser`.

use bytes::Bytes;
use http::{Method, Request, Response};
use sabir::dialect::{self, Dialect, Losses, Target, Translation, Webhook, samples};
use sabir::model::{Event, Inbound, InboundContent, State};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{KEY, TestApp};
use crate::receiver::{Got, Manner, Receiver};

const PERSON: &str = "447700900123";
const TALK: &str = "/sandbox/talks/sandbox/447700900123";
/// What would be seen at once where it became markup.
const ATTACK: &str = "<img src=x onerror=alert(1)>\"'>";
const PICTURE: &[u8] = include_bytes!("../fixtures/media/valid/image_rgb8_320x240.png");

/// The gateway with the sandbox behind it, which tells what becomes of messages.
async fn gateway() -> TestApp {
    TestApp::with("[sandbox]\ndelay = \"5ms\"").await
}

/// A page, as text.
async fn page(app: &TestApp, path: &str) -> String {
    let answer = fetch(app, Method::GET, path, "", Bytes::new()).await;
    assert_eq!(answer.status(), 200, "{path}");
    String::from_utf8(answer.into_body().to_vec()).unwrap()
}

async fn fetch(app: &TestApp, method: Method, path: &str, kind: &str, body: Bytes) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(format!("{}{path}", app.url())).header("content-type", kind);
    app.fetch(request.header("origin", app.url()).body(body).unwrap()).await
}

/// Sends a form as the page would.
async fn fill(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Response<Bytes> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    fetch(app, Method::POST, path, "application/x-www-form-urlencoded", body.into()).await
}

/// Sends the same with a file.
async fn attach(app: &TestApp, name: &str, kind: &str, bytes: &[u8]) -> Response<Bytes> {
    let head = format!(
        "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nLook\r\n--x\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
    );
    let body = [head.as_bytes(), bytes, b"\r\n--x--\r\n"].concat();
    fetch(app, Method::POST, TALK, "multipart/form-data; boundary=x", body.into()).await
}

/// Sends a message of the Cloud API; gives the id that the client is told.
async fn send(app: &TestApp, mut message: Value) -> String {
    message["messaging_product"] = json!("whatsapp");
    message["to"] = message.get("to").cloned().unwrap_or(json!(PERSON));
    let answer = app.post("/messages", &message).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["messages"][0]["id"].as_str().unwrap().to_owned()
}

fn text(body: &str) -> Value {
    json!({ "type": "text", "text": { "body": body } })
}

fn buttons(title: &str) -> Value {
    json!({ "type": "interactive", "interactive": { "type": "button", "body": { "text": "Shall we come?" }, "action": {
        "buttons": [
            { "type": "reply", "reply": { "id": "yes-1", "title": title } },
            { "type": "reply", "reply": { "id": "no-1", "title": "No" } }
        ]
    } } })
}

/// What a client reads in a callback.
fn heard(client: &dyn Dialect, got: &Got) -> Inbound {
    let (headers, body) = (got.headers.clone(), got.bytes.clone());
    let webhook = Webhook { method: Method::POST, path: String::new(), query: String::new(), headers, body };
    match client.decode_webhook(&webhook).unwrap().remove(0).value {
        Event::Inbound(inbound) => inbound,
        other => panic!("no message: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_said_in_any_dialect_ends_up_in_the_same_kind_of_conversation() {
    let entries = dialect::all().iter().map(|dialect| {
        let name = dialect.name();
        format!(
            "[[upstreams]]\nname = \"{name}\"\nprovider = \"sandbox\"\ndialect = \"{name}\"\nsender = \"442079460000\"\n\
             template_namespace = \"acme_ns\"\n\
             [[accounts]]\nname = \"{name}\"\nkey = \"{name}\"\nupstream = \"{name}\"\nlosses = \"warn\"\n"
        )
    });
    let app = TestApp::of(&entries.collect::<String>()).await;
    let cloud = dialect::reference();
    let target = Target::default();
    for upstream in dialect::all() {
        for sample in samples() {
            let sample = sample.request().unwrap();
            let Ok(said) = Translation::new(cloud, cloud, Losses::Warn).say(&sample, &target) else { continue };
            let (parts, body) = said.into_parts();
            let request = Request::post(format!("{}{}", app.url(), parts.uri.path()));
            app.call(request.header("d360-api-key", upstream.name()).body(body).unwrap()).await;
        }
        let page = page(&app, &format!("/sandbox/talks/{}/{PERSON}", upstream.name().replace('-', "%2D"))).await;
        assert!(page.contains("Bay 2 is open"), "{}", upstream.name());
        assert!(page.matches("<article").count() >= 10, "{}: {page}", upstream.name());
        assert!(page.len() < 200_000, "{}: {} bytes", upstream.name(), page.len());
    }
    app.stop().await;
}

#[tokio::test]
async fn nothing_that_anybody_writes_becomes_markup() {
    let app = gateway().await;
    let attack = ATTACK;
    let header = json!({ "type": "text", "text": attack });
    for message in [
        text(attack),
        text(&format!("*{attack}* ```{attack}``` https://a.example/{attack}")),
        json!({ "type": "image", "image": { "link": format!("https://a.example/{attack}"), "caption": attack } }),
        json!({ "type": "document", "document": { "link": "https://a.example/a", "filename": attack } }),
        json!({ "type": "document", "document": { "link": "javascript:alert(1)", "filename": "a" } }),
        json!({ "type": "location", "location": { "latitude": 1, "longitude": 2, "name": attack, "address": attack } }),
        json!({ "type": "contacts", "contacts": [{ "name": { "formatted_name": attack, "first_name": attack },
            "phones": [{ "phone": attack }], "org": { "company": attack } }] }),
        json!({ "type": "template", "template": { "name": attack, "language": { "code": "en" }, "components": [
            { "type": "body", "parameters": [{ "type": "text", "text": attack, "parameter_name": attack }] },
            { "type": "button", "sub_type": "quick_reply", "index": 0,
              "parameters": [{ "type": "payload", "payload": attack }] }
        ] } }),
        json!({ "type": "interactive", "interactive": { "type": "list", "header": header, "body": { "text": attack },
            "footer": { "text": attack }, "action": { "button": "<b>\"'>", "sections": [
                { "title": "<b>\"'>", "rows": [{ "id": attack, "title": "<b>\"'>", "description": attack }] }] } } }),
        json!({ "type": "interactive", "interactive": { "type": "odd<b>", "body": { "text": attack },
            "action": { "name": attack, "parameters": { "cards": attack } } } }),
        json!({ "type": "reaction", "reaction": { "message_id": "wamid.none", "emoji": attack } }),
    ] {
        let mut message = message;
        message["messaging_product"] = json!("whatsapp");
        message["to"] = json!(PERSON);
        app.post("/messages", &message).await;
    }
    for message in [
        json!({ "type": "text", "text": { "body": attack }, "name": attack }),
        json!({ "type": "button", "button": { "payload": attack, "text": attack } }),
        json!({ "type": "pondering", "pondering": { "what": attack } }),
    ] {
        let said = fetch(&app, Method::POST, "/sandbox/inbound", "application/json", message.to_string().into()).await;
        assert_eq!(said.status(), 202, "{message}");
    }
    attach(&app, "<b>.html", "text/html", b"<script>alert(1)</script>").await;
    let taken = fill(&app, "/sandbox/provider", &[("act", "delay"), ("delay", attack)]).await;
    let refused = String::from_utf8(taken.into_body().to_vec()).unwrap();
    let (home, talk) = (page(&app, "/sandbox").await, page(&app, TALK).await);
    assert!(talk.matches("onerror").count() > 15, "the attacks are shown: {talk}");
    for page in [refused, home, talk] {
        for markup in ["<img src=x", "<b>\"", "<script>", "href=\"javascript", "<b>.html"] {
            assert!(!page.contains(markup), "{markup} stands in {page}");
        }
        let scripts = page.matches("<script").count();
        assert_eq!(scripts, page.matches("<script src=\"/assets/").count());
    }
    app.stop().await;
}

#[tokio::test]
async fn a_button_that_is_pressed_reaches_each_client_in_its_dialect() {
    let receiver = Receiver::start(Manner::Answer(200)).await;
    let accounts = dialect::all().iter().map(|client| {
        let (name, url) = (client.name(), &receiver.url);
        format!(
            "[[accounts]]\nname = \"{name}\"\nkey = \"{name}\"\ndialect = \"{name}\"\nupstream = \"sandbox\"\n\
             callbacks = [\"{url}/{name}\"]\n"
        )
    });
    let accounts = accounts.collect::<String>();
    let app = TestApp::of(&format!(
        "[net]\nallow_private = [\"127.0.0.1\"]\n[sandbox]\ndelay = \"5ms\"\n{accounts}\
         [[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\nupstream = \"sandbox\"\n"
    ))
    .await;
    let id = send(&app, buttons("Yes, please")).await;
    let shown = page(&app, TALK).await;
    assert!(shown.contains("name=\"press\" value=\"button-0\">Yes, please</button>"), "{shown}");
    let pressed = fill(&app, TALK, &[("about", &id), ("press", "button-0")]).await;
    assert_eq!((pressed.status().as_u16(), pressed.headers()["location"].to_str().unwrap()), (303, TALK));
    let inbound = |got: &Got| got.bytes.windows(11).any(|bytes| bytes == b"Yes, please");
    loop {
        let told = receiver.taken().iter().filter(|got| inbound(got)).count();
        if told >= dialect::all().len() {
            break;
        }
        app.forward_a_little().await;
    }
    for client in dialect::all() {
        let path = format!("/{}", client.name());
        let got = receiver.taken().into_iter().find(|got| got.path == path && inbound(got)).unwrap();
        let inbound = heard(*client, &got);
        assert_eq!(inbound.content.words(), Some("Yes, please"), "{}", client.name());
        assert_eq!(inbound.sender.wa_id.as_deref(), Some(PERSON), "{}", client.name());
        if let InboundContent::ButtonReply(reply) = inbound.content {
            assert_eq!(reply.id, "yes-1", "{}", client.name());
        }
    }
    let shown = page(&app, TALK).await;
    assert!(shown.contains("class=\"turn person\"") && shown.contains("<span>Shall we come?</span>"), "{shown}");
    app.stop().await;
}

#[tokio::test]
async fn what_can_be_chosen_is_found_by_what_stands_on_it() {
    let app = gateway().await;
    let list = json!({ "type": "interactive", "interactive": { "type": "list", "body": { "text": "When?" }, "action": {
        "button": "Times", "sections": [{ "rows": [{ "id": "t-1", "title": "Nine" }, { "id": "t-2", "title": "Ten" }] }]
    } } });
    let id = send(&app, list).await;
    let press = async |name: &str| {
        let body = json!({ "message_id": id, "press": name }).to_string();
        fetch(&app, Method::POST, "/sandbox/press", "application/json", body.into()).await.status().as_u16()
    };
    for name in ["Ten", "t-2", "row-0-1"] {
        assert_eq!(press(name).await, 202, "{name}");
    }
    assert_eq!(press("Eleven").await, 404);
    let shown = page(&app, TALK).await;
    assert_eq!(shown.matches("<div class=\"text\" dir=\"auto\">Ten</div>").count(), 3, "{shown}");
    app.stop().await;
}

#[tokio::test]
async fn the_next_messages_fare_as_it_is_ordered() {
    let app = gateway().await;
    let order = async |orders: Value| {
        let body = orders.to_string().into();
        fetch(&app, Method::PUT, "/sandbox/orders", "application/json", body).await.status().as_u16()
    };
    assert_eq!(order(json!({ "next": [{ "refuse": "not_on_whatsapp" }, { "fails": "window_closed" }] })).await, 200);
    assert_eq!(order(json!({ "next": ["ponder"] })).await, 400);
    assert_eq!(order(json!({ "next": [], "delay": "2h" })).await, 400);
    assert!(page(&app, "/sandbox/provider").await.contains("<li>is refused: not_on_whatsapp</li>"));
    app.post("/messages", &json!({ "messaging_product": "whatsapp", "to": PERSON, "text": { "body": "One" } })).await;
    assert_eq!(app.recorded().await[0].state, State::Failed);
    send(&app, text("Two")).await;
    send(&app, text("Three")).await;
    app.until(State::Read).await;
    app.until_all(State::Failed, 2).await;
    assert_eq!(app.received().len(), 2, "what was refused was not received");
    let shown = page(&app, TALK).await;
    for word in ["refused: it never left the provider · not_on_whatsapp", "not delivered · window_closed", "Three"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert_eq!(app.get("/sandbox/orders").await.body, json!({ "next": [], "delay": "5ms" }));
    assert_eq!(order(json!({ "next": ["hang"], "delay": "1h" })).await, 200);
    assert_eq!(fetch(&app, Method::POST, "/sandbox/reset", "", Bytes::new()).await.status(), 204);
    assert_eq!(app.get("/sandbox/orders").await.body, json!({ "next": [], "delay": "5ms" }));
    assert!(page(&app, "/sandbox").await.contains("No messages yet"));
    app.stop().await;
}

#[tokio::test]
async fn ticks_reactions_answers_and_read_marks_stand_where_they_belong() {
    let app = gateway().await;
    let id = send(&app, text("*Hello* there")).await;
    app.until(State::Read).await;
    let shown = page(&app, TALK).await;
    assert!(shown.contains("<strong>Hello</strong> there"), "{shown}");
    assert!(shown.contains("<svg class=\"tick read\""), "{shown}");
    fill(&app, TALK, &[("about", &id), ("text", "Good morning")]).await;
    fill(&app, TALK, &[("about", &id), ("emoji", "👍")]).await;
    let answer = app.app.state.sandbox.entries()[1].message_id().unwrap().to_owned();
    send(&app, json!({ "type": "reaction", "reaction": { "message_id": answer, "emoji": "🎉" } })).await;
    let mark = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": answer,
        "typing_indicator": { "type": "text" } });
    assert_eq!(app.post("/messages", &mark).await.status, 200);
    let shown = page(&app, TALK).await;
    assert!(shown.contains("is typing…"), "{shown}");
    assert_eq!(shown.matches("<article").count(), 2, "reactions and marks are no messages: {shown}");
    let (first, second) = shown.split_once("class=\"turn person").unwrap();
    assert!(first.contains("<span class=\"reactions\" aria-label=\"Reactions\"><span>👍</span></span>"), "{first}");
    assert!(second.contains("<span>🎉</span>") && second.contains("tick read"), "{second}");
    assert!(second.contains("<b>sandbox</b><span>Hello there</span>"), "{second}");
    fill(&app, TALK, &[("about", &id), ("emoji", "")]).await;
    assert!(!page(&app, TALK).await.contains("👍</span></span>"));
    app.forward(std::time::Duration::from_secs(30));
    assert!(!page(&app, TALK).await.contains("is typing…"), "nobody types for ever");
    app.stop().await;
}

#[tokio::test]
async fn a_file_is_shown_from_the_sandboxs_own_store_and_nothing_in_it_runs() {
    let app = gateway().await;
    assert_eq!(attach(&app, "shelf.png", "image/png", PICTURE).await.status(), 303);
    let shown = page(&app, TALK).await;
    let (_, after) = shown.split_once("<img src=\"/sandbox/files/").unwrap();
    let path = format!("/sandbox/files/{}", after.split_once('"').unwrap().0);
    let file = fetch(&app, Method::GET, &path, "", Bytes::new()).await;
    assert_eq!((file.status().as_u16(), file.body().as_ref()), (200, PICTURE));
    assert_eq!(file.headers()["content-type"], "image/png");
    assert!(shown.contains("Look"), "the text beside it: {shown}");
    for (name, kind) in [("a.svg", "image/svg+xml"), ("a.html", "text/html"), ("a.png", "image/svg+xml; charset=utf-8")]
    {
        attach(&app, name, kind, b"<svg onload='alert(1)'/>").await;
        let id = app.app.state.sandbox.files()[0].id.clone();
        let file = fetch(&app, Method::GET, &format!("/sandbox/files/{id}"), "", Bytes::new()).await;
        let head = |name: &str| file.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(head("content-type"), "application/octet-stream");
        assert!(head("content-disposition").starts_with("attachment"), "{kind}");
        assert_eq!(
            (head("x-content-type-options"), head("content-security-policy")),
            ("nosniff".to_owned(), "default-src 'none'; sandbox".to_owned())
        );
    }
    assert_eq!(fetch(&app, Method::GET, "/sandbox/files/1", "", Bytes::new()).await.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn a_template_whose_text_is_given_is_shown_filled_in() {
    let app = gateway().await;
    let message = json!({ "type": "template", "template": { "name": "order_ready", "language": { "code": "en" },
        "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "Ada" }] }] } });
    let id = send(&app, message).await;
    let shown = page(&app, TALK).await;
    assert!(shown.contains("template order_ready · en") && shown.contains("<dd dir=\"auto\">Ada</dd>"), "{shown}");
    let text = json!({ "name": "order_ready", "language": "en", "components": [
        { "type": "BODY", "text": "Hi *{{1}}*, it is ready." },
        { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "On my way" }] }
    ] });
    let given = fetch(&app, Method::POST, "/sandbox/templates", "application/json", text.to_string().into()).await;
    assert_eq!(given.status(), 201);
    let shown = page(&app, TALK).await;
    assert!(shown.contains("Hi <strong>Ada</strong>, it is ready."), "{shown}");
    fill(&app, TALK, &[("about", &id), ("press", "quick-0")]).await;
    assert!(page(&app, TALK).await.contains("<div class=\"text\" dir=\"auto\">On my way</div>"));
    assert_eq!(app.get("/sandbox/templates").await.body, json!([text]));
    app.stop().await;
}

#[tokio::test]
async fn a_page_stays_small_and_leads_to_what_was_said_before() {
    let app = gateway().await;
    for at in 0..60 {
        let said = fill(&app, TALK, &[("text", &format!("{at} {}", "<&>".repeat(at * 22)))]).await;
        assert_eq!(said.status(), 303);
    }
    let (mut path, mut seen) = (TALK.to_owned(), 0);
    loop {
        let page = page(&app, &path).await;
        assert!(page.len() < 200_000, "{} bytes", page.len());
        seen += page.matches("<article").count();
        let Some((_, after)) = page.split_once("id=\"earlier\"><a href=\"") else { break };
        path = format!("{TALK}{}", after.split_once('"').unwrap().0);
    }
    assert_eq!(seen, 60);
    app.stop().await;
}

#[tokio::test]
async fn only_operators_look_in_and_only_our_own_pages_change_something() {
    let app = TestApp::with("[admin]\ntoken = \"admin-token\"\n[sandbox]\n").await;
    for path in ["/sandbox", TALK, "/sandbox/provider", "/sandbox/files/1", "/sandbox/changes"] {
        let answer = fetch(&app, Method::GET, path, "", Bytes::new()).await;
        assert_eq!(answer.status(), 303, "{path}");
        assert!(answer.headers()["location"].to_str().unwrap().starts_with("/console/sign-in?to=%2Fsandbox"), "{path}");
    }
    for path in ["/sandbox/messages", "/sandbox/orders", "/sandbox/templates"] {
        assert_eq!(app.get(path).await.status, 401, "{path}");
    }
    assert_eq!(fill(&app, TALK, &[("text", "Hi")]).await.status(), 401);
    let open = gateway().await;
    let form = |origin: &str| {
        let request = Request::post(format!("{}{TALK}", open.url())).header("origin", origin);
        request.header("content-type", "application/x-www-form-urlencoded").body(Bytes::from("text=Hi")).unwrap()
    };
    assert_eq!(open.fetch(form("https://evil.example")).await.status(), 403);
    let foreign = Request::get(format!("{}/sandbox", open.url())).header("host", "evil.example");
    assert_eq!(open.fetch(foreign.body(Bytes::new()).unwrap()).await.status(), 401);
    assert!(open.app.state.sandbox.entries().is_empty());
    assert_eq!(open.fetch(form(&open.url())).await.status(), 303);
    assert_eq!(open.app.state.sandbox.entries().len(), 1);
    app.stop().await;
    open.stop().await;
}

#[tokio::test]
async fn whoever_watches_hears_that_something_happened() {
    let app = gateway().await;
    let mut stream = tokio::net::TcpStream::connect(app.url().trim_start_matches("http://")).await.unwrap();
    let head = "GET /sandbox/changes HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut chunk) = (String::new(), [0; 1024]);
    let mut has_said = false;
    while !read.contains("event: change") {
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(count > 0, "{read}");
        read += std::str::from_utf8(&chunk[..count]).unwrap();
        if !has_said {
            has_said = true;
            fill(&app, TALK, &[("text", "Hi")]).await;
        }
    }
    assert!(read.contains("text/event-stream"), "{read}");
    drop(stream);
    app.stop().await;
}

#[tokio::test]
async fn somebody_can_write_first() {
    let app = gateway().await;
    let fields =
        [("person", "+44 7700 900456"), ("name", "Ada Lovelace"), ("line", "sandbox"), ("text", "Anybody there?")];
    let begun = fill(&app, "/sandbox/talks", &fields).await;
    assert_eq!(begun.headers()["location"], "/sandbox/talks/sandbox/447700900456");
    let shown = page(&app, "/sandbox/talks/sandbox/447700900456").await;
    for word in ["Ada Lovelace", "Anybody there?", "+447 700 900 456", ">AL</span>"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let wrong = fill(&app, "/sandbox/talks", &[("person", "0770"), ("line", "sandbox"), ("text", "Hi")]).await;
    assert_eq!(wrong.status(), 400);
    let nobody = fill(&app, "/sandbox/talks", &[("person", PERSON), ("line", "nobody"), ("text", "Hi")]).await;
    assert_eq!(nobody.status(), 404);
    app.stop().await;
}
