//! A whole call, as `fetch` makes it: one credential after the other, as the policy says.

use super::call::outcome;
use super::{nothing, renew, unexpected, Result};
use crate::engine::Next;
use crate::id::Handle;
use crate::json::{self, Value};
use crate::pool::{Answer, Outcome, PoolInput};
use crate::simulate::scenario::CallStep;
use crate::simulate::world::World;
use crate::time::Span;

/// Who was sent to, in order; how long it took; how it ended.
pub(super) fn call(world: &mut World, pool: usize, step: &CallStep) -> Result<Value> {
    let began = world.clock();
    let mut sent = Vec::new();
    let (mut tried, mut round, mut after): (Vec<Handle>, u32, Option<crate::verdict::Reason>) =
        (Vec::new(), 0, None);
    let mut ended = nothing();
    // Whose token was renewed in this call, and who is to be tried with it.
    let (mut renewed, mut prefer): (Vec<Handle>, Option<Handle>) = (Vec::new(), None);
    loop {
        let request = world.request();
        let left = step.wait.saturating_sub(world.clock() - began);
        world.feed(
            pool,
            PoolInput::Acquire {
                request,
                providers: step.providers.clone(),
                model: step.model.clone(),
                session: step.session.clone(),
                known_as: None,
                exclude: Vec::new(),
                tried: tried.clone(),
                round,
                after,
                wait: Span(left),
                prefer: prefer.take(),
                now: false,
            },
        );
        world.wait_for(request);
        let (lease, handle) = match world.answer(request) {
            Some(Answer::Leased { lease, handle, round: of, .. }) => {
                if of > round {
                    tried.clear();
                }
                round = of;
                tried.push(handle);
                (lease, handle)
            }
            Some(Answer::Refused { code, .. }) => {
                if sent.is_empty() {
                    ended.set("error", code.as_str());
                }
                break;
            }
            other => return Err(unexpected(other)),
        };
        let record = world.pools[pool].pool.engine().record(handle);
        let version = record.map(|record| record.secret_version);
        let name = record.map(|record| record.name.clone()).unwrap_or_default();
        sent.push(Value::from(&*name));
        let answer = step.answers.get(&name);
        let outcome =
            answer.map_or_else(|| Outcome { ok: true, ..Outcome::default() }, |spec| outcome(spec, false));
        let request = world.request();
        world.feed(
            pool,
            PoolInput::Report {
                request,
                lease: Some(lease),
                handle: None,
                model: None,
                session: None,
                outcome,
                attempts: sent.len() as u32,
                refreshed: renewed.contains(&handle),
            },
        );
        match world.answer(request) {
            Some(Answer::Reported { reason, action, .. }) => {
                ended.set("reason", reason);
                ended.set("action", action.as_str());
                after = json::read(&json::write(&reason)).ok();
                match action {
                    Next::Refresh => {
                        // Renewed or not, it is not asked for that again.
                        renewed.push(handle);
                        if renew::renew(world, pool, handle, version) {
                            tried.retain(|&other| other != handle);
                            prefer = Some(handle);
                        }
                    }
                    Next::Rotate => {}
                    Next::None | Next::Stop => break,
                }
            }
            other => return Err(unexpected(other)),
        }
    }
    ended.set("sent", sent);
    ended.set("took", world.clock() - began);
    Ok(ended)
}
