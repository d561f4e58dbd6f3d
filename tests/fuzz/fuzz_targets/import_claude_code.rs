#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| credpool_fuzz::import::claude_code(data));
