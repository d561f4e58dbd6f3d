//! The bindings in a browser's page.
#![cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn this_is_a_page() {
    assert!(js_sys::Reflect::has(&js_sys::global(), &"document".into()).unwrap());
}

#[wasm_bindgen_test]
fn the_version_is_the_crates() {
    assert_eq!(credpool_wasm::version(), env!("CARGO_PKG_VERSION"));
}
