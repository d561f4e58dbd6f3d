//! The rules as data.
//!
//! A policy is a JSON document merged over a preset. Nothing in the engine asks for a preset's name.

mod model;
mod preset;

pub use model::{
    Action, Affinity, AffinityKind, CooldownRule, Exhausted, HintRules, Policy, RetryRules, Strategy,
    SuccessEnds,
};
pub use preset::{preset_names, PolicyError};
