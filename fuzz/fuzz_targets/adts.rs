//! The reader of AAC and bare MPEG frames.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::file(data, &[(0, b"\xFF\xF1")]));
