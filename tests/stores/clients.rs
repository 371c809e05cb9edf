//! What every back end keeps of clients beside their transactions. Each test gets an empty database of its own.

use std::sync::Arc;

use sabir::secret::KeyHash;
use sabir::store::{Session, Store, StoreError, StoredMedia, UploadKey, UpstreamMedia};
use serde_json::{Value, json};

use crate::backends::Backend;
use crate::fixtures::at;

pub async fn a_session_is_found_by_its_token_until_it_ends(backend: Backend) {
    let store = backend.open().await;
    let token = KeyHash::of("a token");
    assert_eq!(store.session(&token).await.unwrap(), None);

    store.open_session(&token, &session(60)).await.unwrap();
    assert_eq!(store.session(&token).await.unwrap(), Some(session(60)));
    assert_eq!(store.session(&KeyHash::of("another")).await.unwrap(), None);

    assert!(store.end_session(&token).await.unwrap());
    assert!(!store.end_session(&token).await.unwrap());
    assert_eq!(store.session(&token).await.unwrap(), None);
}

pub async fn a_session_that_is_opened_again_is_replaced(backend: Backend) {
    let store = backend.open().await;
    let token = KeyHash::of("a token");
    store.open_session(&token, &session(60)).await.unwrap();
    let later = Session { account: "bank".into(), ..session(120) };
    store.open_session(&token, &later).await.unwrap();
    assert_eq!(store.session(&token).await.unwrap(), Some(later));
}

pub async fn expired_sessions_are_swept(backend: Backend) {
    let store = backend.open().await;
    for seconds in [1, 2, 3] {
        store.open_session(&KeyHash::of(&seconds.to_string()), &session(seconds)).await.unwrap();
    }
    assert_eq!(store.sweep_sessions(at(3)).await.unwrap(), 2);
    assert_eq!(store.sweep_sessions(at(3)).await.unwrap(), 0);
    assert_eq!(store.session(&KeyHash::of("2")).await.unwrap(), None);
    assert_eq!(store.session(&KeyHash::of("3")).await.unwrap(), Some(session(3)));
}

pub async fn a_setting_is_kept_until_it_is_cleared(backend: Backend) {
    let store = backend.open().await;
    assert_eq!(store.setting("shop", "about").await.unwrap(), None);

    store.set("shop", "about", &json!({"text": "Open from nine"})).await.unwrap();
    store.set("shop", "about", &json!({"text": "Open from eight"})).await.unwrap();
    assert_eq!(store.setting("shop", "about").await.unwrap(), Some(json!({"text": "Open from eight"})));

    assert!(store.clear("shop", "about").await.unwrap());
    assert!(!store.clear("shop", "about").await.unwrap());
    assert_eq!(store.setting("shop", "about").await.unwrap(), None);
}

pub async fn settings_are_apart_by_account_and_name(backend: Backend) {
    let store = backend.open().await;
    for (account, name) in [("shop", "about"), ("shop", "profile"), ("bank", "about")] {
        store.set(account, name, &json!([account, name])).await.unwrap();
    }
    store.clear("shop", "about").await.unwrap();
    assert_eq!(store.setting("shop", "profile").await.unwrap(), Some(json!(["shop", "profile"])));
    assert_eq!(store.setting("bank", "about").await.unwrap(), Some(json!(["bank", "about"])));
}

pub async fn any_json_comes_back_as_a_setting(backend: Backend) {
    let store = backend.open().await;
    let values = [
        Value::Null,
        json!(false),
        json!(18_446_744_073_709_551_615_u64),
        json!(0.1),
        json!("a NUL \0, quotes \"', a \\ and 🍋"),
        json!({"z": 1, "a": [{}, null]}),
    ];
    for value in values {
        store.set("shop", "any", &value).await.unwrap();
        let found = store.setting("shop", "any").await.unwrap().unwrap();
        assert_eq!(found.to_string(), value.to_string());
    }
}

pub async fn a_file_is_found_by_its_account_alone(backend: Backend) {
    let store = backend.open().await;
    let media = media("1001");
    store.add_media(&media).await.unwrap();

    assert_eq!(store.media("shop", "1001").await.unwrap(), Some(media));
    assert_eq!(store.media("bank", "1001").await.unwrap(), None);
    assert_eq!(store.media("shop", "1002").await.unwrap(), None);

    assert!(!store.delete_media("bank", "1001").await.unwrap());
    assert!(store.delete_media("shop", "1001").await.unwrap());
    assert!(!store.delete_media("shop", "1001").await.unwrap());
    assert_eq!(store.media("shop", "1001").await.unwrap(), None);
}

pub async fn a_file_comes_back_with_any_name_and_size(backend: Backend) {
    let store = backend.open().await;
    let names = [None, Some(""), Some("Menü 🍋.pdf"), Some("../a/b\\c\"d'.pdf")];
    for (number, name) in names.into_iter().enumerate() {
        let media =
            StoredMedia { filename: name.map(str::to_owned), size: 5_000_000_000, ..media(&number.to_string()) };
        store.add_media(&media).await.unwrap();
        assert_eq!(store.media("shop", &media.id).await.unwrap(), Some(media));
    }
    let nul = StoredMedia { filename: Some("a\0b".into()), ..media("9") };
    store.add_media(&nul).await.unwrap();
    assert_eq!(store.media("shop", "9").await.unwrap().unwrap().filename.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(store.media("shop", "9\0").await.unwrap(), None);
}

pub async fn an_id_of_a_file_is_given_once(backend: Backend) {
    let store = backend.open().await;
    store.add_media(&media("1001")).await.unwrap();
    let other = StoredMedia { account: "bank".into(), ..media("1001") };
    let refused = store.add_media(&other).await;
    assert!(matches!(refused, Err(StoreError::Defect(_))), "{refused:?}");
    assert_eq!(store.media("bank", "1001").await.unwrap(), None);
}

pub async fn an_upstreams_id_is_remembered_until_it_is_forgotten(backend: Backend) {
    let store = backend.open().await;
    assert_eq!(store.upstream_media(&upload()).await.unwrap(), None);

    store.remember_upstream_media(&upload(), &given("77", 60)).await.unwrap();
    store.remember_upstream_media(&upload(), &given("78", 90)).await.unwrap();
    assert_eq!(store.upstream_media(&upload()).await.unwrap(), Some(given("78", 90)));

    assert!(!store.forget_upstream_media(&upload(), "77").await.unwrap(), "another was given since");
    assert_eq!(store.upstream_media(&upload()).await.unwrap(), Some(given("78", 90)));
    assert!(store.forget_upstream_media(&upload(), "78").await.unwrap());
    assert!(!store.forget_upstream_media(&upload(), "78").await.unwrap());
    assert_eq!(store.upstream_media(&upload()).await.unwrap(), None);
}

pub async fn an_upstreams_id_holds_for_its_whole_key(backend: Backend) {
    let store = backend.open().await;
    store.remember_upstream_media(&upload(), &given("77", 60)).await.unwrap();
    let others = [
        UploadKey { upstream: "spare".into(), ..upload() },
        UploadKey { sender: String::new(), ..upload() },
        UploadKey { sha256: "00".repeat(32), ..upload() },
        UploadKey { mime_type: "image/png".into(), ..upload() },
    ];
    for other in others {
        assert_eq!(store.upstream_media(&other).await.unwrap(), None, "{other:?}");
        assert!(!store.forget_upstream_media(&other, "77").await.unwrap());
        store.remember_upstream_media(&other, &given("79", 60)).await.unwrap();
    }
    assert_eq!(store.upstream_media(&upload()).await.unwrap(), Some(given("77", 60)));
}

pub async fn expired_ids_of_upstreams_are_swept(backend: Backend) {
    let store = backend.open().await;
    let other = UploadKey { upstream: "spare".into(), ..upload() };
    store.remember_upstream_media(&upload(), &given("77", 1)).await.unwrap();
    store.remember_upstream_media(&other, &given("78", 2)).await.unwrap();
    assert_eq!(store.sweep_upstream_media(at(2)).await.unwrap(), 1);
    assert_eq!(store.upstream_media(&upload()).await.unwrap(), None);
    assert_eq!(store.upstream_media(&other).await.unwrap(), Some(given("78", 2)));
}

pub async fn what_clients_left_is_there_when_the_store_is_back(mut backend: Backend) {
    let store = backend.open().await;
    store.set("shop", "about", &json!("before")).await.unwrap();

    backend.take_away().await;
    let refused = store.set("shop", "about", &json!("meanwhile")).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    backend.give_back().await;

    assert_eq!(about(&store).await, json!("before"));
    store.set("shop", "about", &json!("after")).await.unwrap();
    store.close().await;
    assert_eq!(about(&backend.open().await).await, json!("after"));
}

async fn about(store: &Arc<dyn Store>) -> Value {
    store.setting("shop", "about").await.unwrap().unwrap()
}

fn session(seconds: i64) -> Session {
    Session { account: "shop".into(), binding: Some(KeyHash::of("a key")), expires_at: at(seconds) }
}

fn media(id: &str) -> StoredMedia {
    StoredMedia {
        id: id.into(),
        account: "shop".into(),
        mime_type: "application/pdf".into(),
        filename: Some("menu.pdf".into()),
        size: 1,
        sha256: "ab".repeat(32),
        created_at: at(0),
    }
}

fn upload() -> UploadKey {
    UploadKey {
        upstream: "main".into(),
        sender: "442079460000".into(),
        sha256: "ab".repeat(32),
        mime_type: "image/jpeg".into(),
    }
}

fn given(media_id: &str, seconds: i64) -> UpstreamMedia {
    UpstreamMedia { media_id: media_id.into(), expires_at: at(seconds) }
}
