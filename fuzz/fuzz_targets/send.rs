//! The decoders of requests to send, in every dialect.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::send(data));
