//! The sandbox in this process tells without a network, through the same door.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

use super::Listener;
use crate::dialect::Webhook;
use crate::upstream::Outlet;

/// The way from the sandbox to the door. The listener reaches the sandbox, so this end does not hold it.
struct Within(Weak<Listener>);

impl Listener {
    /// Where the sandbox in this process tells.
    pub fn outlet(self: &Arc<Self>) -> Arc<dyn Outlet> {
        Arc::new(Within(Arc::downgrade(self)))
    }
}

#[async_trait]
impl Outlet for Within {
    async fn carry(&self, upstream: &str, webhook: Request<Bytes>) -> bool {
        let Some(listener) = self.0.upgrade() else { return false };
        let (parts, body) = webhook.into_parts();
        let path = format!("/webhooks/{upstream}");
        let webhook = Webhook { method: parts.method, path, query: String::new(), headers: parts.headers, body };
        listener.take(upstream, webhook, true).await.is_ok()
    }
}
