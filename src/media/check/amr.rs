//! AMR: a magic word, then frames whose first byte says how long they are.

use super::code::{Code, Finding, Weight};
use super::facts::{Facts, Sound};
use super::walk::{End, Found, Walker, Want};
use crate::model::MediaFormat;

/// What begins a narrow-band file.
pub const NARROW: &[u8] = b"#!AMR\n";
/// What begins a wide-band file.
pub const WIDE: &[u8] = b"#!AMR-WB\n";
/// Lengths of the frames by mode, their first byte left out.
const NARROW_FRAMES: [u8; 16] = [12, 13, 15, 17, 19, 20, 26, 31, 5, 6, 5, 5, 0, 0, 0, 0];
const WIDE_FRAMES: [u8; 16] = [17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 5, 0, 0, 0, 0, 0];
const FRAME_MS: u64 = 20;

/// The reader.
pub struct Amr {
    is_wide: bool,
    frames: u64,
}

impl Amr {
    /// The reader, and what it wants first.
    pub fn begin(is_wide: bool) -> (Box<dyn Walker>, Want) {
        let magic = if is_wide { WIDE } else { NARROW };
        (Box::new(Self { is_wide, frames: 0 }), Want::piece_after(magic.len() as u64, 1))
    }
}

impl Walker for Amr {
    fn piece(&mut self, _: u64, piece: &[u8]) -> Want {
        let mode = usize::from(piece.first().copied().unwrap_or_default() >> 3 & 0x0F);
        let frames = if self.is_wide { WIDE_FRAMES } else { NARROW_FRAMES };
        self.frames += 1;
        Want::piece_after(frames.get(mode).copied().unwrap_or_default().into(), 1)
    }

    fn end(self: Box<Self>, end: &End<'_>) -> Found {
        let text = "The AMR file is cut within a frame, or has none. Upload it whole.";
        let finding = (end.is_cut || self.frames == 0).then(|| Finding::new(Code::Truncated, text));
        // Players pass over half a frame at the end.
        let weight = if self.frames > 1 { Weight::Warn } else { Weight::Reject };
        let sound = Sound {
            codec: if self.is_wide { "AMR-WB" } else { "AMR-NB" },
            channels: Some(1),
            duration_ms: Some(self.frames * FRAME_MS),
            ..Sound::default()
        };
        let findings = finding.map(|finding| finding.at_most(weight)).into_iter().collect();
        Found { format: MediaFormat::Amr, facts: Facts::Sound(sound), findings }
    }
}
