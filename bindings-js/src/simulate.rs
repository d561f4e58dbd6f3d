//! The scenario runner for JavaScript.

use wasm_bindgen::prelude::*;

/// Runs a scenario: its JSON in, `{"steps":[…],"passed":n,"failed":n}` out. Throws where it is no scenario, with the place.
#[wasm_bindgen]
pub fn simulate(scenario: &str) -> Result<String, JsError> {
    credpool::simulate::run_text(scenario).map_err(|error| JsError::new(&error.to_string()))
}
