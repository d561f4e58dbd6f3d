//! The scenario files as texts, for tests that have no file system.

/// Every scenario that passes: its place below `tests/scenarios/`, and its text.
pub const PASSING: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));
