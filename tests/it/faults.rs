//! What breaks around the gateway: a disk that takes no more, providers whose certificate or name is wrong. Nothing is accepted
//! that could not be recorded, nothing goes to whom it is not meant for, and all is well again by itself.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use sabir::net::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::harness::patient;
use crate::program::{Gateway, json as parsed, read, sabir};

async fn call(request: Request<Bytes>) -> (u16, Value) {
    let answer = Client::new(&patient()).unwrap().call(request).await.unwrap();
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

async fn send(gateway: &Gateway, key: &str) -> (u16, Value) {
    let body =
        json!({ "messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": { "body": "Hi" } });
    let request = Request::post(format!("{}/messages", gateway.url)).header("authorization", format!("Bearer {key}"));
    call(request.header("content-type", "application/json").body(Bytes::from(body.to_string())).unwrap()).await
}

fn listed(gateway: &Gateway, folder: &Path) -> Vec<Value> {
    let list = gateway.client(folder, &["transactions", "list", "--limit", "500", "--json"]);
    parsed(&read(&list).1)["transactions"].as_array().unwrap().clone()
}

async fn is_ready(gateway: &Gateway) -> bool {
    call(Request::get(format!("{}/readyz", gateway.url)).body(Bytes::new()).unwrap()).await.0 == 200
}

/// Asks until the answer is that. What was proved a moment ago is not proved again for each who asks.
async fn until_ready(gateway: &Gateway, expected: bool) {
    let asked = Instant::now();
    while is_ready(gateway).await != expected {
        assert!(asked.elapsed() < Duration::from_secs(20), "ready is not {expected}");
    }
}

/// A process whose files may grow no further than this; whatever it writes behind that fails, as on a full disk.
fn limit_files(gateway: &Gateway, bytes: &str) {
    let limit = ["--pid", &gateway.process.id().to_string(), &format!("--fsize={bytes}:")];
    assert!(Command::new("prlimit").args(limit).status().unwrap().success());
}

#[tokio::test]
async fn a_disk_that_is_full_accepts_nothing_and_all_is_well_when_there_is_room() {
    let folder = TempDir::new().unwrap();
    // Where the kernel would end the process for it, the write fails instead, as it does without room.
    let program = sabir(folder.path()).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path()).args(["-c", "trap '' XFSZ; exec \"$0\""]).arg(program).stderr(Stdio::null());
    shell.env_remove("SABIR_CONFIG").env_remove("SABIR_ADMIN_TOKEN");
    let gateway = Gateway::spawn(&mut shell, folder.path());
    let key = std::fs::read_to_string(folder.path().join("data/dev.key")).unwrap().trim().to_owned();
    assert_eq!(send(&gateway, &key).await.0, 200);
    limit_files(&gateway, "1");
    for _ in 0..3 {
        let (status, said) = send(&gateway, &key).await;
        assert_eq!((status, &said["error"]["code"]), (503, &json!(131_016)), "{said}");
    }
    until_ready(&gateway, false).await;
    limit_files(&gateway, "unlimited");
    until_ready(&gateway, true).await;
    let mut tries = 0;
    while send(&gateway, &key).await.0 != 200 {
        tries += 1;
        assert!(tries < 1000, "there is room again, and still nothing is accepted");
    }
    assert_eq!(listed(&gateway, folder.path()).len(), 2, "what was refused left nothing behind");
}

/// An authority that the gateway trusts, or does not.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A provider that shows a certificate for that name, good until the end of that year, and counts what it is asked.
    async fn provider(&self, name: &str, until: i32, asked: Arc<AtomicUsize>) -> u16 {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 12, 31));
        let certificate = CertificateDer::from(params.signed_by(&key, &self.issuer).unwrap());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        let (acceptor, listener) =
            (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                if stream.read(&mut [0; 8192]).await.is_ok_and(|read| read > 0) {
                    asked.fetch_add(1, Ordering::SeqCst);
                    let body = r#"{"messages":[{"id":"wamid.EXAMPLE"}]}"#;
                    let head =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                    let _ = stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        port
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_who_it_should_be_gets_nothing_and_the_message_waits() {
    let (folder, known, unknown) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    std::fs::write(folder.path().join("ca.pem"), &known.pem).unwrap();
    let asked: [Arc<AtomicUsize>; 4] = Default::default();
    let ports = [
        known.provider("localhost", 2090, Arc::clone(&asked[0])).await,
        known.provider("localhost", 2020, Arc::clone(&asked[1])).await,
        known.provider("elsewhere.example.net", 2090, Arc::clone(&asked[2])).await,
        unknown.provider("localhost", 2090, Arc::clone(&asked[3])).await,
    ];
    let names = ["good", "expired", "of-another", "of-nobody", "no-name"];
    let addresses = ports.map(|port| format!("https://localhost:{port}")).into_iter();
    let addresses = addresses.chain(["https://provider.invalid".to_owned()]);
    let blocks = names.iter().zip(addresses).map(|(name, address)| {
        format!(
            "[[upstreams]]\nname = \"{name}\"\ndialect = \"cloud\"\nbase_url = \"{address}\"\nkey = \"k\"\n\
             [[accounts]]\nname = \"{name}\"\nkey = \"{name}\"\nupstream = \"{name}\"\n"
        )
    });
    let config = blocks.collect::<String>() + "[delivery]\ndeadline = \"2s\"\n[server]\ntrust_local = true\n";
    std::fs::write(folder.path().join("tls.toml"), config).unwrap();
    let mut command = sabir(folder.path());
    command.args(["--config", "tls.toml"]).env("SSL_CERT_FILE", folder.path().join("ca.pem")).stderr(Stdio::null());
    let gateway = Gateway::spawn(&mut command, folder.path());
    for name in names {
        assert_eq!(send(&gateway, name).await.0, 200, "{name}: it is taken, and waits where it cannot go");
    }
    for transaction in listed(&gateway, folder.path()) {
        // What waits may be tried again at this moment.
        let is_sent = transaction["state"] == "sent" && transaction["fault"].is_null();
        let is_waiting = transaction["state"] != "sent" && transaction["fault"] == "upstream_unreachable";
        assert!(if transaction["account"] == "good" { is_sent } else { is_waiting }, "{transaction}");
    }
    assert_eq!(asked.map(|asked| asked.load(Ordering::SeqCst)), [1, 0, 0, 0]);
}
