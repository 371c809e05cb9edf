//! Office packages since 2007: a ZIP whose list of parts names the main one by its type.

use memchr::memmem;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::model::MediaFormat;

/// The list of parts.
pub const PARTS: &[u8] = b"[Content_Types].xml";
/// How much of it is read.
const MAX_PARTS: usize = 1 << 20;
const STORED: u16 = 0;

/// The types of main parts.
const MAIN: &[(&[u8], MediaFormat)] = &[
    (b"wordprocessingml.document.main+xml", MediaFormat::Docx),
    (b"spreadsheetml.sheet.main+xml", MediaFormat::Xlsx),
    (b"presentationml.presentation.main+xml", MediaFormat::Pptx),
];

/// The format of a package by its list of parts, packed as the method says.
pub fn format(parts: Option<(u16, &[u8])>) -> MediaFormat {
    let Some((method, data)) = parts else { return MediaFormat::Zip };
    let parts = if method == STORED { data.to_vec() } else { unpack(data) };
    if memmem::find(&parts, b"macroEnabled.main+xml").is_some() {
        return MediaFormat::MacroOffice;
    }
    let mut main = MAIN.iter().filter(|(main, _)| memmem::find(&parts, main).is_some());
    main.next().map_or(MediaFormat::Zip, |(_, format)| *format)
}

/// As much as can be unpacked.
fn unpack(data: &[u8]) -> Vec<u8> {
    decompress_to_vec_with_limit(data, MAX_PARTS).unwrap_or_else(|error| error.output)
}
