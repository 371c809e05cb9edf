//! The media of the page "Send Media Messages". Its limits are those of WhatsApp. It lists WebP pictures, which WhatsApp
//! refuses, and says that the files are encoded for it.

use super::super::{KindPromise, MediaPromise};
use crate::model::{MediaFormat as Format, MediaKind};

/// What both surfaces promise.
pub(in super::super) const PROMISE: MediaPromise = MediaPromise {
    kinds: &[
        KindPromise::only(MediaKind::Image, &[Format::Jpeg, Format::Png, Format::Webp]),
        KindPromise::only(MediaKind::Video, &[Format::Mp4, Format::ThreeGpp]),
        KindPromise::only(MediaKind::Audio, &[Format::Aac, Format::Mp3, Format::OggOpus, Format::Ogg]),
        KindPromise::only(MediaKind::Document, &[Format::Pdf, Format::Doc, Format::Xls, Format::Zip]),
    ],
    animated_stickers: false,
    redirects: true,
};
