//! Coming back gently, and deadlines, against a model that keeps everything and decides slowly.

use crate::host::Host;
use credpool::engine::Acquire;
use credpool::id::{LeaseId, SessionIx};
use credpool::pool::Answer;
use credpool::time::Instant;
use proptest::prelude::*;
use serde_json::json;

const LEASE: u64 = 600_000;

#[derive(Clone, Copy, Debug)]
enum Op {
    Acquire { hot: bool },
    Succeed(usize),
    Fail(usize),
    Fault(usize),
    Abandon(usize),
    Advance(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => any::<bool>().prop_map(|hot| Op::Acquire { hot }),
        4 => any::<usize>().prop_map(Op::Succeed),
        2 => any::<usize>().prop_map(Op::Fail),
        1 => any::<usize>().prop_map(Op::Fault),
        1 => any::<usize>().prop_map(Op::Abandon),
        4 => (0..4_000_u64).prop_map(Op::Advance),
        1 => (0..700_000_u64).prop_map(Op::Advance),
    ]
}

struct Open {
    id: LeaseId,
    began: u64,
}

/// One credential, one model, one ladder: 1 s, doubled up to half an hour.
#[derive(Default)]
struct Model {
    leases: Vec<Open>,
    rests_until: u64,
    failed_at: Option<u64>,
    level: u32,
    /// Since when it is coming back, and how many may call.
    returning: Option<(u64, u64)>,
}

impl Model {
    fn pass(&mut self, now: u64) {
        if self.failed_at.is_some() && self.rests_until > 0 && self.rests_until <= now {
            self.returning = Some((self.rests_until, 1));
            self.rests_until = 0;
        }
        self.leases.retain(|lease| lease.began + LEASE > now);
    }

    fn accepts(&self) -> bool {
        let out = |since| self.leases.iter().filter(|lease| lease.began >= since).count() as u64;
        self.rests_until == 0 && self.returning.is_none_or(|(since, limit)| out(since) < limit)
    }

    fn fail(&mut self, now: u64) {
        if self.rests_until == 0 {
            self.rests_until = now + (1_000 << self.level).min(1_800_000);
            self.level = (self.level + 1).min(11);
            (self.failed_at, self.returning) = (Some(now), None);
        }
    }

    fn succeed(&mut self, began: u64) {
        if self.failed_at.is_some_and(|at| began <= at) {
            return;
        }
        match &mut self.returning {
            Some((since, _)) if began < *since => return,
            Some((_, limit)) if *limit <= 8 => *limit *= 2,
            _ => self.returning = None,
        }
        (self.failed_at, self.level) = (None, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_return_agrees_with_a_model_that_keeps_everything(ops in prop::collection::vec(op(), 1..150)) {
        let mut host = Host::new(json!({ "jitter": 0, "affinity": { "kind": "none" } }));
        host.add("c", "sk-canary");
        let route = host.pool.route("openai", Some("m"));
        let mut model = Model::default();
        for op in ops {
            model.pass(host.now);
            match op {
                Op::Acquire { hot } => {
                    // The hot path may ask for more than it can do; never may it disagree.
                    let picked = if hot { host.pool.try_acquire(Instant(host.now), route, SessionIx::NONE) } else { Acquire::Ask };
                    let lease = match picked {
                        Acquire::Ready(lease) => Some(lease),
                        Acquire::Refused(..) => None,
                        Acquire::Ask => match host.ask("acquire", json!({ "providers": ["openai"], "model": "m" })) {
                            Some(Answer::Leased { lease, .. }) => Some(lease),
                            _ => None,
                        },
                    };
                    prop_assert_eq!(lease.is_some(), model.accepts(), "at {}: {:?}", host.now, model.returning);
                    model.leases.extend(lease.map(|id| Open { id, began: host.now }));
                }
                Op::Advance(by) => host.advance(by),
                Op::Succeed(nth) | Op::Fail(nth) | Op::Fault(nth) | Op::Abandon(nth) => {
                    if model.leases.is_empty() {
                        continue;
                    }
                    let open = model.leases.swap_remove(nth % model.leases.len());
                    match op {
                        Op::Abandon(_) => {
                            host.pool.abandon(open.id);
                        }
                        Op::Fail(_) => {
                            host.ask("report", json!({ "lease": open.id.0, "outcome": { "status": 429 } }));
                            model.fail(host.now);
                        }
                        Op::Fault(_) => {
                            host.ask("report", json!({ "lease": open.id.0, "outcome": { "status": 400 } }));
                        }
                        _ => {
                            if !host.pool.release(Instant(host.now), open.id) {
                                host.ask("report", json!({ "lease": open.id.0, "outcome": { "ok": true } }));
                            }
                            model.succeed(open.began);
                        }
                    }
                }
            }
            // A deadline never passes unserved: while it rests there is one, at its end or before.
            model.pass(host.now);
            if model.rests_until > 0 {
                prop_assert!(host.deadline.is_some_and(|at| at <= model.rests_until), "at {}", host.now);
            }
        }
    }
}
