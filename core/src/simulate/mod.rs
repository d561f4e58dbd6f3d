//! A policy against a script, in virtual time: how people try a policy, how a bug is reported, how the rules are tested.
//!
//! The format is described in `docs/scenarios.md`; its JSON Schema is made from [`Scenario`].

mod around;
mod expect;
mod fate;
mod scenario;
mod server;
mod store;
mod verbs;
mod watch;
mod world;

pub use scenario::{CredentialSpec, Scenario, ScenarioError, Step, Verb};

use crate::json::{self, object, ToJson, Value, Writer};

/// What came of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepResult {
    /// Its number, from 0.
    pub step: usize,
    /// When it ran.
    pub at: u64,
    /// Its verb.
    pub did: &'static str,
    /// What came of it.
    pub result: Value,
    /// Each difference from what was expected, with its place; absent where nothing was expected.
    pub differences: Option<Vec<String>>,
}

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Every step.
    pub steps: Vec<StepResult>,
    /// Steps that came out as expected.
    pub passed: usize,
    /// Steps that did not.
    pub failed: usize,
    /// Of a world: the first rule that was broken, and when. Nothing runs after it.
    pub broken: Option<String>,
    /// Of a world: how much happened in it.
    pub happened: u64,
}

/// Runs a scenario. The same scenario gives the same report, always and everywhere.
pub fn run(scenario: &Scenario) -> Result<Report, ScenarioError> {
    let mut world = world::World::new(scenario)?;
    let mut report = Report {
        steps: Vec::with_capacity(scenario.steps.len()),
        passed: 0,
        failed: 0,
        broken: None,
        happened: 0,
    };
    for (number, step) in scenario.steps.iter().enumerate() {
        let (did, result) = verbs::perform(&mut world, step).map_err(|error| error.inside(number))?;
        report.broken = world.broken().map(|rule| [rule, ", at ", &*world.clock().to_string()].concat());
        let differences = step.expect.as_ref().map(|expected| expect::differences(expected, &result));
        match &differences {
            Some(found) if found.is_empty() => report.passed += 1,
            Some(_) => report.failed += 1,
            None => {}
        }
        report.steps.push(StepResult { step: number, at: step.at, did, result, differences });
        if report.broken.is_some() {
            report.failed += 1;
            break;
        }
    }
    report.happened = world.happened();
    Ok(report)
}

/// Runs a scenario given as JSON, and gives the report as JSON.
pub fn run_text(text: &str) -> Result<String, ScenarioError> {
    Ok(json::write(&run(&Scenario::parse(text)?)?))
}

impl ToJson for StepResult {
    fn write(&self, to: &mut Writer) {
        object!(to, self { step, at, did, result, differences if given });
    }
}

impl ToJson for Report {
    fn write(&self, to: &mut Writer) {
        object!(to, self { steps, passed, failed, broken if given });
    }
}
