//! credpool for JavaScript. No rule lives here: numbers cross in the hot path, JSON elsewhere, and the engine decides.
//!
//! What crosses how, and why, with the figures: `docs/decisions/0002-what-crosses-the-boundary.md`.

#[cfg(feature = "break-on-purpose")]
mod broken;
#[cfg(feature = "import")]
mod import;
#[cfg(feature = "pool")]
mod pool;
#[cfg(feature = "simulate")]
mod simulate;

#[cfg(feature = "import")]
pub use import::{detect_tool, read_tool, write_tool};
#[cfg(feature = "simulate")]
pub use simulate::simulate;

use std::cell::RefCell;
use wasm_bindgen::prelude::*;

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes the message of a panic, for the host to show beside the trap that follows it.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        // The place and the fixed text only: what was being worked on may hold a secret.
        let mut text =
            info.payload().downcast_ref::<&str>().copied().unwrap_or("a panic with computed text").to_owned();
        if let Some(at) = info.location() {
            text.push_str(" at ");
            text.push_str(at.file());
            text.push(':');
            text.push_str(&at.line().to_string());
        }
        PANIC.with(|panic| *panic.borrow_mut() = text);
    }));
}

/// What the engine said when it broke; empty where it said nothing. Read once.
#[wasm_bindgen(js_name = takePanic)]
pub fn take_panic() -> String {
    PANIC.with(RefCell::take)
}
