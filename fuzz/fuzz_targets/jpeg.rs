//! The reader of JPEG pictures.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::file(data, &[(0, b"\xFF\xD8\xFF")]));
