//! The decoders of upstreams' answers, in every dialect.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::outcome(data));
