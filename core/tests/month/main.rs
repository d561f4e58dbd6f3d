//! A month of ten accounts with windows of five hours and of a week, under a load as people make it: what each strategy serves of it,
//! and how much of what the accounts allow is lost at their weekly resets. `npm run month` prints the table of docs/usage.md; as a test
//! it is shorter.

mod world;

use world::{play, Outcome, Terms};

/// Names, and policies: `default` and the preset `oh-my-pi` as they are, and `default` with other strategies.
const POLICIES: [(&str, &str); 5] = [
    ("round robin", r#"{"extends":"default","strategy":"round-robin"}"#),
    ("fill first", r#"{"extends":"default","strategy":"fill-first"}"#),
    ("least recently used", r#"{"extends":"default","strategy":"least-recently-used"}"#),
    ("oh-my-pi's rule", r#"{"extends":"oh-my-pi","usage":{"auto":false}}"#),
    ("`default`", r#"{"extends":"default","usage":{"auto":false}}"#),
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn ours_wastes_least() {
    let seeds = number("SEEDS").unwrap_or(1);
    let days = number("DAYS").unwrap_or(9);
    let report_minutes = number("REPORT_MINUTES").unwrap_or(20);
    let sessions = number("SESSIONS_PER_THOUSAND_MINUTES").map_or(0.48, |count| count as f64 / 1000.0);
    let mut outcomes = Vec::new();
    println!("| | served | refused calls | not served | lost at weekly resets |\n|---|---:|---:|---:|---:|");
    // One more, to try something.
    let tried = std::env::var("POLICY").ok();
    let tried = tried.as_deref().map(|policy| ("POLICY", policy));
    for (name, policy) in tried.into_iter().chain(POLICIES) {
        let mut outcome = Outcome::default();
        for seed in 1..=seeds {
            outcome.add(play(policy, Terms { days, report_minutes, sessions, seed }));
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
        // What is refused is refused by windows of five hours, for everybody alike: a difference of less is chance.
        assert!(ours.served_share() > other.served_share() - 0.001, "{name} serves more");
    }
}
