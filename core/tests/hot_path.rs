//! The hot path allocates nothing: counted by an allocator, over many picks and several writes behind.

use credpool::engine::{Acquire, RowId};
use credpool::id::{LeaseId, RouteId, SessionIx};
use credpool::json;
use credpool::pool::{Answer, HostEffect, MutationData, Pool, PoolInput};
use credpool::time::{Instant, Now};
use serde_json::{json, Value};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// What this thread has allocated: tests run beside each other.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does the work; the counter touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

const WALL: u64 = 1_800_000_000_000;
const SESSIONS: usize = 300;

/// A pool, and a store that takes everything and keeps nothing.
struct Host {
    pool: Pool,
    mono: u64,
    route: RouteId,
    sessions: Vec<SessionIx>,
}

impl Host {
    /// A pool of so many credentials, of which the last `cooling` cool down.
    fn new(policy: Value, size: u32, cooling: u32) -> Self {
        let config = json::read(&json!({ "policy": policy, "seed": 7 }).to_string()).unwrap();
        let mut pool = Pool::new(config, Now::from_millis(WALL, 0)).unwrap();
        let route = pool.route("openai", Some("gpt-5"));
        let sessions = (0..SESSIONS).map(|n| pool.session(&n.to_string())).collect();
        let mut host = Self { pool, mono: 0, route, sessions };
        host.tell(&json!({ "load": { "request": 1 } }));
        let row = |id: u32| {
            let record = json!({ "uid": id.to_string(), "provider": "openai", "name": id.to_string(), "kind": "api_key" });
            let secret = json!({ "key": format!("sk-{id}") }).to_string();
            json!({ "kind": "credential", "id": id, "version": 1, "data": record.to_string(), "secret": secret })
        };
        let rows: Vec<_> = (1..=size).map(row).collect();
        host.tell(&json!({ "loaded": { "op": 1, "generation": 1, "rows": rows } }));
        let outcome = json!({ "status": 429, "headers": [["retry-after", "86400"]] });
        for handle in size - cooling..size {
            host.tell(&json!({ "report": { "request": 2, "handle": handle, "model": "gpt-5", "outcome": outcome } }));
        }
        host
    }

    fn tell(&mut self, input: &Value) -> Option<Answer> {
        self.feed(json::read(&input.to_string()).unwrap())
    }

    fn feed(&mut self, input: PoolInput) -> Option<Answer> {
        let mut given = None;
        let step = self.pool.handle(Now::from_millis(WALL + self.mono, self.mono), input);
        for effect in step.effects {
            match effect {
                HostEffect::Commit { op, mutations } => {
                    let row = |row: MutationData| {
                        (row.id.unwrap_or(RowId::Number(0)), row.expects.unwrap_or(0) + 1)
                    };
                    let rows = mutations.into_iter().map(row).collect();
                    self.feed(PoolInput::Committed { op, generation: 2, rows });
                }
                HostEffect::Reply { answer, .. } => given = Some(answer),
                _ => {}
            }
        }
        given
    }

    fn pick(&mut self, session: Option<usize>) -> Acquire {
        let session = session.map_or(SessionIx::NONE, |at| self.sessions[at]);
        self.pool.try_acquire(Instant(self.mono), self.route, session)
    }

    /// The slow way, which the hot path asked for. It ties the session.
    fn ask(&mut self, session: Option<usize>) -> Option<LeaseId> {
        let session = session.map(|at| at.to_string());
        let input = json!({ "request": 3, "providers": ["openai"], "model": "gpt-5", "session": session });
        match self.tell(&json!({ "acquire": input })) {
            Some(Answer::Leased { lease, .. }) => Some(lease),
            _ => None,
        }
    }

    /// Picks and releases for some seconds of virtual time; answers how much the hot path allocated, and how often it
    /// asked for more than it may do.
    fn run(&mut self, sessions: bool) -> (u64, u64) {
        let (mut allocated, mut asked) = (0, 0);
        let mut open: Vec<LeaseId> = Vec::with_capacity(64);
        for n in 0..20_000_usize {
            self.mono += u64::from(n % 4 == 0);
            let session = sessions.then_some(n % SESSIONS);
            let before = COUNT.get();
            let picked = self.pick(session);
            if let Acquire::Ready(lease) = picked {
                open.push(lease);
            }
            if open.len() >= 50 {
                for lease in open.drain(..) {
                    assert!(self.pool.release(Instant(self.mono), lease), "there is nothing to clear");
                }
            }
            allocated += COUNT.get() - before;
            if picked == Acquire::Ask {
                asked += 1;
                open.extend(self.ask(session));
            }
        }
        for lease in open {
            self.pool.release(Instant(self.mono), lease);
        }
        (allocated, asked)
    }
}

fn check(policy: &Value, size: u32, cooling: u32, sessions: bool) {
    let mut host = Host::new(policy.clone(), size, cooling);
    // What grows has grown, and every session is tied.
    host.run(sessions);
    let (allocated, asked) = host.run(sessions);
    assert_eq!(allocated, 0, "{policy} {size} {cooling}");
    // Once for each write behind: the second pass lasts 5 s.
    assert!(asked <= 6, "{policy} {size} {cooling}: asked {asked} times");
}

#[test]
fn a_pick_allocates_nothing() {
    for strategy in [
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
    ] {
        let policy = json!({ "strategy": strategy, "affinity": { "kind": "none" } });
        for (size, cooling) in [(10, 0), (10, 9), (1_000, 990), (6_000, 0)] {
            check(&policy, size, cooling, false);
        }
    }
}

#[test]
fn a_pick_for_a_session_allocates_nothing() {
    let hash = json!({ "kind": "session", "start": "hash", "only": "oauth" });
    for affinity in [
        json!({ "kind": "session" }),
        json!({ "kind": "session-model" }),
        json!({ "kind": "rendezvous" }),
        hash,
    ] {
        let policy = json!({ "affinity": affinity });
        for (size, cooling) in [(10, 0), (1_000, 990), (6_000, 0)] {
            check(&policy, size, cooling, true);
        }
    }
}

#[test]
fn a_pick_by_usage_allocates_nothing() {
    for (size, known) in [(10_u32, 0_u32), (10, 5), (1_000, 1_000), (6_000, 3_000)] {
        for sessions in [false, true] {
            let policy = json!({ "strategy": "usage", "affinity": { "kind": if sessions { "session" } else { "none" } } });
            let mut host = Host::new(policy.clone(), size, 0);
            for handle in 0..known {
                let window = json!({ "id": "7d", "duration": 604_800_000, "resets_at": WALL + 3_600_000 * u64::from(handle % 97 + 1) });
                let amount = json!({ "used_ppm": 9_973 * handle % 900_000 });
                let report = json!({ "provider": "openai", "limits": [{ "id": "openai:7d", "window": window, "amount": amount }] });
                host.tell(&json!({ "usage": { "request": 4, "handle": handle, "report": report } }));
            }
            host.run(sessions);
            let (allocated, asked) = host.run(sessions);
            assert_eq!(allocated, 0, "{size} {known} {sessions}");
            assert!(asked <= 6, "{size} {known} {sessions}: asked {asked} times");
        }
    }
}

#[test]
fn limits_allocate_nothing() {
    for limits in [
        json!({ "in_flight": 1 }),
        json!({ "in_flight": 3, "requests": 30, "tokens": 100_000 }),
        json!({ "requests": 120_000, "burst": 2 }),
        json!({ "budget": { "window": 1_000, "tokens": 10 } }),
    ] {
        for strategy in ["fill-first", "least-recently-used"] {
            let policy = json!({ "strategy": strategy, "affinity": { "kind": "none" }, "limits": limits });
            let mut host = Host::new(policy.clone(), 500, 0);
            // The heaps of deadlines grow to what so many credentials need.
            host.run(false);
            host.run(false);
            // A bucket that fills is a deadline, and a deadline asks: only what the hot path does itself counts.
            assert_eq!(host.run(false).0, 0, "{policy}");
        }
    }
}

#[test]
fn a_refusal_allocates_nothing() {
    for sessions in [false, true] {
        let mut host = Host::new(json!("default"), 1_000, 1_000);
        host.ask(sessions.then_some(0));
        assert!(matches!(host.pick(sessions.then_some(0)), Acquire::Refused(_, Some(_))));
        assert_eq!(host.run(sessions).0, 0);
    }
}
