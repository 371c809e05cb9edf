//! Still pictures, saved anew. It takes time and memory, so it runs on threads of its own, few at once.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits};

use super::NotMended;
use crate::model::MediaFormat;

/// More pixels take more memory than a message is worth.
const MAX_PIXELS: u64 = 25_000_000;
/// What decoding one picture may take of memory.
const MAX_MEMORY: u64 = 256 << 20;
/// The qualities that are tried, until the picture fits.
const QUALITIES: [u8; 3] = [90, 80, 65];

/// Saves a picture as PNG or JPEG of 8 bits, upright, in at most so many bytes where that can be.
///
/// # Errors
/// Where it has too many pixels, or cannot be decoded.
pub fn save_anew(file: &[u8], format: MediaFormat, max_bytes: u64) -> Result<Vec<u8>, NotMended> {
    let picture = decode(file, format)?;
    let broken = |_| NotMended::new("it could not be saved anew");
    if picture.color().has_alpha() && !is_opaque(&picture) {
        return as_png(&DynamicImage::ImageRgba8(picture.into_rgba8())).map_err(broken);
    }
    let picture = DynamicImage::ImageRgb8(picture.into_rgb8());
    // A drawing stays sharp where it can.
    let lossless = if format == MediaFormat::Png { Some(as_png(&picture).map_err(broken)?) } else { None };
    match lossless.filter(|png| png.len() as u64 <= max_bytes) {
        Some(png) => Ok(png),
        None => as_jpeg(&picture, max_bytes).map_err(broken),
    }
}

/// The library's own words are left out: they may repeat what the file holds.
fn decode(file: &[u8], format: MediaFormat) -> Result<DynamicImage, NotMended> {
    let format = match format {
        MediaFormat::Jpeg => ImageFormat::Jpeg,
        MediaFormat::Png => ImageFormat::Png,
        MediaFormat::Webp => ImageFormat::WebP,
        _ => return Err(NotMended::new("it is none of the pictures that can be converted")),
    };
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let broken = |_| NotMended::new("it cannot be decoded");
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        return Err(NotMended::new(format!("it has {pixels} pixels; at most {MAX_PIXELS} are converted")));
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn is_opaque(picture: &DynamicImage) -> bool {
    picture.to_rgba8().pixels().all(|pixel| pixel.0[3] == u8::MAX)
}

fn as_png(picture: &DynamicImage) -> ImageResult<Vec<u8>> {
    let mut file = Vec::new();
    picture.write_with_encoder(PngEncoder::new(&mut file))?;
    Ok(file)
}

/// At the best quality that fits, else at the last: whether that may go is decided by a check of the result.
fn as_jpeg(picture: &DynamicImage, max_bytes: u64) -> ImageResult<Vec<u8>> {
    let mut file = Vec::new();
    for quality in QUALITIES {
        file.clear();
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut file, quality))?;
        if file.len() as u64 <= max_bytes {
            break;
        }
    }
    Ok(file)
}
