//! The machine: what happened goes in, what is to be done comes out. No clock, no I/O, no secret.

mod accounts;
mod acquire;
mod advice;
mod by_hand;
mod by_host;
mod changing;
mod completing;
mod effect;
mod errand;
mod fetching;
mod health;
mod history;
mod input;
mod introspecting;
mod lease;
mod limiting;
mod loading;
mod logins;
mod manage;
mod marking;
mod member;
mod names;
mod refresh_end;
mod refreshing;
mod renewing;
mod report;
mod restore;
mod row_data;
mod saving;
mod seating;
mod serve;
mod serving;
mod sharing;
mod tally;
mod tokens;
mod usage;
mod view;
mod waiting;

pub use crate::retry::{Next, LONGEST_WAIT};
pub use effect::{
    Candidate, Cause, Deadline, Effect, Event, EventKind, Failed, FailedCode, Leased, Refusal, RefusalCode,
    Reply, Reported, Step,
};
pub use errand::{Checked, Errand, Redemption, ResetsTold};
pub use fetching::{UsageTrouble, SAYS_NOTHING};
pub use history::{CostCommand, Entry, History};
pub use input::{
    AcquireCommand, Command, Completion, Input, Mutation, NewItem, ReportCommand, Row, RowId, RowKind, Target,
};
pub use introspecting::Introspected;
pub use limiting::Stated;
pub use marking::MarkCommand;
pub use names::MAX_MODELS;
pub use tally::Recent;
pub use view::{CooldownView, MemberView, State};

use crate::cooldown::Upstream;
use crate::entropy::Seed;
use crate::facts::RefreshFacts;
use crate::id::{CredentialId, Handle, LeaseId, ModelIx, OpId, ProviderIx, RequestId, RouteId, SessionIx};
use crate::limit::{Gate, Spending};
use crate::policy::{AffinityKind, Exhausted, Policy, Rotation, SessionStart};
use crate::refresh::Queue;
use crate::select::{Choice, Hot, IntMap, SavedTie, Seat, Start, Table, TierKey, Ties};
use crate::sorted_map::SortedMap;
use crate::time::{Instant, Now, Span};
use lease::Leases;
use member::Member;
use names::{Names, Routes};
use saving::PendingOp;
use serving::Serving;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use waiting::Waiting;

/// The hot path notes so many uses before it asks to be drained.
const RECENT: usize = 4096;

/// A pool's machine. See [the crate's documentation](crate) for the contract.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub struct Engine {
    policy: Policy,
    /// So many legs of the cascade come before every tie.
    override_legs: u8,
    seed: Seed,
    /// Both clocks at the last call.
    now: Now,
    started: bool,
    /// The earliest deadline: at or after it the hot path asks for [`Engine::handle`].
    due: Instant,

    providers: Names,
    models: Names,
    serving: Serving,
    /// By provider: does the registry know it, or did a credential name it?
    known: Vec<bool>,
    tables: Vec<Table>,
    routes: Routes,
    /// What must be known to renew tokens, where it is not the usual: by name, and by provider's number.
    refresh_facts: Vec<(Box<str>, RefreshFacts)>,
    facts_of: Vec<RefreshFacts>,
    /// How many of a provider's candidates must be renewed before they are given out: then the hot path asks.
    stale_in: Vec<u32>,
    refreshes: Queue,
    auto_refresh: bool,
    /// Tokens are renewed at the last multiple of the span after the instant; zero: when they are due.
    refresh_interval: (Instant, Span),

    members: Vec<Option<Box<Member>>>,
    free_handles: Vec<Handle>,
    by_id: SortedMap<CredentialId, Handle>,
    incarnations: u32,
    // What the hot path reads and writes of each member, by handle, apart from the rest so that it stays in the cache.
    seats: Vec<Seat>,
    hot: Vec<Hot>,
    last_use: u64,
    /// Those that have limits; boxed, because most have none.
    gates: Vec<Option<Box<Gate>>>,
    /// Limits hold for all machines together: shares of them are taken ahead.
    shared_limits: bool,
    /// The hot path met one of which nothing is here: it is asked for in the next step.
    unshared: Option<Handle>,
    /// Who waits for which credential's share.
    share_callers: Vec<(Handle, (u64, u32))>,
    /// In how many further rounds of a call does it take part?
    rounds: Vec<u32>,
    /// The most further rounds that one of them says for itself.
    own_rounds: Option<u8>,

    /// Who sees failures that may be the upstream's.
    upstreams: SortedMap<RouteId, Upstream>,
    /// Tiers in which somebody's usage is known: there it decides.
    ranked: Vec<(ProviderIx, TierKey)>,
    fetching: fetching::Fetching,
    errands: Vec<errand::Running>,
    /// Entries of histories that are not in the store yet, oldest first.
    histories: Vec<(History, Entry)>,
    /// Those who wait for a credential's last call to end.
    drains: Vec<(RequestId, Handle, u32)>,

    leases: Leases,
    ties: Ties,
    /// Handles whose last use is not in the store yet, each once.
    recent: Vec<Handle>,
    /// Uses since the last step, where somebody listens.
    selections: Vec<(Handle, RouteId, Instant)>,
    tell_selected: bool,

    /// When something is due: a recovery or an expiry of a member, or a waiting caller's round or end. Entries that no
    /// longer hold are passed over.
    timers: BinaryHeap<Reverse<(Instant, Handle, u32)>>,
    /// By a list of providers and a model: whose turn it is to be asked first.
    chain_turns: IntMap<u64, u32>,
    waiters: Waiting,
    /// Those whose refresh has ended, to be served.
    renewed: Vec<(u64, u32)>,
    /// Somebody may be ready who was not before: look at the waiters.
    somebody_returned: bool,

    ops: SortedMap<OpId, PendingOp>,
    next_op: u64,
    /// Members whose health is not in the store yet.
    unsaved_health: Vec<Handle>,
    health_commit_live: bool,
    behind_commit_live: bool,
    /// When to write behind; set by the first thing that is to be written.
    flush_at: Option<Instant>,
    /// After a failure of the store nothing is written before this.
    held_until: Option<Instant>,
    /// Ties that are to be written, oldest first.
    unwritten_ties: Vec<SavedTie>,
    flush_requests: Vec<RequestId>,
    /// So many rows are still to be written for those who asked for a flush.
    flush_left: usize,
    logins: Vec<logins::OpenLogin>,
    generation: u64,
    /// Up to this generation we have seen every change of the store.
    seen: u64,

    effects: Vec<Effect>,
    events: Vec<Event>,
}

/// The answer of the hot path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquire {
    /// A credential to use, to be released or reported.
    Ready(LeaseId),
    /// Nobody is to be had; when the first comes back, on the monotonic clock.
    Refused(RefusalCode, Option<Instant>),
    /// It takes more than the hot path may do: ask [`Engine::handle`].
    Ask,
}

impl Engine {
    /// An empty engine. `now` starts its clocks.
    pub fn new(policy: Policy, seed: Seed, now: Now) -> Self {
        Self {
            override_legs: policy.override_legs(),
            policy,
            seed,
            now,
            started: false,
            due: Instant(0),
            providers: Names::default(),
            models: Names::default(),
            serving: Serving::default(),
            known: Vec::new(),
            tables: Vec::new(),
            routes: Routes::default(),
            refresh_facts: Vec::new(),
            facts_of: Vec::new(),
            stale_in: Vec::new(),
            refreshes: Queue::default(),
            auto_refresh: true,
            refresh_interval: (now.mono, Span::ZERO),
            members: Vec::new(),
            free_handles: Vec::new(),
            by_id: SortedMap::default(),
            incarnations: 0,
            seats: Vec::new(),
            hot: Vec::new(),
            last_use: 0,
            gates: Vec::new(),
            shared_limits: false,
            unshared: None,
            share_callers: Vec::new(),
            rounds: Vec::new(),
            own_rounds: None,
            upstreams: SortedMap::default(),
            ranked: Vec::new(),
            fetching: fetching::Fetching::default(),
            errands: Vec::new(),
            histories: Vec::new(),
            drains: Vec::new(),
            leases: Leases::new(),
            ties: Ties::default(),
            recent: Vec::with_capacity(RECENT),
            selections: Vec::new(),
            tell_selected: false,
            timers: BinaryHeap::new(),
            chain_turns: IntMap::default(),
            waiters: Waiting::default(),
            renewed: Vec::new(),
            somebody_returned: false,
            ops: SortedMap::default(),
            next_op: 1,
            unsaved_health: Vec::new(),
            health_commit_live: false,
            behind_commit_live: false,
            flush_at: None,
            held_until: None,
            unwritten_ties: Vec::new(),
            flush_requests: Vec::new(),
            flush_left: usize::MAX,
            logins: Vec::new(),
            generation: 0,
            seen: 0,
            effects: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The rules.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Both clocks at the last call.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// What must be known of a provider to renew its tokens.
    pub fn set_refresh_facts(&mut self, provider: &str, facts: RefreshFacts) {
        self.refresh_facts.retain(|(of, _)| **of != *provider);
        self.refresh_facts.push((provider.into(), facts));
        if let Some(number) = self.providers.find(provider) {
            self.facts_of[number as usize] = facts;
            for at in 0..self.members.len() {
                let of = self.members[at].as_mut().filter(|member| member.provider.0 == number);
                if let Some(member) = of {
                    member.advice = None;
                    self.set_timer(Handle(at as u32));
                }
            }
        }
    }

    /// Tells of every selection from now on, or no longer.
    pub fn tell_selected(&mut self, tell: bool) {
        self.tell_selected = tell;
        if tell && self.selections.capacity() == 0 {
            self.selections.reserve_exact(RECENT);
        }
    }

    /// Something happened. Total: no input makes it fail. Everything that is due by `now` is done first.
    #[inline(never)]
    pub fn handle(&mut self, now: Now, input: Input) -> Step {
        self.advance(now);
        self.tell_selections();
        self.serve_deadlines();
        // Who waits goes before who comes now.
        self.serve_waiters();
        match input {
            Input::Command(command) => self.command(command),
            Input::Completion(op, completion) => self.complete(op, completion),
            Input::Rows(op, rows) => self.take_rows(op, rows),
            Input::Changed(generation, rows) => {
                self.loaded(generation, rows, None);
                self.somebody_returned = true;
            }
            Input::Tick => {}
        }
        self.serve_drains();
        self.serve_refreshes();
        self.serve_waiters();
        self.serve_refreshes();
        self.serve_fetches();
        self.serve_refreshes();
        self.drop_stale_waiter_timers();
        self.save();
        let next_deadline = self.next_deadline();
        self.due = next_deadline.map_or(Instant(u64::MAX), |deadline| deadline.at);
        Step {
            effects: std::mem::take(&mut self.effects),
            events: std::mem::take(&mut self.events),
            next_deadline,
        }
    }

    /// The hot path: picks a credential at once, or says why not. Allocates nothing, looks at no other credential.
    ///
    /// O(log n) in the number of credentials, however many of them are out.
    pub fn try_acquire(&mut self, mono: Instant, route: RouteId, session: SessionIx) -> Acquire {
        let mono = mono.max(self.now.mono);
        if mono >= self.due || self.recent.len() == self.recent.capacity() || self.selections_are_full() {
            return Acquire::Ask;
        }
        let start = self.start_of(session);
        let Some((found, cursors)) = self.routes.rotation(route) else { return Acquire::Ask };
        let (provider, shard) = (found.provider, found.shard);
        if self.stale_in[provider.0 as usize] > 0 || !found.watched {
            return Acquire::Ask;
        }
        let table = &mut self.tables[provider.0 as usize];
        let affinity = self.policy.affinity;
        let ties = session != SessionIx::NONE && affinity.ties();
        if ties {
            let key = tie_key(affinity.kind, provider, route);
            let stays = |handle: Handle| {
                let seat = self.seats[handle.0 as usize];
                table.is_ready(shard, seat)
                    && !table.comes_second(shard, seat, self.override_legs, affinity.fail_back)
            };
            match self.ties.get(session, key) {
                Some((handle, used)) if mono < used + affinity.ttl && stays(handle) => {
                    if !self.stays_by_usage(provider, shard, handle, used, mono) {
                        return Acquire::Ask;
                    }
                    self.ties.tie(session, key, handle, mono, affinity.max);
                    return self.grant(handle, route, session, mono, false);
                }
                // Nobody to tie it to: as for any other caller.
                _ if !table.has_ready(shard) && self.policy.when_exhausted != Exhausted::Soonest => {
                    let (code, retry_at) = self.refusal(route, &|_| true);
                    return Acquire::Refused(code, retry_at);
                }
                // Some are never tied: a session's hash finds them again.
                _ if affinity.only.is_none() || !matches!(start, Start::Hash(_)) => return Acquire::Ask,
                _ => {}
            }
        }
        if !cursors.are_current(table) {
            return Acquire::Ask;
        }
        let choice = choice(&self.policy, start, self.seed, mono, &self.hot);
        match table.pick(shard, choice, cursors, |_| true) {
            Some(handle)
                if ties && (self.ties_to(handle) || !self.serves(session, provider, route, handle)) =>
            {
                Acquire::Ask
            }
            Some(handle) => self.grant(handle, route, session, mono, true),
            None if self.policy.when_exhausted == Exhausted::Soonest => Acquire::Ask,
            None => {
                let (code, retry_at) = self.refusal(route, &|_| true);
                Acquire::Refused(code, retry_at)
            }
        }
    }

    /// The hot path's end of a successful call. Returns false where it takes more than that: then report it to
    /// [`Engine::handle`]. A lease that has ended already is none of our business any more: true.
    pub fn release(&mut self, mono: Instant, lease: LeaseId) -> bool {
        let Some(open) = self.leases.get(lease) else { return true };
        let at = open.handle.0 as usize;
        if self.hot[at].incarnation == open.incarnation {
            if self.hot[at].remembers || self.somebody_waits_for(open.handle) {
                return false;
            }
            self.leave(&open, true, Spending::default(), mono.max(self.now.mono));
            self.hot[at].successes = self.hot[at].successes.saturating_add(1);
            self.renew_tie(open.session, open.route, open.handle, mono.max(self.now.mono));
        }
        self.leases.close(lease);
        true
    }

    /// Ends a lease of which nothing is known: the call was never made, or given up. Returns false where somebody waits
    /// for it: then give [`Engine::handle`] a tick at once.
    pub fn abandon(&mut self, lease: LeaseId) -> bool {
        if let Some(open) = self.leases.close(lease) {
            let waits = self.somebody_waits_for(open.handle);
            self.leave(&open, false, Spending::default(), self.now.mono);
            return !waits;
        }
        true
    }

    /// The number of a provider (by its registry name) and a model, for the hot path. `known`: the registry has it.
    pub fn route(&mut self, provider: &str, model: Option<&str>, known: bool) -> RouteId {
        let provider = self.provider_ix(provider);
        self.known[provider.0 as usize] |= known;
        let model = model.map(|model| self.model_named(provider, model)).filter(|model| !model.is_empty());
        let model = model.map(|model| self.model_ix(model));
        if let Some(route) = self.routes.find(provider, model) {
            return route;
        }
        let apart = |model| {
            self.has_restricted(provider)
                || self.every_model_counts(provider)
                || self.draws_apart(provider, model)
        };
        if let Some(model) = model.filter(|&model| apart(model)) {
            self.learn_names(model);
            self.give_own_shard(provider, model);
        }
        let shard = self.tables[provider.0 as usize].shard_of(model);
        let draw = self.draw_of(provider, model);
        // Where nothing is known nothing can be exhausted.
        let known = |member: &Member| member.provider == provider && member.usage.is_some();
        if self.usage_facts(provider).draws.len() == 1
            && !self.members.iter().flatten().any(|member| known(member))
        {
            let _ = self.serving.watch(provider, draw);
        }
        let watched = self.serving.is_watched(provider, draw);
        self.routes.add(provider, model, shard, self.policy.rotation == Rotation::Provider, watched)
    }

    /// The number of a session, for the hot path; [`SessionIx::NONE`] where the policy does not look at sessions.
    pub fn session(&mut self, name: &str) -> SessionIx {
        let affinity = self.policy.affinity;
        match affinity.kind {
            _ if name.is_empty() => SessionIx::NONE,
            AffinityKind::None if affinity.start == SessionStart::Strategy => SessionIx::NONE,
            // Nothing is kept of it: the number is half of what there is to know.
            AffinityKind::Rendezvous => SessionIx((Ties::hash(name) >> 76) as u64 | 1),
            _ => self.ties.named(name, affinity.max),
        }
    }

    /// Where a session's first credential comes from.
    fn start_of(&self, session: SessionIx) -> Start {
        let affinity = self.policy.affinity;
        if session == SessionIx::NONE {
            Start::Strategy
        } else if affinity.kind == AffinityKind::Rendezvous {
            Start::Circle(session.0)
        } else if affinity.start == SessionStart::Hash {
            self.ties.start(session).map_or(Start::Strategy, Start::Hash)
        } else {
            Start::Strategy
        }
    }

    /// Is it known that this credential served the session last?
    fn serves(&self, session: SessionIx, provider: ProviderIx, route: RouteId, handle: Handle) -> bool {
        let key = tie_key(self.policy.affinity.kind, provider, route) | marking::SERVED;
        self.ties.get(session, key).is_some_and(|(served, _)| served == handle)
    }

    /// Is a session that is given this credential tied to it?
    fn ties_to(&self, handle: Handle) -> bool {
        let leg = self.seats[handle.0 as usize].key.leg;
        let kind = self.member(handle).map(|member| member.record.kind);
        leg >= self.override_legs && kind.is_some_and(|kind| self.policy.affinity.ties_to(kind))
    }

    fn model_ix(&mut self, model: &str) -> ModelIx {
        match self.models.find(model) {
            None if self.models.len() >= MAX_MODELS => ModelIx(0),
            _ => ModelIx(self.models.intern(model)),
        }
    }

    fn selections_are_full(&self) -> bool {
        self.tell_selected && self.selections.len() >= RECENT
    }

    /// Opens a lease on a credential that was chosen; `placed`: by the strategy, not by a tie.
    fn grant(
        &mut self,
        handle: Handle,
        route: RouteId,
        session: SessionIx,
        mono: Instant,
        placed: bool,
    ) -> Acquire {
        let at = handle.0 as usize;
        if self.shared_limits && self.hot[at].gated && self.lacks_share(handle, mono) {
            return Acquire::Ask;
        }
        let Some(lease) =
            self.leases.open(handle, self.hot[at].incarnation, route, session, mono, self.hot[at].version)
        else {
            return Acquire::Refused(RefusalCode::TooMany, None);
        };
        if self.hot[at].mapped {
            let model = self.routes.get(route).and_then(|route| route.model);
            if let Some(upstream) = model.and_then(|model| self.choose_upstream(handle, model)) {
                self.leases.aim(lease, upstream);
            }
        }
        let counted = self.enter(handle, mono);
        if counted > 0 {
            self.leases.count(lease, counted);
        }
        self.hot[at].used = self.next_use(mono);
        self.load_changed(handle, route);
        self.usage_used(handle, route, placed);
        // Its end is due at this time: from then on the hot path asks.
        self.due = self.due.min(mono + self.policy.lease);
        if self.hot[at].probation {
            self.begin_probe(handle, route);
        }
        if !self.hot[at].is_recent {
            self.hot[at].is_recent = true;
            self.recent.push(handle);
        }
        if self.tell_selected {
            self.selections.push((handle, route, mono));
        }
        Acquire::Ready(lease)
    }

    /// A number that grows with every use and with the wall clock, so that uses of one millisecond have an order and
    /// saved ones compare with new ones.
    fn next_use(&mut self, mono: Instant) -> u64 {
        let floor = self.now.wall_of(mono).0.saturating_mul(1024);
        self.last_use = floor.max(self.last_use.saturating_add(1));
        self.last_use
    }

    fn renew_tie(&mut self, session: SessionIx, route: RouteId, handle: Handle, now: Instant) {
        if session == SessionIx::NONE || !self.policy.affinity.ties() {
            return;
        }
        let Some(provider) = self.routes.get(route).map(|route| route.provider) else { return };
        let key = tie_key(self.policy.affinity.kind, provider, route);
        if self.ties.get(session, key).is_some_and(|(tied, _)| tied == handle) {
            self.ties.tie(session, key, handle, now, self.policy.affinity.max);
        }
    }

    fn event(&mut self, kind: EventKind, handle: Option<Handle>) -> &mut Event {
        let mut event = Event::new(kind, self.now.wall);
        if let Some(member) = handle.and_then(|handle| self.members.get(handle.0 as usize)?.as_ref()) {
            event.id = member.id;
            event.name = Some(member.record.name.clone());
            event.provider = Some(member.record.provider.clone());
        }
        self.events.push(event);
        let last = self.events.len() - 1;
        &mut self.events[last]
    }

    fn reply(&mut self, request: RequestId, reply: Reply) {
        self.effects.push(Effect::Reply { request, reply });
    }

    fn fail(&mut self, request: RequestId, code: FailedCode, message: impl Into<Box<str>>) {
        self.reply(request, Reply::Failed(Failed { code, message: message.into() }));
    }

    const fn op(&mut self) -> OpId {
        let op = OpId(self.next_op);
        self.next_op += 1;
        op
    }

    fn member(&self, handle: Handle) -> Option<&Member> {
        self.members.get(handle.0 as usize)?.as_deref()
    }

    fn member_mut(&mut self, handle: Handle) -> Option<&mut Member> {
        self.members.get_mut(handle.0 as usize)?.as_deref_mut()
    }
}

/// What a pick depends on.
const fn choice<'a>(policy: &Policy, start: Start, seed: Seed, mono: Instant, hot: &'a [Hot]) -> Choice<'a> {
    Choice { strategy: policy.plain_strategy(), start, seed, mono, hot }
}

/// What a session is tied for: a provider, or a route.
const fn tie_key(kind: AffinityKind, provider: ProviderIx, route: RouteId) -> u32 {
    match kind {
        AffinityKind::SessionModel => route.0,
        _ => provider.0 | PROVIDER_KEY,
    }
}

/// Marks a tie's key as a provider's.
const PROVIDER_KEY: u32 = 1 << 31;
