//! Steps that wait while others run.

use super::call::{self, Asked};
use super::{nothing, renew, Result};
use crate::id::RequestId;
use crate::json::Value;
use crate::pool::PoolInput;
use crate::simulate::scenario::{LabelStep, ScenarioError};
use crate::simulate::world::World;

/// A step that was not waited for.
pub(in crate::simulate) enum Later {
    Refresh(usize, RequestId),
    Acquire(Asked),
}

impl Later {
    const fn asked(&self) -> (usize, RequestId) {
        match self {
            Self::Refresh(pool, request) => (*pool, *request),
            Self::Acquire(asked) => (asked.pool, asked.request),
        }
    }
}

pub(super) fn keep(world: &mut World, label: Option<&str>, what: Later) -> Result<Value> {
    let label = label.ok_or_else(|| ScenarioError::new("as", "is missing: what waits has a label"))?;
    world.later.insert(label.into(), what);
    Ok(nothing())
}

fn take(world: &mut World, step: &LabelStep) -> Result<Later> {
    let found = world.later.remove(&step.label);
    found.ok_or_else(|| ScenarioError::new("as", format!("nobody `{}` waits", step.label)))
}

/// What came of it; `{"waiting": true}` where it waits still.
pub(super) fn await_answer(world: &mut World, step: &LabelStep) -> Result<Value> {
    let later = take(world, step)?;
    if !world.is_answered(later.asked().1) {
        world.later.insert(step.label.clone(), later);
        let mut fields = nothing();
        fields.set("waiting", true);
        return Ok(fields);
    }
    settle(world, &later)
}

pub(super) fn cancel(world: &mut World, step: &LabelStep) -> Result<Value> {
    let later = take(world, step)?;
    let (pool, request) = later.asked();
    world.feed(pool, PoolInput::Cancel { request });
    settle(world, &later)
}

fn settle(world: &mut World, later: &Later) -> Result<Value> {
    let answer = world.answer(later.asked().1);
    match later {
        Later::Refresh(..) => renew::refreshed(world, answer),
        Later::Acquire(asked) => call::settle(world, asked, answer),
    }
}
