//! The reader of ZIP and Office packages.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::file(data, &[(0, b"PK\x03\x04")]));
