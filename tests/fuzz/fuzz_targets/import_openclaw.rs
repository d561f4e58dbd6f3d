#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| credpool_fuzz::import::openclaw(data));
