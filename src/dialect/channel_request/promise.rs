//! The media of the vendor's media page: "less than 5MB" for pictures, films and documents, nothing for sound; documents
//! are PDF alone, and a link must not redirect.

use super::super::{KindPromise, MediaPromise, SizeLimit};
use crate::model::{MediaFormat as Format, MediaKind};

const LIMIT: SizeLimit = SizeLimit::megabytes(5).exclusive();

/// What it promises.
pub(super) const PROMISE: MediaPromise = MediaPromise {
    kinds: &[
        KindPromise::only(MediaKind::Image, &[Format::Jpeg, Format::Png]).up_to(LIMIT),
        KindPromise::only(MediaKind::Video, &[Format::Mp4, Format::ThreeGpp]).up_to(LIMIT),
        KindPromise::only(MediaKind::Audio, &[Format::Aac, Format::Amr, Format::Mp3]),
        KindPromise::only(MediaKind::Document, &[Format::Pdf]).up_to(LIMIT),
    ],
    animated_stickers: false,
    redirects: false,
};
