//! The reader of configurations.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| sabir_fuzz::configuration(text));
