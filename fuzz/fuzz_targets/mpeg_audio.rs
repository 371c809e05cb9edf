//! The reader of MP3 with a tag.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::file(data, &[(0, b"ID3")]));
