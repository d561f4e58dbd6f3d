//! Verbs that change or show credentials, and those of the world around them.

use crate::json::{from_json, FromJson, Reader, Wrong};

/// Arguments of `state`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct StateStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// The model; without one, the whole credential.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub model: Option<Box<str>>,
}

from_json! {
    strict StateStep { name, provider = None, model = None }
}

/// A credential's name, and a cause.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct NameStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// Why.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub cause: Option<Box<str>>,
}

from_json! {
    strict NameStep { name, provider = None, cause = None }
}

/// Arguments of `override`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct OverrideStep {
    /// The provider.
    pub provider: Box<str>,
    /// A run-time key; null takes it back.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub runtime: Given,
    /// A configured key; null takes it back.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub config: Given,
}

from_json! {
    strict OverrideStep { provider, runtime = Given(None), config = Given(None) }
}

/// A key that is set, or null where it is taken back; nothing where the field is not there.
#[derive(Clone, Debug)]
#[allow(clippy::option_option, reason = "absent, null and a text are three things")]
pub struct Given(pub Option<Option<Box<str>>>);

impl FromJson for Given {
    fn blank() -> Self {
        Self(None)
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        self.0.insert(None).read(from)
    }
}

/// A provider.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ProviderStep {
    /// The provider.
    pub provider: Box<str>,
}

from_json! {
    strict ProviderStep { provider }
}

/// Arguments of `explain`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ExplainStep {
    /// The provider.
    pub provider: Box<str>,
    /// The model.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub model: Option<Box<str>>,
    /// The session.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub session: Option<Box<str>>,
}

from_json! {
    strict ExplainStep { provider, model = None, session = None }
}

/// No arguments.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Nothing {}

from_json! {
    strict Nothing {}
}

/// Arguments of `untie`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct UntieStep {
    /// Which session.
    pub session: Box<str>,
}

from_json! {
    strict UntieStep { session }
}

/// Arguments of `crash`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CrashStep {
    /// Which pool, where it is not the step's.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub pool: Option<usize>,
    /// It comes back after so many milliseconds; in a world only.
    #[cfg_attr(feature = "schema", schemars(default, rename = "for"))]
    pub span: u64,
}

from_json! {
    strict CrashStep { pool = None, span as "for" = 0 }
}

/// Arguments of `clock`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ClockStep {
    /// By how many milliseconds, backwards where below zero.
    pub jump: i64,
    /// Of this pool only; in a world only.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub pool: Option<usize>,
}

from_json! {
    strict ClockStep { jump, pool = None }
}
