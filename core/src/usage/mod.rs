//! What a provider says is used of an account, and what follows from it: how an account ranks, when it is exhausted, how long it
//! lasts. Plain data and arithmetic, without secrets.

mod forecast;
mod merge;
mod plan;
mod rank;
pub mod report;
mod windows;

pub use plan::{Fits, PlanClass};
pub use rank::{class, Drain, Rank};
pub use windows::{Look, Windows};
