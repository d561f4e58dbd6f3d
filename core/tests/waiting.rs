//! Callers that wait, against a slow and obvious model: a list in the order of coming.

use credpool::engine::{Acquire, RefusalCode, RowId};
use credpool::id::{LeaseId, SessionIx};
use credpool::json;
use credpool::pool::{Answer, HostEffect, Pool, PoolInput};
use credpool::time::{Instant, Now};
use proptest::prelude::*;
use serde_json::json;

const WALL: u64 = 1_800_000_000_000;
const MOST: usize = 6;
const MODELS: [&str; 2] = ["m", "n"];

#[derive(Clone, Debug)]
enum Op {
    Ask {
        model: usize,
        wait: u64,
    },
    /// The hot path, which must not take what others wait for.
    Try {
        model: usize,
    },
    Release {
        nth: usize,
        by_hand: bool,
    },
    Abandon {
        nth: usize,
    },
    Cancel {
        nth: usize,
    },
    Advance {
        by: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..2usize, prop_oneof![Just(0), 1..40u64]).prop_map(|(model, wait)| Op::Ask { model, wait }),
        2 => (0..2usize).prop_map(|model| Op::Try { model }),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(nth, by_hand)| Op::Release { nth, by_hand }),
        1 => any::<usize>().prop_map(|nth| Op::Abandon { nth }),
        1 => any::<usize>().prop_map(|nth| Op::Cancel { nth }),
        3 => (0..15u64).prop_map(|by| Op::Advance { by }),
    ]
}

/// The pool, and beside it what should be.
struct World {
    pool: Pool,
    mono: u64,
    last: u64,
    answers: Vec<(u64, Answer)>,
    deadline: Option<u64>,
    /// Leases that are open, and the model's count of them for each credential.
    open: Vec<LeaseId>,
    most: Vec<usize>,
    serves: Vec<Option<usize>>,
    /// Number, model and end of each that waits, in the order of coming.
    line: Vec<(u64, usize, u64)>,
}

impl World {
    fn new(credentials: &[(usize, Option<usize>)]) -> Self {
        let policy = json!({ "affinity": { "kind": "none" }, "max_waiting": MOST });
        let config = json::read(&json!({ "policy": policy, "seed": 3 }).to_string()).unwrap();
        let pool = Pool::new(config, Now::from_millis(WALL, 0)).unwrap();
        let mut world = Self {
            pool,
            mono: 0,
            last: 100,
            answers: Vec::new(),
            deadline: None,
            open: Vec::new(),
            most: credentials.iter().map(|(most, _)| *most).collect(),
            serves: credentials.iter().map(|(_, model)| *model).collect(),
            line: Vec::new(),
        };
        world.tell(&json!({ "load": { "request": 1 } }));
        let rows: Vec<_> = credentials
            .iter()
            .enumerate()
            .map(|(at, (most, model))| {
                let models: Vec<_> = model.iter().map(|&model| MODELS[model]).collect();
                let record = json!({ "uid": at.to_string(), "provider": "openai", "name": at.to_string(),
                    "kind": "api_key", "models": models, "limits": { "in_flight": most } });
                json!({ "kind": "credential", "id": at + 1, "version": 1, "data": record.to_string(),
                    "secret": json!({ "key": format!("sk-{at}") }).to_string() })
            })
            .collect();
        world.tell(&json!({ "loaded": { "op": 1, "generation": 1, "rows": rows } }));
        world
    }

    fn tell(&mut self, input: &serde_json::Value) {
        self.feed(json::read(&input.to_string()).unwrap());
    }

    fn feed(&mut self, input: PoolInput) {
        let step = self.pool.handle(Now::from_millis(WALL + self.mono, self.mono), input);
        self.deadline = step.deadline.map(|deadline| deadline.at.0);
        for effect in step.effects {
            match effect {
                HostEffect::Reply { request, answer } => self.answers.push((request.0, answer)),
                HostEffect::Commit { op, mutations } => {
                    let rows =
                        mutations.into_iter().map(|row| (row.id.unwrap_or(RowId::Number(0)), 1)).collect();
                    self.feed(PoolInput::Committed { op, generation: 2, rows });
                }
                _ => {}
            }
        }
    }

    fn in_flight(&self, at: usize) -> usize {
        self.open.iter().filter(|lease| lease.handle().0 as usize == at).count()
    }

    /// Has somebody room for this model?
    fn room(&self, model: usize) -> bool {
        (0..self.most.len())
            .any(|at| self.serves[at].is_none_or(|only| only == model) && self.in_flight(at) < self.most[at])
    }

    /// Takes the answers in, and checks that they are those of the list, in its order.
    fn settle(&mut self) {
        for (request, answer) in std::mem::take(&mut self.answers) {
            let place = self.line.iter().position(|(number, ..)| *number == request);
            match answer {
                Answer::Leased { lease, .. } => {
                    let Some(place) = place else { continue };
                    let (_, model, _) = self.line[place];
                    // Who came before could not have been served by what was there.
                    for (_, earlier, _) in &self.line[..place] {
                        assert!(!self.room(*earlier), "somebody jumped the queue");
                    }
                    assert!(self.room(model), "more leases than a credential may have");
                    self.line.remove(place);
                    self.open.push(lease);
                }
                Answer::Refused { code, .. } => {
                    let Some(place) = place else { continue };
                    let (_, model, end) = self.line.remove(place);
                    assert!(code == RefusalCode::Aborted || code == RefusalCode::TooMany || end <= self.mono);
                    assert!(
                        code == RefusalCode::Aborted || !self.room(model),
                        "refused though somebody had room"
                    );
                }
                _ => {}
            }
        }
        for (_, model, end) in &self.line {
            assert!(!self.room(*model), "a wake-up was lost");
            assert!(*end > self.mono, "a deadline passed unserved");
        }
        assert!(self.line.len() <= MOST, "the queue has a bound");
        let first_end = self.line.iter().map(|(.., end)| *end).min();
        assert!(
            first_end.is_none_or(|end| self.deadline.is_some_and(|at| at <= end)),
            "nobody would be told"
        );
    }

    fn perform(&mut self, op: &Op) {
        match *op {
            Op::Ask { model, wait } => {
                self.last += 1;
                let waits = self.line.len();
                let free = self.room(model);
                self.line.push((self.last, model, self.mono + wait));
                self.tell(&json!({ "acquire": { "request": self.last, "providers": ["openai"],
                    "model": MODELS[model], "wait": wait } }));
                let answered = self.answers.iter().any(|(number, _)| *number == self.last);
                let serves = self.serves.iter().any(|only| only.is_none_or(|only| only == model));
                assert_eq!(answered, free || wait == 0 || waits >= MOST || !serves);
                if !serves || wait == 0 && !free {
                    // Nobody could, or nothing was to be waited for: it was told so at once.
                    self.line.pop();
                }
            }
            Op::Try { model } => {
                let route = self.pool.route("openai", Some(MODELS[model]));
                match self.pool.try_acquire(Instant(self.mono), route, SessionIx::NONE) {
                    Acquire::Ready(lease) => {
                        assert!(self.room(model) && self.line.iter().all(|(_, waits, _)| !self.room(*waits)));
                        self.open.push(lease);
                    }
                    Acquire::Refused(..) => assert!(!self.room(model)),
                    Acquire::Ask => {}
                }
            }
            Op::Release { nth, by_hand } => {
                let Some(lease) = self.take(nth) else { return };
                if by_hand || !self.pool.release(Instant(self.mono), lease) {
                    self.tell(
                        &json!({ "report": { "request": 2, "lease": lease.0, "outcome": { "ok": true } } }),
                    );
                }
            }
            Op::Abandon { nth } => {
                let Some(lease) = self.take(nth) else { return };
                if !self.pool.abandon(lease) {
                    self.feed(PoolInput::Tick {});
                }
            }
            Op::Cancel { nth } => {
                if self.line.is_empty() {
                    return;
                }
                let (number, ..) = self.line[nth % self.line.len()];
                self.tell(&json!({ "cancel": { "request": number } }));
                assert!(
                    matches!(self.answers[..], [(of, Answer::Refused { .. })] if of == number),
                    "its own place only"
                );
            }
            Op::Advance { by } => {
                let end = self.mono + by;
                while let Some(due) = self.deadline.filter(|&due| due <= end) {
                    self.mono = self.mono.max(due);
                    self.feed(PoolInput::Tick {});
                    self.settle();
                }
                self.mono = end;
            }
        }
        self.settle();
    }

    fn take(&mut self, nth: usize) -> Option<LeaseId> {
        (!self.open.is_empty()).then(|| self.open.swap_remove(nth % self.open.len()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn who_came_first_is_served_first_and_nobody_is_forgotten(
        credentials in prop::collection::vec((1..3usize, prop_oneof![2 => Just(None), 1 => (0..2usize).prop_map(Some)]), 1..4),
        ops in prop::collection::vec(op(), 1..80),
    ) {
        let mut world = World::new(&credentials);
        for op in &ops {
            world.perform(op);
        }
    }
}
