//! Receives a file: bounded, never whole in memory, as a bare body or as a part of a form.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use bytesize::ByteSize;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, header};
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::{Config, body, media};
use crate::dialect::{UploadForm, media as told};
use crate::media::check::{Inspection, Inspector};
use crate::media::{Stored, Vault, VaultError};
use crate::model::{Fault, FaultKind};

/// What a form may have beside its file: other parts, heads, boundaries.
const SLACK: u64 = 256 * 1024;

/// A file in the vault, and what the client said of it.
pub struct Received {
    /// Its length and hash.
    pub stored: Stored,
    /// What its bytes are.
    pub inspection: Inspection,
    /// Its type.
    pub mime_type: String,
    /// Its name, where one was given.
    pub filename: Option<String>,
}

/// Writes the file into the vault while it arrives. Where this fails, bytes may lie there already.
///
/// # Errors
/// When the file is too large or empty, breaks off, or the form cannot be read; when the vault cannot be written.
pub async fn receive(
    vault: &Vault,
    id: &str,
    form: UploadForm,
    headers: &HeaderMap,
    body: &mut Body,
    config: &Config,
) -> Result<Received, Fault> {
    let max_bytes = config.max_upload.as_u64();
    if length(headers).is_some_and(|length| length > max_bytes.saturating_add(SLACK)) {
        return Err(too_large(max_bytes));
    }
    let bytes = body::chunks(body, config.body_timeout);
    let place = Place { vault, id, max_bytes };
    let received = match form {
        UploadForm::Bare { mime_type, filename } => {
            let (stored, inspection) = place.put(bytes).await.map_err(vault_fault)?;
            Received { stored, inspection, mime_type, filename }
        }
        UploadForm::Parts { boundary, file, mime_type } => place.put_part(bytes, boundary, file, mime_type).await?,
    };
    if received.stored.size == 0 {
        return Err(Fault::client(FaultKind::MalformedBody, "the file is empty; send its bytes"));
    }
    Ok(received)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Where a file goes.
struct Place<'a> {
    vault: &'a Vault,
    id: &'a str,
    max_bytes: u64,
}

impl Place<'_> {
    /// Writes the bytes and sees what they are, in one pass.
    async fn put<S, E>(&self, bytes: S) -> Result<(Stored, Inspection), VaultError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut inspector = Inspector::new();
        let seen = bytes.inspect(|piece| piece.iter().for_each(|bytes| inspector.push(bytes)));
        let stored = self.vault.put(self.id, seen, self.max_bytes).await?;
        Ok((stored, inspector.finish()))
    }

    /// The parts come in any order, and what names the type may follow the file.
    async fn put_part(
        &self,
        bytes: impl Stream<Item = Result<Bytes, Fault>> + Send,
        boundary: String,
        file: &str,
        mime_type: &str,
    ) -> Result<Received, Fault> {
        let unread = Unread::default();
        let limits = SizeLimit::new().per_field(SLACK).for_field(file, u64::MAX);
        let limits = limits.whole_stream(self.max_bytes.saturating_add(SLACK));
        let mut parts =
            Multipart::with_constraints(unread.watch(bytes), boundary, Constraints::new().size_limit(limits));
        let (mut received, mut told_type) = (None, None);
        while let Some(part) = parts.next_field().await.map_err(|error| self.form_fault(error))? {
            unread.clear();
            if part.name() == Some(file) && received.is_none() {
                received = Some(self.put_field(part, &unread).await?);
            } else if part.name() == Some(mime_type) {
                told_type = Some(part.text().await.map_err(|error| self.form_fault(error))?);
            } else {
                skip(part, &unread).await.map_err(|error| self.form_fault(error))?;
            }
        }
        let Some((stored, inspection, own_type, filename)) = received else {
            return Err(Fault::missing(file, "give the file as the part of this name"));
        };
        let mime_type = told::mime_type(own_type.as_deref(), told_type.as_deref());
        Ok(Received { stored, inspection, mime_type, filename })
    }

    async fn put_field(
        &self,
        part: Field<'_>,
        unread: &Unread,
    ) -> Result<(Stored, Inspection, Option<String>, Option<String>), Fault> {
        let own_type =
            part.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let filename = told::filename(part.headers());
        let bytes = part.inspect(|_| unread.clear());
        let (stored, inspection) = self.put(bytes).await.map_err(|error| self.part_fault(error))?;
        Ok((stored, inspection, own_type, filename))
    }

    /// What ends the form ends the file in it.
    fn part_fault(&self, error: VaultError) -> Fault {
        match error {
            VaultError::Broken(cause) => match cause.downcast::<multer::Error>() {
                Ok(error) => self.form_fault(*error),
                Err(cause) => vault_fault(VaultError::Broken(cause)),
            },
            error => vault_fault(error),
        }
    }

    /// In our own words: the library's repeat what it found.
    fn form_fault(&self, error: multer::Error) -> Fault {
        use multer::Error::*;
        match error {
            StreamReadFailed(cause) => match cause.downcast::<Fault>() {
                Ok(fault) => *fault,
                Err(_) => broken_off(),
            },
            StreamSizeExceeded { .. } | FieldSizeExceeded { .. } => too_large(self.max_bytes),
            IncompleteFieldData { .. } | IncompleteHeaders | IncompleteStream => broken_off(),
            _ => Fault::client(FaultKind::MalformedBody, "the form cannot be read; each part begins with a boundary"),
        }
    }
}

async fn skip(mut part: Field<'_>, unread: &Unread) -> multer::Result<()> {
    while part.chunk().await?.is_some() {
        unread.clear();
    }
    Ok(())
}

/// Counts what the form's reader took without making anything of it: it gathers all that precedes a boundary or the end
/// of a part's head, which an upload with neither would make a whole file in memory.
#[derive(Clone, Default)]
struct Unread(Arc<AtomicUsize>);

impl Unread {
    /// The most that is gathered.
    const MAX: usize = 1024 * 1024;

    fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn watch(
        &self,
        bytes: impl Stream<Item = Result<Bytes, Fault>> + Send,
    ) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
        let unread = self.clone();
        let turns = stream::unfold(Box::pin(bytes), |mut bytes| async move {
            // The reader takes pieces as long as there are any, and takes a form for broken off whose end comes in the
            // same turn as its beginning. So each piece, and the end, has a turn of its own.
            tokio::task::yield_now().await;
            bytes.next().await.map(|piece| (piece, bytes))
        });
        turns.map(move |piece| unread.count(piece?))
    }

    fn count(&self, piece: Bytes) -> Result<Bytes, Fault> {
        let gathered = self.0.fetch_add(piece.len(), Ordering::Relaxed);
        if gathered > Self::MAX { Err(no_boundary()) } else { Ok(piece) }
    }
}

fn vault_fault(error: VaultError) -> Fault {
    match error {
        VaultError::TooLarge { max_bytes } => too_large(max_bytes),
        VaultError::Broken(cause) => match cause.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(_) => broken_off(),
        },
        error => media::vault_fault(&error),
    }
}

fn too_large(max_bytes: u64) -> Fault {
    let detail = format!("the file is larger than {}; send a smaller one", ByteSize(max_bytes));
    Fault::client(FaultKind::BodyTooLarge, detail)
}

fn broken_off() -> Fault {
    Fault::client(FaultKind::MalformedBody, "the form broke off before its last boundary; send it whole")
}

fn no_boundary() -> Fault {
    let detail = "the form has no boundary where one should be; write the one that Content-Type names before each part";
    Fault::client(FaultKind::MalformedBody, detail)
}
