//! How much of a credential may be used: at once, in a minute, in a window.
//!
//! Whole numbers only. A gate knows whether its credential may be given out, and if not, when: the ready index asks
//! nobody who is behind a gate that is shut.

mod bucket;
mod gate;
mod share;

pub use bucket::Bucket;
pub use gate::{Gate, Shut, Spending, Spent};
pub use share::{Ask, Granted, Share, Terms, SLOTS_FOR};
