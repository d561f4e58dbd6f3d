//! What is left of accounts: reports, headers, limits that are reached.

use super::{nothing, put_time, unexpected, Result};
use crate::json::{self, Value};
use crate::limit::Spending;
use crate::pool::{Answer, PoolInput};
use crate::simulate::scenario::{
    CostStep, ErrandStep, FetchUsageStep, HeadersStep, MarkStep, ScenarioError, UsageStep,
};
use crate::simulate::world::World;
use crate::time::Span;
use crate::usage::report::{Amount, Credits, Limit, Meter, Ppm, Report, Scope, Status, Unit, Window};

pub(super) fn usage(world: &mut World, pool: usize, step: &UsageStep) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let provider = world.pools[pool].pool.engine().record(handle).map(|record| record.provider.clone());
    let report = read_report(world, &provider.unwrap_or_default(), &step.report)?;
    let limits = report.limits.len();
    let request = world.request();
    world.feed(pool, PoolInput::Usage { request, handle, report: Box::new(report) });
    match world.answer(request) {
        Some(Answer::Done { .. }) => {
            let mut fields = nothing();
            fields.set("limits", limits as u64);
            Ok(fields)
        }
        other => Err(unexpected(other)),
    }
}

pub(super) fn ingest(world: &mut World, pool: usize, step: &HeadersStep) -> Result<Value> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let request = world.request();
    let headers = step.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    world.feed(pool, PoolInput::UsageHeaders { request, handle, headers, status: step.status });
    match world.answer(request) {
        Some(Answer::Ingested { ingested }) => {
            let mut fields = nothing();
            fields.set("ingested", ingested);
            Ok(fields)
        }
        other => Err(unexpected(other)),
    }
}

/// Answers what is known then: by name, the share of each limit that is used, in parts per million, or what went wrong.
pub(super) fn fetch(world: &mut World, pool: usize, step: &FetchUsageStep) -> Result<Value> {
    let request = world.request();
    let providers = step.provider.iter().cloned().collect();
    let (force, wait) = (step.force, Span(step.wait.unwrap_or(15_000)));
    let handles = Vec::new();
    world.feed(pool, PoolInput::FetchUsage { request, providers, handles, force, wait });
    world.wait_for(request);
    if !matches!(world.answer(request), Some(Answer::Done { .. })) {
        return Err(ScenarioError::new("", "was not answered"));
    }
    let mut accounts = nothing();
    for view in world.pools[pool].pool.usage(step.provider.as_deref()) {
        let mut account = nothing();
        for limit in view.report.map_or(&[][..], |report| &report.limits) {
            account.set(&limit.id, u64::from(limit.used_fraction().unwrap_or_default().0));
        }
        if let Some(trouble) = view.trouble {
            account.set("trouble", trouble);
        }
        accounts.set(view.name, account);
    }
    let mut fields = nothing();
    fields.set("accounts", accounts);
    Ok(fields)
}

pub(super) fn mark(world: &mut World, pool: usize, step: &MarkStep) -> Result<Value> {
    let named = step.name.as_deref().map(|name| world.named(pool, name, Some(&step.provider)));
    let handle = named.transpose()?;
    let request = world.request();
    let retry_after = step.retry_after_ms.map(Span);
    let (provider, model, session) = (step.provider.clone(), step.model.clone(), step.session.clone());
    world.feed(pool, PoolInput::MarkUsage { request, provider, model, session, handle, retry_after });
    match world.answer(request) {
        Some(Answer::Marked { switched, retry_at, until }) => {
            let mut fields = nothing();
            fields.set("switched", switched);
            put_time(world, &mut fields, "retry_at", retry_at);
            put_time(world, &mut fields, "until", until);
            Ok(fields)
        }
        other => Err(unexpected(other)),
    }
}

/// Answers whether it was anybody's.
pub(super) fn cost(world: &mut World, pool: usize, step: &CostStep) -> Result<Value> {
    let named = step.name.as_deref().map(|name| world.named(pool, name, Some(&step.provider)));
    let handle = named.transpose()?;
    let request = world.request();
    let (provider, session) = (step.provider.clone(), step.session.clone());
    let usage = Spending { microdollars: step.microdollars, tokens: step.tokens };
    world.feed(pool, PoolInput::Cost { request, provider, session, handle, usage, at: None });
    match world.answer(request) {
        Some(Answer::Ingested { ingested }) => {
            let mut fields = nothing();
            fields.set("recorded", ingested);
            Ok(fields)
        }
        other => Err(unexpected(other)),
    }
}

/// What the store remembers: when, of whom, and of usage the share of each limit in parts per million.
pub(super) fn histories(world: &World) -> Value {
    let mut all = [Vec::new(), Vec::new()];
    for (log, at, data) in &world.histories {
        let mut entry = nothing();
        entry.set("at", world.line(*at));
        let data = json::read::<Value>(data).unwrap_or(Value::Null);
        for name in ["name", "microdollars", "tokens"] {
            if let Some(value) = data.get(name) {
                entry.set(name, value.clone());
            }
        }
        for limit in data.get("limits").and_then(Value::as_array).unwrap_or_default() {
            let id = limit.get("id").and_then(Value::as_str).unwrap_or_default();
            entry.set(id, limit.get("used").cloned().unwrap_or(Value::Null));
        }
        all[*log as usize].push(entry);
    }
    let [usage, cost] = all;
    let mut fields = nothing();
    fields.set("usage", usage);
    fields.set("cost", cost);
    fields
}

/// Is a credential good? Nothing of `ok` where nobody can say.
pub(super) fn check(world: &mut World, pool: usize, step: &ErrandStep) -> Result<Value> {
    let mut fields = nothing();
    match errand(world, pool, step, false, None)? {
        Some(Answer::Checked(checked)) => {
            if let Some(ok) = checked.ok {
                fields.set("ok", ok);
            }
            if let Some(reason) = checked.reason {
                fields.set("reason", &*reason);
            }
            fields.set("usable", checked.usable);
        }
        other => return Err(unexpected(other)),
    }
    Ok(fields)
}

/// An account's saved resets, or what came of using one.
pub(super) fn resets(world: &mut World, pool: usize, step: &ErrandStep, redeem: bool) -> Result<Value> {
    let redemption = redeem.then(|| step.redemption.clone().unwrap_or_else(|| "redemption".into()));
    let mut fields = nothing();
    match errand(world, pool, step, true, redemption)? {
        Some(Answer::Resets(told)) => {
            fields.set("code", &*told.code);
            if let Some(credit) = told.credit {
                fields.set("credit", &*credit);
            }
            if let Some(list) = told.list {
                fields.set("available", u64::from(list.available));
                fields.set("listed", list.credits.len() as u64);
            }
        }
        other => return Err(unexpected(other)),
    }
    Ok(fields)
}

fn errand(
    world: &mut World,
    pool: usize,
    step: &ErrandStep,
    resets: bool,
    redemption: Option<Box<str>>,
) -> Result<Option<Answer>> {
    let handle = world.named(pool, &step.name, step.provider.as_deref())?;
    let request = world.request();
    let (wait, credit) = (Span(step.wait.unwrap_or(10_000)), step.credit.clone());
    world.feed(pool, PoolInput::Errand { request, handle, wait, resets, redemption, credit });
    world.wait_for(request);
    Ok(world.answer(request))
}

fn wrong(path: &str, message: &str) -> ScenarioError {
    ScenarioError::new(&["report.", path].concat(), message)
}

/// Reads a report as scenarios write it.
fn read_report(world: &World, provider: &str, given: &Value) -> Result<Report> {
    let fetched = given.get("fetched_at").and_then(Value::as_u64);
    let fetched = fetched.ok_or_else(|| wrong("fetched_at", "is missing"))?;
    let mut report =
        Report { provider: provider.into(), fetched_at: world.instant(fetched), ..Report::default() };
    let limits =
        given.get("limits").and_then(Value::as_array).ok_or_else(|| wrong("limits", "is missing"))?;
    for (at, limit) in limits.iter().enumerate() {
        let read = read_limit(world, provider, limit);
        report
            .limits
            .push(read.map_err(|error| wrong(&format!("limits[{at}].{}", error.path), &error.message))?);
    }
    let Some(metadata) = given.get("metadata") else { return Ok(report) };
    report.plan = metadata.get("plan_type").and_then(Value::as_str).map(Into::into);
    let (allowed, reached) = (metadata.get("allowed"), metadata.get("limit_reached"));
    if allowed.is_some() || reached.is_some() {
        let (allowed, reached) = (allowed.and_then(as_bool), reached.and_then(as_bool));
        report.meters.push(Meter { name: Box::default(), allowed, reached });
    }
    if metadata.get("has_credits").and_then(as_bool) == Some(true) {
        report.credits = Some(Credits { has: true, ..Credits::default() });
    }
    Ok(report)
}

fn read_limit(world: &World, provider: &str, given: &Value) -> Result<Limit> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(Box::<str>::from);
    let id = text(given, "id").ok_or_else(|| ScenarioError::new("id", "is missing"))?;
    let none = nothing();
    let scope = given.get("scope").unwrap_or(&none);
    let amount = given.get("amount").ok_or_else(|| ScenarioError::new("amount", "is missing"))?;
    let share = |name: &str| amount.get(name).and_then(Value::as_f64).map(ppm);
    let window = given.get("window").map(|window| Window {
        id: text(window, "id").unwrap_or_default(),
        label: text(window, "label").unwrap_or_default(),
        duration: window.get("duration_ms").and_then(Value::as_u64).map(Span),
        resets_at: window.get("resets_at").and_then(Value::as_u64).map(|at| world.instant(at)),
        ticks_at: None,
    });
    Ok(Limit {
        label: text(given, "label").unwrap_or_default(),
        scope: Scope {
            tier: text(scope, "tier"),
            meter: meter_of(provider, &id),
            shared: scope.get("shared").and_then(as_bool) == Some(true),
            ..Scope::default()
        },
        window,
        amount: Amount {
            used_share: share("used_fraction"),
            remaining_share: share("remaining_fraction"),
            unit: Unit::Percent,
            ..Amount::default()
        },
        status: match given.get("status").and_then(Value::as_str) {
            None => Status::Unknown,
            Some(word) => json::read(&json::write(&word))
                .map_err(|error| ScenarioError::new("status", error.message))?,
        },
        notes: Vec::new(),
        id,
    })
}

/// Scenarios say the meter in the limit's id alone: `openai-codex:spark:primary`, `google-antigravity:google:default:daily`.
fn meter_of(provider: &str, id: &str) -> Option<Box<str>> {
    let mut parts = id.split(':').skip(1);
    let (first, further) = (parts.next()?, parts.next().is_some());
    match provider {
        "openai-codex" => Some(if further { first } else { "chat" }.into()),
        "google-antigravity" => Some(first.into()),
        _ => None,
    }
}

/// A truth.
const fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        _ => None,
    }
}

/// A fraction in parts per million.
fn ppm(fraction: f64) -> Ppm {
    Ppm((fraction.clamp(0.0, 4000.0) * 1e6).round() as u32)
}
