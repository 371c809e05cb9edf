//! The decoders of calls that are no sends, in every dialect.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sabir_fuzz::call(data));
