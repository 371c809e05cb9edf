//! Group commit for webhooks: those that come at once share one.
//!
//! A single task writes, as in the [`super::Ledger`]: while it commits a batch the next one gathers. Apart from the ledger,
//! so that a burst of webhooks never stands in front of a send.

use std::error::Error;
use std::slice;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Events, NewWebhook, StoreError};

/// Webhooks that wait for their commit; more are refused at once, and the provider sends them again.
const WAITING: usize = 4096;

/// Webhooks in one commit at most.
const BATCH: usize = 256;

type Kept = Result<(), StoreError>;
type Entry = (NewWebhook, oneshot::Sender<Kept>);

/// The way to the store for webhooks. Clones share the task behind it, which ends when all are gone and all is committed.
#[derive(Clone)]
pub struct Intake {
    queue: mpsc::Sender<Entry>,
}

impl Intake {
    /// Starts the task that writes.
    pub fn start(store: Arc<dyn Events>) -> Self {
        let (queue, entries) = mpsc::channel(WAITING);
        tokio::spawn(write(store, entries));
        Self { queue }
    }

    /// Keeps a webhook and returns when that is durable.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once where too many wait, [`StoreError::Unreachable`] within about a second while the
    /// store is away.
    pub async fn keep(&self, webhook: NewWebhook) -> Kept {
        let (sender, kept) = oneshot::channel();
        self.queue.try_send((webhook, sender)).map_err(|_| StoreError::Overloaded)?;
        kept.await.unwrap_or_else(|error| Err(StoreError::unreachable(error)))
    }
}

async fn write(store: Arc<dyn Events>, mut entries: mpsc::Receiver<Entry>) {
    let mut batch = Vec::with_capacity(BATCH);
    while entries.recv_many(&mut batch, BATCH).await > 0 {
        let (webhooks, waiters): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        match store.keep_webhooks(&webhooks).await {
            Err(StoreError::Defect(_)) => keep_each(&*store, &webhooks, waiters).await,
            kept => waiters.into_iter().for_each(|waiter| tell(waiter, kept.clone())),
        }
    }
}

/// One webhook spoils its batch; alone it spoils nothing but itself.
async fn keep_each(store: &dyn Events, webhooks: &[NewWebhook], waiters: Vec<oneshot::Sender<Kept>>) {
    for (webhook, waiter) in webhooks.iter().zip(waiters) {
        let kept = store.keep_webhooks(slice::from_ref(webhook)).await;
        if let Err(error @ StoreError::Defect(_)) = &kept {
            tracing::error!(upstream.name = webhook.upstream, error = error as &dyn Error, "a webhook is refused");
        }
        tell(waiter, kept);
    }
}

/// The provider may have hung up.
fn tell(waiter: oneshot::Sender<Kept>, kept: Kept) {
    let _ = waiter.send(kept);
}
