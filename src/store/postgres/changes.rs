//! Hears of jobs that other gateways left.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

/// The channel that writes notify.
const CHANNEL: &str = "sabir_jobs";

/// How soon a lost connection is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A connection of its own listens, from the first time that somebody asks until the store is closed.
#[derive(Default)]
pub(super) struct Changes {
    /// Keeps one notification for whoever asks next.
    heard: Arc<Notify>,
    listening: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Changes {
    /// Returns when something was heard since it returned last.
    pub async fn next(&self, options: &PgConnectOptions) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| {
            AbortOnDropHandle::new(tokio::spawn(listen(options.clone(), Arc::clone(&self.heard))))
        });
        self.heard.notified().await;
    }

    pub fn stop(&self) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

async fn listen(options: PgConnectOptions, heard: Arc<Notify>) {
    loop {
        if let Err(error) = hear(&options, &heard).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "changes of other gateways are not heard");
        }
        sleep(RETRY_AFTER).await;
    }
}

async fn hear(options: &PgConnectOptions, heard: &Notify) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    // What came before it listened was not heard.
    heard.notify_one();
    while listener.try_recv().await?.is_some() {
        heard.notify_one();
    }
    Ok(())
}
