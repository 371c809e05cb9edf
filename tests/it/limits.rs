//! Who goes too fast, tries keys or asks for too much at once: told so in its own dialect, with true numbers.

use bytes::Bytes;
use http::{Method, Request};
use sabir::config;
use serde_json::{Value, json};

use crate::bad_input::clients;
use crate::harness::{Answer, KEY, TestApp};

/// An account that speaks a dialect and has more options.
fn account(dialect: &str, more: &str) -> String {
    format!("[[accounts]]\nname = \"shop\"\nkey = \"{KEY}\"\ndialect = \"{dialect}\"\n{more}\n")
}

#[tokio::test]
async fn an_account_that_goes_too_fast_is_told_so_in_its_dialect() {
    for client in clients() {
        let app = TestApp::with(&account(client.dialect, "rate = \"2/min\"")).await;
        let body = client.text_to("447700900123").to_string();
        for _ in 0..2 {
            assert_eq!(client.send(&app, body.clone()).await.status / 100, 2, "{}", client.dialect);
        }
        let refused = client.send(&app, body).await;
        client.assert_refused("too fast", &refused, 429, &["2 requests in 60s", "wait 30s"]);
        assert_eq!(refused.headers["retry-after"], "30", "{}", client.dialect);
        assert_eq!(app.recorded().await.len(), 2, "what was refused left no record");
        app.stop().await;
    }
}

#[tokio::test]
async fn the_codes_of_too_many_requests_are_those_of_each_vendor() {
    for client in clients() {
        let app = TestApp::with(&account(client.dialect, "rate = \"1/min\"")).await;
        let body = client.text_to("447700900123").to_string();
        client.send(&app, body.clone()).await;
        let refused = client.send(&app, body).await.body;
        match client.dialect {
            "aisoule" => {
                assert_eq!(refused["error"]["code"], "rate_limit_exceeded");
                assert_eq!(refused["error"]["retry_after_seconds"], 60);
            }
            "aisoule-app" => assert_eq!(refused["status"], "error"),
            "on-premises" => assert_eq!(refused["errors"][0]["code"], 1015),
            "cloud" => assert_eq!(refused["error"]["code"], 130_429),
            _ => assert_eq!(refused["errors"]["code"], "rate_limited"),
        }
        app.stop().await;
    }
}

/// AISoule's three headers and ChannelRequest's four, on answers of every kind.
#[tokio::test]
async fn rate_headers_count_down_and_say_when_it_is_full_again() {
    let [aisoule, _, _, _, channel_request] = clients();
    let app = TestApp::with(&account("aisoule", "rate = \"4/min\"\ncall_rate = \"10/min\"")).await;
    let body = aisoule.text_to("447700900123").to_string();
    let shown = |answer: &Answer| {
        ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
            .map(|name| answer.headers[name].to_str().unwrap().to_owned())
    };
    // The clock stands at 1789997723.
    assert_eq!(shown(&aisoule.send(&app, body.clone()).await), ["4", "3", "1789997738"]);
    assert_eq!(shown(&aisoule.send(&app, "{").await), ["4", "2", "1789997753"], "a fault counts too");
    let health = app.call(app.request(Method::GET, "/v1/status", &Value::Null)).await;
    assert_eq!(shown(&health), ["10", "9", "1789997729"], "other calls have a rate of their own");
    app.stop().await;

    let app = TestApp::with(&account("channel-request", "rate = \"2/300s\"")).await;
    let sent = channel_request.send(&app, channel_request.text_to("447700900123").to_string()).await;
    let shown = ["ratelimit-limit", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset"];
    assert_eq!(shown.map(|name| sent.headers[name].to_str().unwrap()), ["2", "2;w= 300", "1", "2m30s"]);
    app.stop().await;
}

#[tokio::test]
async fn calls_that_are_no_sends_are_held_to_a_rate_too() {
    let app = TestApp::with(&account("on-premises", "call_rate = \"2/min\"")).await;
    let call = async |path: &str| app.call(app.request(Method::GET, path, &Value::Null)).await.status;
    assert_eq!(call("/v1/health").await, 200);
    assert_eq!(call("/v1/media/1790000000000000").await, 404);
    assert_eq!(call("/v1/health").await, 429);
    assert_eq!(call("/v1/media/1790000000000000").await, 429);
    assert_eq!(app.post("/v1/messages", &clients()[2].text_to("447700900123")).await.status, 201);
    app.stop().await;
}

#[tokio::test]
async fn an_account_has_so_many_requests_under_way_and_no_more() {
    let options = account("cloud", "concurrency = 1");
    let app = TestApp::with(&format!("[net]\nfirst_byte_timeout = \"2s\"\ntotal_timeout = \"2s\"\n{options}")).await;
    let [.., client, _] = clients();
    let slow = client.send(&app, client.text_to("99900000408").to_string());
    let meanwhile = async {
        while app.received().is_empty() {
            tokio::task::yield_now().await;
        }
        client.send(&app, client.text_to("447700900123").to_string()).await
    };
    let (slow, refused) = tokio::join!(slow, meanwhile);
    client.assert_refused("one too many", &refused, 429, &["1 requests of this account are under way"]);
    assert_eq!((slow.status, refused.headers["retry-after"].to_str().unwrap()), (200, "1"));
    assert_eq!(client.send(&app, client.text_to("447700900123").to_string()).await.status, 200);
    app.stop().await;
}

/// A call from an address that the proxy on this machine names.
async fn from(app: &TestApp, address: &str, path: &str, key: &str) -> Answer {
    let request = Request::get(format!("{}{path}", app.url())).header("x-forwarded-for", address);
    app.call(request.header("authorization", format!("Bearer {key}")).body(Bytes::new()).unwrap()).await
}

const PROBER: &str = "203.0.113.9";
const OTHER: &str = "198.51.100.7";

#[tokio::test]
async fn an_address_that_tries_keys_is_refused_unseen_and_those_who_have_one_are_not() {
    let app = TestApp::with("[server]\nwrong_key_rate = \"3/min\"").await;
    let status = async |address: &str, key: &str| from(&app, address, "/v1/health", key).await.status;
    assert_eq!(status(PROBER, KEY).await, 200);
    for guess in ["a", "b", "a", "a", "b", "sabir.on-premises.c", "a"] {
        assert_eq!(status(PROBER, guess).await, 401, "{guess}: the same again teaches nothing, and costs nothing");
    }
    let refused = from(&app, PROBER, "/v1/health", "d").await;
    assert_eq!((refused.status, refused.headers["retry-after"].to_str().unwrap()), (429, "20"), "{refused:?}");
    assert_eq!(status(PROBER, KEY).await, 200, "a key that was seen before is no guess");
    assert_eq!(status(OTHER, "d").await, 401, "another address has its own tries");
    app.stop().await;
}

#[tokio::test]
async fn a_right_key_is_not_told_from_a_wrong_one_when_the_tries_are_spent() {
    let app = TestApp::with("[server]\nwrong_key_rate = \"1/min\"").await;
    assert_eq!(from(&app, PROBER, "/v1/health", "a").await.status, 401);
    let (right, wrong) = (from(&app, PROBER, "/v1/health", KEY).await, from(&app, PROBER, "/v1/health", "b").await);
    assert_eq!((right.status, &right.body), (429, &wrong.body));
    app.stop().await;
}

#[tokio::test]
async fn passwords_are_guessed_no_faster_than_keys_and_many_logins_are_no_guesses() {
    let app = TestApp::with("[server]\nwrong_key_rate = \"2/min\"").await;
    let login = async |password: &str| {
        let credentials =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("admin:{password}"));
        let request = Request::post(format!("{}/v1/users/login", app.url()))
            .header("x-forwarded-for", PROBER)
            .header("authorization", format!("Basic {credentials}"));
        app.call(request.body(Bytes::new()).unwrap()).await
    };
    for _ in 0..20 {
        let token = login(KEY).await.body["users"][0]["token"].as_str().unwrap().to_owned();
        assert_eq!(from(&app, PROBER, "/v1/health", &token).await.status, 200, "some log in before every send");
    }
    assert_eq!([login("a").await.status, login("b").await.status, login("c").await.status], [401, 401, 429]);
    assert_eq!(login(KEY).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn the_admin_token_is_guessed_no_faster() {
    let app = TestApp::with("[server]\nwrong_key_rate = \"2/min\"\n[admin]\ntoken = \"admin-token\"").await;
    let status = async |address: &str, token: &str| from(&app, address, "/admin/v1/transactions", token).await.status;
    assert_eq!([status(PROBER, "a").await, status(PROBER, "b").await], [401, 401]);
    assert_eq!(status(PROBER, "admin-token").await, 401, "no more is looked at");
    assert_eq!(status(OTHER, "admin-token").await, 200);
    app.stop().await;
}

#[tokio::test]
async fn one_request_tries_few_keys() {
    let app = TestApp::start().await;
    let many = format!("/v1/health?access_token=a&access_token={KEY}");
    let request = Request::get(format!("{}{many}", app.url())).body(Bytes::new()).unwrap();
    assert_eq!(app.call(request).await.status, 401, "the first counts");
    app.stop().await;
}

#[tokio::test]
async fn an_address_that_comes_too_often_is_turned_away_in_the_dialect_of_the_path() {
    let app = TestApp::with("[server]\naddress_rate = \"2/min\"").await;
    for _ in 0..2 {
        assert_eq!(from(&app, PROBER, "/v1/health", KEY).await.status, 200);
    }
    let cloud = from(&app, PROBER, "/v23.0/5512000/messages", KEY).await;
    assert_eq!((cloud.status, &cloud.body["error"]["code"]), (429, &json!(130_429)));
    let refused = from(&app, PROBER, "/notification", KEY).await;
    assert_eq!((refused.status, &refused.body["errors"]["code"]), (429, &json!("rate_limited")));
    assert_eq!(from(&app, OTHER, "/v1/health", KEY).await.status, 200);
    assert_eq!(from(&app, PROBER, "/healthz", "").await.status, 200, "probes are let in");
    app.stop().await;
}

/// Where several dialects share a path, the key says which one its account speaks, and a token where it was got.
#[tokio::test]
async fn whoever_is_turned_away_with_a_key_is_told_so_in_the_accounts_dialect() {
    for client in clients() {
        let app = TestApp::with(&format!("[server]\naddress_rate = \"1/min\"\n{}", account(client.dialect, ""))).await;
        let body = client.text_to("447700900123").to_string();
        assert_eq!(client.send(&app, body.clone()).await.status / 100, 2);
        let refused = client.send(&app, body).await;
        client.assert_refused("too often", &refused, 429, &["wait 60s"]);
        let has_twin = refused.body.get("error").is_some() && refused.body.get("errors").is_some();
        assert!(!has_twin, "{}: {refused:?}", client.dialect);
        assert!(refused.headers.contains_key("sabir-transaction-id"), "{}", client.dialect);
        app.stop().await;
    }
    let app = TestApp::with("[server]\naddress_rate = \"1/min\"").await;
    from(&app, PROBER, "/v1/health", KEY).await;
    let token = "sabir.on-premises.whatever";
    let refused = from(&app, PROBER, "/v1/messages", token).await;
    assert_eq!((refused.status, &refused.body["errors"][0]["code"]), (429, &json!(1015)));
    assert!(refused.body.get("error").is_none(), "{refused:?}");
    app.stop().await;
}

#[tokio::test]
async fn how_somebody_is_turned_away_tells_no_more_of_keys_than_they_may_try() {
    let limits = "[server]\naddress_rate = \"1/min\"\nwrong_key_rate = \"2/min\"\n";
    let app = TestApp::with(&format!("{limits}{}", account("on-premises", ""))).await;
    let turned_away = async |key: &str| {
        let refused = from(&app, PROBER, "/v1/messages", key).await;
        assert_eq!(refused.status, 429);
        refused.body.get("error").is_some()
    };
    from(&app, PROBER, "/v1/health", "a").await;
    assert!(turned_away("b").await, "a wrong key has no dialect");
    assert!(turned_away(KEY).await, "and with the tries spent neither has a right one");
    app.stop().await;
}

#[tokio::test]
async fn who_is_no_proxy_of_ours_cannot_say_where_it_comes_from() {
    let app = TestApp::with("[server]\naddress_rate = \"2/min\"\ntrusted_proxies = []").await;
    for (address, status) in [("203.0.113.1", 200), ("203.0.113.2", 200), ("203.0.113.3", 429)] {
        assert_eq!(from(&app, address, "/v1/health", KEY).await.status, status, "{address}");
    }
    app.stop().await;
}

#[tokio::test]
async fn more_requests_than_the_gateway_takes_at_once_are_told_to_try_again() {
    let app =
        TestApp::with("[server]\nmax_requests = 1\n[net]\nfirst_byte_timeout = \"2s\"\ntotal_timeout = \"2s\"").await;
    let [.., client, _] = clients();
    let slow = client.send(&app, client.text_to("99900000408").to_string());
    let meanwhile = async {
        while app.received().is_empty() {
            tokio::task::yield_now().await;
        }
        (client.send(&app, client.text_to("447700900123").to_string()).await, app.get("/readyz").await.status)
    };
    let (slow, (refused, ready)) = tokio::join!(slow, meanwhile);
    client.assert_refused("overload", &refused, 503, &["as many requests under way as it takes"]);
    assert!(refused.headers.contains_key("sabir-transaction-id"));
    assert_eq!((slow.status, ready), (200, 200), "probes are answered all the same");
    app.stop().await;
}

#[test]
fn limits_that_cannot_be_are_told_with_their_key() {
    let told = |text: &str| config::load_text(text).unwrap_err().to_string();
    for (text, expected) in [
        ("[server]\naddress_rate = \"hunter2\"", "server.address_rate: is no rate"),
        ("[server]\ntrusted_proxies = [\"hunter2\"]", "server.trusted_proxies[0]: is no address or range"),
        ("[server]\nmax_requests = 0", "server.max_requests: is 0"),
        ("[server]\nconnections_per_address = 0", "server.connections_per_address: is 0"),
    ] {
        let told = told(text);
        assert!(told.starts_with(expected) && !told.contains("hunter2"), "{text}: {told}");
    }
}

#[tokio::test]
async fn limits_that_are_loaded_again_hold_from_then_on() {
    let app = TestApp::start().await;
    let reload = |server: &str| {
        let text = format!("[server]\n{server}\n{}", account("cloud", ""));
        app.app.reload(&config::load_text(&text).unwrap().config).unwrap();
    };
    let text = "x".repeat(2000);
    let body = json!({ "messaging_product": "whatsapp", "to": "447700900123", "text": { "body": text } });
    assert_eq!(app.post("/messages", &body).await.status, 200);
    reload("max_body = \"1 KiB\"");
    assert_eq!(app.post("/messages", &body).await.status, 413);
    reload("address_rate = \"1/min\"");
    assert_eq!([app.post("/messages", &body).await.status, app.post("/messages", &body).await.status], [200, 429]);
    reload("");
    assert_eq!(app.post("/messages", &body).await.status, 200);
    app.stop().await;
}
