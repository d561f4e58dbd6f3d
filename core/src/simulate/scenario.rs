//! The format of a scenario.

use crate::facts::Kind;
use crate::verdict::TransportError;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A script for a pool in virtual time.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in one line.
    pub name: String,
    /// The rule behind it.
    #[serde(default)]
    pub why: Option<String>,
    /// The preset; `default` where none is named.
    #[serde(default)]
    pub preset: Option<String>,
    /// A policy merged over the preset.
    #[serde(default)]
    pub policy: Value,
    /// What draws grow from.
    #[serde(default)]
    pub seed: u64,
    /// The wall clock at time 0, in milliseconds since 1970.
    #[serde(default = "new_year")]
    pub start: u64,
    /// The environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// So many pools ("processes") share one store.
    #[serde(default = "one")]
    pub pools: usize,
    /// The credentials, stored in this order.
    #[serde(default)]
    pub credentials: Vec<CredentialSpec>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A credential.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CredentialSpec {
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its provider.
    pub provider: Option<Box<str>>,
    /// Its kind.
    pub kind: Option<Kind>,
    /// The key of an `api_key`.
    pub key: Option<Box<str>>,
    /// The token of a `token`.
    pub token: Option<Box<str>>,
    /// The access token of an `oauth` account.
    pub access: Option<Box<str>>,
    /// Its refresh token.
    pub refresh: Option<Box<str>>,
    /// When the secret expires, in milliseconds since `start`.
    pub expires: Option<u64>,
    /// Higher is tried first.
    pub priority: Option<i32>,
    /// Its share under `weighted`.
    pub weight: Option<u32>,
    /// The models that it serves.
    pub models: Option<Vec<Box<str>>>,
    /// May it be used?
    pub enabled: Option<bool>,
    /// `login`, where it came from one.
    pub source: Option<Box<str>>,
    /// When it was last used, in milliseconds since `start`.
    pub last_used: Option<u64>,
    /// The account's e-mail address.
    pub email: Option<Box<str>>,
    /// The provider's id of the account.
    pub account_id: Option<Box<str>>,
    /// The provider's id of the organisation.
    pub org_id: Option<Box<str>>,
    /// The provider's id of the project.
    pub project_id: Option<Box<str>>,
    /// The address of an enterprise installation.
    pub enterprise_url: Option<Box<str>>,
    /// Where its requests go.
    pub base_url: Option<Box<str>>,
}

/// One step: when, one verb, and what to expect.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, in milliseconds since `start`. A smaller value than the step before has runs at the clock.
    pub at: u64,
    /// Which pool.
    #[serde(default)]
    pub pool: usize,
    /// So many times.
    #[serde(default)]
    pub repeat: Option<u32>,
    /// With so many milliseconds between them.
    #[serde(default)]
    pub every: u64,
    /// What the result must have.
    #[serde(default)]
    pub expect: Option<Value>,
    /// A credential for a call.
    #[serde(default)]
    pub acquire: Option<AcquireStep>,
    /// A call ended.
    #[serde(default)]
    pub report: Option<ReportStep>,
    /// What an answer means.
    #[serde(default)]
    pub classify: Option<AnswerSpec>,
    /// How a credential stands.
    #[serde(default)]
    pub state: Option<StateStep>,
    /// A new credential.
    #[serde(default)]
    pub add: Option<CredentialSpec>,
    /// A credential changes: its name, and what is new.
    #[serde(default)]
    pub update: Option<CredentialSpec>,
    /// A credential goes.
    #[serde(default)]
    pub remove: Option<NameStep>,
    /// A credential may be used again.
    #[serde(default)]
    pub enable: Option<NameStep>,
    /// A credential may not be used.
    #[serde(default)]
    pub disable: Option<NameStep>,
    /// A key that is not stored.
    #[serde(default, rename = "override")]
    pub override_: Option<OverrideStep>,
    /// Which leg of the cascade would give a provider's credential.
    #[serde(default)]
    pub origin: Option<ProviderStep>,
    /// Who would be picked, and why the others would not.
    #[serde(default)]
    pub explain: Option<ExplainStep>,
    /// What happened since the last such step.
    #[serde(default)]
    pub events: Option<Nothing>,
    /// The process dies and comes back.
    #[serde(default)]
    pub crash: Option<CrashStep>,
    /// The wall clock jumps.
    #[serde(default)]
    pub clock: Option<ClockStep>,
}

/// Arguments of `acquire`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AcquireStep {
    /// The provider.
    #[serde(default)]
    pub provider: Option<Box<str>>,
    /// Providers, tried in order.
    #[serde(default)]
    pub providers: Vec<Box<str>>,
    /// The model.
    #[serde(default)]
    pub model: Option<Box<str>>,
    /// The session.
    #[serde(default)]
    pub session: Option<Box<str>>,
    /// Nobody of these names.
    #[serde(default)]
    pub exclude: Vec<Box<str>>,
    /// Only credentials of this kind.
    #[serde(default)]
    pub mode: Option<Kind>,
    /// A label for the lease.
    #[serde(default, rename = "as")]
    pub label: Option<Box<str>>,
}

/// An answer of an upstream.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AnswerSpec {
    /// Whose.
    pub provider: Option<Box<str>>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body: an object is sent as JSON.
    pub body: Value,
    /// There was no answer.
    pub transport: Option<TransportError>,
}

/// Arguments of `report`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ReportStep {
    /// The label of a lease …
    pub lease: Option<Box<str>>,
    /// … or the name of a credential …
    pub name: Option<Box<str>>,
    /// … and its provider, where names repeat.
    pub provider: Option<Box<str>>,
    /// The model.
    pub model: Option<Box<str>>,
    /// The session.
    pub session: Option<Box<str>>,
    /// It succeeded.
    pub ok: bool,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Value,
    /// There was no answer.
    pub transport: Option<TransportError>,
}

/// Arguments of `state`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StateStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[serde(default)]
    pub provider: Option<Box<str>>,
    /// The model; without one, the whole credential.
    #[serde(default)]
    pub model: Option<Box<str>>,
}

/// A credential's name, and a cause.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NameStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[serde(default)]
    pub provider: Option<Box<str>>,
    /// Why.
    #[serde(default)]
    pub cause: Option<Box<str>>,
}

/// Arguments of `override`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OverrideStep {
    /// The provider.
    pub provider: Box<str>,
    /// A run-time key; null takes it back.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub runtime: Option<Option<Box<str>>>,
    /// A configured key; null takes it back.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub config: Option<Option<Box<str>>>,
}

/// A provider.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProviderStep {
    /// The provider.
    pub provider: Box<str>,
}

/// Arguments of `explain`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ExplainStep {
    /// The provider.
    pub provider: Box<str>,
    /// The model.
    #[serde(default)]
    pub model: Option<Box<str>>,
    /// The session.
    #[serde(default)]
    pub session: Option<Box<str>>,
}

/// No arguments.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Arguments of `crash`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CrashStep {
    /// Which pool, where it is not the step's.
    #[serde(default)]
    pub pool: Option<usize>,
}

/// Arguments of `clock`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClockStep {
    /// By how many milliseconds, backwards where below zero.
    pub jump: i64,
}

/// A step's verb with its arguments.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields of Step are documented")]
pub enum Verb<'a> {
    Acquire(&'a AcquireStep),
    Report(&'a ReportStep),
    Classify(&'a AnswerSpec),
    State(&'a StateStep),
    Add(&'a CredentialSpec),
    Update(&'a CredentialSpec),
    Remove(&'a NameStep),
    Enable(&'a NameStep),
    Disable(&'a NameStep),
    Override(&'a OverrideStep),
    Origin(&'a ProviderStep),
    Explain(&'a ExplainStep),
    Events,
    Crash(&'a CrashStep),
    Clock(&'a ClockStep),
}

/// Why a text is no scenario, or cannot be run: the place and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The place: `steps[3].acquire.model`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl ScenarioError {
    pub(super) fn new(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }

    pub(super) fn inside(self, step: usize) -> Self {
        Self { path: format!("steps[{step}].{}", self.path), ..self }
    }
}

impl core::fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl core::error::Error for ScenarioError {}

impl Scenario {
    /// Reads a scenario.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = crate::json::read(text)
            .map_err(|error| ScenarioError { path: error.path, message: error.message })?;
        for (number, step) in scenario.steps.iter().enumerate() {
            step.verb().map_err(|error| error.inside(number))?;
            if step.pool >= scenario.pools {
                let message = format!("there are {} pools", scenario.pools);
                return Err(ScenarioError::new("pool", message).inside(number));
            }
        }
        if !(1..=64).contains(&scenario.pools) {
            return Err(ScenarioError::new("pools", "expected 1 to 64"));
        }
        Ok(scenario)
    }
}

impl Step {
    /// The step's one verb and its name.
    pub fn verb(&self) -> Result<(&'static str, Verb<'_>), ScenarioError> {
        let given = [
            self.acquire.as_ref().map(|step| ("acquire", Verb::Acquire(step))),
            self.report.as_ref().map(|step| ("report", Verb::Report(step))),
            self.classify.as_ref().map(|step| ("classify", Verb::Classify(step))),
            self.state.as_ref().map(|step| ("state", Verb::State(step))),
            self.add.as_ref().map(|step| ("add", Verb::Add(step))),
            self.update.as_ref().map(|step| ("update", Verb::Update(step))),
            self.remove.as_ref().map(|step| ("remove", Verb::Remove(step))),
            self.enable.as_ref().map(|step| ("enable", Verb::Enable(step))),
            self.disable.as_ref().map(|step| ("disable", Verb::Disable(step))),
            self.override_.as_ref().map(|step| ("override", Verb::Override(step))),
            self.origin.as_ref().map(|step| ("origin", Verb::Origin(step))),
            self.explain.as_ref().map(|step| ("explain", Verb::Explain(step))),
            self.events.as_ref().map(|_| ("events", Verb::Events)),
            self.crash.as_ref().map(|step| ("crash", Verb::Crash(step))),
            self.clock.as_ref().map(|step| ("clock", Verb::Clock(step))),
        ];
        let mut verbs = given.into_iter().flatten();
        match (verbs.next(), verbs.next()) {
            (Some(verb), None) => Ok(verb),
            (None, _) => Err(ScenarioError::new(".", "has no verb")),
            (Some((one, _)), Some((other, _))) => {
                Err(ScenarioError::new(other, format!("a step has one verb, and this one has `{one}` already")))
            }
        }
    }
}

/// Tells a field that is null from one that is not there.
#[allow(clippy::option_option, reason = "absent, null and a text are three things")]
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Box<str>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

const fn new_year() -> u64 {
    1_767_225_600_000
}

const fn one() -> usize {
    1
}
