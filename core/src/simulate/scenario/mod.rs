//! The format of a scenario.

mod around;
mod by_hand;
mod call;
mod credential;
mod error;
mod http;
mod manage;
mod step;
mod usage;

pub(super) use around::{FaultSpec, Flaw, FreezeStep, Manner, On, StoreDownStep, VisitStep, What, WorldSpec};
pub(super) use by_hand::{PauseStep, ResetStep};
pub(super) use call::{AcquireStep, AnswerSpec, CallStep, LabelStep, ReportStep, RotateStep};
pub use credential::CredentialSpec;
pub use error::ScenarioError;
pub(super) use http::{AutoRefreshStep, HttpSpec, RefreshStep};
pub(super) use manage::{
    ClockStep, CrashStep, ExplainStep, NameStep, Nothing, OverrideStep, ProviderStep, StateStep, UntieStep,
};
pub use step::{Step, Verb};
pub(super) use usage::{CostStep, ErrandStep, FetchUsageStep, HeadersStep, MarkStep, UsageStep};

use crate::json::{self, from_json, Value};
use crate::sorted_map::SortedMap;

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
    /// Answers of the network, each used once by the first request that matches. A request without one fails to connect.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub http: Vec<HttpSpec>,
    /// What is around the pools: a provider that counts and whose tokens rotate, time that calls take, faults.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub world: Option<Box<WorldSpec>>,
    /// What happens.
    pub steps: Vec<Step>,
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
        http = Vec::new(),
        world = None,
        steps,
    }
}

const fn new_year() -> u64 {
    1_767_225_600_000
}

const fn one() -> usize {
    1
}

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
            if scenario.world.is_none() && step.needs_world() {
                let (verb, _) = step.verb()?;
                return Err(ScenarioError::new(verb, "needs a `world`").inside(number));
            }
        }
        if !(1..=64).contains(&scenario.pools) {
            return Err(ScenarioError::new("pools", "expected 1 to 64"));
        }
        Ok(scenario)
    }
}
