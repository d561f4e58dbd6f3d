//! A month of ten accounts with windows of five hours and of a week, under a load as people make it: what each strategy serves of it,
//! and how much of what the accounts allow is lost at their weekly resets. `npm run month` prints the table of docs/usage.md; as a test
//! it is shorter.

mod world;

use world::{play, Outcome, Terms};

/// Name, strategy, further rules.
const POLICIES: [(&str, &str, &str); 5] = [
    ("round robin", "round-robin", ""),
    ("fill first", "fill-first", ""),
    ("least recently used", "least-recently-used", ""),
    (
        "oh-my-pi's rule",
        "usage",
        r#","usage":{"auto":false,"pending":0,"renews":false,"unknown":"round-robin","warm":{"anthropic":3600000}}"#,
    ),
    ("`default`", "usage", r#","usage":{"auto":false}"#),
];

fn policy(strategy: &str, more: &str) -> String {
    format!(
        r#"{{"strategy":"{strategy}","affinity":{{"kind":"session"}},"when_exhausted":"refuse","tiers":"one","return":{{"probes":0}}{more}}}"#
    )
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn ours_wastes_least() {
    let seeds = number("SEEDS").unwrap_or(1);
    let days = number("DAYS").unwrap_or(9);
    let report_minutes = number("REPORT_MINUTES").unwrap_or(10);
    let sessions = number("SESSIONS_PER_THOUSAND_MINUTES").map_or(0.16, |count| count as f64 / 1000.0);
    let mut outcomes = Vec::new();
    println!("| | served | refused calls | not served | lost at weekly resets |\n|---|---:|---:|---:|---:|");
    for (name, strategy, more) in POLICIES {
        let mut outcome = Outcome::default();
        for seed in 1..=seeds {
            outcome.add(play(&policy(strategy, more), Terms { days, report_minutes, sessions, seed }));
        }
        println!(
            "| {name} | {:.2} % | {} | {:.2} % | {:.2} % |",
            100.0 * outcome.served_share(),
            outcome.refused,
            100.0 * (1.0 - outcome.served_share()),
            100.0 * outcome.lost_share()
        );
        outcomes.push((name, outcome));
    }
    let Some((_, ours)) = outcomes.pop() else { return };
    for (name, other) in outcomes {
        assert!(ours.lost_share() <= other.lost_share(), "{name} wastes less");
        assert!(ours.served_share() >= other.served_share(), "{name} serves more");
    }
}
