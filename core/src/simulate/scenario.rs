//! The format of a scenario.

use crate::facts::Kind;
use crate::json::{self, from_json, FromJson, Reader, Value, Wrong};
use crate::sorted_map::SortedMap;
use crate::verdict::TransportError;

/// A script for a pool in virtual time.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Scenario {
    /// What it shows, in one line.
    pub name: String,
    /// The rule behind it.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub why: Option<String>,
    /// The preset; `default` where none is named.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub preset: Option<String>,
    /// A policy merged over the preset.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub policy: Value,
    /// What draws grow from.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub seed: u64,
    /// The wall clock at time 0, in milliseconds since 1970.
    #[cfg_attr(feature = "schema", schemars(default = "new_year"))]
    pub start: u64,
    /// The environment.
    #[cfg_attr(feature = "schema", schemars(default, with = "std::collections::BTreeMap<String, String>"))]
    pub env: SortedMap<String, String>,
    /// So many pools ("processes") share one store.
    #[cfg_attr(feature = "schema", schemars(default = "one"))]
    pub pools: usize,
    /// The credentials, stored in this order.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub credentials: Vec<CredentialSpec>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A credential.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
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
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Step {
    /// When, in milliseconds since `start`. A smaller value than the step before has runs at the clock.
    pub at: u64,
    /// Which pool.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub pool: usize,
    /// So many times.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub repeat: Option<u32>,
    /// With so many milliseconds between them.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub every: u64,
    /// What the result must have.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub expect: Option<Value>,
    /// A credential for a call.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub acquire: Option<AcquireStep>,
    /// A call ended.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub report: Option<ReportStep>,
    /// What an answer means.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub classify: Option<AnswerSpec>,
    /// How a credential stands.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub state: Option<StateStep>,
    /// A new credential.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub add: Option<CredentialSpec>,
    /// A credential changes: its name, and what is new.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub update: Option<CredentialSpec>,
    /// A credential goes.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub remove: Option<NameStep>,
    /// A credential may be used again.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub enable: Option<NameStep>,
    /// A credential may not be used.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub disable: Option<NameStep>,
    /// A key that is not stored.
    #[cfg_attr(feature = "schema", schemars(default, rename = "override"))]
    pub override_: Option<OverrideStep>,
    /// Which leg of the cascade would give a provider's credential.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub origin: Option<ProviderStep>,
    /// Who would be picked, and why the others would not.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub explain: Option<ExplainStep>,
    /// What happened since the last such step.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub events: Option<Nothing>,
    /// The process dies and comes back.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub crash: Option<CrashStep>,
    /// The wall clock jumps.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub clock: Option<ClockStep>,
}

/// Arguments of `acquire`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct AcquireStep {
    /// The provider.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// Providers, tried in order.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub providers: Vec<Box<str>>,
    /// The model.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub model: Option<Box<str>>,
    /// The session.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub session: Option<Box<str>>,
    /// Nobody of these names.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub exclude: Vec<Box<str>>,
    /// Only credentials of this kind.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub mode: Option<Kind>,
    /// A label for the lease.
    #[cfg_attr(feature = "schema", schemars(default, rename = "as"))]
    pub label: Option<Box<str>>,
}

/// An answer of an upstream.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct AnswerSpec {
    /// Whose.
    pub provider: Option<Box<str>>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The headers.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub headers: SortedMap<String, String>,
    /// The body: an object is sent as JSON.
    pub body: Value,
    /// There was no answer.
    pub transport: Option<TransportError>,
}

/// Arguments of `report`.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
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
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub headers: SortedMap<String, String>,
    /// The body.
    pub body: Value,
    /// There was no answer.
    pub transport: Option<TransportError>,
}

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

/// A provider.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ProviderStep {
    /// The provider.
    pub provider: Box<str>,
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

/// No arguments.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Nothing {}

/// Arguments of `crash`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CrashStep {
    /// Which pool, where it is not the step's.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub pool: Option<usize>,
}

/// Arguments of `clock`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
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
        let scenario: Self =
            json::read(text).map_err(|error| ScenarioError { path: error.path, message: error.message })?;
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
            (Some((one, _)), Some((other, _))) => Err(ScenarioError::new(
                other,
                format!("a step has one verb, and this one has `{one}` already"),
            )),
        }
    }
}

const fn new_year() -> u64 {
    1_767_225_600_000
}

const fn one() -> usize {
    1
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

from_json! {
    strict Scenario {
        name,
        why = None,
        preset = None,
        policy = Value::Null,
        seed = 0,
        start = new_year(),
        env = SortedMap::default(),
        pools = one(),
        credentials = Vec::new(),
        steps,
    }
}

from_json! {
    strict CredentialSpec {
        name = None,
        provider = None,
        kind = None,
        key = None,
        token = None,
        access = None,
        refresh = None,
        expires = None,
        priority = None,
        weight = None,
        models = None,
        enabled = None,
        source = None,
        last_used = None,
        email = None,
        account_id = None,
        org_id = None,
        project_id = None,
        enterprise_url = None,
        base_url = None,
    }
}

from_json! {
    strict Step {
        at,
        pool = 0,
        repeat = None,
        every = 0,
        expect = None,
        acquire = None,
        report = None,
        classify = None,
        state = None,
        add = None,
        update = None,
        remove = None,
        enable = None,
        disable = None,
        override_ as "override" = None,
        origin = None,
        explain = None,
        events = None,
        crash = None,
        clock = None,
    }
}

from_json! {
    strict AcquireStep {
        provider = None,
        providers = Vec::new(),
        model = None,
        session = None,
        exclude = Vec::new(),
        mode = None,
        label as "as" = None,
    }
}

from_json! {
    strict AnswerSpec {
        provider = None,
        status = None,
        headers = SortedMap::default(),
        body = Value::Null,
        transport = None,
    }
}

from_json! {
    strict ReportStep {
        lease = None,
        name = None,
        provider = None,
        model = None,
        session = None,
        ok = false,
        status = None,
        headers = SortedMap::default(),
        body = Value::Null,
        transport = None,
    }
}

from_json! {
    strict StateStep { name, provider = None, model = None }
}

from_json! {
    strict NameStep { name, provider = None, cause = None }
}

from_json! {
    strict OverrideStep { provider, runtime = Given(None), config = Given(None) }
}

from_json! {
    strict ProviderStep { provider }
}

from_json! {
    strict ExplainStep { provider, model = None, session = None }
}

from_json! {
    strict Nothing {}
}

from_json! {
    strict CrashStep { pool = None }
}

from_json! {
    strict ClockStep { jump }
}
