//! A client's own server: it takes callbacks as a test wants it to, and keeps what it got.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What a receiver does with callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Answers with this status.
    Answer(u16),
    /// Never answers.
    Hang,
}

/// A callback that came.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: HeaderMap,
    pub bytes: bytes::Bytes,
    /// What was answered.
    pub status: u16,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

struct Inner {
    manner: Mutex<Manner>,
    got: Mutex<Vec<Got>>,
    came: Notify,
}

/// A running receiver; it ends with the test.
pub struct Receiver {
    pub url: String,
    inner: Arc<Inner>,
    served: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Receiver {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner { manner: Mutex::new(manner), got: Mutex::default(), came: Notify::new() };
        let inner = Arc::new(inner);
        let router = Router::new().fallback(take).with_state(Arc::clone(&inner));
        let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner, served }
    }

    /// Does something else with what comes from now on.
    pub fn turn(&self, manner: Manner) {
        *self.inner.manner.lock().unwrap() = manner;
    }

    /// Everything that came, the first first.
    pub fn got(&self) -> Vec<Got> {
        self.inner.got.lock().unwrap().clone()
    }

    /// What came and was taken.
    pub fn taken(&self) -> Vec<Got> {
        self.got().into_iter().filter(|got| (200..300).contains(&got.status)).collect()
    }

    /// Waits until so many were taken, and gives them.
    pub async fn until_taken(&self, count: usize) -> Vec<Got> {
        self.until(|receiver| receiver.taken().len() >= count).await;
        self.taken()
    }

    /// Waits for something that what comes makes true.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        loop {
            let came = self.inner.came.notified();
            if is_so(self) {
                return;
            }
            came.await;
        }
    }
}

async fn take(State(inner): State<Arc<Inner>>, request: Request) -> impl IntoResponse {
    let (head, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let manner = *inner.manner.lock().unwrap();
    let status = if let Manner::Answer(status) = manner { status } else { 0 };
    let got = Got { path: head.uri.to_string(), headers: head.headers, bytes, status };
    inner.got.lock().unwrap().push(got);
    inner.came.notify_waiters();
    if manner == Manner::Hang {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(status).unwrap()
}
