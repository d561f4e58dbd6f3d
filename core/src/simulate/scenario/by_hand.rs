//! Verbs for what people do by hand.

use crate::json::from_json;

/// Arguments of `reset`: without any, everything ends.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ResetStep {
    /// The credential's name; without one, all.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub name: Option<Box<str>>,
    /// The provider.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// The model; without one, all.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub model: Option<Box<str>>,
}

from_json! {
    strict ResetStep { name = None, provider = None, model = None }
}

/// Arguments of `pause`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct PauseStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// Until when, in milliseconds since `start`; without it, until it is resumed.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub until: Option<u64>,
}

from_json! {
    strict PauseStep { name, provider = None, until = None }
}
