//! What must hold of every history: checked on random ones, against slow and obvious models.

mod half_open;
mod host;

use credpool::engine::{Acquire, Engine, RefusalCode};
use credpool::entropy::Seed;
use credpool::id::{Handle, LeaseId, SessionIx};
use credpool::pool::Answer;
use credpool::time::Instant;
use host::{Fault, Host, START};
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const MODELS: [&str; 3] = ["m", "n", "n(high)"];

#[derive(Clone, Debug)]
enum Op {
    Acquire { model: usize, session: Option<u8> },
    Fail { nth: usize, status: u16, retry_after: Option<u64> },
    Succeed { nth: usize },
    Abandon { nth: usize },
    Enable { who: usize, enabled: bool },
    Remove { who: usize },
    Add { name: u8 },
    Advance { by: u64 },
    Jump { by: i64 },
    Crash,
    Faults(Fault),
    DisableBehind { who: usize },
    Reload,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..3usize, proptest::option::of(0..4u8)).prop_map(|(model, session)| Op::Acquire { model, session }),
        5 => (any::<usize>(), prop_oneof![Just(429u16), Just(401), Just(402), Just(503), Just(400), Just(404)],
              proptest::option::of(0..4000u64))
            .prop_map(|(nth, status, retry_after)| Op::Fail { nth, status, retry_after }),
        4 => any::<usize>().prop_map(|nth| Op::Succeed { nth }),
        1 => any::<usize>().prop_map(|nth| Op::Abandon { nth }),
        1 => (0..6usize, any::<bool>()).prop_map(|(who, enabled)| Op::Enable { who, enabled }),
        1 => (0..6usize).prop_map(|who| Op::Remove { who }),
        1 => (0..8u8).prop_map(|name| Op::Add { name }),
        4 => (0..100_000u64).prop_map(|by| Op::Advance { by }),
        // Less than a second is drift, not a jump.
        1 => (1_000..100_000_000i64, any::<bool>()).prop_map(|(by, back)| Op::Jump { by: if back { -by } else { by } }),
        1 => Just(Op::Crash),
        1 => prop_oneof![Just(Fault::None), Just(Fault::Fails), Just(Fault::LostAnswer), Just(Fault::Slow)]
            .prop_map(Op::Faults),
        1 => (0..6usize).prop_map(|who| Op::DisableBehind { who }),
        1 => Just(Op::Reload),
    ]
}

fn policies() -> impl Strategy<Value = serde_json::Value> {
    let strategy = prop_oneof![Just("round-robin"), Just("fill-first"), Just("least-recently-used")];
    let affinity = prop_oneof![Just("none"), Just("session"), Just("session-model")];
    let preset = prop_oneof![Just("default"), Just("cliproxyapi")];
    (preset, strategy, affinity).prop_map(|(preset, strategy, affinity)| {
        json!({ "extends": preset, "strategy": strategy, "affinity": { "kind": affinity } })
    })
}

/// What a slow and obvious observer knows: until when each scope of each credential rests, from the answers alone.
#[derive(Default)]
struct Observer {
    rests: BTreeMap<(u32, String), u64>,
    leases: Vec<(LeaseId, Handle, String)>,
}

fn canonical(model: &str) -> &str {
    model.split('(').next().unwrap_or(model)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nobody_is_given_who_is_out(policy in policies(), ops in prop::collection::vec(op(), 1..120)) {
        let mut host = Host::new(policy);
        let mut seen = Observer::default();
        for name in 0..4 {
            host.add(&format!("c{name}"), &format!("sk-canary-{name}"));
        }
        for op in ops {
            step(&mut host, &mut seen, &op)?;
            check(&host)?;
        }
        // Once the faults stop, everything that was to be written is written, and a restart shows the same.
        host.fault = Fault::None;
        host.settle();
        host.advance(2_000);
        // Of a commit whose answer was lost only the store knows.
        host.ask("load", json!({}));
        host.advance(2_000);
        let flushed = host.ask("flush", json!({}));
        let done = matches!(flushed, Some(Answer::Done { .. }));
        prop_assert!(done, "{flushed:?}");
        let before = standings(&mut host);
        host.crash();
        prop_assert_eq!(before, standings(&mut host));
    }
}

fn step(host: &mut Host, seen: &mut Observer, op: &Op) -> Result<(), TestCaseError> {
    match op {
        Op::Acquire { model, session } => {
            let model = MODELS[*model];
            let session = session.map(|session| format!("s{session}"));
            let answer =
                host.ask("acquire", json!({ "providers": ["openai"], "model": model, "session": session }));
            match answer {
                Some(Answer::Leased { lease, handle, .. }) => {
                    let view = host.pool.engine().member_view(handle).unwrap();
                    prop_assert!(view.enabled, "a disabled one was given");
                    for scope in ["", canonical(model)] {
                        let until = seen.rests.get(&(handle.0, scope.to_owned())).copied().unwrap_or(0);
                        prop_assert!(
                            until <= host.now,
                            "{} rests until {until}, it is {}",
                            view.name,
                            host.now
                        );
                    }
                    prop_assert!(host.table.contains_key(&handle.0), "a handle without a secret was given");
                    seen.leases.push((lease, handle, canonical(model).to_owned()));
                }
                Some(Answer::Refused { code, retry_at }) => {
                    let explained = host.pool.explain("openai", Some(model), None);
                    let ready = explained.candidates.iter().any(|c| matches!(c.verdict, "ready" | "picked"));
                    prop_assert!(!ready, "refused although somebody is ready: {explained:?}");
                    let soonest = explained.candidates.iter().filter_map(|candidate| candidate.until).min();
                    prop_assert_eq!(retry_at, soonest, "{:?}", code);
                    prop_assert_eq!(code == RefusalCode::CoolingDown, soonest.is_some());
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        Op::Fail { nth, status, retry_after } if !seen.leases.is_empty() => {
            let (lease, handle, model) = seen.leases.swap_remove(nth % seen.leases.len());
            let headers: Vec<(String, String)> =
                retry_after.iter().map(|after| ("retry-after".to_owned(), after.to_string())).collect();
            let answer = host.ask(
                "report",
                json!({
                    "lease": lease.0, "outcome": { "status": status, "headers": headers, "body": "sk-canary" }
                }),
            );
            if let Some(Answer::Reported { scope, until: Some(until), .. }) = answer {
                let key = if scope.to_string() == "model" { model } else { String::new() };
                let until = (until.0.cast_signed() - START.cast_signed() - host.jump).max(0).cast_unsigned();
                prop_assert!(until > host.now, "a cooldown that is over already");
                let known = seen.rests.entry((handle.0, key)).or_insert(0);
                prop_assert!(until >= (*known).min(until), "shortened");
                *known = (*known).max(until);
            }
        }
        Op::Succeed { nth } if !seen.leases.is_empty() => {
            let (lease, handle, model) = seen.leases.swap_remove(nth % seen.leases.len());
            if !host.pool.release(Instant(host.now), lease) {
                host.ask("report", json!({ "lease": lease.0, "outcome": { "ok": true } }));
            }
            // A success may end what rests: forget what we knew, the engine's own view is checked elsewhere.
            seen.rests.remove(&(handle.0, model));
            seen.rests.remove(&(handle.0, String::new()));
        }
        Op::Abandon { nth } if !seen.leases.is_empty() => {
            let (lease, ..) = seen.leases.swap_remove(nth % seen.leases.len());
            host.pool.abandon(lease);
        }
        Op::Enable { who, enabled } => {
            if let Some(id) = id_of(host, *who) {
                host.ask("update", json!({ "id": id, "changes": { "enabled": enabled } }));
            }
        }
        Op::Remove { who } => {
            if let Some(id) = id_of(host, *who) {
                host.ask("remove", json!({ "id": id }));
                forget_gone(seen);
            }
        }
        Op::Add { name } => {
            host.add(&format!("c{name}"), &format!("sk-canary-{name}"));
            forget_gone(seen);
        }
        Op::Advance { by } => host.advance(*by),
        Op::Jump { by } => {
            host.jump += by;
            host.tick();
        }
        Op::Crash => {
            host.crash();
            *seen = Observer::default();
        }
        Op::Faults(fault) => {
            host.settle();
            host.fault = *fault;
            forget_gone(seen);
        }
        Op::DisableBehind { who } => {
            if let Some(id) = id_of(host, *who) {
                host.disable_behind(id);
            }
        }
        Op::Reload => {
            host.ask("load", json!({}));
            forget_gone(seen);
        }
        Op::Fail { .. } | Op::Succeed { .. } | Op::Abandon { .. } => {}
    }
    Ok(())
}

fn id_of(host: &Host, who: usize) -> Option<u64> {
    let handles: Vec<_> = host.pool.engine().handles().collect();
    let handle = *handles.get(who % handles.len().max(1))?;
    host.pool.engine().origin(handle)?.1.map(|id| id.0)
}

/// Places that were given away: what was known of them is known of nobody.
fn forget_gone(seen: &mut Observer) {
    *seen = Observer { leases: std::mem::take(&mut seen.leases), ..Observer::default() };
}

/// What must hold at every moment.
fn check(host: &Host) -> Result<(), TestCaseError> {
    if let Some(deadline) = host.deadline {
        // Due deadlines are served by the call that finds them; what is left lies ahead.
        prop_assert!(deadline >= host.now || host.fault != Fault::None, "a deadline was left unserved");
    }
    let engine = host.pool.engine();
    for handle in engine.handles() {
        let record = engine.record(handle).unwrap();
        let taken = host.table.get(&handle.0).map(String::as_str);
        prop_assert!(taken.is_some(), "{} has no secret in the host's table", record.name);
        prop_assert_eq!(taken, host.pool.secret(handle), "the host's table has an old secret");
        for cooldown in engine.member_view(handle).unwrap().cooldowns {
            let left = cooldown.until.0.saturating_sub(engine.now().wall.0);
            prop_assert!(!cooldown.active || left <= 86_400_000 * 366, "a cooldown without an end");
        }
    }
    prop_assert_eq!(host.table.len(), engine.handles().count(), "the table keeps somebody who is gone");
    Ok(())
}

/// How everybody stands, to compare before and after a restart: verdicts, and ends to the millisecond.
fn standings(host: &mut Host) -> Vec<(String, String, &'static str, Option<u64>)> {
    let mut out = Vec::new();
    for model in ["", "m", "n"] {
        let explained = host.pool.explain("openai", Some(model).filter(|model| !model.is_empty()), None);
        for candidate in explained.candidates {
            // Who is out because of open calls is back after a restart: it knows of none.
            let verdict = match candidate.verdict {
                "picked" | "probing" => "ready",
                verdict => verdict,
            };
            out.push((model.to_owned(), candidate.name.into(), verdict, candidate.until.map(|at| at.0)));
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_robin_gives_each_exactly_its_share(n in 1..40usize, rounds in 1..6usize) {
        let mut host = Host::new(json!({ "strategy": "round-robin", "affinity": { "kind": "none" } }));
        for name in 0..n {
            host.add(&format!("c{name}"), &format!("sk-canary-{name}"));
        }
        let route = host.pool.route("openai", Some("m"));
        host.ask("acquire", json!({ "providers": ["openai"], "model": "m" }));
        let mut counts = BTreeMap::new();
        for _ in 0..n * rounds {
            match host.pool.try_acquire(Instant(host.now), route, SessionIx::NONE) {
                Acquire::Ready(lease) => {
                    *counts.entry(lease.handle()).or_insert(0) += 1;
                    host.pool.release(Instant(host.now), lease);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        prop_assert!(counts.len() == n && counts.values().all(|&count| count == rounds), "{counts:?}");
    }

    #[test]
    fn least_recently_used_is_the_least_recently_used(picks in prop::collection::vec((0..3usize, any::<bool>()), 1..200)) {
        let mut host = Host::new(json!({ "strategy": "least-recently-used", "affinity": { "kind": "none" } }));
        for name in 0..5 {
            host.add(&format!("c{name}"), &format!("sk-canary-{name}"));
        }
        // The model: last use by handle, in the order of uses.
        let mut last: BTreeMap<Handle, usize> = BTreeMap::new();
        let mut out: BTreeSet<(Handle, usize)> = BTreeSet::new();
        for (turn, (model, fail)) in picks.into_iter().enumerate() {
            let answer = host.ask("acquire", json!({ "providers": ["openai"], "model": format!("m{model}") }));
            let Some(Answer::Leased { lease, handle, .. }) = answer else { continue };
            let all: Vec<Handle> = host.pool.engine().handles().collect();
            let best = all
                .iter()
                .filter(|&&other| !out.contains(&(other, model)))
                .min_by_key(|&&other| (last.get(&other).map_or(0, |turn| turn + 1), other))
                .copied();
            prop_assert_eq!(Some(handle), best);
            last.insert(handle, turn);
            if fail {
                let headers = [["retry-after", "1000000"]];
                host.ask("report", json!({ "lease": lease.0, "outcome": { "status": 429, "headers": headers } }));
                out.insert((handle, model));
            } else {
                host.pool.abandon(lease);
            }
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let run = || {
        let mut host = Host::new(json!("default"));
        for name in 0..8 {
            host.add(&format!("c{name}"), &format!("sk-canary-{name}"));
        }
        for turn in 0..200u64 {
            let answer = host.ask(
                "acquire",
                json!({ "providers": ["openai"], "model": "m", "session": format!("s{}", turn % 7) }),
            );
            if let Some(Answer::Leased { lease, .. }) = answer {
                let status = if turn % 3 == 0 { 429 } else { 200 };
                host.ask("report", json!({ "lease": lease.0, "outcome": { "status": status } }));
            }
            host.advance(turn * 10);
        }
        let state = credpool::json::write(&host.pool.engine().state());
        (std::mem::take(&mut host.told), state)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_state_is_restored_as_it_was() {
    let mut host = Host::new(json!({ "strategy": "round-robin" }));
    for name in 0..3 {
        host.add(&format!("c{name}"), &format!("sk-canary-{name}"));
    }
    for turn in 0..9u64 {
        let asked = json!({ "providers": ["openai"], "model": "m", "session": format!("s{}", turn % 4) });
        if let Some(Answer::Leased { lease, .. }) = host.ask("acquire", asked) {
            let status = if turn == 2 { 429 } else { 200 };
            host.ask("report", json!({ "lease": lease.0, "outcome": { "status": status } }));
        }
    }
    let engine = host.pool.engine();
    let rows = engine.rows();
    let restored = Engine::restore(engine.policy().clone(), Seed(7), rows.clone(), engine.now());
    assert_eq!(restored.rows(), rows);
    let views = |engine: &Engine| -> Vec<_> {
        let views = engine.handles().filter_map(|handle| engine.member_view(handle));
        views.map(|view| (view.name, view.status, view.cooldowns, view.last_used, view.success)).collect()
    };
    assert_eq!(views(&restored), views(engine));
    assert!(rows.len() >= 3 + 1 + 3 + 3, "credentials, a cooldown, uses and ties: {}", rows.len());
}

#[test]
fn a_lease_that_nobody_reports_ends_after_ten_minutes() {
    let mut host = Host::new(json!("default"));
    host.add("a", "sk-canary");
    let Some(Answer::Leased { lease, handle, .. }) = host.ask("acquire", json!({ "providers": ["openai"] }))
    else {
        panic!("nobody was given")
    };
    host.advance(599_999);
    assert_eq!(host.pool.engine().member_view(handle).unwrap().in_flight, 1);
    host.advance(1);
    assert_eq!(host.pool.engine().member_view(handle).unwrap().in_flight, 0);
    let late = host.ask("report", json!({ "lease": lease.0, "outcome": { "status": 429 } }));
    assert!(matches!(late, Some(Answer::Failed { .. })), "{late:?}");
}

#[test]
fn a_caller_who_waits_gets_the_first_that_comes_back_or_an_answer_in_time() {
    let mut host = Host::new(json!("default"));
    host.add("a", "sk-canary");
    let handle = host.handle_of("a").unwrap();
    let headers = [["retry-after", "10"]];
    let cool = json!({ "handle": handle.0, "model": "m", "outcome": { "status": 429, "headers": headers } });
    host.ask("report", cool);
    let asked = |wait: u64| json!({ "providers": ["openai"], "model": "m", "wait": wait });
    assert!(
        matches!(host.ask("acquire", asked(9_999)), Some(Answer::Refused { .. })),
        "not worth waiting for"
    );
    assert_eq!(host.ask("acquire", asked(30_000)), None);
    host.advance(10_000);
    let answers = std::mem::take(&mut host.answers);
    let leased = |answer: &Answer| matches!(answer, Answer::Leased { .. });
    assert!(answers.values().any(leased), "{answers:?}");
}

#[test]
fn an_answer_to_nothing_is_told_and_changes_nothing() {
    let mut host = Host::new(json!("default"));
    host.add("a", "sk-canary");
    let names = host.stored_names();
    let stale = credpool::json::read(r#"{"committed":{"op":999,"generation":1,"rows":[]}}"#).unwrap();
    host.feed(stale);
    assert!(host.told.contains("stale-completion"));
    assert_eq!(host.stored_names(), names);
}

#[test]
fn a_further_round_that_finds_everybody_resting_is_not_forgotten() {
    let mut host = Host::new(json!({ "strategy": "round-robin", "affinity": { "kind": "none" } }));
    host.add("a", "sk-canary");
    let handle = host.handle_of("a").unwrap();
    let cool = |host: &mut Host, seconds: &str| {
        let headers = [["retry-after", seconds]];
        host.ask(
            "report",
            json!({ "handle": handle.0, "model": "m", "outcome": { "status": 429, "headers": headers } }),
        );
    };
    cool(&mut host, "1");
    // The round begins after half a second, while `a` rests until the first second, and then until the fourth.
    let asked =
        json!({ "providers": ["openai"], "model": "m", "tried": [handle.0], "round": 0, "wait": 30_000 });
    assert_eq!(host.ask("acquire", asked), None);
    host.advance(900);
    cool(&mut host, "3");
    host.advance(3_100);
    let leased = |answer: &Answer| matches!(answer, Answer::Leased { round: 1, .. });
    assert!(host.answers.values().any(leased), "{:?}", host.answers);
}
