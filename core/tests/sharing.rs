//! Limits that several pools share, against a server that counts as the script of `credpool/valkey` does: whatever is lost, late, or
//! killed, there are never more calls at once, nor more in any window, than the limits allow.

use credpool::engine::Acquire;
use credpool::id::LeaseId;
use credpool::json;
use credpool::limit::{Ask, Terms};
use credpool::pool::{Answer, HostEffect, Pool, PoolInput};
use credpool::time::{Instant, Now, Span};
use proptest::prelude::*;
use serde_json::{json, Value};
use std::collections::BTreeMap;

const WALL: u64 = 1_800_000_000_000;
const SLOTS: u64 = 4;
const RATE: u64 = 60;
const TTL: u64 = 10_000;

/// What the script does, as plainly as can be.
#[derive(Default)]
struct Server {
    run: u64,
    booted: u64,
    kept: Option<(u64, u64, u64)>,
    members: BTreeMap<usize, (u64, u64)>,
}

impl Server {
    fn take(&mut self, who: usize, known: u64, ask: Ask, terms: Terms, now: u64) -> (u32, u32, u32, Span) {
        let bucket = terms.bucket() * 60_000;
        let (born, owed, counted) = self.kept.unwrap_or((self.booted, bucket, self.booted + 2_000));
        self.members.retain(|_, (_, ends)| *ends > now);
        let mine = self.members.get(&who).map_or(0, |(slots, _)| *slots);
        let others: u64 =
            self.members.iter().filter(|(id, _)| **id != who).map(|(_, (slots, _))| slots).sum();
        let restates = known != 0 && known != self.run;
        let least = u64::from(if restates { ask.used.max(ask.held) } else { ask.used });
        let free = if now < born + TTL { mine } else { u64::from(terms.slots).saturating_sub(others) };
        let given = least.max(free.min(ask.slots.into()));
        let mut owed = owed.min(bucket).saturating_sub(now.saturating_sub(counted) * terms.rate);
        let passes = u64::from(ask.passes).min((bucket - owed) / 60_000);
        let retry = if passes == 0 { (owed + 60_000).saturating_sub(bucket).div_ceil(terms.rate) } else { 0 };
        owed += passes * 60_000;
        self.members.insert(who, (given, now + TTL));
        self.kept = Some((born, owed, now.max(counted)));
        (given as u32, passes as u32, self.members.len() as u32, Span(retry))
    }

    /// It is killed and comes back, and has forgotten everything.
    fn restart(&mut self, now: u64) {
        *self = Self { run: self.run + 1, booted: now, ..Self::default() };
    }
}

struct Member {
    pool: Pool,
    known: u64,
    leases: Vec<LeaseId>,
    /// Answers on their way: when they come.
    coming: Vec<(u64, PoolInput, u64)>,
}

struct World {
    now: u64,
    server: Server,
    down: bool,
    members: Vec<Member>,
    /// When calls began.
    began: Vec<u64>,
}

impl World {
    fn new(members: usize) -> Self {
        let server = Server { run: 1, ..Server::default() };
        let mut world = Self { now: 0, server, down: false, members: Vec::new(), began: Vec::new() };
        for _ in 0..members {
            let member = world.member();
            world.members.push(member);
        }
        world.now = 30_000;
        world
    }

    fn member(&self) -> Member {
        let config = json!({ "policy": "default", "seed": 7, "sharedLimits": true }).to_string();
        let mut pool =
            Pool::new(json::read(&config).unwrap(), Now::from_millis(WALL + self.now, self.now)).unwrap();
        let record = json!({ "uid": "u", "provider": "openai", "name": "a", "kind": "api_key", "limits": { "in_flight": SLOTS, "requests": RATE } });
        let row = json!({ "kind": "credential", "id": 1, "version": 1, "data": record.to_string(), "secret": "{\"key\":\"sk\"}" });
        for input in [
            json!({ "load": { "request": 1 } }),
            json!({ "loaded": { "op": 1, "generation": 1, "rows": [row] } }),
        ] {
            let _ = pool
                .handle(Now::from_millis(WALL + self.now, self.now), json::read(&input.to_string()).unwrap());
        }
        Member { pool, known: 0, leases: Vec::new(), coming: Vec::new() }
    }

    fn tell(&mut self, who: usize, input: &Value) {
        self.feed(who, json::read(&input.to_string()).unwrap());
    }

    /// `late`, `lost`: of what it asks the server.
    fn feed(&mut self, who: usize, input: PoolInput) {
        let now = self.now;
        let step = self.members[who].pool.handle(Now::from_millis(WALL + now, now), input);
        for effect in step.effects {
            match effect {
                HostEffect::Reply { answer: Answer::Leased { lease, .. }, .. } => self.begins(who, lease),
                HostEffect::Share { op, ask, terms, .. } => {
                    let member = &mut self.members[who];
                    let draw = now.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17) ^ op.0;
                    let failed = PoolInput::Failed { op, message: "away".into() };
                    if self.down {
                        member.coming.push((now + draw % 200, failed, 0));
                        continue;
                    }
                    let (slots, passes, count, retry) = self.server.take(who, member.known, ask, terms, now);
                    let answer = PoolInput::Shared { op, slots, passes, members: count, retry };
                    // Some answers are lost: the server has counted all the same.
                    if draw.is_multiple_of(7) {
                        member.coming.push((now + 500, failed, 0));
                    } else {
                        member.coming.push((now + draw % 60, answer, self.server.run));
                    }
                }
                _ => {}
            }
        }
    }

    fn begins(&mut self, who: usize, lease: LeaseId) {
        self.members[who].leases.push(lease);
        self.began.push(self.now);
        let open: usize = self.members.iter().map(|member| member.leases.len()).sum();
        assert!(open <= SLOTS as usize, "{open} at once, at {}", self.now);
        let upto = self.began.len();
        for (first, &since) in self.began.iter().enumerate() {
            let allowed = RATE * 60_000 + (self.now - since) * RATE;
            assert!(
                (upto - first) as u64 * 60_000 <= allowed,
                "{} since {since}, at {}",
                upto - first,
                self.now
            );
        }
    }

    fn call(&mut self, who: usize) {
        let member = &mut self.members[who];
        let route = member.pool.route("openai", Some("m"));
        let none = credpool::id::SessionIx::NONE;
        match member.pool.try_acquire(Instant(self.now), route, none) {
            Acquire::Ready(lease) => self.begins(who, lease),
            Acquire::Ask => {
                self.tell(
                    who,
                    &json!({ "acquire": { "request": 3, "providers": ["openai"], "model": "m" } }),
                );
            }
            Acquire::Refused(..) => {}
        }
    }

    fn end(&mut self, who: usize) {
        let member = &mut self.members[who];
        if let Some(lease) = member.leases.pop() {
            if !member.pool.release(Instant(self.now), lease) {
                self.tell(
                    who,
                    &json!({ "report": { "request": 4, "lease": lease.0, "outcome": { "status": 200 } } }),
                );
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        for who in 0..self.members.len() {
            let coming = std::mem::take(&mut self.members[who].coming);
            let (due, later): (Vec<_>, Vec<_>) = coming.into_iter().partition(|(at, ..)| *at <= self.now);
            self.members[who].coming = later;
            for (_, input, run) in due {
                self.members[who].known = if run == 0 { self.members[who].known } else { run };
                self.feed(who, input);
            }
            self.tell(who, &json!({ "tick": {} }));
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Call(usize),
    End(usize),
    Pass(u64),
    Down,
    Up,
    Restart,
    Kill(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..3_usize).prop_map(Act::Call),
        8 => (0..3_usize).prop_map(Act::End),
        12 => (1..400_u64).prop_map(Act::Pass),
        1 => Just(Act::Down),
        1 => Just(Act::Up),
        1 => Just(Act::Restart),
        1 => (0..3_usize).prop_map(Act::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn together_they_never_go_beyond_their_limits(acts in prop::collection::vec(act(), 1..400)) {
        let mut world = World::new(3);
        for act in acts {
            match act {
                Act::Call(who) => world.call(who),
                Act::End(who) => world.end(who),
                Act::Pass(ms) => world.pass(ms),
                Act::Down => world.down = true,
                Act::Up => world.down = false,
                Act::Restart => {
                    world.server.restart(world.now);
                    world.down = false;
                }
                // Its calls end with it; the next one of its name is a stranger.
                Act::Kill(who) => world.members[who] = world.member(),
            }
        }
    }
}

#[test]
fn all_of_a_limit_is_used_where_many_want_it() {
    let mut world = World::new(3);
    let mut most = 0;
    for n in 0..3_000 {
        world.call(n % 3);
        world.pass(20);
        if n % 5 == 0 {
            world.end(n / 5 % 3);
        }
        most = most.max(world.members.iter().map(|member| member.leases.len()).sum());
    }
    assert_eq!(most, SLOTS as usize);
    // A minute: a bucket, and what came back in it.
    assert!(world.began.len() > 75, "{} calls in a minute of virtual time", world.began.len());
}

/// Calls of one until there are so many open; time passes.
fn fill(world: &mut World, who: usize, open: usize) {
    for _ in 0..200 {
        if world.members[who].leases.len() == open {
            return;
        }
        world.call(who);
        world.pass(30);
    }
    panic!("{} of {open} calls", world.members[who].leases.len());
}

#[test]
fn what_one_has_open_is_nobody_elses_after_a_restart() {
    let mut world = World::new(2);
    fill(&mut world, 1, 1);
    world.end(1);
    world.pass(1_000);
    // One is kept for the other, for bad times.
    fill(&mut world, 0, SLOTS as usize - 1);
    world.end(1);
    world.server.restart(world.now);
    // The other is first: he asks before anybody could have said what he holds.
    for _ in 0..400 {
        world.call(1);
        world.pass(30);
    }
    assert_eq!(world.members[1].leases.len(), 1, "and no more");
    world.end(0);
    fill(&mut world, 1, 2);
}

#[test]
fn a_restart_gives_nobody_a_second_bucket() {
    let mut world = World::new(2);
    world.pass(60_000);
    for n in 0..2_000 {
        if n == 400 {
            world.server.restart(world.now);
        }
        for who in 0..2 {
            world.call(who);
            world.end(who);
        }
        world.pass(20);
    }
}

#[test]
fn what_is_given_back_is_gone_though_the_answer_is_lost() {
    let mut world = World::new(2);
    fill(&mut world, 0, SLOTS as usize);
    for _ in 0..SLOTS {
        world.end(0);
    }
    // Whatever he hears of it, the other may have them.
    for _ in 0..300 {
        world.pass(7);
        world.call(1);
        world.call(0);
    }
}
