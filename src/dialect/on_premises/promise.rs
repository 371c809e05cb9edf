//! The media of the owner's and 360dialog's pages: as the Cloud API's, documents of any type, no moving stickers. Uploads
//! stop at 64 MB on older copies and at 100 MB on the last.

use super::super::{KindPromise, MediaPromise, SizeLimit};
use crate::model::MediaKind;

const DOCUMENTS: SizeLimit = SizeLimit { safe: 64 << 20, possible: 100 << 20 };

/// What it promises.
pub(super) const PROMISE: MediaPromise = MediaPromise {
    kinds: &[
        KindPromise::any(MediaKind::Image),
        KindPromise::any(MediaKind::Audio),
        KindPromise::any(MediaKind::Video),
        KindPromise::any(MediaKind::Document).up_to(DOCUMENTS),
        KindPromise::any(MediaKind::Sticker),
    ],
    animated_stickers: false,
    redirects: true,
};
