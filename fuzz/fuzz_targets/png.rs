//! The reader of PNG pictures.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::file(data, &[(0, b"\x89PNG\r\n\x1A\n")]));
