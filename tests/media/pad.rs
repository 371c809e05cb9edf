//! Grows a file to an exact size without making it invalid, by the recipes of the corpus.

use sabir::model::MediaFormat;

/// The file, `bytes` long.
pub fn to(file: &[u8], format: MediaFormat, bytes: usize) -> Vec<u8> {
    let missing = bytes - file.len();
    let padded = match format {
        MediaFormat::Jpeg => jpeg(file, missing),
        MediaFormat::Png => png(file, missing),
        MediaFormat::Webp => webp(file, missing),
        MediaFormat::Mp3 => mp3(file, missing),
        MediaFormat::Pdf => pdf(file, missing),
        MediaFormat::Text => [file, &b"A line more.\n".repeat(missing / 13 + 1)[..missing]].concat(),
        _ => [file, &u32::try_from(missing).unwrap().to_be_bytes(), b"free", &vec![0; missing - 8]].concat(),
    };
    assert_eq!(padded.len(), bytes);
    padded
}

/// Comments behind the first marker; none may be shorter than four bytes.
fn jpeg(file: &[u8], mut missing: usize) -> Vec<u8> {
    let (begin, rest) = file.split_at(2);
    let mut padded = begin.to_vec();
    while missing > 0 {
        let this = if missing > 65_535 + 4 { 65_535 } else { missing.min(60_000) };
        let this = if missing - this < 4 && missing != this { this - 4 } else { this };
        padded.extend([0xFF, 0xFE]);
        padded.extend(u16::try_from(this - 2).unwrap().to_be_bytes());
        padded.extend(vec![b' '; this - 4]);
        missing -= this;
    }
    padded.extend(rest);
    padded
}

/// A private chunk in front of the last.
fn png(file: &[u8], missing: usize) -> Vec<u8> {
    let (body, end) = file.split_at(file.len() - 12);
    let chunk = [b"paDd".as_slice(), &vec![0; missing - 12]].concat();
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&chunk);
    let length = u32::try_from(missing - 12).unwrap().to_be_bytes();
    [body, &length, &chunk, &checksum.to_be_bytes(), end].concat()
}

/// An unknown chunk at the end.
fn webp(file: &[u8], missing: usize) -> Vec<u8> {
    let length = u32::try_from(missing - 8).unwrap().to_le_bytes();
    let mut padded = [file, b"PADD", &length, &vec![0; missing - 8]].concat();
    let riff = u32::try_from(padded.len() - 8).unwrap().to_le_bytes();
    padded[4..8].copy_from_slice(&riff);
    padded
}

/// Zeros within the tag, whose size has seven bits a byte.
fn mp3(file: &[u8], missing: usize) -> Vec<u8> {
    let size = file[6..10].iter().fold(0, |sum, &byte| sum << 7 | usize::from(byte));
    let (tag, sound) = file.split_at(10 + size);
    let mut padded = [tag, &vec![0; missing], sound].concat();
    for (at, byte) in padded[6..10].iter_mut().enumerate() {
        *byte = u8::try_from((size + missing) >> (7 * (3 - at)) & 0x7F).unwrap();
    }
    padded
}

/// A comment, then the end again.
fn pdf(file: &[u8], missing: usize) -> Vec<u8> {
    let at = file.windows(9).rposition(|window| window == b"startxref").unwrap();
    let end = &file[at..];
    let comment = [b"%".as_slice(), &vec![b' '; missing - end.len() - 2], b"\n"].concat();
    [file, &comment, end].concat()
}
