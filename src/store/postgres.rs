//! stub
use super::*;
/// x
pub struct Postgres;
impl Postgres {
    pub async fn connect(_c: &Config) -> Result<Self, StoreError> {
        Ok(Postgres)
    }
}
#[async_trait]
impl Store for Postgres {
    async fn migrate(&self) -> Result<(), StoreError> {
        Ok(())
    }
    async fn write(&self, _: &[Write]) -> Result<(), StoreError> {
        Ok(())
    }
    async fn find(&self, _: &str) -> Result<Option<Transaction>, StoreError> {
        Ok(None)
    }
    async fn list(&self, _: &Filter, _: Option<TransactionId>, _: u32) -> Result<Vec<Summary>, StoreError> {
        Ok(vec![])
    }
    async fn give_up_sending(&self, _: OffsetDateTime) -> Result<u64, StoreError> {
        Ok(0)
    }
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
    async fn close(&self) {}
}
