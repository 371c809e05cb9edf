//! Files on their way: on disk as long as somebody holds them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::fs::File;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

/// How much is read or written at once.
const BUFFER: usize = 64 << 10;

/// How old a file is before nobody can be holding it any more: a killed process left it.
const ABANDONED: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// A folder for files that are on their way.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// One of them. It goes with its last handle.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
}

impl Spool {
    /// The spool in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        sweep(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// An empty file, and the end that it is written at.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub async fn create(&self) -> io::Result<(Arc<SpoolFile>, File)> {
        let path = self.folder.join(Uuid::new_v4().simple().to_string());
        let mut file = File::options().write(true).create_new(true).open(&path).await?;
        file.set_max_buf_size(BUFFER);
        Ok((Arc::new(SpoolFile { path }), file))
    }
}

impl SpoolFile {
    /// Its bytes from the beginning.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn open(&self) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        let file = File::open(&self.path).await?;
        Ok(ReaderStream::with_capacity(file, BUFFER).boxed())
    }

    /// Where it lies, for programs that read it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(error = &error as &dyn std::error::Error, "a fetched file could not be removed");
        }
    }
}

/// Removes what a killed process left. Another process may share the folder, so only what no process can be using goes.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.filter_map(Result::ok) {
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if age().is_some_and(|age| age > ABANDONED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
