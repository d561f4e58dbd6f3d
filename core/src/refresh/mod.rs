//! Refresh: when a token is renewed, and by which steps only one process does it at a time.
//!
//! Nothing here knows a token. What is decided here is decided from versions, fences and instants; the engine performs it.

mod intent;
mod job;
mod queue;
mod schedule;

pub use intent::{Doubt, RefreshRow};
pub use job::{FailureKind, Fresh, Job, Mark, Phase, RefreshFailure};
pub use queue::Queue;
pub use schedule::{due, lead, stale};
