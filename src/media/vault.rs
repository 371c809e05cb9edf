//! Where files lie: a folder now, anything that the object store library speaks later.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};

/// Written at once; with one more part in flight this is what an upload takes of memory, however large the file.
const PART_BYTES: usize = 1024 * 1024;

/// How old half a file is before nobody can be writing it any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A file's bytes, as they are read.
pub type Bytestream = BoxStream<'static, Result<Bytes, VaultError>>;

/// The error underneath, for the log.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Keeps files by id. Clones share one folder.
#[derive(Clone, Debug)]
pub struct Vault {
    store: Arc<dyn ObjectStore>,
}

/// What became known of a file while it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes in hexadecimal digits.
    pub sha256: String,
}

/// Why a file was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// It has more bytes than are allowed.
    #[error("the file is larger than {max_bytes} bytes")]
    TooLarge {
        /// How many are.
        max_bytes: u64,
    },
    /// The bytes stopped coming before the end.
    #[error("the file broke off")]
    Broken(#[source] Cause),
    /// The folder cannot be written or read.
    #[error("the vault cannot be used")]
    Unavailable(#[source] Cause),
}

impl Vault {
    /// The vault in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`] where it cannot be made.
    pub fn open(dir: &Path) -> Result<Self, VaultError> {
        let unavailable = |error: std::io::Error| VaultError::Unavailable(error.into());
        std::fs::create_dir_all(dir).map_err(unavailable)?;
        sweep(dir).map_err(unavailable)?;
        // Synced before an upload is answered: what a client was given an id for outlives a power cut.
        let store = LocalFileSystem::new_with_prefix(dir)?.with_fsync(true);
        Ok(Self { store: Arc::new(store) })
    }

    /// Writes a file while its bytes arrive. It is there whole or not at all: whatever ends the stream early, also the
    /// caller's going away, leaves nothing.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`] as soon as one byte too many came, [`VaultError::Broken`] with the stream's own error.
    pub async fn put<S, E>(&self, id: &str, bytes: S, max_bytes: u64) -> Result<Stored, VaultError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: Into<Cause>,
    {
        let upload = self.store.put_multipart(&key(id)).await?;
        let mut file = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        match write(&mut file, bytes, max_bytes).await {
            Ok(stored) => file.finish().await.map(|_| stored).map_err(VaultError::from),
            Err(error) => {
                if let Err(error) = file.abort().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "half a file could not be removed");
                }
                Err(error)
            }
        }
    }

    /// A file's length and its bytes; `None` where no file has the id.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`]
    pub async fn get(&self, id: &str) -> Result<Option<(u64, Bytestream)>, VaultError> {
        match self.store.get(&key(id)).await {
            Ok(file) => Ok(Some((file.meta.size, file.into_stream().map_err(VaultError::from).boxed()))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file; says whether there was one.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`]
    pub async fn delete(&self, id: &str) -> Result<bool, VaultError> {
        match self.store.delete(&key(id)).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Removes what a killed process left of files. The library marks those by `#`; another process may share the folder and
/// be writing, so only old ones go.
fn sweep(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)?.filter_map(Result::ok) {
        let is_half = entry.file_name().to_string_lossy().contains('#');
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_half && age().is_some_and(|age| age > ABANDONED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Copies the stream into the file, counts and hashes.
async fn write<S, E>(file: &mut WriteMultipart, bytes: S, max_bytes: u64) -> Result<Stored, VaultError>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Cause>,
{
    let mut bytes = pin!(bytes);
    let (mut size, mut hash) = (0, Sha256::new());
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|error| VaultError::Broken(error.into()))?;
        size += chunk.len() as u64;
        if size > max_bytes {
            return Err(VaultError::TooLarge { max_bytes });
        }
        hash.update(&chunk);
        // A disk that is slower than the client slows the client down.
        file.wait_for_capacity(1).await?;
        file.write(&chunk);
    }
    Ok(Stored { size, sha256: hex::encode(hash.finalize()) })
}

/// One segment, whatever the id: characters that mean something in a path are escaped.
fn key(id: &str) -> Key {
    Key::from_iter([id])
}

impl From<object_store::Error> for VaultError {
    fn from(error: object_store::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tempfile::TempDir;

    use super::*;

    /// The SHA-256 of nothing.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    type Chunk = Result<Bytes, std::io::Error>;

    fn chunks(chunks: &'static [&'static str]) -> impl Stream<Item = Chunk> {
        stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))))
    }

    fn breaking_off(after: &'static str) -> impl Stream<Item = Chunk> {
        chunks(&[]).chain(stream::iter([Ok(Bytes::from(after)), Err(std::io::ErrorKind::BrokenPipe.into())]))
    }

    async fn read(vault: &Vault, id: &str) -> Option<(u64, Vec<u8>)> {
        let (size, bytes) = vault.get(id).await.unwrap()?;
        let bytes: Vec<Bytes> = bytes.try_collect().await.unwrap();
        Some((size, bytes.concat()))
    }

    fn files_in(folder: &TempDir) -> usize {
        std::fs::read_dir(folder.path()).unwrap().count()
    }

    fn vault() -> (Vault, TempDir) {
        let folder = TempDir::new().unwrap();
        (Vault::open(&folder.path().join("media")).unwrap(), folder)
    }

    #[tokio::test]
    async fn a_file_comes_back_until_it_is_deleted() {
        let (vault, _folder) = vault();
        let stored = vault.put("4410", chunks(&["Hello ", "", "bay"]), 9).await.unwrap();
        let sha256 = hex::encode(Sha256::digest("Hello bay"));
        assert_eq!(stored, Stored { size: 9, sha256 });
        assert_eq!(read(&vault, "4410").await, Some((9, b"Hello bay".to_vec())));
        assert!(vault.delete("4410").await.unwrap());
        assert!(!vault.delete("4410").await.unwrap());
        assert_eq!(read(&vault, "4410").await, None);
    }

    #[tokio::test]
    async fn a_file_of_many_parts_comes_back_equal() {
        let (vault, _folder) = vault();
        let part = |at: u32| Bytes::from_iter((0..70_000).map(|n: u32| (n.wrapping_mul(at) >> 3) as u8));
        let parts: Vec<Bytes> = (1..60).map(part).collect();
        let all = parts.concat();
        let stored = vault.put("1", stream::iter(parts.into_iter().map(Chunk::Ok)), u64::MAX).await.unwrap();
        assert_eq!((stored.size, stored.sha256), (all.len() as u64, hex::encode(Sha256::digest(&all))));
        assert!(read(&vault, "1").await.unwrap().1 == all);
    }

    #[tokio::test]
    async fn no_bytes_are_a_file_too() {
        let (vault, _folder) = vault();
        let stored = vault.put("1", chunks(&[]), 10).await.unwrap();
        assert_eq!((stored.size, stored.sha256.as_str()), (0, EMPTY));
        assert_eq!(read(&vault, "1").await, Some((0, Vec::new())));
    }

    #[tokio::test]
    async fn what_is_too_large_or_breaks_off_leaves_nothing() {
        let folder = TempDir::new().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let large = vault.put("1", chunks(&["12345", "67890", "1"]), 10).await;
        assert!(matches!(large, Err(VaultError::TooLarge { max_bytes: 10 })), "{large:?}");
        let broken = vault.put("1", breaking_off("12345"), 10).await;
        assert!(matches!(broken, Err(VaultError::Broken(_))), "{broken:?}");
        assert_eq!(read(&vault, "1").await, None);
        assert_eq!(files_in(&folder), 0);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_leaves_nothing() {
        let folder = TempDir::new().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let endless = chunks(&["12345"]).chain(stream::pending());
        let going_away = tokio::time::timeout(std::time::Duration::from_millis(50), vault.put("1", endless, 10));
        assert!(going_away.await.is_err(), "the stream has no end");
        // The file is removed on another thread.
        while files_in(&folder) > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn halves_that_a_killed_process_left_go_when_they_are_old() {
        let folder = TempDir::new().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        vault.put("1", chunks(&["bay"]), 3).await.unwrap();
        let old = std::time::SystemTime::now() - 2 * ABANDONED;
        for name in ["2#1", "3#1"] {
            std::fs::write(folder.path().join(name), "ba").unwrap();
        }
        for name in ["1", "2#1"] {
            std::fs::File::options().append(true).open(folder.path().join(name)).unwrap().set_modified(old).unwrap();
        }
        Vault::open(folder.path()).unwrap();
        let is_there = |name| folder.path().join(name).exists();
        assert!(is_there("1") && !is_there("2#1") && is_there("3#1"));
    }

    #[tokio::test]
    async fn an_id_is_no_path() {
        let (vault, folder) = vault();
        for id in ["../escaped", "a/b", "..", "%2e%2e", "1#1", "é"] {
            vault.put(id, chunks(&["bay"]), 3).await.unwrap();
            assert_eq!(read(&vault, id).await, Some((3, b"bay".to_vec())), "{id}");
        }
        assert_eq!(files_in(&folder), 1, "nothing beside the vault's own folder");
        assert_eq!(std::fs::read_dir(folder.path().join("media")).unwrap().count(), 6);
    }
}
