//! Verbs about refreshes, and what the network saw of them.

use super::super::scenario::{AutoRefreshStep, NameStep, RefreshStep};
use super::super::world::World;
use super::later::{self, Later};
use super::{manage, nothing, put_time, unexpected, Result};
use crate::id::Handle;
use crate::json::{self, Value};
use crate::pool::{Answer, PoolInput};
use crate::time::Span;

pub(super) fn refresh(world: &mut World, pool: usize, step: &RefreshStep) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let request = world.request();
    let id = manage::stored_id(world, pool, handle)?;
    let own = world.pools[pool].pool.engine().record(handle).map(|record| record.secret_version);
    let failed = step.failed.or(own.filter(|_| step.refused));
    let (force, wait) = (step.force, Span::ZERO);
    world.feed(pool, PoolInput::Refresh { request, id, force, failed, wait });
    if step.later {
        return later::keep(world, step.label.as_deref(), Later::Refresh(pool, request));
    }
    world.wait_for(request);
    let answer = world.answer(request);
    refreshed(world, answer)
}

pub(super) fn refreshed(world: &World, answer: Option<Answer>) -> Result<Value> {
    let mut fields = nothing();
    match answer {
        Some(Answer::Refreshed { expires, .. }) => {
            fields.set("ok", true);
            put_time(world, &mut fields, "expires", expires);
        }
        Some(Answer::RefreshFailed { definitive, cause }) => {
            fields.set("ok", false);
            fields.set("definitive", definitive);
            fields.set("cause", &*cause);
        }
        Some(Answer::Failed { message, .. }) => {
            fields.set("ok", false);
            fields.set("cause", &*message);
        }
        Some(Answer::Refused { code, .. }) => {
            fields.set("ok", false);
            fields.set("cause", code.as_str());
        }
        other => return Err(unexpected(other)),
    }
    Ok(fields)
}

/// A call's token was refused: renews it. Says whether there is a new one.
pub(super) fn renew(world: &mut World, pool: usize, handle: Handle, failed: Option<u64>) -> bool {
    let Ok(id) = manage::stored_id(world, pool, handle) else { return false };
    let request = world.request();
    world.feed(pool, PoolInput::Refresh { request, id, force: true, failed, wait: Span::ZERO });
    world.wait_for(request);
    matches!(world.answer(request), Some(Answer::Refreshed { .. }))
}

pub(super) fn introspect(world: &mut World, pool: usize, step: &NameStep) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let id = manage::stored_id(world, pool, handle)?;
    let request = world.request();
    world.feed(pool, PoolInput::Introspect { request, id });
    world.wait_for(request);
    let mut fields = nothing();
    match world.answer(request) {
        Some(Answer::Introspected(said)) => {
            if let Some(active) = said.active {
                fields.set("active", active);
            }
            put_time(world, &mut fields, "expires", said.expires);
            if let Some(cause) = said.cause {
                fields.set("cause", &*cause);
            }
        }
        Some(Answer::Failed { message, .. }) => fields.set("cause", &*message),
        other => return Err(unexpected(other)),
    }
    Ok(fields)
}

pub(super) fn auto_refresh(world: &mut World, pool: usize, step: &AutoRefreshStep) -> Result<Value> {
    let request = world.request();
    let (enabled, interval) = (step.enabled, Span(step.interval));
    world.feed(pool, PoolInput::AutoRefresh { request, enabled, interval });
    manage::done(world, request)?;
    Ok(nothing())
}

pub(super) fn requests(world: &mut World, pool: usize) -> Value {
    let sent = std::mem::take(&mut world.pools[pool].sent);
    let mut all = Vec::new();
    for request in sent {
        let mut fields = nothing();
        fields.set("method", request.method);
        fields.set("url", &*request.url);
        let body = request.body.as_ref().map_or("", |body| body.expose());
        let mut headers = nothing();
        let mut form = false;
        for (name, value) in &request.headers {
            form |= value.expose() == "application/x-www-form-urlencoded";
            headers.set(name, value.expose());
        }
        fields.set("headers", headers);
        if form {
            let mut read = nothing();
            for pair in body.split('&') {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                read.set(&decoded(name), decoded(value));
            }
            fields.set("form", read);
        } else {
            fields.set("body", json::read::<Value>(body).unwrap_or_else(|_| body.into()));
        }
        all.push(fields);
    }
    let mut fields = nothing();
    fields.set("requests", all);
    fields
}

/// Undoes the encoding of a form.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0);
                (digit() * 16 + digit()) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
