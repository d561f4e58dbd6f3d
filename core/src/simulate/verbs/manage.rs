//! Credentials come, change and go.

use super::{nothing, unexpected, Result};
use crate::credential::{Changes, Identity, Origin};
use crate::id::{CredentialId, Handle, RequestId};
use crate::json::Value;
use crate::pool::{Answer, PoolInput, SecretInput};
use crate::simulate::scenario::{CredentialSpec, NameStep, OverrideStep, ScenarioError};
use crate::simulate::world::{identity, World};

pub(super) fn add(world: &mut World, pool: usize, spec: &CredentialSpec) -> Result<Value> {
    let request = world.request();
    let credentials = vec![world.credential(spec)?];
    world.feed(pool, PoolInput::Add { request, credentials });
    done(world, request)
}

pub(super) fn update(world: &mut World, pool: usize, spec: &CredentialSpec) -> Result<Value> {
    let name = spec.name.as_deref().ok_or_else(|| ScenarioError::new("name", "is missing"))?;
    let handle = world.named(pool, name, spec.provider.as_deref())?;
    let identity = Some(identity(spec)).filter(|identity| *identity != Identity::default());
    let changes = Changes {
        name: None,
        priority: spec.priority,
        weight: spec.weight,
        models: spec.models.clone(),
        excluded_models: spec.excluded_models.clone(),
        aliases: spec.aliases.clone(),
        prefix: spec.prefix.clone(),
        limits: spec.limits,
        enabled: spec.enabled,
        disabled_cause: None,
        paused_until: None,
        cooling: spec.cooling,
        expires: spec.expires.map(|at| world.instant(at)),
        base_url: spec.base_url.clone(),
        token_url: spec.token_url.clone(),
        retry: spec.retry,
        identity,
        source: spec.source.clone(),
    };
    let (key, token) = (spec.key.clone(), spec.token.clone());
    let (access, refresh) = (spec.access.clone(), spec.refresh.clone());
    let proxy_url = spec.proxy_url.clone();
    let given = key.is_some() || token.is_some() || access.is_some() || proxy_url.is_some();
    let secret = given.then_some(SecretInput { key, token, access, refresh, proxy_url, headers: None });
    change(world, pool, handle, changes, secret)
}

pub(super) fn enable(world: &mut World, pool: usize, step: &NameStep, enabled: bool) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let changes =
        Changes { enabled: Some(enabled), disabled_cause: step.cause.clone(), ..Changes::default() };
    change(world, pool, handle, changes, None)?;
    Ok(nothing())
}

pub(super) fn remove(world: &mut World, pool: usize, step: &NameStep) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let request = world.request();
    let id = stored_id(world, pool, handle)?;
    world.feed(pool, PoolInput::Remove { request, id });
    done(world, request)?;
    Ok(nothing())
}

pub(super) fn set_override(world: &mut World, pool: usize, step: &OverrideStep) -> Result<Value> {
    for (origin, key) in [(Origin::Runtime, &step.runtime.0), (Origin::Config, &step.config.0)] {
        let Some(key) = key else { continue };
        let request = world.request();
        let provider = step.provider.clone();
        let secret = key.clone().map(|key| SecretInput { key: Some(key), ..SecretInput::default() });
        world.feed(pool, PoolInput::Override { request, provider, origin, kind: None, secret, name: None });
        done(world, request)?;
    }
    Ok(nothing())
}

pub(super) fn change(
    world: &mut World,
    pool: usize,
    handle: Handle,
    changes: Changes,
    secret: Option<SecretInput>,
) -> Result<Value> {
    let request = world.request();
    let id = stored_id(world, pool, handle)?;
    world.feed(pool, PoolInput::Update { request, id, changes: Box::new(changes), secret });
    done(world, request)
}

pub(super) fn stored_id(world: &World, pool: usize, handle: Handle) -> Result<CredentialId> {
    let id = world.pools[pool].pool.engine().origin(handle).and_then(|(_, id)| id);
    id.ok_or_else(|| ScenarioError::new("name", "is not stored"))
}

pub(super) fn untie(world: &mut World, pool: usize, session: &str) -> Value {
    let request = world.request();
    world.feed(pool, PoolInput::Untie { request, session: session.into() });
    let Some(Answer::Done { ids }) = world.answer(request) else { return nothing() };
    let engine = world.pools[pool].pool.engine();
    let name = |id| Some(Value::from(&*engine.record(engine.find(id)?)?.name));
    let names: Vec<_> = ids.into_iter().filter_map(name).collect();
    let mut fields = nothing();
    fields.set("untied", names);
    fields
}

pub(super) fn done(world: &mut World, request: RequestId) -> Result<Value> {
    match world.answer(request) {
        Some(Answer::Done { ids }) => {
            let mut fields = nothing();
            if let Some(id) = ids.first() {
                fields.set("id", id.0);
            }
            Ok(fields)
        }
        Some(Answer::Failed { code, message }) => {
            let mut fields = nothing();
            fields.set("error", code.as_str());
            fields.set("message", &*message);
            Ok(fields)
        }
        other => Err(unexpected(other)),
    }
}
