//! What every back end keeps of files that people sent.

use sabir::store::{Doomed, InboundFile, Store, StoredMedia};
use uuid::Uuid;

use crate::backends::Backend;
use crate::fixtures::at;

pub fn file(id: &str, account: &str, event: u128) -> InboundFile {
    InboundFile {
        id: id.into(),
        account: account.into(),
        event: Uuid::from_u128(event),
        token: format!("token-{id}"),
        dialect: "cloud".into(),
        upstream: "main".into(),
        source_id: Some("4410".into()),
        link: None,
        mime_type: Some("image/png".into()),
        filename: None,
        person: Some("447700900123".into()),
        received_at: at(0),
        gone_at: Some(at(60)),
    }
}

fn media(id: &str, size: u64) -> StoredMedia {
    StoredMedia {
        id: id.into(),
        account: "shop".into(),
        mime_type: "image/png".into(),
        filename: None,
        size,
        sha256: "9f86".into(),
        created_at: at(1),
    }
}

async fn doomed(store: &dyn Store, which: Doomed<'_>) -> Vec<String> {
    let mut doomed = store.doom_inbound(which, 9).await.unwrap();
    doomed.sort();
    doomed
}

pub async fn an_account_knows_a_file_by_one_id_however_often_it_is_told(backend: Backend) {
    let store = backend.open().await;
    let first = file("1001", "shop", 1);
    assert_eq!(store.name_inbound(&first).await.unwrap(), first);
    assert_eq!(store.name_inbound(&file("1002", "shop", 1)).await.unwrap(), first);
    let others = file("1003", "bank", 1);
    assert_eq!(store.name_inbound(&others).await.unwrap(), others);
    assert_eq!(store.inbound("shop", "1001").await.unwrap(), Some(first.clone()));
    assert_eq!(store.inbound("bank", "1001").await.unwrap(), None);
    assert_eq!(store.inbound_behind("token-1001").await.unwrap(), Some(first));
    assert_eq!(store.inbound_behind("token-1002").await.unwrap(), None);
}

pub async fn a_file_that_came_is_one_of_the_accounts(backend: Backend) {
    let store = backend.open().await;
    store.name_inbound(&file("1001", "shop", 1)).await.unwrap();
    assert!(store.keep_inbound(&media("1001", 5)).await.unwrap());
    assert!(store.keep_inbound(&media("1001", 6)).await.unwrap(), "as when its bytes were lost");
    assert_eq!(store.media("shop", "1001").await.unwrap(), Some(media("1001", 6)));
    assert!(!store.keep_inbound(&media("1002", 5)).await.unwrap(), "nobody was told of it");
    store.end_inbound("1001", at(5)).await.unwrap();
    assert_eq!(store.inbound("shop", "1001").await.unwrap().unwrap().gone_at, Some(at(5)));
}

pub async fn what_is_doomed_is_found_by_nobody_and_then_gone(backend: Backend) {
    let store = backend.open().await;
    store.name_inbound(&file("1001", "shop", 1)).await.unwrap();
    store.keep_inbound(&media("1001", 5)).await.unwrap();
    store.name_inbound(&InboundFile { received_at: at(50), ..file("1002", "shop", 2) }).await.unwrap();
    store.name_inbound(&InboundFile { received_at: at(50), person: None, ..file("1003", "shop", 3) }).await.unwrap();
    assert_eq!(doomed(&*store, Doomed::Before(at(50))).await, ["1001"]);
    assert_eq!(store.inbound("shop", "1001").await.unwrap(), None);
    assert!(!store.keep_inbound(&media("1001", 5)).await.unwrap(), "what came late is not kept");
    // Whoever doomed it broke off: the next one has it again.
    assert_eq!(doomed(&*store, Doomed::Before(at(0))).await, ["1001"]);
    store.forget_inbound(&["1001".into(), "1002".into()]).await.unwrap();
    assert_eq!(store.media("shop", "1001").await.unwrap(), None);
    assert_eq!(doomed(&*store, Doomed::Before(at(0))).await, Vec::<String>::new());
    assert!(store.inbound("shop", "1002").await.unwrap().is_some(), "only what is doomed is forgotten");
    assert_eq!(doomed(&*store, Doomed::Of("447700900123")).await, ["1002"]);
    let one = Doomed::One { account: "bank", id: "1003" };
    assert_eq!(doomed(&*store, one).await, Vec::<String>::new());
    let one = Doomed::One { account: "shop", id: "1003" };
    assert_eq!(doomed(&*store, one).await, ["1003"]);
}
