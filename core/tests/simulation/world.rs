//! Processes, a store, a provider and a clock; everything that can go wrong goes wrong by the seed.

use crate::provider::{Answer as Said, Manner, Provider, Token};
use crate::store::{part, Store};
use credpool::engine::{RowId, RowKind};
use credpool::id::{CredentialId, OpId, RequestId};
use credpool::json;
use credpool::pool::{Answer, HostEffect, MutationData, Pool, PoolConfig, PoolInput};
use credpool::time::{Now, Span};
use std::collections::BTreeMap;

const WALL: u64 = 1_767_225_600_000;
/// Faults happen in the first half hour; then all must become well again.
const FAULTY: u64 = 30 * 60_000;
const END: u64 = 75 * 60_000;
/// A request is dead after this: shorter than any lease, as the policy demands of a host.
const REQUEST: u64 = 25_000;

/// Kinds of faults, as bits: a failing seed is tried with fewer of them.
pub(crate) const KINDS: [&str; 8] = [
    "crash",
    "freeze",
    "lost request",
    "lost answer",
    "slow store",
    "failing store",
    "clock",
    "server error",
];

struct Process {
    pool: Pool,
    /// Which of those that ever lived.
    epoch: u64,
    alive: bool,
    frozen_until: u64,
    skew: i64,
    deadline: Option<u64>,
    /// Acquires without an answer, and when each must have one.
    asked: BTreeMap<RequestId, u64>,
}

#[allow(clippy::large_enum_variant, reason = "a few hundred at a time")]
enum Event {
    Deliver(usize, u64, PoolInput, Option<usize>),
    Commit(usize, u64, OpId, Vec<MutationData>, u8),
    Load(usize, u64, OpId, u64),
    Lease(usize, u64, OpId, String, u64),
    Renew(usize, u64, OpId, String, u64, u64),
    Arrive(usize, u64, OpId, String),
    Restart(usize),
}

pub(crate) struct World {
    seed: u64,
    draws: u64,
    kinds: u32,
    now: u64,
    store: Store,
    provider: Provider,
    processes: Vec<Process>,
    events: BTreeMap<(u64, u64), Event>,
    order: u64,
    epochs: u64,
    requests: u64,
    accounts: usize,
    /// By account: answers that nobody heard, or that a fault may have swallowed.
    doubts: u64,
    pub(crate) trace: Vec<String>,
    pub(crate) steps: u64,
}

type Outcome = Result<(), String>;

impl World {
    pub(crate) fn new(seed: u64, kinds: u32) -> Self {
        let mut world = Self {
            seed,
            draws: 0,
            kinds,
            now: 0,
            store: Store::default(),
            provider: Provider::new(Manner::Fixed),
            processes: Vec::new(),
            events: BTreeMap::new(),
            order: 0,
            epochs: 0,
            requests: 0,
            accounts: 0,
            doubts: 0,
            trace: Vec::new(),
            steps: 0,
        };
        world.provider.manner = match world.draw(3) {
            0 => Manner::Leeway(180_000),
            1 => Manner::Strict,
            _ => Manner::Fixed,
        };
        world.accounts = 1 + world.draw(3) as usize;
        for _ in 0..2 + world.draw(2) {
            let process = world.process();
            world.processes.push(process);
        }
        world
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.draws += 1;
        let mut value =
            self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(self.draws << 17 | self.draws);
        for shift in [30, 27, 31] {
            value = (value ^ value >> shift).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        (value >> 20) % below.max(1)
    }

    /// One in so many, while there are faults and this kind is among them.
    fn fault(&mut self, kind: usize, one_in: u64) -> bool {
        let drawn = self.draw(one_in) == 0;
        drawn && self.now < FAULTY && self.kinds >> kind & 1 == 1
    }

    fn process(&mut self) -> Process {
        self.epochs += 1;
        let grace = match self.provider.manner {
            Manner::Leeway(leeway) => leeway,
            Manner::Strict => 0,
            Manner::Fixed => 86_400_000,
        };
        let policy =
            format!(r#"{{"extends":"default","affinity":{{"kind":"none"}},"refresh":{{"grace":{grace}}}}}"#);
        let config = PoolConfig {
            policy: json::read(&policy).expect("a policy"),
            seed: self.seed ^ self.epochs << 40,
            ..PoolConfig::default()
        };
        let skew = if self.kinds >> 6 & 1 == 1 { self.draw(4_000).cast_signed() - 2_000 } else { 0 };
        let pool = Pool::new(config, Self::clock(self.now, skew)).expect("a pool");
        let asked = BTreeMap::new();
        Process { pool, epoch: self.epochs, alive: true, frozen_until: 0, skew, deadline: None, asked }
    }

    fn clock(now: u64, skew: i64) -> Now {
        Now::from_millis((WALL + now).saturating_add_signed(skew), now)
    }

    fn at(&mut self, after: u64, event: Event) {
        self.order += 1;
        self.events.insert((self.now + after, self.order), event);
    }

    fn say(&mut self, what: impl Into<String>) {
        self.trace.push(format!("{:>8} {}", self.now, what.into()));
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// The whole history. An error is an invariant that does not hold.
    pub(crate) fn run(&mut self) -> Outcome {
        let request = self.request();
        self.give(0, PoolInput::Load { request }, None)?;
        self.settle(5_000)?;
        let mut credentials = Vec::new();
        for account in 0..self.accounts {
            let (refresh, expires) = (self.provider.issue(account), WALL + 60_000 + self.draw(900_000));
            let text = format!(
                r#"{{"provider":"gitlab-duo","name":"n{account}","kind":"oauth","access":"CANARY-a{account}-0",
"refresh":"{refresh}","expires":{expires},"tokenUrl":"https://auth.example/token"}}"#
            );
            credentials.push(json::read(&text).expect("a credential"));
        }
        let request = self.request();
        let kinds = std::mem::take(&mut self.kinds);
        self.give(0, PoolInput::Add { request, credentials }, None)?;
        self.settle(10_000)?;
        self.kinds = kinds;
        for process in 1..self.processes.len() {
            let request = self.request();
            self.give(process, PoolInput::Load { request }, None)?;
        }
        let mut next_act = self.now + 1;
        while self.now < END {
            self.settle(next_act - self.now)?;
            self.act()?;
            next_act = self.now + 500 + self.draw(20_000);
        }
        self.judge()
    }

    /// Does everything that comes within so many milliseconds.
    fn settle(&mut self, within: u64) -> Outcome {
        let until = self.now + within;
        loop {
            let event = self.events.keys().next().copied().filter(|(at, _)| *at <= until);
            let due = (0..self.processes.len())
                .filter_map(|index| {
                    let process = &self.processes[index];
                    Some((process.deadline?.max(process.frozen_until), index)).filter(|_| process.alive)
                })
                .min()
                .filter(|(at, _)| *at <= until);
            match (event, due) {
                (Some(key), due) if due.is_none_or(|(at, _)| key.0 <= at) => {
                    self.now = self.now.max(key.0);
                    if let Some(event) = self.events.remove(&key) {
                        self.happen(event)?;
                    }
                }
                (_, Some((at, process))) => {
                    self.now = self.now.max(at);
                    self.give(process, PoolInput::Tick {}, None)?;
                    if self.processes[process].deadline.is_some_and(|next| next <= self.now) {
                        return Err(format!("process {process}: a deadline stays due"));
                    }
                }
                _ => break,
            }
            self.steps += 1;
            if self.steps > 200_000 {
                return Err("it never comes to rest".to_owned());
            }
        }
        self.now = until;
        for (index, process) in self.processes.iter().enumerate() {
            if process.alive && process.frozen_until <= self.now {
                if let Some(late) = process.asked.values().find(|until| **until + 1 < self.now) {
                    return Err(format!("process {index}: an acquire was to be answered by {late}"));
                }
            }
        }
        Ok(())
    }

    /// Somebody wants something, or something breaks.
    fn act(&mut self) -> Outcome {
        let process = self.draw(self.processes.len() as u64) as usize;
        if self.fault(0, 12) && self.processes[process].alive {
            self.say(format!("process {process} dies"));
            self.processes[process].alive = false;
            let after = 100 + self.draw(60_000);
            self.at(after, Event::Restart(process));
            return Ok(());
        }
        if self.fault(1, 14) {
            let span = 1_000 + self.draw(150_000);
            self.say(format!("process {process} freezes for {span}"));
            self.processes[process].frozen_until = self.now + span;
            for until in self.processes[process].asked.values_mut() {
                *until += span;
            }
            return Ok(());
        }
        if self.fault(6, 20) {
            let jump = self.draw(600_000).cast_signed() - 300_000;
            self.say(format!("the clock of process {process} jumps by {jump}"));
            self.processes[process].skew += jump;
        }
        if !self.processes[process].alive || self.processes[process].frozen_until > self.now {
            return Ok(());
        }
        let request = self.request();
        if self.draw(4) == 0 {
            let id = CredentialId(1 + self.draw(self.accounts as u64));
            self.say(format!("process {process} refreshes {id}"));
            // As after a refusal: newer than what it has.
            let handle = self.processes[process].pool.find(id);
            let record = handle.and_then(|handle| self.processes[process].pool.engine().record(handle));
            let failed = record.map(|record| record.secret_version);
            let force = self.draw(2) == 0;
            let until = self.now + 10_000;
            self.processes[process].asked.insert(request, until);
            return self.give(
                process,
                PoolInput::Refresh { request, id, force, failed, wait: Span::ZERO },
                None,
            );
        }
        let text = format!(r#"{{"acquire":{{"request":{},"providers":["gitlab-duo"]}}}}"#, request.0);
        let until = self.now + 10_000;
        self.processes[process].asked.insert(request, until);
        self.give(process, json::read(&text).expect("an acquire"), None)
    }

    fn happen(&mut self, event: Event) -> Outcome {
        match event {
            Event::Restart(process) => {
                let fresh = self.process();
                self.say(format!("process {process} lives again as {}", fresh.epoch));
                self.processes[process] = fresh;
                let request = self.request();
                self.give(process, PoolInput::Load { request }, None)
            }
            Event::Deliver(process, epoch, input, presented) => {
                let of = &self.processes[process];
                if of.epoch != epoch || !of.alive {
                    return Ok(());
                }
                if of.frozen_until > self.now {
                    let after = of.frozen_until - self.now;
                    self.at(after, Event::Deliver(process, epoch, input, presented));
                    return Ok(());
                }
                if let Some(number) = presented {
                    self.provider.presented[number].delivered = true;
                }
                self.give(process, input, presented)
            }
            Event::Load(process, epoch, op, since) => {
                let input = self.store.load(op, since);
                self.answer(process, epoch, input);
                Ok(())
            }
            Event::Lease(process, epoch, op, key, ttl) => {
                let input = self.store.lease(op, key, epoch, ttl, self.now);
                self.answer(process, epoch, input);
                Ok(())
            }
            Event::Renew(process, epoch, op, key, fence, until) => {
                let input = self.store.renew(op, &key, epoch, fence, until, self.now);
                self.answer(process, epoch, input);
                Ok(())
            }
            Event::Commit(process, epoch, op, mutations, fault) => {
                let failed = |op| PoolInput::Failed { op, message: "the disk is full".into() };
                let input = match fault {
                    1 => failed(op),
                    // Done, and told as failed.
                    2 => {
                        let _ = self.store.commit(op, mutations);
                        failed(op)
                    }
                    _ => self.store.commit(op, mutations),
                };
                self.answer(process, epoch, input);
                Ok(())
            }
            Event::Arrive(process, epoch, op, token) => {
                let (number, said) = self.provider.present(self.now, epoch, &token);
                let (status, body, what) = match said {
                    Said::Tokens(access, refresh) => {
                        let life = 60 + self.draw(600);
                        let body = format!(
                            r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":{life}}}"#
                        );
                        (200, body, "answered")
                    }
                    Said::Dead => (400, r#"{"error":"invalid_grant"}"#.to_owned(), "refused"),
                };
                self.say(format!("{token} of epoch {epoch} is {what}"));
                let after = if self.fault(3, 10) {
                    self.doubts += 1;
                    self.say("its answer is lost");
                    self.at(
                        1_000,
                        Event::Deliver(process, epoch, PoolInput::Unanswered { op, sent: true }, None),
                    );
                    return Ok(());
                } else if self.fault(3, 9) {
                    // Later than anybody waits.
                    self.doubts += 1;
                    20_000 + self.draw(80_000)
                } else {
                    20 + self.draw(2_000)
                };
                let input = PoolInput::Answered { op, status, headers: Vec::new(), body };
                self.at(after, Event::Deliver(process, epoch, input, Some(number)));
                Ok(())
            }
        }
    }

    fn answer(&mut self, process: usize, epoch: u64, input: PoolInput) {
        let after = 1 + self.draw(20);
        let after = if self.fault(4, 25) { after + self.draw(70_000) } else { after };
        self.at(after, Event::Deliver(process, epoch, input, None));
    }

    /// An input for a process, and all that it asks for.
    fn give(&mut self, process: usize, input: PoolInput, _: Option<usize>) -> Outcome {
        let of = &mut self.processes[process];
        let (epoch, now) = (of.epoch, Self::clock(self.now, of.skew));
        let step = of.pool.handle(now, input);
        of.deadline = step.deadline.map(|deadline| deadline.at.0);
        let told = json::write(&step.events);
        if told.contains("CANARY") {
            return Err(format!("a secret is told: {told}"));
        }
        if step.events.iter().any(|event| event.kind.as_str() != "selected") {
            self.say(format!("process {process} tells {told}"));
        }
        let pool = &self.processes[process].pool;
        for secret in pool.engine().handles().filter_map(|handle| pool.secret(handle)) {
            if !secret.ends_with("-0") && !self.store.durable.contains(secret) {
                return Err(format!("{secret} is in use and not durable"));
            }
        }
        for effect in step.effects {
            let soon = 1 + self.draw(20);
            let soon = if self.fault(4, 25) { soon + self.draw(70_000) } else { soon };
            match effect {
                HostEffect::Load { op, since } => self.at(soon, Event::Load(process, epoch, op, since)),
                HostEffect::Commit { op, mutations } => {
                    let fault = if self.fault(5, 12) { 1 + self.draw(2) as u8 } else { 0 };
                    self.at(soon, Event::Commit(process, epoch, op, mutations, fault));
                }
                HostEffect::Lease { op, key, ttl } => {
                    self.at(soon, Event::Lease(process, epoch, op, key, ttl.0));
                }
                HostEffect::Renew { op, key, fence, ttl } => {
                    let until = self.now + soon + ttl.0;
                    self.at(soon, Event::Renew(process, epoch, op, key, fence, until));
                }
                HostEffect::Release { key, fence } => self.store.release(&key, epoch, fence),
                HostEffect::Http { op, request, .. } => {
                    self.send(process, epoch, op, request.body.as_ref().map_or("", |body| body.expose()))?;
                }
                HostEffect::Reply { request, answer } => {
                    if json::write(&answer).contains("CANARY") {
                        return Err("a secret is in an answer".to_owned());
                    }
                    self.processes[process].asked.remove(&request);
                    if let Answer::Leased { handle, lease, .. } = answer {
                        let pool = &mut self.processes[process].pool;
                        let record = pool.engine().record(handle).ok_or("a lease of nobody")?;
                        if record.expires.is_some_and(|at| at <= now.wall) {
                            return Err(format!("{} is given out expired", record.name));
                        }
                        if !record.enabled {
                            return Err(format!("{} is given out disabled", record.name));
                        }
                        pool.abandon(lease);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The token endpoint is asked: only by who has the lease at this moment.
    fn send(&mut self, process: usize, epoch: u64, op: OpId, body: &str) -> Outcome {
        let token =
            body.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).unwrap_or("").to_owned();
        let account =
            token.strip_prefix("CANARY-r").and_then(|rest| rest.split('-').next()?.parse::<u64>().ok());
        let key = format!("refresh/{}", account.map_or(0, |account| account + 1));
        if self.store.holder(&key, self.now) != Some(epoch) {
            return Err(format!("process {process} asks with {token} and has no lease"));
        }
        self.say(format!("process {process} (epoch {epoch}) asks with {token}"));
        if let Some(Token::Rotated { by, .. }) = self.provider.state(&token) {
            // In doubt it may be asked once more: not where the answer is durable, nor where it was heard by who asks.
            let before = &self.provider.presented[by];
            if self.store.durable.contains(&before.access) || before.delivered && before.epoch == epoch {
                return Err(format!("{token} was rotated, and is presented again"));
            }
        }
        if self.fault(2, 10) {
            self.say("the request is lost");
            let after = 1_000 + self.draw(60_000);
            self.at(after, Event::Deliver(process, epoch, PoolInput::Unanswered { op, sent: true }, None));
            return Ok(());
        }
        if self.fault(7, 8) {
            let input = PoolInput::Answered { op, status: 503, headers: Vec::new(), body: String::new() };
            self.at(50, Event::Deliver(process, epoch, input, None));
            return Ok(());
        }
        let after = 10 + self.draw(500);
        let after = if self.fault(2, 10) { self.draw(REQUEST) } else { after };
        self.at(after, Event::Arrive(process, epoch, op, token));
        Ok(())
    }

    /// After the faults: who could be saved is well.
    fn judge(&mut self) -> Outcome {
        for account in 0..self.accounts {
            let id = RowId::Number(account as u64 + 1);
            let row = self.store.rows.get(&(RowKind::Credential, id.clone())).ok_or("an account is gone")?;
            let secret = row.secret.as_deref().unwrap_or("");
            let spare = self.store.rows.get(&(RowKind::Refresh, id)).and_then(|row| row.secret.as_deref());
            let alive = |secret: &str| {
                part(secret, "refresh").and_then(|token| self.provider.state(token)) == Some(Token::Active)
            };
            let well = !row.data.contains("needs_login") && !row.data.contains("disabled_cause");
            let honoured = alive(secret) || spare.is_some_and(alive);
            // In doubt on a server without leeway nobody asks again: the kills in that window are counted apart.
            let excused = self.provider.manner != Manner::Fixed && row.data.contains("needs_login");
            if honoured && !well && !excused {
                return Err(format!(
                    "account {account} is given up, and the provider honours it still: {}",
                    row.data
                ));
            }
            if !honoured && self.doubts == 0 && self.kinds & 0b1011 == 0 {
                return Err(format!("account {account} is lost without a fault that could lose it"));
            }
            if honoured && well {
                let fresh = self.processes.iter().filter(|process| process.alive).any(|process| {
                    let handle = process.pool.find(CredentialId(account as u64 + 1));
                    let record = handle.and_then(|handle| process.pool.engine().record(handle));
                    let wall = Self::clock(self.now, process.skew).wall;
                    record.is_some_and(|record| record.expires.is_some_and(|at| at > wall))
                });
                if !fresh {
                    return Err(format!("account {account} is well, and nobody renews it"));
                }
            }
        }
        Ok(())
    }
}
