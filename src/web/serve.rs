//! The accept loop: limits that a plain "serve" hides, and a stop that finishes what is under way.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::{Service, ServiceExt};

use super::Config;
use super::crowd::Crowd;
use super::watch::{Activity, Watched};

/// What somebody hears who has as many connections as an address may: in no dialect, since nothing was asked yet.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 39\r\n\r\ntoo many connections from this address\n";

/// The address that a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Serves until `stop` resolves, then finishes the requests under way, for at most the configured grace. Limits may change
/// meanwhile and hold for connections that come then, but for the number of all.
pub async fn serve<S>(listener: TcpListener, service: S, limits: &ArcSwap<Config>, stop: impl Future<Output = ()>)
where
    S: Service<Request<Body>, Response = Response, Error = std::convert::Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.load().max_connections));
    let crowd = Crowd::default();
    let mut stop = std::pin::pin!(stop);
    loop {
        // A place first, so that connections beyond the limit wait in the kernel's queue and cost nothing here.
        let (place, stream, peer) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let config = limits.load_full();
        let one = crowd.join(peer.ip(), config.connections_per_address, &config.trusted_proxies);
        let Some(one) = one else {
            turn_away(stream);
            continue;
        };
        let activity = Activity::default();
        let stream = TokioIo::new(Watched::new(stream, activity.clone()));
        let service = service.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request.map(Body::new)
        });
        let counted = activity.clone();
        let service = service.map_future(move |answer| counted.during(answer));
        let server = connection_builder(config.header_timeout);
        let connection = server.serve_connection(stream, TowerToHyperService::new(service));
        let connection = graceful.watch(connection.into_owned());
        let idle_timeout = config.header_timeout;
        // Not tracked here: `graceful` knows every connection and waits for it.
        tokio::spawn(async move {
            tokio::select! {
                // Clients that hang up or talk nonsense are their own affair.
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(error = %error, "connection ended");
                },
                () = activity.stopped(idle_timeout) => tracing::debug!("connection closed: nothing happens on it"),
            }
            drop((place, one));
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.load().shutdown_grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the grace ended");
    }
}

/// Says so and closes, without waiting for anything: what was just accepted has room for so little, and who does not get it
/// learns as much from the end of the connection. What was asked by now is read, for closing over it would take the answer
/// back.
fn turn_away(stream: TcpStream) {
    let Ok(mut stream) = stream.into_std() else { return };
    let _ = stream.write(TOO_MANY);
    let _ = stream.read(&mut [0; 4096]);
}

fn connection_builder(header_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(100)
        .max_buf_size(64 * 1024);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(64).max_header_list_size(64 * 1024);
    builder
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (Option<tokio::sync::OwnedSemaphorePermit>, TcpStream, SocketAddr) {
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                return (place, stream, peer);
            }
            // Out of file descriptors, most likely: wait for connections to end instead of spinning.
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
