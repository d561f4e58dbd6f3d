//! What each verb does.

use super::scenario::{
    AcquireStep, AnswerSpec, CredentialSpec, NameStep, OverrideStep, ReportStep, ScenarioError, StateStep,
    Step, Verb,
};
use super::world::{identity, World};
use crate::credential::{Changes, Identity, Origin};
use crate::engine::Event;
use crate::id::Handle;
use crate::json::{self, Value};
use crate::pool::{Answer, Outcome, PoolInput, SecretInput};
use crate::select::Standing;
use crate::time::{Span, Timestamp};
use crate::verdict::Verdict;

type Result<T> = std::result::Result<T, ScenarioError>;

/// So many names are listed of a repeated step.
const FIRST: usize = 20;

/// Performs a step; gives its verb and its result.
pub(super) fn perform(world: &mut World, step: &Step) -> Result<(&'static str, Value)> {
    let (did, verb) = step.verb()?;
    world.advance(step.at);
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
        Verb::Acquire(step) => acquire(world, pool, step),
        Verb::Report(step) => report(world, pool, step),
        Verb::Classify(step) => Ok(classify(world, pool, step)),
        Verb::State(step) => state(world, pool, step),
        Verb::Add(spec) => add(world, pool, spec),
        Verb::Update(spec) => update(world, pool, spec),
        Verb::Remove(step) => remove(world, pool, step),
        Verb::Enable(step) => enable(world, pool, step, true),
        Verb::Disable(step) => enable(world, pool, step, false),
        Verb::Override(step) => set_override(world, pool, step),
        Verb::Origin(step) => Ok(origin(world, pool, &step.provider)),
        Verb::Explain(step) => {
            let (model, session) = (step.model.as_deref(), step.session.as_deref());
            let explained = world.pools[pool].pool.explain(&step.provider, model, session);
            let candidates: Vec<_> = explained
                .candidates
                .iter()
                .map(|candidate| {
                    let mut fields = nothing();
                    fields.set("name", &*candidate.name);
                    fields.set("verdict", candidate.verdict);
                    put_time(world, &mut fields, "until", candidate.until);
                    fields
                })
                .collect();
            let mut fields = nothing();
            if let Some(picked) = explained.picked {
                fields.set("picked", &*picked);
            }
            fields.set("candidates", candidates);
            Ok(fields)
        }
        Verb::Events => {
            let events = std::mem::take(&mut world.pools[pool].events);
            let events: Vec<_> = events.iter().map(|event| told(world, event)).collect();
            let mut fields = nothing();
            fields.set("events", events);
            Ok(fields)
        }
        Verb::Crash(step) => {
            let pool = step.pool.unwrap_or(pool);
            if pool >= world.pools.len() {
                return Err(ScenarioError::new("pool", format!("there are {} pools", world.pools.len())));
            }
            world.crash(pool)?;
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

fn acquire(world: &mut World, pool: usize, step: &AcquireStep) -> Result<Value> {
    let providers = match (&step.provider, step.providers.as_slice()) {
        (Some(provider), []) => vec![provider.clone()],
        (None, [_, ..]) => step.providers.clone(),
        (None, []) => return Err(ScenarioError::new("provider", "is missing")),
        (Some(_), _) => return Err(ScenarioError::new("providers", "give provider or providers, not both")),
    };
    let mut exclude = Vec::new();
    for name in &step.exclude {
        let provider = step.provider.as_deref();
        exclude.push(
            world
                .named(pool, name, provider)
                .map_err(|error| ScenarioError::new("exclude", error.message))?,
        );
    }
    if let Some(kind) = step.mode {
        let engine = world.pools[pool].pool.engine();
        let other = |handle: &Handle| engine.record(*handle).is_some_and(|record| record.kind != kind);
        exclude.extend(engine.handles().filter(other));
    }
    let request = world.request();
    let excluded = exclude.clone();
    world.feed(
        pool,
        PoolInput::Acquire {
            request,
            providers: providers.clone(),
            model: step.model.clone(),
            session: step.session.clone(),
            exclude,
            tried: Vec::new(),
            round: 0,
            wait: Span::ZERO,
        },
    );
    match world.answer(request) {
        Some(Answer::Leased { lease, handle, origin, forced, .. }) => {
            if let Some(label) = &step.label {
                world.leases.insert(label.clone(), (pool, lease));
            }
            let engine = world.pools[pool].pool.engine();
            let mut fields = nothing();
            if let Some(record) = engine.record(handle) {
                if origin.is_stored() {
                    fields.set("name", &*record.name);
                }
                fields.set("provider", &*record.provider);
            }
            fields.set("origin", origin.as_str());
            if let Some(secret) = world.pools[pool].pool.secret(handle) {
                fields.set("secret", secret);
            }
            if forced {
                fields.set("forced", true);
            }
            Ok(fields)
        }
        Some(Answer::Refused { code, retry_at }) => {
            let mut fields = nothing();
            fields.set("error", code.as_str());
            put_time(world, &mut fields, "retry_at", retry_at);
            let mut out = nothing();
            for provider in &providers {
                let explained = world.pools[pool].pool.explain(provider, step.model.as_deref(), None);
                for candidate in explained.candidates {
                    let excluded = excluded.contains(&candidate.handle);
                    let verdict = if excluded { "excluded" } else { candidate.verdict };
                    out.set(&candidate.name, verdict);
                }
            }
            fields.set("out", out);
            Ok(fields)
        }
        other => Err(unexpected(other)),
    }
}

fn outcome(spec: &AnswerSpec, ok: bool) -> Outcome {
    let body = match &spec.body {
        Value::Null => None,
        Value::String(text) => Some(text.as_str().into()),
        body => Some(body.to_string().into()),
    };
    Outcome {
        ok,
        status: spec.status,
        headers: spec.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        body,
        transport: spec.transport,
    }
}

fn report(world: &mut World, pool: usize, step: &ReportStep) -> Result<Value> {
    let answer = AnswerSpec {
        provider: None,
        status: step.status,
        headers: step.headers.clone(),
        body: step.body.clone(),
        transport: step.transport,
    };
    let outcome = outcome(&answer, step.ok);
    let (mut lease, mut handle) = (None, None);
    match (&step.lease, &step.name) {
        (Some(label), None) => {
            let found = world.leases.get(label).copied();
            let (of, id) =
                found.ok_or_else(|| ScenarioError::new("lease", format!("no lease `{label}` is open")))?;
            if of != pool {
                return Err(ScenarioError::new("lease", format!("`{label}` is a lease of pool {of}")));
            }
            lease = Some(id);
        }
        (None, Some(name)) => handle = Some(world.named(pool, name, step.provider.as_deref())?),
        _ => return Err(ScenarioError::new("lease", "give a lease or a name")),
    }
    let request = world.request();
    let (model, session) = (step.model.clone(), step.session.clone());
    world.feed(pool, PoolInput::Report { request, lease, handle, model, session, outcome, attempts: 0 });
    match world.answer(request) {
        Some(Answer::Reported { reason, scope, until, level, action, .. }) => {
            let mut fields = nothing();
            fields.set("reason", reason);
            fields.set("scope", scope.to_string());
            put_time(world, &mut fields, "until", until);
            fields.set("level", u64::from(level));
            fields.set("action", action.as_str());
            Ok(fields)
        }
        other => Err(unexpected(other)),
    }
}

fn classify(world: &World, pool: usize, step: &AnswerSpec) -> Value {
    let provider = step.provider.as_deref().unwrap_or_default();
    match world.pools[pool].pool.judge(provider, &outcome(step, false), world.now()) {
        Verdict::Success => {
            let mut fields = nothing();
            fields.set("reason", "ok");
            fields
        }
        Verdict::Failure(failure) => {
            let mut fields = nothing();
            fields.set("reason", failure.reason.as_str());
            fields.set("scope", failure.scope.to_string());
            if let Some(hint) = failure.hint {
                fields.set("hint_ms", hint.after.0);
            }
            fields
        }
    }
}

fn state(world: &mut World, pool: usize, step: &StateStep) -> Result<Value> {
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
    if let Some(scope) = scope.filter(|scope| scope.level > 0) {
        fields.set("level", u64::from(scope.level));
    }
    if let Some(cause) = view.disabled_cause {
        fields.set("disabled_cause", &*cause);
    }
    put_time(world, &mut fields, "expires", view.expires);
    Ok(fields)
}

fn add(world: &mut World, pool: usize, spec: &CredentialSpec) -> Result<Value> {
    let request = world.request();
    let credentials = vec![world.credential(spec)?];
    world.feed(pool, PoolInput::Add { request, credentials });
    done(world, request)
}

fn update(world: &mut World, pool: usize, spec: &CredentialSpec) -> Result<Value> {
    let name = spec.name.as_deref().ok_or_else(|| ScenarioError::new("name", "is missing"))?;
    let handle = world.named(pool, name, spec.provider.as_deref())?;
    let identity = Some(identity(spec)).filter(|identity| *identity != Identity::default());
    let changes = Changes {
        name: None,
        priority: spec.priority,
        weight: spec.weight,
        models: spec.models.clone(),
        enabled: spec.enabled,
        disabled_cause: None,
        expires: spec.expires.map(|at| world.instant(at)),
        base_url: spec.base_url.clone(),
        identity,
        source: spec.source.clone(),
    };
    let (key, token) = (spec.key.clone(), spec.token.clone());
    let (access, refresh) = (spec.access.clone(), spec.refresh.clone());
    let given = key.is_some() || token.is_some() || access.is_some();
    let secret = given.then_some(SecretInput { key, token, access, refresh });
    change(world, pool, handle, changes, secret)
}

fn enable(world: &mut World, pool: usize, step: &NameStep, enabled: bool) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let changes =
        Changes { enabled: Some(enabled), disabled_cause: step.cause.clone(), ..Changes::default() };
    change(world, pool, handle, changes, None)?;
    Ok(nothing())
}

fn remove(world: &mut World, pool: usize, step: &NameStep) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let request = world.request();
    let id = stored_id(world, pool, handle)?;
    world.feed(pool, PoolInput::Remove { request, id });
    done(world, request)?;
    Ok(nothing())
}

fn change(
    world: &mut World,
    pool: usize,
    handle: Handle,
    changes: Changes,
    secret: Option<SecretInput>,
) -> Result<Value> {
    let request = world.request();
    let id = stored_id(world, pool, handle)?;
    world.feed(pool, PoolInput::Update { request, id, changes, secret });
    done(world, request)
}

fn stored_id(world: &World, pool: usize, handle: Handle) -> Result<crate::id::CredentialId> {
    let id = world.pools[pool].pool.engine().origin(handle).and_then(|(_, id)| id);
    id.ok_or_else(|| ScenarioError::new("name", "is not stored"))
}

fn set_override(world: &mut World, pool: usize, step: &OverrideStep) -> Result<Value> {
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

fn origin(world: &mut World, pool: usize, provider: &str) -> Value {
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

fn done(world: &mut World, request: crate::id::RequestId) -> Result<Value> {
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

fn told(world: &World, event: &Event) -> Value {
    let mut told: Value = json::read(&json::write(event)).unwrap_or_default();
    put_time(world, &mut told, "at", Some(event.at));
    put_time(world, &mut told, "until", event.until);
    told
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
