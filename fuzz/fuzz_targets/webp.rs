//! The reader of WebP pictures and stickers.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::file(data, &[(0, b"RIFF"), (8, b"WEBP")]));
