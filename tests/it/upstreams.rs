//! Upstreams over real sockets: credentials, addresses, and the ways in which a call can fail.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::harness::TestApp;

fn text() -> Value {
    json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": { "body": "Hi" } })
}

/// A server that reads one request on each connection, gives the fixed answer and closes.
async fn server(answer: &'static str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (requests, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = vec![0; 64 * 1024];
            let mut length = 0;
            while !is_whole(&read[..length]) {
                match stream.read(&mut read[length..]).await {
                    Ok(0) | Err(_) => break,
                    Ok(more) => length += more,
                }
            }
            let _ = requests.send(String::from_utf8_lossy(&read[..length]).into_owned());
            if answer == HANG {
                // No test waits so long: the gateway has to hang up first.
                tokio::time::sleep(Duration::from_secs(3600)).await;
            }
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, received)
}

const HANG: &str = "hang";

fn is_whole(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

async fn gateway(base_url: &str, more: &str) -> TestApp {
    TestApp::with(&format!(
        "[net]\nfirst_byte_timeout = \"300ms\"\ntotal_timeout = \"300ms\"\nmax_answer = \"4 KiB\"\n\
         [[upstreams]]\nname = \"main\"\nkey = \"upstream-key\"\nbase_url = \"{base_url}\"\n{more}"
    ))
    .await
}

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\
    {\"contacts\":[],\"messages\":[{\"id\":\"wamid.EXAMPLE0001\"}]}";

#[tokio::test]
async fn a_preset_gives_path_and_credential() {
    let (address, mut received) = server(OK).await;
    let cases = [
        ("provider = \"360dialog\"", "POST /messages HTTP/1.1", "d360-api-key: upstream-key"),
        (
            "provider = \"meta\"\nphone_number_id = \"551200034477\"",
            "POST /551200034477/messages HTTP/1.1",
            "authorization: Bearer upstream-key",
        ),
        ("dialect = \"cloud\"\ncredential = \"x-api-key\"", "POST /messages HTTP/1.1", "x-api-key: upstream-key"),
    ];
    for (provider, line, header) in cases {
        let app = gateway(&address, provider).await;
        let answer = app.post("/messages", &text()).await;
        assert_eq!(answer.body["messages"][0]["id"], "wamid.EXAMPLE0001", "{answer:?}");
        let request = received.recv().await.unwrap();
        assert!(request.starts_with(line), "{request}");
        assert!(request.contains(header), "{request}");
        assert!(!format!("{:?}", app.only().await).contains("upstream-key"), "the record holds no credential");
        app.stop().await;
    }
}

#[tokio::test]
async fn each_way_of_failing_has_its_state_and_its_answer() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let hangs = server(HANG).await;
    let closes = server("").await;
    let garbage = server("\0\0not http at all\r\n\r\n").await;
    let html = server("HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>").await;
    let down = server("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 13\r\n\r\n<html></html>").await;
    let rate = server("HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\n{}").await;
    let key = server("HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\n{}").await;
    let moved = server("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n").await;
    let long = server("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{").await;
    let cases = [
        (refused, 200, "waiting", "upstream_unreachable"),
        ("http://no-such-host.invalid".to_owned(), 200, "waiting", "upstream_unreachable"),
        (hangs.0, 200, "unknown", "upstream_timeout"),
        (closes.0, 200, "unknown", "upstream_reset"),
        (garbage.0, 200, "unknown", "upstream_reset"),
        (html.0, 200, "unknown", "upstream_unreadable"),
        (down.0, 200, "unknown", "upstream_failed"),
        (rate.0, 200, "waiting", "rate_limited"),
        (key.0, 200, "waiting", "upstream_credential"),
        (moved.0, 400, "failed", "upstream_refused"),
        (long.0, 200, "unknown", "upstream_reset"),
    ];
    for (address, status, state, fault) in cases {
        let app = gateway(&address, "provider = \"360dialog\"").await;
        let answer = app.post("/messages", &text()).await;
        assert_eq!(answer.status, status, "{fault}: {answer:?}");
        let summary = app.only().await.summary;
        assert_eq!((summary.state.as_str(), summary.fault.as_deref()), (state, Some(fault)), "{answer:?}");
        app.stop().await;
    }
}

#[tokio::test]
async fn routes_choose_by_channel_and_sender() {
    let app = TestApp::with(
        "[[upstreams]]\nname = \"whatsapp\"\nprovider = \"sandbox\"\n\
         [[upstreams]]\nname = \"second\"\nprovider = \"sandbox\"\ndialect = \"on-premises\"\n\
         [[upstreams]]\nname = \"text\"\nprovider = \"sandbox\"\ndialect = \"channel-request\"\n\
         [[routes]]\nchannel = \"SMS\"\nupstreams = [\"text\"]\n\
         [[routes]]\nsender = \"442079460001\"\nupstreams = [\"second\"]\n\
         [[accounts]]\nname = \"shop\"\nkey = \"shop-key\"\nupstream = \"whatsapp\"",
    )
    .await;
    let notification = |channel: &str, from: &str| {
        json!({ "channel": channel, "request": {
            "from": from, "to": "+447700900123", "type": "text", "message": "Hi" } })
    };
    for (channel, from, upstream) in
        [("WHATSAPP", "442079460000", "whatsapp"), ("whatsapp", "+442079460001", "second"), ("SMS", "DEPOT", "text")]
    {
        let answer = app.post("/notification", &notification(channel, from)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(app.recorded().await[0].upstream.as_deref(), Some(upstream));
    }
    while app.received().len() < 3 {
        tokio::task::yield_now().await;
    }
    // Each upstream has its own hands, so which of them is the last to get its message is chance.
    let as_it_came = notification("SMS", "DEPOT");
    assert!(app.received().iter().any(|got| got.body == as_it_came), "{:?}", app.received());
    app.stop().await;
}

#[tokio::test]
async fn a_route_of_an_account_leads_nobody_else_and_lets_nobody_else_listen() {
    let app = TestApp::with(
        "[[upstreams]]\nname = \"main\"\nprovider = \"sandbox\"\n[[upstreams]]\nname = \"own\"\nprovider = \"sandbox\"\n\
         [[accounts]]\nname = \"shop\"\nkey = \"shop-key\"\nupstream = \"main\"\n\
         [[accounts]]\nname = \"bank\"\nkey = \"bank-key\"\nupstream = \"main\"\n\
         [[routes]]\naccount = \"bank\"\nupstreams = [\"own\"]",
    )
    .await;
    assert_eq!(app.post("/messages", &text()).await.status, 200);
    assert_eq!(app.only().await.summary.upstream.as_deref(), Some("main"));
    let directory = app.app.state.delivery.directory();
    assert_eq!(directory.listeners("own"), ["bank"]);
    let mut both = directory.listeners("main");
    both.sort();
    assert_eq!(both, ["bank", "shop"]);
    app.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_the_request_under_way() {
    let app = TestApp::start().await;
    // The sandbox takes its time for this recipient.
    let mut slow = text();
    slow["to"] = json!("99900000001");
    let request = app.request(http::Method::POST, "/messages", &slow);
    let client = sabir::net::Client::new(&crate::harness::patient()).unwrap();
    let answer = tokio::spawn(async move { client.call(request).await });
    while app.received().is_empty() {
        tokio::task::yield_now().await;
    }
    app.stop().await;
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
}
