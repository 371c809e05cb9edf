//! EXIF: the one tag that says how a picture lies.

use super::walk::{be16, be32, le16, le32};

const ORIENTATION: u16 = 0x0112;

/// The orientation in a TIFF structure, where it has one.
pub fn orientation(tiff: &[u8]) -> Option<u16> {
    let is_little = tiff.starts_with(b"II");
    let short = |at| if is_little { le16(tiff, at) } else { be16(tiff, at) };
    let long = |at| if is_little { le32(tiff, at) } else { be32(tiff, at) };
    let directory = usize::try_from(long(4)?).ok()?;
    let entries = short(directory)?;
    let entry = |number: u16| directory.checked_add(2 + 12 * usize::from(number));
    let found = (0..entries).filter_map(entry).find(|&at| short(at) == Some(ORIENTATION))?;
    short(found.checked_add(8)?)
}
