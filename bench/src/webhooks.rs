//! A provider that tells what becomes of messages while others are being sent: three statuses of each, one in each webhook,
//! signed as Meta signs them. Sends are due at fixed moments, and statuses at fixed times after the answer to their send;
//! latency counts from when something was due.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::load::{self, Connection, PACED_CONNECTIONS, Tally, Target};

/// What is told of each message, and when.
const STEPS: [(&str, Duration); 3] = [
    ("sent", Duration::from_millis(100)),
    ("delivered", Duration::from_millis(200)),
    ("read", Duration::from_millis(300)),
];

/// Where a provider tells.
#[derive(Clone)]
pub struct Hook {
    /// The gateway.
    pub address: SocketAddr,
    /// The path of the upstream.
    pub path: String,
    /// What webhooks are signed with.
    pub secret: String,
}

/// What became of sends and of webhooks.
pub struct Told {
    /// The sends.
    pub sends: Tally,
    /// The webhooks.
    pub webhooks: Tally,
}

/// A webhook that is due.
struct Due {
    at: Instant,
    message_id: Arc<str>,
    step: &'static str,
}

/// Sends at a rate for so long, while everything that was sent is told of.
pub fn tell(target: &Target, hook: &Hook, rate: u32, time: Duration) -> Result<Told> {
    let (sent, ids) = mpsc::unbounded_channel();
    let hook = hook.clone();
    let teller = std::thread::spawn(move || load::runtime()?.block_on(tell_of(hook, ids)));
    let sends = load::pace_and(target, rate, time, sent)?;
    let webhooks = teller.join().map_err(|_| anyhow!("the thread of the provider ended early"))??;
    Ok(Told { sends, webhooks })
}

/// Tells of each message until no more come, and what is due is told.
async fn tell_of(hook: Hook, mut bodies: mpsc::UnboundedReceiver<Bytes>) -> Result<Tally> {
    let (queue, due) = mpsc::unbounded_channel();
    let due = Arc::new(Mutex::new(due));
    let (started, mut loops) = (Instant::now(), JoinSet::new());
    for _ in 0..PACED_CONNECTIONS {
        let (mut connection, hook, due) = (Connection::open(hook.address).await?, hook.clone(), Arc::clone(&due));
        loops.spawn(async move {
            let mut tally = Tally::new()?;
            loop {
                let Some(next) = due.lock().await.recv().await else { break };
                let outcome = connection.call(hook.webhook(&next)?).await;
                tally.count(outcome.map(|_| None), next.at.elapsed());
            }
            tally.elapsed = started.elapsed();
            anyhow::Ok(tally)
        });
    }
    while let Some(body) = bodies.recv().await {
        let Some(message_id) = message_id(&body) else { continue };
        let answered = Instant::now();
        for (step, after) in STEPS {
            let (queue, message_id, at) = (queue.clone(), Arc::clone(&message_id), answered + after);
            tokio::spawn(async move {
                tokio::time::sleep_until(at.into()).await;
                // Nobody takes it after an error of its own.
                let _ = queue.send(Due { at, message_id, step });
            });
        }
    }
    drop(queue);
    load::sum(loops).await
}

fn message_id(body: &Bytes) -> Option<Arc<str>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.pointer("/messages/0/id")?.as_str().map(Into::into)
}

impl Hook {
    fn webhook(&self, due: &Due) -> Result<Request<Full<Bytes>>> {
        let at = time::OffsetDateTime::now_utc().unix_timestamp().to_string();
        // Without the recipient: to tell a number other than it was sent to would have it remembered with each status.
        let status = json!({ "id": &*due.message_id, "status": due.step, "timestamp": at });
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "442079460000", "phone_number_id": "5512000" },
            "statuses": [status],
        });
        let entry = json!({ "id": "883310042217", "changes": [{ "field": "messages", "value": value }] });
        let body = json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())?;
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let request = Request::post(self.path.as_str())
            .header(header::HOST, HeaderValue::from_str(&self.address.to_string())?)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("x-hub-signature-256", signature);
        Ok(request.body(Full::new(Bytes::from(body)))?)
    }
}
