//! The rules as data.
//!
//! A policy is a JSON document merged over a preset. Nothing in the engine asks for a preset's name.

mod affinity;
mod classification;
mod cooldown;
mod documents;
mod model;
mod preset;
mod profiles;
mod refresh;
mod strategy;
mod usage;

pub use affinity::{Affinity, AffinityKind, SessionStart, TieFailure};
pub use classification::{classification_names, classification_rules};
pub use cooldown::{
    Action, Again, CircuitRules, Climbs, CooldownRule, HintRules, Memory, ProviderRules, Return,
    UpstreamRules,
};
pub use model::{Chain, Exhausted, Policy, RefreshRule, RetryRules, SuccessEnds};
pub use preset::{preset_names, PolicyError};
#[cfg(feature = "presets")]
pub use profiles::first_profiles_of;
pub use profiles::{first_profiles, FirstProfile};
pub use refresh::RefreshRules;
pub use strategy::{CreditRule, Rotation, Strategy, Tiers};
pub use usage::{Reserve, UsageRules};
