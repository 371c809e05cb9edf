//! The console without a browser: who is let in, what is shown, and what a form may do. What it looks like and how it is used
//! is tried in `tests/browser`.

use bytes::Bytes;
use http::{Method, Request, Response};
use std::time::Duration;

use crate::harness::TestApp;

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
