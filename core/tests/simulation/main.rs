//! Histories of several processes that renew the tokens of the same accounts, with everything that can go wrong: crashes at any
//! step, lost requests and answers, late and doubled answers, frozen owners of leases, slow and failing stores, a store that is
//! away, clocks that differ and jump. Each is a scenario with a `world`, made from a seed; after every event the rules hold. One that
//! fails is made as small as it goes and printed: `credpool simulate FILE` runs it.
//!
//! `SEEDS=100000 cargo test --release --test simulation` runs more; `SEED=7` one.

mod history;
mod shrink;

use credpool::simulate::{run, Report, Scenario};
use history::history;
use serde_json::Value;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

/// Runs a script; what it is, and how it ended.
fn play(script: &Value) -> Report {
    let scenario = Scenario::parse(&script.to_string()).unwrap_or_else(|error| panic!("{error}: {script}"));
    run(&scenario).unwrap_or_else(|error| panic!("{error}: {script}"))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A number of how the accounts stood in the end.
fn stood(report: &Report, what: &str) -> u64 {
    let last = report.steps.last().map(|step| step.result.clone());
    last.and_then(|result| result.get(what)?.as_u64()).unwrap_or(0)
}

/// How many histories ended how.
#[derive(Default)]
struct Sum {
    /// The least seed that fails, of those that were tried.
    fails: Option<u64>,
    count: u64,
    happened: u64,
    needs_login: u64,
    interrupted: u64,
    dead: u64,
    well: u64,
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.count += 1;
        self.happened += report.happened;
        self.needs_login += stood(report, "needs_login");
        self.interrupted += stood(report, "interrupted");
        self.dead += stood(report, "dead");
        self.well += stood(report, "well");
    }
}

#[test]
fn nothing_is_lost_and_nothing_used_twice() {
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        // Without optimization a history takes ten times as long.
        None => 0..number("SEEDS").unwrap_or(if cfg!(debug_assertions) { 150 } else { 2_000 }),
    };
    let (began, count) = (std::time::Instant::now(), seeds.end - seeds.start);
    let sum = Mutex::new(Sum::default());
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    break;
                }
                let report = play(&history(seed, None));
                let mut sum = sum.lock().unwrap();
                if report.broken.is_some() || report.failed > 0 {
                    // The others end what they are at.
                    next.fetch_max(seeds.end, Ordering::Relaxed);
                    sum.fails = Some(sum.fails.map_or(seed, |other| other.min(seed)));
                }
                sum.add(&report);
                if count > 10_000 && sum.count.is_multiple_of(10_000) {
                    let rate = sum.count as f64 / began.elapsed().as_secs_f64();
                    println!("{} histories, {rate:.0} a second", sum.count);
                }
            });
        }
    });
    let Sum { fails, happened, needs_login, interrupted, dead, well, .. } = sum.into_inner().unwrap();
    if let Some(seed) = fails {
        panic!("seed {seed} fails; its smallest script:\n{}", shrink::told(&history(seed, None)));
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{count} histories of {} events each in {seconds:.1} s", happened / count.max(1));
    println!("accounts: {well} well; in doubt for want of an answer: {needs_login} need a login, {dead} closed by their provider; {interrupted} exchanges were cut off");
    // Counted apart, and never more than the exchanges that were cut off.
    assert!(needs_login + dead <= interrupted);
}

#[test]
fn a_fault_that_was_planted_is_found_and_its_script_fails_alike() {
    let flawed = (0..200).map(|seed| history(seed, Some("lease_to_all")));
    let script = flawed.into_iter().find(|script| play(script).broken.is_some()).expect("nobody notices");
    let rule = play(&script).broken.unwrap();
    let small = shrink::smallest(&script);
    let text = small.to_string();
    let again = run(&Scenario::parse(&text).unwrap()).unwrap().broken.unwrap();
    assert_eq!(shrink::kind_of(&again), shrink::kind_of(&rule), "{text}");
    let size = |script: &Value| {
        let faults = script["world"]["faults"].as_array().map_or(0, Vec::len);
        script["steps"].as_array().map_or(0, Vec::len) + faults
    };
    let (before, after) = (size(&script), size(&small));
    println!("{before} steps and faults became {after}: {text}");
    assert!(after <= 8 && after * 10 < before, "{after} of {before}: {text}");
    // Without the flaw the same script is well.
    let mut well = small.clone();
    well["world"].as_object_mut().unwrap().remove("flaw");
    assert_eq!(play(&well).broken, None, "{text}");
}
