//! No provider tells anything here: the store in memory keeps no events.

use async_trait::async_trait;
use sabir::store::{
    CallbackFilter, CallbackState, Callbacks, ClaimedCallback, Clue, Correlated, DecodedWebhook, Doomed, EventFilter,
    Events, HeardEvent, Hearing, InboundFile, InboundFiles, KeptCallback, KeptEvent, KeptWebhook, NewWebhook,
    RawWebhook, SettledCallback, StoreError, StoredMedia, WebhookFilter, Which,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::memory::Memory;

type At = OffsetDateTime;

#[async_trait]
impl Events for Memory {
    async fn keep_webhooks(&self, _: &[NewWebhook]) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn claim_webhooks(&self, _: Uuid, _: At, _: At, _: u32) -> Result<Vec<RawWebhook>, StoreError> {
        Ok(Vec::new())
    }

    async fn keep_events(&self, _: Uuid, _: &[DecodedWebhook]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn reopen_webhooks(
        &self,
        _: &WebhookFilter,
        _: Option<Uuid>,
        _: At,
        _: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        unimplemented!()
    }

    async fn webhooks(&self, _: &WebhookFilter, _: Option<Uuid>, _: u32) -> Result<Vec<KeptWebhook>, StoreError> {
        unimplemented!()
    }

    async fn claim_events(&self, _: Uuid, _: At, _: At, _: u32) -> Result<Vec<HeardEvent>, StoreError> {
        Ok(Vec::new())
    }

    async fn correlate(&self, _: &[Clue]) -> Result<Vec<Option<Correlated>>, StoreError> {
        unimplemented!()
    }

    async fn end_hearing(&self, _: Uuid, _: &[Hearing]) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn next_event_due(&self) -> Result<Option<At>, StoreError> {
        Ok(None)
    }

    async fn events(&self, _: &EventFilter, _: Option<Uuid>, _: u32) -> Result<Vec<KeptEvent>, StoreError> {
        unimplemented!()
    }

    async fn put_alias(&self, _: &str, _: &str, _: &str, _: &str, _: At) -> Result<(), StoreError> {
        Ok(())
    }

    async fn alias(&self, _: &str, _: &str, _: &str) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn forget_events(&self, _: At, _: u32) -> Result<u64, StoreError> {
        unimplemented!()
    }
}

#[async_trait]
impl Callbacks for Memory {
    async fn claim_callbacks(
        &self,
        _: Uuid,
        _: At,
        _: At,
        _: u32,
        _: &[String],
    ) -> Result<Vec<ClaimedCallback>, StoreError> {
        Ok(Vec::new())
    }

    async fn settle_callbacks(&self, _: Uuid, _: &[SettledCallback]) -> Result<u64, StoreError> {
        unimplemented!()
    }

    async fn release_callbacks(&self, _: Uuid, _: &[Uuid], _: At) -> Result<u64, StoreError> {
        unimplemented!()
    }

    async fn next_due_callback(&self, _: &[String]) -> Result<Option<At>, StoreError> {
        Ok(None)
    }

    async fn callback_depth(&self) -> Result<Vec<(CallbackState, u64)>, StoreError> {
        Ok(Vec::new())
    }

    async fn callbacks(&self, _: &CallbackFilter, _: Option<Uuid>, _: u32) -> Result<Vec<KeptCallback>, StoreError> {
        unimplemented!()
    }

    async fn replay_callbacks(&self, _: &Which, _: At, _: u32) -> Result<u64, StoreError> {
        unimplemented!()
    }
}

/// And nobody sends files.
#[async_trait]
impl InboundFiles for Memory {
    async fn name_inbound(&self, _: &InboundFile) -> Result<InboundFile, StoreError> {
        unimplemented!()
    }

    async fn inbound(&self, _: &str, _: &str) -> Result<Option<InboundFile>, StoreError> {
        Ok(None)
    }

    async fn inbound_behind(&self, _: &str) -> Result<Option<InboundFile>, StoreError> {
        Ok(None)
    }

    async fn keep_inbound(&self, _: &StoredMedia) -> Result<bool, StoreError> {
        unimplemented!()
    }

    async fn end_inbound(&self, _: &str, _: At) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn doom_inbound(&self, _: Doomed<'_>, _: u32) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn forget_inbound(&self, _: &[String]) -> Result<(), StoreError> {
        unimplemented!()
    }
}
