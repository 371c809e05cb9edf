//! The rules for links.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| sabir_fuzz::link(text));
