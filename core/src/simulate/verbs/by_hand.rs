//! What people do by hand.

use super::manage::{change, done};
use super::{nothing, Result};
use crate::credential::{Changes, BY_HAND};
use crate::json::Value;
use crate::pool::PoolInput;
use crate::simulate::scenario::{NameStep, PauseStep, ResetStep};
use crate::simulate::world::World;
use crate::time::Timestamp;

pub(super) fn reset(world: &mut World, pool: usize, step: &ResetStep) -> Result<Value> {
    let named = step.name.as_deref().map(|name| world.named(pool, name, step.provider.as_deref()));
    let handle = named.transpose()?;
    let request = world.request();
    let (provider, model) = (step.provider.clone(), step.model.clone());
    world.feed(pool, PoolInput::Reset { request, handle, provider, model });
    done(world, request)
}

/// Answers whether its last call has ended.
pub(super) fn drain(world: &mut World, pool: usize, step: &NameStep) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let request = world.request();
    world.feed(pool, PoolInput::Drain { request, handle });
    let mut fields = nothing();
    fields.set("drained", world.answer(request).is_some());
    Ok(fields)
}

pub(super) fn pause(world: &mut World, pool: usize, step: &PauseStep) -> Result<Value> {
    let until = step.until.map_or(BY_HAND, |until| world.instant(until));
    pause_until(world, pool, &step.name, step.provider.as_deref(), until)
}

pub(super) fn resume(world: &mut World, pool: usize, step: &NameStep) -> Result<Value> {
    pause_until(world, pool, &step.name, step.provider.as_deref(), Timestamp(0))
}

fn pause_until(
    world: &mut World,
    pool: usize,
    name: &str,
    provider: Option<&str>,
    until: Timestamp,
) -> Result<Value> {
    let handle = world.named(pool, name, provider)?;
    let changes = Changes { paused_until: Some(until), ..Changes::default() };
    change(world, pool, handle, changes, None)?;
    Ok(nothing())
}

pub(super) fn set_policy(world: &mut World, pool: usize, policy: &Value) -> Result<Value> {
    let request = world.request();
    world.feed(pool, PoolInput::Policy { request, policy: policy.clone(), documents: Vec::new() });
    let answer = done(world, request)?;
    if answer.get("error").is_none() {
        world.keep_policy(policy);
    }
    Ok(answer)
}
