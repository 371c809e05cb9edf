//! The reader of older Office files.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::file(data, &[(0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")]));
