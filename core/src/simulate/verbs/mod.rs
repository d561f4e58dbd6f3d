//! What each verb does.

mod by_hand;
mod call;
mod later;
mod manage;
mod renew;
mod show;
mod usage;
mod whole;

pub(super) use later::Later;

use super::scenario::{ClockStep, ScenarioError, Step, Verb};
use super::watch::Judgement;
use super::world::World;
use crate::json::Value;
use crate::pool::{Answer, PoolInput};
use crate::time::Timestamp;

type Result<T> = std::result::Result<T, ScenarioError>;

/// So many names are listed of a repeated step.
const FIRST: usize = 20;

/// Performs a step; gives its verb and its result.
pub(super) fn perform(world: &mut World, step: &Step) -> Result<(&'static str, Value)> {
    let (did, verb) = step.verb()?;
    world.advance(step.at);
    if let Some(result) = world.unable(step.pool, &verb) {
        return Ok((did, result));
    }
    world.look(step.pool);
    let within = |error: ScenarioError| ScenarioError { path: format!("{did}.{}", error.path), ..error };
    let Some(repeat) = step.repeat else {
        return Ok((did, once(world, step.pool, verb).map_err(within)?));
    };
    let mut counts = nothing();
    let mut first = Vec::new();
    for round in 0..repeat {
        world.advance(step.at.saturating_add(step.every.saturating_mul(u64::from(round))));
        let result = once(world, step.pool, verb).map_err(within)?;
        let name = result.get("name").or_else(|| result.get("error")).and_then(Value::as_str).unwrap_or("?");
        let count = counts.get(name).and_then(Value::as_u64).unwrap_or(0);
        counts.set(name, count + 1);
        if first.len() < FIRST {
            first.push(Value::from(name));
        }
    }
    let mut result = nothing();
    result.set("counts", counts);
    result.set("first", first);
    Ok((did, result))
}

fn once(world: &mut World, pool: usize, verb: Verb<'_>) -> Result<Value> {
    match verb {
        Verb::Acquire(step) => call::acquire(world, pool, step),
        Verb::Call(step) => whole::call(world, pool, step),
        Verb::Await(step) => later::await_answer(world, step),
        Verb::Cancel(step) => later::cancel(world, step),
        Verb::Report(step) => call::report(world, pool, step),
        Verb::Rotate(step) => Ok(call::rotate(world, pool, step)),
        Verb::Classify(step) => Ok(call::classify(world, pool, step)),
        Verb::State(step) => show::state(world, pool, step),
        Verb::Add(spec) => manage::add(world, pool, spec),
        Verb::Update(spec) => manage::update(world, pool, spec),
        Verb::Remove(step) => manage::remove(world, pool, step),
        Verb::Enable(step) => manage::enable(world, pool, step, true),
        Verb::Disable(step) => manage::enable(world, pool, step, false),
        Verb::Reset(step) => by_hand::reset(world, pool, step),
        Verb::Drain(step) => by_hand::drain(world, pool, step),
        Verb::Pause(step) => by_hand::pause(world, pool, step),
        Verb::Resume(step) => by_hand::resume(world, pool, step),
        Verb::Policy(policy) => by_hand::set_policy(world, pool, policy),
        Verb::Override(step) => manage::set_override(world, pool, step),
        Verb::Origin(step) => Ok(show::origin(world, pool, &step.provider)),
        Verb::Explain(step) => Ok(show::explain(world, pool, step)),
        Verb::Untie(step) => Ok(manage::untie(world, pool, &step.session)),
        Verb::Events => Ok(show::events(world, pool)),
        Verb::Refresh(step) => renew::refresh(world, pool, step),
        Verb::Introspect(step) => renew::introspect(world, pool, step),
        Verb::AutoRefresh(step) => renew::auto_refresh(world, pool, step),
        Verb::Requests => Ok(renew::requests(world, pool)),
        Verb::Usage(step) => usage::usage(world, pool, step),
        Verb::IngestHeaders(step) => usage::ingest(world, pool, step),
        Verb::FetchUsage(step) => usage::fetch(world, pool, step),
        Verb::MarkUsageLimit(step) => usage::mark(world, pool, step),
        Verb::RecordCost(step) => usage::cost(world, pool, step),
        Verb::Histories => Ok(usage::histories(world)),
        Verb::CheckCredential(step) => usage::check(world, pool, step),
        Verb::ResetCredits(step) => usage::resets(world, pool, step, false),
        Verb::RedeemReset(step) => usage::resets(world, pool, step, true),
        Verb::Crash(step) => {
            let pool = step.pool.unwrap_or(pool);
            if pool >= world.pools.len() {
                return Err(ScenarioError::new("pool", format!("there are {} pools", world.pools.len())));
            }
            if step.span > 0 {
                world.crash_for(pool, step.span);
            } else {
                world.crash(pool)?;
            }
            Ok(nothing())
        }
        Verb::Visit(step) => {
            world.visit(pool, &step.provider);
            Ok(nothing())
        }
        Verb::Freeze(step) => {
            world.freeze(pool, step.span);
            Ok(nothing())
        }
        Verb::StoreDown(step) => {
            world.take_store_down(step.span);
            Ok(nothing())
        }
        Verb::Check => Ok(shown(world.check())),
        Verb::Clock(ClockStep { jump, pool: Some(pool) }) => {
            if *pool >= world.pools.len() {
                return Err(ScenarioError::new("pool", format!("there are {} pools", world.pools.len())));
            }
            world.jump_one(*pool, *jump);
            Ok(nothing())
        }
        Verb::Clock(step) => {
            world.jump(step.jump);
            for pool in 0..world.pools.len() {
                world.feed(pool, PoolInput::Tick {});
            }
            Ok(nothing())
        }
    }
}

/// How the accounts of a world stand.
fn shown(judged: Judgement) -> Value {
    let Judgement { well, needs_login, dead, interrupted } = judged;
    let mut fields = nothing();
    fields.set("well", well);
    fields.set("needs_login", needs_login);
    fields.set("dead", dead);
    fields.set("interrupted", interrupted);
    fields
}

fn put_time(world: &World, fields: &mut Value, name: &str, at: Option<Timestamp>) {
    if let Some(at) = at {
        fields.set(name, world.line(at));
    }
}

/// An object without fields.
const fn nothing() -> Value {
    Value::Object(Vec::new())
}

fn unexpected(answer: Option<Answer>) -> ScenarioError {
    ScenarioError::new("", format!("the engine answered {answer:?}"))
}
