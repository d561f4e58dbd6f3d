//! What a pick costs in native Rust: one line of JSON for each row on standard output, read by `tests/bench/run.mjs`.
//!
//! Every size and state of a row is measured in turn, again and again, so that a disturbance of the machine meets all of
//! them alike.

mod allocations;
mod host;
mod load;
mod memory;

use host::{Cooling, Host, Terms};
use std::time::{Duration, Instant};

const SIZES: [u32; 4] = [10, 1_000, 10_000, 100_000];
const STRATEGIES: [&str; 10] = [
    "round-robin",
    "fill-first",
    "sequential",
    "weighted",
    "least-recently-used",
    "least-in-flight",
    "random",
    "power-of-two",
    "priority",
    "kind-order",
];
const SESSIONS: usize = 1_000;
const MANY_SESSIONS: usize = 100_000;
const MODELS: usize = 1_000;
/// So many picks are timed together; their leases are open at once.
const BATCH: usize = 1_024;
/// So many batches make a round: more than one write-behind fits into it.
const BATCHES: usize = 16;
const ROUNDS: usize = 25;

/// One subject: a pool in some state, and how it is used.
struct Subject {
    row: String,
    size: u32,
    host: Host,
    sessions: usize,
    picked: usize,
    /// Nanoseconds a pick, and a release, for each round.
    picks: Vec<f64>,
    releases: Vec<f64>,
    allocations: u64,
}

impl Subject {
    fn new(row: &str, size: u32, terms: Terms<'_>) -> Self {
        let host = Host::new(size, terms);
        Self {
            row: row.to_owned(),
            size,
            host,
            sessions: terms.sessions,
            picked: 0,
            picks: Vec::new(),
            releases: Vec::new(),
            allocations: 0,
        }
    }

    /// Picks and releases; the times of both.
    fn round(&mut self, batches: usize) -> (Duration, Duration) {
        let mut leases = Vec::with_capacity(BATCH);
        let (mut picking, mut releasing) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..batches {
            self.host.look_at_the_clock();
            let started = Instant::now();
            for n in 0..BATCH {
                let session = if self.sessions > 0 { 1 + (self.picked + n) % self.sessions } else { 0 };
                leases.extend(self.host.pick(session, n));
            }
            self.picked += BATCH;
            let picked = Instant::now();
            for lease in leases.drain(..) {
                self.host.release(lease);
            }
            picking += picked - started;
            releasing += picked.elapsed();
        }
        (picking, releasing)
    }

    fn measure(&mut self) {
        let before = allocations::count();
        let (picking, releasing) = self.round(BATCHES);
        self.allocations += allocations::count() - before - 1; // The list of leases is the benchmark's own.
        let each = |time: Duration| time.as_secs_f64() * 1e9 / (BATCH * BATCHES) as f64;
        self.picks.push(each(picking));
        self.releases.push(each(releasing));
    }

    fn print(&self) {
        let both: Vec<_> =
            self.picks.iter().zip(&self.releases).map(|(pick, release)| pick + release).collect();
        let row = serde_json::json!({
            "row": self.row,
            "size": self.size,
            "pick": figures(&self.picks),
            "both": figures(&both),
            "allocations": self.allocations,
            "asked": self.host.asked,
            "picks": ROUNDS * BATCHES * BATCH,
        });
        println!("{row}");
    }
}

fn figures(rounds: &[f64]) -> serde_json::Value {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    serde_json::json!({ "min": sorted[0], "median": sorted[sorted.len() / 2] })
}

/// Measures all sizes of one row beside each other.
fn row(name: &str, terms: Terms<'_>) {
    let mut subjects: Vec<_> = SIZES.iter().map(|&size| Subject::new(name, size, terms)).collect();
    for subject in &mut subjects {
        // Everybody was picked once, and everything has its final size.
        subject.round(BATCHES + (subject.size as usize).max(terms.sessions) / BATCH);
        subject.host.asked = 0;
    }
    for _ in 0..ROUNDS {
        for subject in &mut subjects {
            subject.measure();
        }
    }
    for subject in &subjects {
        subject.print();
    }
}

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let row = |name: &str, terms: Terms<'_>| {
        if name.contains(&only) {
            row(name, terms);
        }
    };
    for strategy in STRATEGIES {
        let fresh = Terms {
            strategy,
            affinity: "none",
            sessions: 0,
            models: 1,
            cooling: Cooling::None,
            limits: false,
        };
        row(strategy, fresh);
        row(&format!("{strategy}, limits"), Terms { limits: true, ..fresh });
        row(&format!("{strategy}, 99 % cooling"), Terms { cooling: Cooling::Most, ..fresh });
    }
    let session = Terms {
        strategy: "least-recently-used",
        affinity: "session",
        sessions: SESSIONS,
        models: 1,
        cooling: Cooling::None,
        limits: false,
    };
    row("with a session", session);
    row("100,000 sessions", Terms { sessions: MANY_SESSIONS, ..session });
    let met = Terms { affinity: "rendezvous", ..session };
    row("rendezvous", met);
    row("rendezvous, 99 % cooling", Terms { cooling: Cooling::Most, ..met });
    row("1,000 models", Terms { affinity: "none", sessions: 0, models: MODELS, ..session });
    row("with a session, 99 % cooling", Terms { cooling: Cooling::Most, ..session });
    row("nobody eligible", Terms { cooling: Cooling::All, affinity: "none", sessions: 0, ..session });
    row("nobody eligible, with a session", Terms { cooling: Cooling::All, ..session });
    if "random reads".contains(&only) {
        memory::measure(&SIZES);
    }
    if "load".contains(&only) {
        for size in [1_000, 10_000, 100_000] {
            load::measure(size);
        }
    }
}
