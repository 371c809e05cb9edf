//! The reader of MP4, 3GPP and M4A.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::file(data, &[(4, b"ftyp")]));
