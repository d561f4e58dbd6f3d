//! How things stand, and what happened.

use super::{nothing, put_time, Result};
use crate::cooldown::Circuit;
use crate::credential::Origin;
use crate::engine::Event;
use crate::json::{self, Value};
use crate::select::Standing;
use crate::simulate::scenario::{ExplainStep, ScenarioError, StateStep};
use crate::simulate::world::World;

pub(super) fn state(world: &mut World, pool: usize, step: &StateStep) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let missing = || ScenarioError::new("name", "is gone");
    let view = world.pools[pool].pool.engine().member_view(handle).ok_or_else(missing)?;
    let route = world.pools[pool].pool.route(&view.provider, step.model.as_deref());
    let engine = world.pools[pool].pool.engine();
    let (standing, scope) = engine.health(handle, route).ok_or_else(missing)?;
    let mut fields = nothing();
    fields.set("available", standing == Standing::Ready);
    fields.set("enabled", view.enabled);
    if let Standing::Out(reason, until) = standing {
        fields.set("reason", reason.as_str());
        let until = until.map(|at| engine.now().wall_of(at));
        put_time(world, &mut fields, "until", until);
    }
    let mut circuit = Circuit::Closed;
    if let Some(scope) = scope {
        circuit = scope.circuit;
        if scope.level > 0 {
            fields.set("level", u64::from(scope.level));
        }
        if !scope.failures.is_empty() {
            let mut failures = nothing();
            for (reason, count) in scope.failures.iter() {
                failures.set(reason.as_str(), u64::from(count));
            }
            fields.set("failures", failures);
        }
    }
    fields.set("circuit", circuit.as_str());
    fields.set("status", view.status);
    if let Some(cause) = view.disabled_cause {
        fields.set("disabled_cause", &*cause);
    }
    if let Some(fault) = view.fault {
        fields.set("fault", &*fault.cause);
    }
    put_time(world, &mut fields, "expires", view.expires);
    put_time(world, &mut fields, "next_refresh", view.next_refresh);
    put_time(world, &mut fields, "next_retry", view.next_retry);
    Ok(fields)
}

pub(super) fn origin(world: &mut World, pool: usize, provider: &str) -> Value {
    let Some((origin, handle)) = world.pools[pool].pool.origin_of(provider) else { return nothing() };
    let mut fields = nothing();
    fields.set("origin", origin.as_str());
    if origin == Origin::Env {
        if let Some(record) = world.pools[pool].pool.engine().record(handle) {
            fields.set("env", &*record.name);
        }
    }
    fields
}

pub(super) fn explain(world: &mut World, pool: usize, step: &ExplainStep) -> Value {
    let (model, session) = (step.model.as_deref(), step.session.as_deref());
    let explained = world.pools[pool].pool.explain(&step.provider, model, session);
    let candidates: Vec<_> = explained
        .candidates
        .iter()
        .map(|candidate| {
            let mut fields = nothing();
            fields.set("name", &*candidate.name);
            fields.set("verdict", candidate.verdict);
            if let Some(rank) = candidate.rank {
                fields.set("rank", u64::from(rank));
            }
            if let Some(model) = candidate.model.as_deref() {
                fields.set("model", model);
            }
            put_time(world, &mut fields, "until", candidate.until);
            fields
        })
        .collect();
    let mut fields = nothing();
    if let Some(picked) = explained.picked {
        fields.set("picked", &*picked);
    }
    fields.set("candidates", candidates);
    fields
}

pub(super) fn events(world: &mut World, pool: usize) -> Value {
    let events = std::mem::take(&mut world.pools[pool].events);
    let events: Vec<_> = events.iter().map(|event| told(world, event)).collect();
    let mut fields = nothing();
    fields.set("events", events);
    fields
}

fn told(world: &World, event: &Event) -> Value {
    let mut told: Value = json::read(&json::write(event)).unwrap_or_default();
    put_time(world, &mut told, "at", Some(event.at));
    put_time(world, &mut told, "until", event.until);
    told
}
