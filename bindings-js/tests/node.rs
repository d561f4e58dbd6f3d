//! The bindings in Node.
#![cfg(target_arch = "wasm32")]
mod support;

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn every_scenario_passes() {
    support::every_scenario_passes();
}

#[wasm_bindgen_test]
fn a_wrong_scenario_names_its_place() {
    support::a_wrong_scenario_names_its_place();
}
