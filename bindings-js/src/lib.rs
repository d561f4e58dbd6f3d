//! credpool for JavaScript. No rule lives here: numbers cross in the hot path, JSON elsewhere, and the engine decides.
//!
//! What crosses how, and why, with the figures: `docs/decisions/0002-what-crosses-the-boundary.md`.

#[cfg(feature = "pool")]
mod pool;
#[cfg(feature = "simulate")]
mod simulate;

use wasm_bindgen::prelude::*;

/// The version of the engine.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Notes the message of a panic, for the host to show beside the trap that follows it.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        // The place and the fixed text only: what was being worked on may hold a secret.
        let text = info.payload().downcast_ref::<&str>().copied().unwrap_or("a panic with computed text");
        let place = info.location().map_or(String::new(), |at| format!(" ({}:{})", at.file(), at.line()));
        note_panic(&format!("{text}{place}"));
    }));
}

#[wasm_bindgen(inline_js = "let last = ''; export function notePanic(text) { last = text; } export function takePanic() { const text = last; last = ''; return text; }")]
extern "C" {
    #[wasm_bindgen(js_name = notePanic)]
    fn note_panic(text: &str);
}
