//! The decoders of providers' webhooks, in every dialect.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::event(data));
