//! The sandbox as a giver of files: those that people send to the business lie on its shelf, like those that it took.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;

use super::shelf::{Kept, KeptFile};
use super::teller::Line;
use super::{Sandbox, uploads};
use crate::dialect::{Call, Dialect, FileFacts, MediaAnswer, MediaCall};
use crate::model::{Fault, FaultKind, InboundMedia};
use crate::net::Chunks;

/// Where files lie in dialects that know no ids of them.
const FOLDER: &str = "/files/";

impl Sandbox {
    /// Takes a file for somebody to send, and gives the id that messages name it by.
    ///
    /// # Errors
    /// Where it is empty or too large, or breaks off.
    pub async fn take_file_of_somebody(
        &self,
        dialect: &dyn Dialect,
        mime_type: String,
        filename: Option<String>,
        chunks: Chunks,
    ) -> Result<String, Fault> {
        let read = uploads::take_in(mime_type, filename, chunks, &self.shelf).await?;
        Ok(self.keep(dialect, read).id)
    }

    /// Says of a file that somebody sends what the provider's webhook says of it: its id, or where the dialect knows none its
    /// address. Of a file that is not on the shelf nothing is known.
    pub(super) fn say_of_file(&self, line: &Line, media: &mut InboundMedia) {
        let Some(kept) = media.id.as_deref().and_then(|id| self.shelf.find(id)) else { return };
        media.mime_type = Some(kept.file.mime_type.clone());
        media.sha256 = hex::decode(&kept.file.sha256).ok().map(|digest| STANDARD.encode(digest));
        media.filename = media.filename.take().or_else(|| kept.file.filename.clone());
        if line.dialect.file_call(&kept.id).is_none() {
            media.id = None;
            media.link = Some(format!("{}{FOLDER}{}", self.origin(), kept.id));
        }
    }

    /// The answer to a call for a file; none where it is no such call.
    pub(super) fn give(&self, dialect: &dyn Dialect, asked: &MediaCall) -> Option<Result<Response<Bytes>, Fault>> {
        match asked {
            MediaCall::Describe(id) => Some(self.on_shelf(id).map(|(kept, _)| {
                let origin = self.origin();
                dialect.encode_media_answer(&MediaAnswer::Described { file: facts(&kept), origin: &origin })
            })),
            MediaCall::Download(id) => Some(self.on_shelf(id).map(|(kept, bytes)| {
                dialect.encode_media_answer(&MediaAnswer::Downloaded(facts(&kept))).map(|_| bytes)
            })),
            MediaCall::Upload(_) | MediaCall::Delete(_) => None,
        }
    }

    fn on_shelf(&self, id: &str) -> Result<(Kept, Bytes), Fault> {
        let kept = self.shelf.find(id).and_then(|kept| Some((kept.clone(), kept.bytes?)));
        kept.ok_or_else(|| Fault::client(FaultKind::NotFound, "the sandbox has no file of this id, or not any more"))
    }
}

fn facts(kept: &Kept) -> FileFacts<'_> {
    let KeptFile { mime_type, filename, size, sha256 } = &kept.file;
    FileFacts { id: &kept.id, mime_type, filename: filename.as_deref(), size: *size, sha256 }
}

/// What a call asks of files, in the dialect or in the sandbox's own folder.
pub fn asked(dialect: &dyn Dialect, call: &Call) -> Option<Result<MediaCall, Fault>> {
    let in_folder = call.path.strip_prefix(FOLDER).map(|id| Ok(MediaCall::Download(id.to_owned())));
    dialect.decode_media_call(call).or(in_folder)
}
