//! The bindings in a browser's page.
#![cfg(target_arch = "wasm32")]
mod support;

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn this_is_a_page() {
    assert!(js_sys::Reflect::has(&js_sys::global(), &"document".into()).unwrap());
}

#[wasm_bindgen_test]
fn every_scenario_passes() {
    support::every_scenario_passes();
}

#[wasm_bindgen_test]
fn a_wrong_scenario_names_its_place() {
    support::a_wrong_scenario_names_its_place();
}
