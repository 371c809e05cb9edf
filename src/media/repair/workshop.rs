//! Where files are mended: a few at once, each within limits, so that no picture or film costs what messages need.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use super::{NotMended, Recipe, picture, tool};
use crate::media::check::{Inspection, Inspector};
use crate::media::links::{Spool, SpoolFile};
use crate::model::MediaFormat;

/// The safe limit for pictures, which one that is saved anew is made to keep.
const MAX_PICTURE: u64 = 5_000_000;
/// What is read of a picture at most.
const MAX_READ: usize = 6 << 20;
/// How much is read at once.
const BUFFER: usize = 64 << 10;

/// Limits of repairs.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Files that are mended at once at most; more wait.
    pub repairs: usize,
    /// How long ffmpeg may take over one file.
    #[serde(with = "humantime_serde")]
    pub repair_timeout: Duration,
    /// The program that encodes sound and films, by its path or by a name in `PATH`.
    pub ffmpeg: String,
}

/// A file's bytes, whoever gives them.
pub type Source = BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>;

/// Mends files.
pub struct Workshop {
    config: Config,
    spool: Spool,
    benches: Arc<Semaphore>,
}

/// What came of it: a file like any other.
#[derive(Debug)]
pub struct Mended {
    /// What it is now.
    pub inspection: Arc<Inspection>,
    /// The SHA-256 of its bytes in hexadecimal digits.
    pub sha256: String,
    /// The bytes.
    pub file: Arc<SpoolFile>,
}

impl Workshop {
    /// A workshop that lays its work into the spool.
    pub fn new(config: Config, spool: Spool) -> Self {
        let benches = Arc::new(Semaphore::new(config.repairs.max(1)));
        Self { config, spool, benches }
    }

    /// Mends a file by a recipe.
    ///
    /// # Errors
    /// Where it cannot be mended, with words for the client.
    pub async fn mend(&self, recipe: Recipe, format: MediaFormat, bytes: Source) -> Result<Mended, NotMended> {
        let Ok(_bench) = self.benches.acquire().await else { return Err(NotMended::unavailable()) };
        let file = match recipe {
            Recipe::Picture => self.picture(format, bytes).await?,
            Recipe::Sound(_) | Recipe::Film => self.encoded(recipe, bytes).await?,
        };
        let path = file.path().to_owned();
        let seen = tokio::task::spawn_blocking(move || inspect(&path)).await;
        let (inspection, sha256) = seen.map_err(|_| NotMended::unavailable())?.map_err(unavailable)?;
        Ok(Mended { inspection: Arc::new(inspection), sha256, file })
    }

    async fn picture(&self, format: MediaFormat, bytes: Source) -> Result<Arc<SpoolFile>, NotMended> {
        let whole = gather(bytes).await?;
        let saved = tokio::task::spawn_blocking(move || picture::save_anew(&whole, format, MAX_PICTURE)).await;
        // A decoder that panics says that the picture is none.
        let saved = saved.map_err(|_| NotMended::new("it cannot be decoded"))??;
        let (file, mut written) = self.spool.create().await.map_err(unavailable)?;
        written.write_all(&saved).await.map_err(unavailable)?;
        written.flush().await.map_err(unavailable)?;
        Ok(file)
    }

    async fn encoded(&self, recipe: Recipe, mut bytes: Source) -> Result<Arc<SpoolFile>, NotMended> {
        let (input, mut written) = self.spool.create().await.map_err(unavailable)?;
        while let Some(chunk) = bytes.try_next().await.map_err(|_| NotMended::unavailable())? {
            written.write_all(&chunk).await.map_err(unavailable)?;
        }
        written.flush().await.map_err(unavailable)?;
        let (output, _) = self.spool.create().await.map_err(unavailable)?;
        tool::encode(&self.config, recipe, input.path(), output.path()).await?;
        Ok(output)
    }
}

/// A picture is decoded from memory; its size was checked before.
async fn gather(mut bytes: Source) -> Result<Bytes, NotMended> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = bytes.try_next().await.map_err(|_| NotMended::unavailable())? {
        if whole.len() + chunk.len() > MAX_READ {
            return Err(NotMended::new("it is too large to be converted"));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

fn inspect(path: &Path) -> std::io::Result<(Inspection, String)> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; BUFFER]);
    let (mut inspector, mut hash) = (Inspector::new(), Sha256::new());
    loop {
        let read = file.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok((inspector.finish(), hex::encode(hash.finalize())));
        }
        inspector.push(bytes);
        hash.update(bytes);
    }
}

fn unavailable(error: std::io::Error) -> NotMended {
    tracing::error!(error = &error as &dyn std::error::Error, "a file could not be mended");
    NotMended::unavailable()
}
