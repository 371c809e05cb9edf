//! The sandbox as a taker of files: it reads uploads to their end.

use std::pin::pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header;
use multer::{Field, Multipart};

use super::shelf::{KeptFile, Shelf};
use crate::dialect::media::{filename, mime_type};
use crate::dialect::{MediaCall, UploadForm};
use crate::model::{Fault, FaultKind};
use crate::net::Chunks;

/// Largest file that is taken, in bytes: what the vendors take of documents.
const MAX_BYTES: u64 = 100 * 1024 * 1024;

/// What a file was, and its bytes where there is room for them.
pub type Read = (KeptFile, Option<Bytes>);

/// Reads an upload to its end.
///
/// # Errors
/// Where it is none, is empty or too large, or breaks off.
pub async fn read(asked: Option<Result<MediaCall, Fault>>, chunks: Chunks, shelf: &Shelf) -> Result<Read, Fault> {
    match asked.transpose()? {
        Some(MediaCall::Upload(UploadForm::Bare { mime_type, filename })) => {
            take_in(mime_type, filename, chunks, shelf).await
        }
        Some(MediaCall::Upload(UploadForm::Parts { boundary, file, mime_type })) => {
            read_form(Multipart::new(chunks, boundary), file, mime_type, shelf).await
        }
        _ => Err(Fault::client(FaultKind::NotFound, "the sandbox takes uploads and nothing else here")),
    }
}

/// The parts come in any order.
async fn read_form(mut form: Multipart<'_>, file: &str, type_part: &str, shelf: &Shelf) -> Result<Read, Fault> {
    let (mut kept, mut told) = (None, None);
    while let Some(part) = form.next_field().await.map_err(|_| broken_off())? {
        if part.name() == Some(file) {
            kept = Some(read_part(part, shelf).await?);
        } else if part.name() == Some(type_part) {
            told = Some(part.text().await.map_err(|_| broken_off())?);
        }
    }
    let (kept, bytes) = kept.ok_or_else(|| Fault::missing(file, "give the file as the part of this name"))?;
    Ok((KeptFile { mime_type: mime_type(Some(&kept.mime_type), told.as_deref()), ..kept }, bytes))
}

/// Reads one part of a form.
///
/// # Errors
/// As [`take_in`].
pub async fn read_part(part: Field<'_>, shelf: &Shelf) -> Result<Read, Fault> {
    let own_type = part.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mime_type = own_type.unwrap_or_default().to_owned();
    let filename = filename(part.headers());
    take_in(mime_type, filename, part, shelf).await
}

/// Reads a file to its end.
///
/// # Errors
/// Where it is empty or too large, or breaks off.
pub async fn take_in<E>(
    mime_type: String,
    filename: Option<String>,
    chunks: impl Stream<Item = Result<Bytes, E>>,
    shelf: &Shelf,
) -> Result<Read, Fault> {
    let (mut chunks, mut arrival) = (pin!(chunks), shelf.arrival());
    while let Some(chunk) = chunks.next().await {
        arrival.add(&chunk.map_err(|_| broken_off())?);
        if arrival.size() > MAX_BYTES {
            let detail = format!("the file is larger than {MAX_BYTES} bytes; send a smaller one");
            return Err(Fault::client(FaultKind::BodyTooLarge, detail));
        }
    }
    if arrival.size() == 0 {
        return Err(Fault::client(FaultKind::MalformedBody, "the file is empty; send its bytes"));
    }
    let (size, sha256, bytes) = arrival.end();
    Ok((KeptFile { mime_type, filename, size, sha256 }, bytes))
}

fn broken_off() -> Fault {
    Fault::client(FaultKind::MalformedBody, "the upload broke off or is no form; send it whole")
}
