//! A provider over real sockets that takes uploads and messages, notes both, and fails as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Barrier;

/// What the provider does with uploads, and with messages that name one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mood {
    #[default]
    Well,
    /// Answers uploads with this status and body.
    Refuses(u16, &'static str),
    /// Reads uploads and never answers.
    Hangs,
    /// Takes uploads after a second and a half.
    Slow,
    /// Answers messages with this status and body.
    RefusesMessages(u16, &'static str),
    /// Answers messages that name this upload with 400 and this body.
    RefusesId(&'static str, &'static str),
    /// The same once two such messages are here.
    RefusesIdOfTwo(&'static str, &'static str),
}

/// A call that it got.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn is_upload(&self) -> bool {
        self.path.ends_with("/media")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

struct Inner {
    seen: Mutex<Vec<Seen>>,
    mood: Mutex<Mood>,
    given: AtomicUsize,
    two: Barrier,
}

impl Default for Inner {
    fn default() -> Self {
        Self { seen: Mutex::default(), mood: Mutex::default(), given: AtomicUsize::default(), two: Barrier::new(2) }
    }
}

/// The provider; it ends with the test.
#[derive(Clone)]
pub struct Provider {
    pub url: String,
    inner: Arc<Inner>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::<Inner>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner }
    }

    pub fn feels(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap() = mood;
    }

    /// The uploads that it got, the first first.
    pub fn uploads(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(Seen::is_upload).collect()
    }

    /// The messages that it got, the first first.
    pub fn messages(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| !seen.is_upload()).collect()
    }

    fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }
}

async fn answer(State(provider): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let seen = Seen { path: parts.uri.path().to_owned(), headers: parts.headers, body };
    let is_upload = seen.is_upload();
    let names = |id: &str| String::from_utf8_lossy(&seen.body).contains(&format!("\"{id}\""));
    let mood = *provider.mood.lock().unwrap();
    let is_lost = matches!(mood, Mood::RefusesId(id, _) | Mood::RefusesIdOfTwo(id, _) if !is_upload && names(id));
    provider.seen.lock().unwrap().push(seen);
    match mood {
        Mood::RefusesId(_, body) if is_lost => (StatusCode::BAD_REQUEST, body).into_response(),
        Mood::RefusesIdOfTwo(_, body) if is_lost => {
            provider.two.wait().await;
            (StatusCode::BAD_REQUEST, body).into_response()
        }
        Mood::Refuses(status, body) if is_upload => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Mood::Hangs if is_upload => std::future::pending().await,
        Mood::RefusesMessages(status, body) if !is_upload => {
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
        Mood::Slow if is_upload => uploaded(&provider, Duration::from_millis(1500)).await,
        // Long enough for others to come meanwhile.
        _ if is_upload => uploaded(&provider, Duration::from_millis(50)).await,
        _ => taken(),
    }
}

/// Both vendors' answers in one; each dialect reads its own.
async fn uploaded(provider: &Inner, after: Duration) -> Response {
    // A real server takes its time, and this test's time is real.
    tokio::time::sleep(after).await;
    let id = format!("given-{}", provider.given.fetch_add(1, Ordering::SeqCst) + 1);
    axum::Json(json!({ "id": id, "media": [{ "id": id }] })).into_response()
}

fn taken() -> Response {
    axum::Json(json!({ "messages": [{ "id": "wamid.EXAMPLE0001" }] })).into_response()
}

/// An address that takes connections and never reads from them.
pub async fn deaf() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    url
}

/// An address that answers with this text as soon as the head of a request is there, and reads no further.
pub async fn hasty(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            held.push(stream);
        }
    });
    url
}
