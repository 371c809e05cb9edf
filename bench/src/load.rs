//! The load: requests over HTTP/1.1 connections that are kept open.
//!
//! *Saturating* is a closed loop: each connection sends as soon as it was answered. *Pacing* is an open one: requests are
//! due at fixed moments whatever became of those before, and latency counts from when a request was due. So a server
//! that stands still for a second pays for every request of that second, not for one on each connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::message::Body;

/// One for each core of the machine that the figures are for; a single one could not saturate nginx.
const THREADS: usize = 2;

/// How long requests that are under way at the end of a round may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest latency that is told from longer ones, in microseconds.
const LONGEST: u64 = 60_000_000;

/// Each message has a recipient of its own, as far as the numbers go.
static SENT: AtomicU64 = AtomicU64::new(0);

/// Where requests go and what they say.
#[derive(Clone)]
pub struct Target {
    /// The server.
    pub address: SocketAddr,
    /// The path of the dialect's sends.
    pub path: String,
    /// The account's key.
    pub key: String,
    /// What is sent.
    pub body: Body,
}

/// How requests come.
#[derive(Clone, Copy)]
pub enum Load {
    /// On so many connections, as fast as they are answered.
    Saturate(usize),
    /// So many a second, whatever becomes of them.
    Pace(u32),
}

/// What became of them.
pub struct Tally {
    /// Answers with a status of success.
    pub answers: u64,
    /// Other answers, and calls that failed.
    pub errors: u64,
    /// What the first of them said.
    pub first_error: Option<String>,
    /// Latencies in microseconds, of successes and failures alike.
    pub latency: Histogram<u64>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// The transactions that the answers name.
    pub transactions: Vec<String>,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Result<Self> {
        let latency = Histogram::new_with_bounds(1, LONGEST, 3).map_err(|error| anyhow!("{error:?}"))?;
        let (elapsed, transactions) = (Duration::ZERO, Vec::new());
        Ok(Self { answers: 0, errors: 0, first_error: None, latency, elapsed, transactions })
    }

    fn add(&mut self, other: Self) -> Result<()> {
        self.answers += other.answers;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.latency.add(other.latency).map_err(|error| anyhow!("{error:?}"))?;
        self.elapsed = self.elapsed.max(other.elapsed);
        self.transactions.extend(other.transactions);
        Ok(())
    }

    /// One more.
    pub fn count(&mut self, outcome: Result<Option<String>>, latency: Duration) {
        self.latency.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LONGEST).max(1));
        match outcome {
            Ok(transaction) => {
                self.answers += 1;
                self.transactions.extend(transaction);
            }
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }

    /// Answers in a second.
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// A quantile of the latencies, in milliseconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }
}

impl Load {
    /// Sends for as long as it is told to, then waits for what is under way.
    pub fn run(self, target: &Target, time: Duration) -> Result<Tally> {
        match self {
            Self::Saturate(connections) => saturate(target, connections, time),
            Self::Pace(rate) => pace(target, rate, time),
        }
    }
}

fn saturate(target: &Target, connections: usize, time: Duration) -> Result<Tally> {
    let threads = THREADS.min(connections);
    let run = |_| {
        let target = target.clone();
        thread::spawn(move || runtime()?.block_on(closed_loop(&target, connections / threads, time)))
    };
    let threads: Vec<_> = (0..threads).map(run).collect();
    let mut sum = Tally::new()?;
    for thread in threads {
        sum.add(thread.join().map_err(|_| anyhow!("a thread of the load ended early"))??)?;
    }
    Ok(sum)
}

async fn closed_loop(target: &Target, connections: usize, time: Duration) -> Result<Tally> {
    let (started, mut loops) = (Instant::now(), JoinSet::new());
    for _ in 0..connections {
        let mut client = Client::new(target.clone()).await?;
        loops.spawn(async move {
            let mut tally = Tally::new()?;
            while started.elapsed() < time {
                let begun = Instant::now();
                let outcome = client.call().await;
                tally.count(outcome.map(|(transaction, _)| transaction), begun.elapsed());
            }
            tally.elapsed = started.elapsed();
            anyhow::Ok(tally)
        });
    }
    sum(loops).await
}

/// Connections that requests may take at a fixed rate; one that is due never waits for a free one but at overload.
pub const PACED_CONNECTIONS: usize = 128;

fn pace(target: &Target, rate: u32, time: Duration) -> Result<Tally> {
    let (nobody, _) = mpsc::unbounded_channel();
    pace_and(target, rate, time, nobody)
}

/// The same, and somebody gets what was answered.
pub fn pace_and(target: &Target, rate: u32, time: Duration, answers: mpsc::UnboundedSender<Bytes>) -> Result<Tally> {
    let (due, requests) = mpsc::unbounded_channel();
    let target = target.clone();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let load = thread::spawn(move || runtime()?.block_on(open_loop(&target, requests, &ready, answers)));
    if is_ready.recv().is_ok() {
        beat(&due, rate, time);
    }
    drop(due);
    load.join().map_err(|_| anyhow!("the thread of the load ended early"))?
}

/// Says when each request is due, at that moment. On a thread of its own, whose sleep is exact to some 50 µs where the
/// runtime's is to a millisecond.
fn beat(due: &mpsc::UnboundedSender<Instant>, rate: u32, time: Duration) {
    let started = Instant::now();
    let interval = Duration::from_secs(1) / rate;
    let mut next = started;
    while next.duration_since(started) < time && due.send(next).is_ok() {
        next += interval;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

async fn open_loop(
    target: &Target,
    requests: mpsc::UnboundedReceiver<Instant>,
    ready: &std::sync::mpsc::Sender<()>,
    answers: mpsc::UnboundedSender<Bytes>,
) -> Result<Tally> {
    let requests = Arc::new(Mutex::new(requests));
    let (started, mut loops) = (Instant::now(), JoinSet::new());
    for _ in 0..PACED_CONNECTIONS {
        let (mut client, requests) = (Client::new(target.clone()).await?, Arc::clone(&requests));
        let answers = answers.clone();
        loops.spawn(async move {
            let mut tally = Tally::new()?;
            while let Some(due) = next(&requests).await {
                let outcome = client.call().await;
                let latency = due.elapsed();
                let outcome = outcome.map(|(transaction, body)| {
                    // Mostly nobody wants it.
                    let _ = answers.send(body);
                    transaction
                });
                tally.count(outcome, latency);
            }
            tally.elapsed = started.elapsed();
            anyhow::Ok(tally)
        });
    }
    drop(answers);
    // Nobody waits for it after an error of its own.
    let _ = ready.send(());
    sum(loops).await
}

async fn next(requests: &Mutex<mpsc::UnboundedReceiver<Instant>>) -> Option<Instant> {
    requests.lock().await.recv().await
}

/// All of them together.
pub async fn sum(mut loops: JoinSet<Result<Tally>>) -> Result<Tally> {
    let mut sum = Tally::new()?;
    while let Some(tally) = loops.join_next().await {
        sum.add(tally??)?;
    }
    Ok(sum)
}

/// Where one thread's requests are made.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// What an answer names, and its body.
type Answer = (Option<String>, Bytes);

/// One connection, opened again where the server closes it.
pub struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Opens it.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self { address, sender: connect(address).await? })
    }

    /// Makes a call; the answer's transaction, where it names one, and its body.
    pub async fn call(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        if self.sender.ready().await.is_err() {
            self.sender = connect(self.address).await?;
        }
        let answer = tokio::time::timeout(PATIENCE, self.sender.send_request(request)).await??;
        read(answer).await
    }
}

/// Whoever sends messages over one.
struct Client {
    target: Target,
    uri: Uri,
    host: HeaderValue,
    credential: HeaderValue,
    connection: Connection,
}

impl Client {
    async fn new(target: Target) -> Result<Self> {
        let uri = target.path.parse()?;
        let host = HeaderValue::from_str(&target.address.to_string())?;
        let credential = HeaderValue::from_str(&format!("Bearer {}", target.key))?;
        let connection = Connection::open(target.address).await?;
        Ok(Self { target, uri, host, credential, connection })
    }

    /// Sends one message.
    async fn call(&mut self) -> Result<Answer> {
        let request = self.request()?;
        self.connection.call(request).await
    }

    fn request(&self) -> Result<Request<Full<Bytes>>> {
        let body = self.target.body.to(SENT.fetch_add(1, Ordering::Relaxed));
        let request = Request::post(self.uri.clone())
            .header(header::HOST, self.host.clone())
            .header(header::AUTHORIZATION, self.credential.clone())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request.body(Full::new(body))?)
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("nobody listens on {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn read(answer: Response<Incoming>) -> Result<Answer> {
    let status = answer.status();
    let transaction = answer.headers().get("sabir-transaction-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let body = answer.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        return Err(anyhow!("{status}: {}", String::from_utf8_lossy(&body)));
    }
    Ok((transaction, body))
}
