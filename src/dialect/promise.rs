//! What a dialect's documents promise of media. What the upstream takes stands in `media`, and both have to agree.

use crate::model::{MediaFormat, MediaKind};

/// The media that a dialect's documents promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaPromise {
    /// What it promises of each kind; a kind that is not in the list is not offered.
    pub kinds: &'static [KindPromise],
    /// Whether stickers may move.
    pub animated_stickers: bool,
    /// Whether links may redirect.
    pub redirects: bool,
}

/// What a dialect promises of one kind of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindPromise {
    /// The kind.
    pub kind: MediaKind,
    /// The formats that it lists; any, where its documents do not limit them further than WhatsApp does.
    pub formats: Option<&'static [MediaFormat]>,
    /// The size that it names, where that is less than WhatsApp's.
    pub limit: Option<SizeLimit>,
}

/// A size as documents name it, in both readings of "MB". Both are inclusive, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeLimit {
    /// Up to here every reading agrees that it fits.
    pub safe: u64,
    /// Above this no reading does.
    pub possible: u64,
}

impl SizeLimit {
    /// "n MB", decimal and binary.
    pub const fn megabytes(n: u64) -> Self {
        Self { safe: n * 1_000_000, possible: n << 20 }
    }

    /// "n KB", decimal and binary.
    pub const fn kilobytes(n: u64) -> Self {
        Self { safe: n * 1_000, possible: n << 10 }
    }

    /// "Less than" the limit.
    pub const fn exclusive(self) -> Self {
        Self { safe: self.safe - 1, possible: self.possible - 1 }
    }

    /// The stricter of both, bound by bound.
    pub fn and(self, other: Self) -> Self {
        Self { safe: self.safe.min(other.safe), possible: self.possible.min(other.possible) }
    }
}

impl KindPromise {
    /// Whatever WhatsApp takes.
    pub const fn any(kind: MediaKind) -> Self {
        Self { kind, formats: None, limit: None }
    }

    /// These formats alone.
    pub const fn only(kind: MediaKind, formats: &'static [MediaFormat]) -> Self {
        Self { kind, formats: Some(formats), limit: None }
    }

    /// The same with a limit of its own.
    pub const fn up_to(self, limit: SizeLimit) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Whether it lists the format.
    pub fn lists(&self, format: MediaFormat) -> bool {
        self.formats.is_none_or(|formats| formats.contains(&format))
    }
}

impl MediaPromise {
    /// Whatever WhatsApp takes.
    pub const EVERYTHING: Self = Self {
        kinds: &[
            KindPromise::any(MediaKind::Image),
            KindPromise::any(MediaKind::Audio),
            KindPromise::any(MediaKind::Video),
            KindPromise::any(MediaKind::Document),
            KindPromise::any(MediaKind::Sticker),
        ],
        animated_stickers: true,
        redirects: true,
    };

    /// What it promises of a kind, if it offers it.
    pub fn of(&self, kind: MediaKind) -> Option<&KindPromise> {
        self.kinds.iter().find(|promise| promise.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_limit_is_one_byte_less_in_either_reading() {
        let SizeLimit { safe, possible } = SizeLimit::megabytes(5).exclusive();
        assert_eq!((safe, possible), (4_999_999, 5_242_879));
        let both = SizeLimit::megabytes(5).and(SizeLimit { safe: 1, possible: u64::MAX });
        assert_eq!((both.safe, both.possible), (1, 5_242_880));
    }
}
