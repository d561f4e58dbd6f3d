//! A credential for a call, how the call ended, and what an answer means.

use super::later::{self, Later};
use super::{nothing, put_time, unexpected, Result};
use crate::id::{Handle, RequestId, SessionIx};
use crate::json::Value;
use crate::limit::Spending;
use crate::pool::{Answer, Outcome, PoolInput, StreamData};
use crate::simulate::scenario::{AcquireStep, AnswerSpec, ReportStep, RotateStep, ScenarioError};
use crate::simulate::world::World;
use crate::time::Span;
use crate::verdict::Verdict;

pub(super) fn acquire(world: &mut World, pool: usize, step: &AcquireStep) -> Result<Value> {
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
    let (session, known_as) = session_of(world, pool, step);
    let request = world.request();
    let asked = Asked {
        pool,
        request,
        providers: providers.clone(),
        model: step.model.clone(),
        excluded: exclude.clone(),
        label: step.label.clone(),
    };
    world.feed(
        pool,
        PoolInput::Acquire {
            request,
            providers,
            model: step.model.clone(),
            session,
            known_as,
            exclude,
            tried: Vec::new(),
            round: 0,
            after: None,
            wait: Span(step.wait),
            prefer: None,
            now: false,
        },
    );
    if step.later {
        return later::keep(world, step.label.as_deref(), Later::Acquire(asked));
    }
    world.wait_for(request);
    let answer = world.answer(request);
    settle(world, &asked, answer)
}

/// The session that a step says, or its request, and another name of it.
fn session_of(world: &World, pool: usize, step: &AcquireStep) -> (Option<Box<str>>, Option<Box<str>>) {
    let headers: Vec<_> = step.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if step.session.is_some() || headers.is_empty() && matches!(step.body, Value::Null) {
        return (step.session.clone(), step.known_as.clone());
    }
    let body = text_of(&step.body);
    let Some(found) = world.pools[pool].pool.derive_session(&headers, body.as_deref()) else {
        return (None, step.known_as.clone());
    };
    (Some(found.session.into()), step.known_as.clone().or(found.known_as.map(Into::into)))
}

/// An `acquire` that has been asked.
pub(in crate::simulate) struct Asked {
    pub(super) pool: usize,
    pub(super) request: RequestId,
    providers: Vec<Box<str>>,
    model: Option<Box<str>>,
    excluded: Vec<Handle>,
    label: Option<Box<str>>,
}

/// What came of it.
pub(super) fn settle(world: &mut World, asked: &Asked, answer: Option<Answer>) -> Result<Value> {
    let Asked { pool, providers, model, label, .. } = asked;
    let pool = *pool;
    match answer {
        Some(Answer::Leased { lease, handle, origin, forced, .. }) => {
            if let Some(label) = label {
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
            if let Some(model) = model {
                let upstream = world.pools[pool].pool.upstream_model(lease, model);
                fields.set("model", upstream.as_deref().unwrap_or(model));
                if let Some(name) = world.pools[pool].pool.answer_model(lease) {
                    fields.set("answer_model", name);
                }
            }
            Ok(fields)
        }
        Some(Answer::Refused { code, retry_at }) => {
            let mut fields = nothing();
            fields.set("error", code.as_str());
            put_time(world, &mut fields, "retry_at", retry_at);
            let mut out = nothing();
            for provider in providers {
                let explained = world.pools[pool].pool.explain(provider, model.as_deref(), None);
                for candidate in explained.candidates {
                    let excluded = asked.excluded.contains(&candidate.handle);
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

pub(super) fn report(world: &mut World, pool: usize, step: &ReportStep) -> Result<Value> {
    let answer = AnswerSpec {
        provider: None,
        name: None,
        status: step.status,
        headers: step.headers.clone(),
        body: step.body.clone(),
        transport: step.transport,
        stream: step.stream.clone(),
    };
    let usage = Spending { tokens: step.tokens, microdollars: step.microdollars };
    let outcome = Outcome { usage, ..outcome(&answer, step.ok) };
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
    world.feed(
        pool,
        PoolInput::Report {
            request,
            lease,
            handle,
            model,
            session,
            outcome,
            attempts: 0,
            refreshed: step.refreshed,
        },
    );
    match world.answer(request) {
        Some(Answer::Reported { reason, scope, until, level, action, message, .. }) => {
            let mut fields = nothing();
            fields.set("reason", reason);
            fields.set("scope", scope.to_string());
            put_time(world, &mut fields, "until", until);
            fields.set("level", u64::from(level));
            fields.set("action", action.as_str());
            if let Some(message) = message {
                fields.set("message", &*message);
            }
            Ok(fields)
        }
        other => Err(unexpected(other)),
    }
}

/// The session's credential failed for good: what follows from it, and is there another of its kind that is free? A session that
/// is tied to nobody changes nothing.
pub(super) fn rotate(world: &mut World, pool: usize, step: &RotateStep) -> Value {
    let of = &mut world.pools[pool].pool;
    let route = of.route(&step.provider, step.model.as_deref());
    let session = of.session(&step.session);
    let mut fields = nothing();
    let Some(handle) = of.engine().tied(route, session) else {
        fields.set("rotated", false);
        return fields;
    };
    let answer = AnswerSpec {
        status: step.status,
        headers: step.headers.clone(),
        body: step.body.clone(),
        ..AnswerSpec::default()
    };
    let request = world.request();
    let (model, session) = (step.model.clone(), Some(step.session.clone()));
    let (lease, handle, outcome) = (None, Some(handle), outcome(&answer, false));
    let (attempts, refreshed) = (0, true);
    let report = PoolInput::Report { request, lease, handle, model, session, outcome, attempts, refreshed };
    world.feed(pool, report);
    let _ = world.answer(request);
    let engine = world.pools[pool].pool.engine();
    let kind = |handle| engine.record(handle).map(|record| record.kind);
    let own = handle.and_then(kind);
    let others = engine.explain(route, SessionIx::NONE);
    let free =
        others.iter().any(|one| Some(one.handle) != handle && one.out.is_none() && kind(one.handle) == own);
    fields.set("rotated", free);
    fields
}

pub(super) fn classify(world: &World, pool: usize, step: &AnswerSpec) -> Value {
    let provider = step.provider.as_deref().unwrap_or_default();
    let name = step.name.as_deref().unwrap_or_default();
    match world.pools[pool].pool.judge(provider, name, &outcome(step, false), world.now()) {
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
            if let Some(message) = failure.message {
                fields.set("message", &*message);
            }
            fields
        }
    }
}

/// A body as it is sent: text as it is, anything else as JSON.
fn text_of(body: &Value) -> Option<Box<str>> {
    match body {
        Value::Null => None,
        Value::String(text) => Some(text.as_str().into()),
        body => Some(body.to_string().into()),
    }
}

pub(super) fn outcome(spec: &AnswerSpec, ok: bool) -> Outcome {
    let body = text_of(&spec.body);
    Outcome {
        ok,
        status: spec.status,
        headers: spec.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        body,
        transport: spec.transport,
        aside: false,
        stream: spec.stream.clone().map(|tail| StreamData { tail, ..StreamData::default() }),
        usage: Spending::default(),
    }
}
