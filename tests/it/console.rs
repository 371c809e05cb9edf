//! The console without a browser: who is let in, what is shown, and what a form may do. What it looks like and how it is used
//! is tried in `tests/browser`.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use sabir::model::State;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::TestApp;
use crate::keys::Lines;

/// A gateway with an admin token.
const WITH_TOKEN: &str = "[admin]\ntoken = \"admin-token\"";
/// An address that somebody guesses from.
const PROBER: &str = "203.0.113.7";

/// What a browser sends: a cookie, and with a form whose page it comes from.
struct Browser<'a> {
    app: &'a TestApp,
    cookie: Option<String>,
    site: &'static str,
}

impl<'a> Browser<'a> {
    fn new(app: &'a TestApp) -> Self {
        Self { app, cookie: None, site: "same-origin" }
    }

    async fn call(&self, method: Method, path: &str, body: &str) -> Response<Bytes> {
        let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.app.url()));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("theme=dark; {cookie}"));
        }
        if method == Method::POST {
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .header("sec-fetch-site", self.site)
                .header(
                    "origin",
                    if self.site == "same-origin" { self.app.url() } else { "https://evil.example".into() },
                );
        }
        self.app.fetch(request.body(Bytes::from(body.to_owned())).unwrap()).await
    }

    async fn get(&self, path: &str) -> Response<Bytes> {
        self.call(Method::GET, path, "").await
    }

    async fn post(&self, path: &str, form: &str) -> Response<Bytes> {
        self.call(Method::POST, path, form).await
    }

    async fn sign_in(&mut self) {
        let answer = self.post("/console/sign-in", "token=admin-token&to=%2Fconsole").await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/console"));
        let cookie = header(&answer, "set-cookie").split(';').next().unwrap();
        self.cookie = Some(cookie.to_owned());
    }
}

fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

fn location(answer: &Response<Bytes>) -> &str {
    header(answer, "location")
}

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8(answer.body().to_vec()).unwrap()
}

#[tokio::test]
async fn the_console_opens_to_whoever_signed_in_and_closes_when_they_sign_out() {
    let app = TestApp::with(WITH_TOKEN).await;
    let mut browser = Browser::new(&app);
    let away = browser.get("/console?a=1&b=2").await;
    assert_eq!((away.status().as_u16(), location(&away)), (303, "/console/sign-in?to=%2Fconsole%3Fa%3D1%26b%3D2"));
    let form = browser.get(location(&away)).await;
    assert!(text(&form).contains("value=\"/console?a=1&#38;b=2\""), "{}", text(&form));
    browser.sign_in().await;
    let overview = browser.get("/console").await;
    assert_eq!(overview.status(), 200);
    assert!(text(&overview).contains("Sign out"));
    let out = browser.post("/console/sign-out", "").await;
    assert!(header(&out, "set-cookie").contains("Max-Age=0"));
    assert_eq!(browser.get("/console").await.status(), 303, "the cookie is good no more, whoever kept it");
    app.stop().await;
}

#[tokio::test]
async fn a_cookie_is_hidden_from_scripts_and_other_sites_and_ends_by_itself() {
    let app = TestApp::with(WITH_TOKEN).await;
    let mut browser = Browser::new(&app);
    let answer = browser.post("/console/sign-in", "token=admin-token").await;
    let cookie = header(&answer, "set-cookie");
    for word in ["HttpOnly", "SameSite=Strict", "Max-Age=43200", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "clients reach this one without TLS");
    browser.sign_in().await;
    app.forward(Duration::from_secs(12 * 60 * 60 - 60));
    assert_eq!(browser.get("/console").await.status(), 200);
    app.forward(Duration::from_secs(60));
    assert_eq!(browser.get("/console").await.status(), 303);
    app.stop().await;
    let app = TestApp::with(&format!("[server]\npublic_url = \"https://gateway.example.net\"\n{WITH_TOKEN}")).await;
    let answer = Browser::new(&app).post("/console/sign-in", "token=admin-token").await;
    assert!(header(&answer, "set-cookie").contains("Secure"));
    app.stop().await;
}

#[tokio::test]
async fn sessions_of_clients_and_of_operators_are_not_good_for_each_other() {
    let app = TestApp::with(WITH_TOKEN).await;
    let mut browser = Browser::new(&app);
    browser.sign_in().await;
    let token = browser.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let request = Request::get(format!("{}/v1/health", app.url())).header("authorization", format!("Bearer {token}"));
    assert_eq!(app.call(request.body(Bytes::new()).unwrap()).await.status, 401);
    let login =
        Request::post(format!("{}/v1/users/login", app.url())).header("authorization", "Basic YTpzaG9wLWtleQ==");
    let login = app.call(login.body(Bytes::new()).unwrap()).await;
    browser.cookie = Some(format!("sabir_console={}", login.body["users"][0]["token"].as_str().unwrap()));
    assert_eq!(browser.get("/console").await.status(), 303);
    app.stop().await;
}

#[tokio::test]
async fn the_admin_token_is_guessed_no_faster_in_the_console() {
    let app = TestApp::with(&format!(
        "[server]\nwrong_key_rate = \"2/min\"\ntrusted_proxies = [\"127.0.0.1\"]\n{WITH_TOKEN}"
    ))
    .await;
    let guess = async |token: &str| {
        let request = Request::post(format!("{}/console/sign-in", app.url()))
            .header("x-forwarded-for", PROBER)
            .header("content-type", "application/x-www-form-urlencoded");
        app.call(request.body(Bytes::from(format!("token={token}"))).unwrap()).await.status
    };
    assert_eq!([guess("a").await, guess("b").await, guess("admin-token").await], [401, 401, 429]);
    let cookie = async |token: &str| {
        let request = Request::get(format!("{}/console", app.url()))
            .header("x-forwarded-for", "203.0.113.9")
            .header("cookie", format!("sabir_console=console.{token}"));
        app.call(request.body(Bytes::new()).unwrap()).await.status
    };
    assert_eq!([cookie("a").await, cookie("b").await, cookie("c").await], [303, 303, 303]);
    app.stop().await;
}

#[tokio::test]
async fn a_form_of_somebody_elses_page_changes_nothing() {
    let app = TestApp::with(WITH_TOKEN).await;
    let mut browser = Browser::new(&app);
    browser.sign_in().await;
    browser.site = "cross-site";
    for path in ["/console/sign-out", "/console/sign-in"] {
        assert_eq!(browser.post(path, "token=admin-token").await.status(), 403, "{path}");
    }
    assert_eq!(browser.get("/console").await.status(), 200, "still signed in");
    app.stop().await;
}

#[tokio::test]
async fn without_a_token_the_console_is_open_to_this_machine_alone() {
    let app = TestApp::start().await;
    let ask = async |name: &str, value: &str| {
        let request = Request::get(format!("{}/console", app.url())).header(name, value);
        app.call(request.body(Bytes::new()).unwrap()).await.status
    };
    assert_eq!(ask("accept", "text/html").await, 200);
    assert_eq!(ask("x-forwarded-for", PROBER).await, 401);
    assert_eq!(ask("host", "evil.example").await, 401);
    assert_eq!(ask("origin", "https://evil.example").await, 401);
    app.stop().await;
}

#[tokio::test]
async fn pages_run_nothing_and_their_style_is_kept_for_ever() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    let page = browser.get("/console").await;
    let policy = header(&page, "content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
    assert_eq!([header(&page, "cache-control"), header(&page, "x-content-type-options")], ["no-store", "nosniff"]);
    let page = text(&page);
    let path = page.split_once("rel=\"stylesheet\" href=\"").unwrap().1.split('"').next().unwrap();
    let style = browser.get(path).await;
    assert_eq!(header(&style, "content-type"), "text/css; charset=utf-8");
    assert!(header(&style, "cache-control").contains("immutable"));
    let request = Request::get(format!("{}{path}", app.url())).header("if-none-match", header(&style, "etag"));
    assert_eq!(app.fetch(request.body(Bytes::new()).unwrap()).await.status(), 304);
    assert_eq!(header(&browser.get("/assets/0/style.css").await, "cache-control"), "no-cache");
    assert_eq!(browser.get("/assets/0/nothing.css").await.status(), 404);
    app.stop().await;
}

/// The sandbox takes its message, and then the connection breaks; what came of it is not told in these tests.
const UNKNOWN: &str = "99900000104";

async fn send(app: &TestApp, to: &str, state: State) -> String {
    let text = json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "<script>" } });
    let answer = app.post("/messages", &text).await;
    let id = answer.headers["sabir-transaction-id"].to_str().unwrap().to_owned();
    while app.find(&id).await.unwrap().summary.state != state {
        tokio::task::yield_now().await;
    }
    id
}

#[tokio::test]
async fn a_search_leads_to_an_id_and_lists_what_fits_page_by_page() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    let id = send(&app, "447700900123", State::Sent).await;
    let upstreams = app.find(&id).await.unwrap().summary.message_id.unwrap();
    for known in [&id, &upstreams] {
        let found = browser.get(&format!("/console/transactions?q={known}")).await;
        assert_eq!((found.status().as_u16(), location(&found)), (303, &*format!("/console/transactions/{id}")));
    }
    let by_number = text(&browser.get("/console/transactions?q=%2B44+7700+900123").await);
    assert!(by_number.contains(&format!("id=\"t-{id}\"")) && by_number.contains("value=\"+44 7700 900123\""));
    for nothing in ["q=447700900199", "state=failed", "fault=not_on_whatsapp", "kind=image", "since=2030-01-01T00:00"] {
        let page = text(&browser.get(&format!("/console/transactions?{nothing}")).await);
        assert!(page.contains("Nothing fits") && !page.contains("id=\"t-"), "{nothing}");
    }
    let wrong = text(&browser.get("/console/transactions?since=noon").await);
    assert!(wrong.contains("From: is no time"), "{wrong}");
    for nth in 0..60 {
        send(&app, &format!("4477009002{nth:02}"), State::Sent).await;
    }
    let first = text(&browser.get("/console/transactions?account=shop").await);
    assert_eq!(first.matches("id=\"t-").count(), 50);
    let more = first.split_once("href=\"/console/transactions?account=shop").unwrap().1.split('"').next().unwrap();
    let more = format!("/console/transactions?account=shop{}", more.replace("&#38;", "&"));
    let second = text(&browser.get(&more).await);
    assert_eq!(second.matches("id=\"t-").count(), 11);
    assert!(second.contains(&format!("id=\"t-{id}\"")) && !second.contains("rel=\"next\""));
    app.stop().await;
}

#[tokio::test]
async fn a_transaction_is_shown_with_all_that_was_said_and_runs_nothing() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    let id = send(&app, "447700900123", State::Sent).await;
    let page = text(&browser.get(&format!("/console/transactions/{id}")).await);
    for words in ["Received", "Checked", "Recorded", "Attempt 1: sent", "The upstream&#39;s answer", "status 200"] {
        assert!(page.contains(words), "{words} is not on {page}");
    }
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>"), "a message's text is text");
    let record = browser.get(&format!("/console/transactions/{id}/record")).await;
    assert_eq!(header(&record, "content-type"), "application/json");
    let record: Value = serde_json::from_slice(record.body()).unwrap();
    assert_eq!(record, app.get(&format!("/admin/v1/transactions/{id}")).await.body);
    for nothing in ["transactions/nothing", "transactions/nothing/record", "transactions/nothing/send-again", "nothing"]
    {
        let missing = browser.get(&format!("/console/{nothing}")).await;
        assert_eq!((missing.status().as_u16(), header(&missing, "content-type")), (404, "text/html; charset=utf-8"));
    }
    app.stop().await;
}

#[tokio::test]
async fn what_was_refused_says_why_and_marks_the_member() {
    let upstream = "[[upstreams]]\nname = \"old\"\nprovider = \"sandbox\"\ndialect = \"aisoule\"";
    let app = TestApp::with(upstream).await;
    let preview = json!({ "body": "See https://example.net", "preview_url": true });
    let message = json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": preview });
    let answer = app.post("/messages", &message).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let id = answer.headers["sabir-transaction-id"].to_str().unwrap();
    app.recorded().await;
    let page = text(&Browser::new(&app).get(&format!("/console/transactions/{id}")).await);
    for words in ["Checked, and refused", "text.preview_url", "nothing was sent"] {
        assert!(page.contains(words), "{words} is not on {page}");
    }
    let marked = page.split("<mark>").nth(1).and_then(|rest| rest.split("</mark>").next());
    assert!(marked.is_some_and(|marked| marked.contains("preview_url")), "{page}");
    app.stop().await;
}

#[tokio::test]
async fn a_decision_is_shown_before_it_is_made_and_made_only_of_what_was_seen() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    let id = send(&app, UNKNOWN, State::Unknown).await;
    let path = |decision: &str| format!("/console/transactions/{id}/{decision}");
    let asked = text(&browser.get(&path("send-again")).await);
    assert!(asked.contains("What would be sent now") && asked.contains("Nothing has happened yet"), "{asked}");
    assert_eq!(app.received().len(), 1, "a look sends nothing");
    assert_eq!(browser.post(&path("settle-sent"), "seen=failed").await.status(), 409);
    let settled = browser.post(&path("settle-sent"), "seen=unknown").await;
    assert_eq!(location(&settled), format!("/console/transactions/{id}?done=settle-sent"));
    let page = text(&browser.get(location(&settled)).await);
    assert!(page.contains("It counts as sent.") && page.contains("by an operator"), "{page}");
    assert!(!page.contains("settle-failed"), "only what its state allows is offered");
    assert_eq!(browser.get(&path("settle-failed")).await.status(), 409);
    assert_eq!(browser.post(&path("send-again"), "seen=sent").await.status(), 409, "it went out");
    assert_eq!(browser.post(&path("send-again"), "seen=sent&force=on").await.status(), 303);
    while app.received().len() < 2 {
        tokio::task::yield_now().await;
    }
    app.stop().await;
}

#[tokio::test]
async fn the_set_up_shows_what_is_in_force_and_no_secret_of_it() {
    let app = TestApp::of(
        "[[accounts]]\nname = \"shop\"\nkeys = [{ key = \"canary-key\", scopes = [\"send\"], expires = \"2027-06-30T00:00:00Z\" }]\n\
         upstream = \"main\"\ncallbacks = [\"https://user:canary-user@shop.example.net/hook?token=canary-query\"]\n\
         callback_secret = \"canary-callback\"\n\
         [[upstreams]]\nname = \"main\"\nprovider = \"meta\"\nphone_number_id = \"551200034477\"\nkey = \"canary-upstream\"\n\
         webhook_secret = \"canary-webhook\"\n\
         [[routes]]\nchannel = \"WHATSAPP\"\nupstreams = [\"main\"]\n",
    )
    .await;
    let page = text(&Browser::new(&app).get("/console/setup").await);
    for shown in
        ["shop", "*** (send, until 2027-06-30 00:00:00 UTC)", "https://shop.example.net/hook?***", "551200034477"]
    {
        assert!(page.contains(shown), "{shown} is not on {page}");
    }
    assert!(!page.contains("canary") && !page.contains("sha256"), "{page}");
    app.stop().await;
}

#[tokio::test]
async fn no_page_of_the_console_leaves_a_number_a_text_or_a_token_in_the_log() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::with(WITH_TOKEN).await;
    let mut browser = Browser::new(&app);
    browser.post("/console/sign-in", "token=canary-guess").await;
    browser.sign_in().await;
    let id = send(&app, UNKNOWN, State::Unknown).await;
    for path in
        ["transactions?q=447700900123", &format!("transactions/{id}"), "translator", "setup", "live?q=447700900123"]
    {
        browser.get(&format!("/console/{path}")).await;
    }
    browser.post("/console/translator", "from=cloud&body=%7B%22to%22%3A%22447700900123%22%7D").await;
    browser.post(&format!("/console/transactions/{id}/settle-failed"), "seen=unknown").await;
    app.stop().await;
    let audit = lines.audit();
    let told = |name: &str, value: &str| audit.iter().filter(|line| line[name] == value).count();
    assert_eq!((told("message", "sign in"), told("action", "settle")), (2, 1), "{audit:#?}");
    assert_eq!(told("route", "/console/transactions/{id}"), 1);
    let all = lines.text().to_lowercase();
    for secret in ["canary", "admin-token", "console.", "447700900123", UNKNOWN] {
        assert!(!all.contains(secret), "{secret} is in the log: {all}");
    }
}

#[tokio::test]
async fn what_is_kept_up_to_date_ends_when_the_gateway_stops() {
    let app = TestApp::start().await;
    let mut stream = tokio::net::TcpStream::connect(app.url().trim_start_matches("http://")).await.unwrap();
    let host = app.url().trim_start_matches("http://").to_owned();
    let head = format!("GET /console/live/stream HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("event: replace") {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.unwrap();
        assert!(count > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&some[..count]));
    }
    assert!(seen.contains("text/event-stream"), "{seen}");
    // The grace is 25 seconds: a stream that went on would take them all.
    tokio::time::timeout(Duration::from_secs(10), app.stop()).await.unwrap();
}
