//! A server that answers as it is told, byte by byte.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// What stood in a request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The path with its query.
    pub path: String,
    /// The headers, their names in small letters.
    pub headers: HashMap<String, String>,
}

/// What is answered.
#[derive(Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

/// How the body is sent.
#[derive(Clone, Default)]
pub enum Body {
    /// With its length.
    #[default]
    Empty,
    Whole(Arc<Vec<u8>>),
    /// In chunks.
    Chunked(Arc<Vec<u8>>),
    /// In chunks, again and again.
    Endless(Arc<Vec<u8>>),
    /// As it is, whatever length the headers say, then the end.
    Bare(Arc<Vec<u8>>),
    /// So many bytes of it a tenth of a second.
    Drip(Arc<Vec<u8>>, usize),
    /// No answer at all.
    Silence,
    /// These bytes instead of an answer, then nothing.
    Raw(Arc<Vec<u8>>),
}

pub type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A running server.
pub struct Origin {
    pub url: String,
    log: Arc<Log>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Request>>,
    sent: AtomicU64,
    connections: AtomicU64,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Reply {
    pub fn ok(content_type: &str, body: Vec<u8>) -> Self {
        Self::new(200, &[("Content-Type", content_type)], Body::Whole(Arc::new(body)))
    }

    pub fn new(status: u16, headers: &[(&str, &str)], body: Body) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { status, headers, body }
    }
}

impl Origin {
    pub async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // What lies in the system's buffers was sent and not read: little of it makes counts sharp.
        socket.set_send_buffer_size(16 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1024).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Log::default());
        let accepting = tokio::spawn(accept(listener, Arc::new(handler), Arc::clone(&log)));
        Self { url, log, accepting }
    }

    pub fn port(&self) -> &str {
        self.url.rsplit_once(':').unwrap().1
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.requests.lock().unwrap().clone()
    }

    /// How many bytes of bodies went out.
    pub fn sent(&self) -> u64 {
        self.log.sent.load(Ordering::Relaxed)
    }

    pub fn connections(&self) -> u64 {
        self.log.connections.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, handler: Arc<Handler>, log: Arc<Log>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        log.connections.fetch_add(1, Ordering::Relaxed);
        let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
        // Who hangs up is none of the server's affairs.
        tokio::spawn(async move { serve(stream, &*handler, &log).await.ok() });
    }
}

async fn serve(stream: TcpStream, handler: &Handler, log: &Log) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let request = understood(&head);
    log.requests.lock().unwrap().push(request.clone());
    let reply = handler(&request);
    let mut stream = stream.into_inner();
    send(&mut stream, &reply, log).await?;
    stream.shutdown().await
}

fn understood(head: &str) -> Request {
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Request { path, headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect() }
}

async fn send(stream: &mut TcpStream, reply: &Reply, log: &Log) -> std::io::Result<()> {
    match &reply.body {
        Body::Silence => return std::future::pending().await,
        Body::Raw(bytes) => {
            stream.write_all(bytes).await?;
            return std::future::pending().await;
        }
        _ => stream.write_all(head(reply).as_bytes()).await?,
    }
    match &reply.body {
        Body::Empty | Body::Silence | Body::Raw(_) => Ok(()),
        Body::Whole(body) | Body::Bare(body) => put(stream, body, log).await,
        Body::Chunked(body) => {
            chunk(stream, body, log).await?;
            stream.write_all(b"0\r\n\r\n").await
        }
        Body::Endless(body) => loop {
            chunk(stream, body, log).await?;
        },
        Body::Drip(body, rate) => {
            for piece in body.chunks(*rate) {
                put(stream, piece, log).await?;
                // A slow server is what is meant.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        }
    }
}

fn head(reply: &Reply) -> String {
    let has = |wanted: &str| reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    match &reply.body {
        Body::Chunked(_) | Body::Endless(_) => head += "Transfer-Encoding: chunked\r\n",
        Body::Whole(body) | Body::Drip(body, _) if !has("content-length") => {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        Body::Empty if !has("content-length") && ![204, 304].contains(&reply.status) => {
            head += "Content-Length: 0\r\n";
        }
        _ => {}
    }
    head + "\r\n"
}

async fn chunk(stream: &mut TcpStream, body: &[u8], log: &Log) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await?;
    put(stream, body, log).await?;
    stream.write_all(b"\r\n").await
}

async fn put(stream: &mut TcpStream, bytes: &[u8], log: &Log) -> std::io::Result<()> {
    for piece in bytes.chunks(4096) {
        stream.write_all(piece).await?;
        log.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}
