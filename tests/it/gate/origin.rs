//! Where links lead: a server that has files, and counts who asks for them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

/// A file of the corpus.
pub fn corpus(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/media").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

/// What is answered at a path.
#[derive(Clone)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// A call that it got.
#[derive(Clone, Debug)]
pub struct Asked {
    pub headers: HeaderMap,
}

#[derive(Default)]
struct Inner {
    delay: Mutex<Duration>,
    pages: Mutex<HashMap<String, Page>>,
    asked: Mutex<Vec<Asked>>,
}

/// The server; it ends with the test.
#[derive(Clone)]
pub struct Origin {
    pub url: String,
    inner: Arc<Inner>,
}

impl Origin {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::<Inner>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner }
    }

    /// Has a file of a type and gives its link.
    pub fn has(&self, path: &str, content_type: &str, body: Bytes) -> String {
        self.answers(path, Page { status: 200, headers: vec![("content-type", content_type.to_owned())], body })
    }

    /// Answers that much later from now on.
    pub fn takes(&self, delay: Duration) {
        *self.inner.delay.lock().unwrap() = delay;
    }

    pub fn answers(&self, path: &str, page: Page) -> String {
        self.inner.pages.lock().unwrap().insert(path.to_owned(), page);
        format!("{}{path}", self.url)
    }

    /// What it was asked, the first first.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }
}

async fn answer(State(origin): State<Arc<Inner>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    origin.asked.lock().unwrap().push(Asked { headers: request.headers().clone() });
    let delay = *origin.delay.lock().unwrap();
    // A real server takes its time, and this test's time is real.
    tokio::time::sleep(delay).await;
    let page = origin.pages.lock().unwrap().get(&path).cloned();
    let Some(page) = page else {
        return Response::builder().status(StatusCode::NOT_FOUND).body("none".into()).unwrap();
    };
    let response = page
        .headers
        .iter()
        .fold(Response::builder().status(page.status), |response, (name, value)| response.header(*name, value));
    response.body(page.body.into()).unwrap()
}
