//! The sandbox as a keeper of files: it reads uploads to their end and remembers what they were, not their bytes.

use std::pin::pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header;
use multer::{Field, Multipart};
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::dialect::media::{filename, mime_type};
use crate::dialect::{MediaCall, UploadForm};
use crate::model::{Fault, FaultKind};
use crate::net::Chunks;

/// Largest file that is taken, in bytes: what the vendors take of documents.
const MAX_BYTES: u64 = 100 * 1024 * 1024;

/// A file that the sandbox took.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// The id that it gave.
    pub id: String,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// In which dialect.
    pub dialect: &'static str,
    /// What it was.
    #[serde(flatten)]
    pub file: KeptFile,
}

/// What a file was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptFile {
    /// Its type.
    pub mime_type: String,
    /// Its name, where one was given.
    pub filename: Option<String>,
    /// How many bytes it had.
    pub size: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// Reads an upload to its end.
pub async fn read(asked: Option<Result<MediaCall, Fault>>, chunks: Chunks) -> Result<KeptFile, Fault> {
    match asked.transpose()? {
        Some(MediaCall::Upload(UploadForm::Bare { mime_type, filename })) => {
            let (size, sha256) = digest(chunks).await?;
            Ok(KeptFile { mime_type, filename, size, sha256 })
        }
        Some(MediaCall::Upload(UploadForm::Parts { boundary, file, mime_type })) => {
            read_form(Multipart::new(chunks, boundary), file, mime_type).await
        }
        _ => Err(Fault::client(FaultKind::NotFound, "the sandbox takes uploads and nothing else here")),
    }
}

/// The parts come in any order.
async fn read_form(mut form: Multipart<'_>, file: &str, type_part: &str) -> Result<KeptFile, Fault> {
    let (mut kept, mut told) = (None, None);
    while let Some(part) = form.next_field().await.map_err(|_| broken_off())? {
        if part.name() == Some(file) {
            kept = Some(read_part(part).await?);
        } else if part.name() == Some(type_part) {
            told = Some(part.text().await.map_err(|_| broken_off())?);
        }
    }
    let kept = kept.ok_or_else(|| Fault::missing(file, "give the file as the part of this name"))?;
    Ok(KeptFile { mime_type: mime_type(Some(&kept.mime_type), told.as_deref()), ..kept })
}

async fn read_part(part: Field<'_>) -> Result<KeptFile, Fault> {
    let own_type = part.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mime_type = own_type.unwrap_or_default().to_owned();
    let filename = filename(part.headers());
    let (size, sha256) = digest(part).await?;
    Ok(KeptFile { mime_type, filename, size, sha256 })
}

async fn digest<E>(chunks: impl Stream<Item = Result<Bytes, E>>) -> Result<(u64, String), Fault> {
    let mut chunks = pin!(chunks);
    let (mut size, mut hash) = (0, Sha256::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| broken_off())?;
        size += chunk.len() as u64;
        if size > MAX_BYTES {
            let detail = format!("the file is larger than {MAX_BYTES} bytes; send a smaller one");
            return Err(Fault::client(FaultKind::BodyTooLarge, detail));
        }
        hash.update(&chunk);
    }
    if size == 0 {
        return Err(Fault::client(FaultKind::MalformedBody, "the file is empty; send its bytes"));
    }
    Ok((size, hex::encode(hash.finalize())))
}

fn broken_off() -> Fault {
    Fault::client(FaultKind::MalformedBody, "the upload broke off or is no form; send it whole")
}
