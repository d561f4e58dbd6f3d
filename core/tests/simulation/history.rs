//! A history from a seed: processes, accounts, a provider, what is done, and what goes wrong.

use serde_json::{json, Value};

const MINUTE: u64 = 60_000;
/// Faults happen in the first half hour; then all must become well again.
const CALM: u64 = 30 * MINUTE;
const END: u64 = 75 * MINUTE;
/// What a pool asks for of one kind in half an hour, and more.
const MOST: u64 = 80;

/// Draws from a seed.
struct Draws(u64, u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.1 += 1;
        let mut value = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(self.1 << 17 | self.1);
        for shift in [30, 27, 31] {
            value = (value ^ value >> shift).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        (value >> 20) % limit.max(1)
    }

    /// One in so many.
    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// `flaw`: what is wrong with the store, where something is.
pub(crate) fn history(seed: u64, flaw: Option<&str>) -> Value {
    let mut draws = Draws(seed, 0);
    let (manner, leeway, grace) = match draws.below(3) {
        0 => ("leeway", 180_000, 180_000),
        1 => ("strict", 0, 0),
        _ => ("fixed", 0, 86_400_000),
    };
    let accounts = 1 + draws.below(3);
    let pools = 2 + draws.below(2);
    let credentials: Vec<_> = (0..accounts)
        .map(|account| {
            json!({
                "name": format!("n{account}"), "provider": "gitlab-duo", "kind": "oauth", "token_url": "https://auth.example/token",
                "access": format!("sim-at-{account}-0"), "refresh": format!("sim-rt-{account}-0"),
                "expires": MINUTE + draws.below(900_000),
            })
        })
        .collect();
    let mut world = json!({
        "manner": manner, "leeway": leeway, "life": [60, 660], "store": [1, 20], "network": [15, 1200], "calm": CALM,
        "skew": (0..pools).map(|_| draws.below(4_000).cast_signed() - 2_000).collect::<Vec<_>>(),
        "faults": (0..pools).flat_map(|pool| faults(&mut draws, pool)).collect::<Vec<_>>(),
    });
    if draws.one_in(2) {
        world["meter"] = json!(2 + draws.below(20));
        world["meter_window"] = json!(MINUTE + draws.below(9 * MINUTE));
    }
    if let Some(flaw) = flaw {
        world["flaw"] = json!(flaw);
    }
    json!({
        "name": format!("history {seed}"), "seed": seed, "pools": pools, "credentials": credentials, "world": world,
        "policy": {"affinity": {"kind": "none"}, "refresh": {"grace": grace}},
        "steps": steps(&mut draws, pools, accounts),
    })
}

fn faults(draws: &mut Draws, pool: u64) -> Vec<Value> {
    let mut faults = Vec::new();
    for on in ["load", "lease", "renew", "commit", "request"] {
        for nth in 0..MOST {
            let mut add = |what: &str, ms: u64| {
                faults.push(json!({"pool": pool, "on": on, "nth": nth, "do": what, "ms": ms}));
            };
            if on == "request" {
                match draws.below(40) {
                    0..4 => add("lose", 1_000 + draws.below(60_000)),
                    4..8 => add("fail_after", 0),
                    8..13 => add("fail", 0),
                    // Later than anybody waits.
                    13..17 => add("late", 20_000 + draws.below(80_000)),
                    // A request is dead after this: shorter than any lease, as the policy demands of a host.
                    17..21 => add("slow", draws.below(25_000)),
                    21..23 => add("twice", draws.below(60_000)),
                    _ => {}
                }
                continue;
            }
            match draws.below(25) {
                0 => add("slow", draws.below(70_000)),
                1 => add("late", draws.below(70_000)),
                2 => add("twice", draws.below(60_000)),
                3 if on == "commit" => add("fail", 0),
                4 if on == "commit" => add("fail_after", 0),
                5 if draws.one_in(3) => add("fail", 0),
                _ => {}
            }
        }
    }
    faults
}

fn steps(draws: &mut Draws, pools: u64, accounts: u64) -> Vec<Value> {
    let mut steps = Vec::new();
    let mut at = 1_000;
    while at < END {
        let pool = draws.below(pools);
        let faulty = at < CALM;
        let mut step = if faulty && draws.one_in(12) {
            json!({"crash": {"for": 100 + draws.below(60_000)}})
        } else if faulty && draws.one_in(14) {
            json!({"freeze": {"for": 1_000 + draws.below(150_000)}})
        } else if faulty && draws.one_in(20) {
            json!({"clock": {"jump": draws.below(600_000).cast_signed() - 300_000, "pool": pool}})
        } else if faulty && draws.one_in(40) {
            json!({"store_down": {"for": 500 + draws.below(40_000)}})
        } else if draws.one_in(4) {
            let (name, label) = (format!("n{}", draws.below(accounts)), format!("r{}", steps.len()));
            json!({"refresh": {"name": name, "force": draws.one_in(2), "refused": true, "later": true, "as": label}})
        } else {
            json!({"visit": {"provider": "gitlab-duo"}})
        };
        step["at"] = json!(at);
        step["pool"] = json!(pool);
        steps.push(step);
        at += 500 + draws.below(20_000);
    }
    steps.push(json!({"at": END, "check": {}}));
    steps
}
