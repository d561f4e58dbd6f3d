//! Giving out credentials where the hot path cannot: new sessions, exclusions, several providers, waiting.

use super::{choice, tie_key, Acquire, AcquireCommand, Engine, Leased, Refusal, RefusalCode, Reply};
use crate::credential::Origin;
use crate::entropy::Purpose;
use crate::id::{Handle, LeaseId, RequestId, RouteId, SessionIx};
use crate::policy::{Chain, Exhausted};
use crate::retry;
use crate::select::IntMap;
use crate::time::Instant;

/// So many lists of providers are told apart; names come from callers, and nobody may fill the memory with them.
const MAX_CHAINS: usize = 4096;

impl Engine {
    pub(super) fn acquire(&mut self, mut command: AcquireCommand) {
        let mono = self.now.mono;
        self.turn_chain(&mut command);
        if let Some(leased) = self.attempt(&command, false) {
            return self.reply(command.request, Reply::Leased(leased));
        }
        let deadline = retry::deadline(mono, command.wait);
        let refusal = self.refuse(&command);
        // While everybody was tried, the start of the next round, if the policy has one.
        let next_round = match command.tried.as_slice() {
            [] => None,
            _ => retry::next_round(
                &self.policy.retry,
                self.seed,
                command.request.0,
                command.round,
                command.after,
                deadline.since(mono),
            ),
        };
        let next_round = next_round.map(|wait| mono + wait);
        let worth =
            next_round.is_some() || deadline > mono && self.is_worth_waiting(&command, &refusal, deadline);
        if refusal.code == RefusalCode::TooMany || !worth {
            return self.reply(command.request, Reply::Refused(refusal));
        }
        if self.waiters.len() >= self.policy.max_waiting as usize {
            let refusal = Refusal { code: RefusalCode::TooMany, ..refusal };
            return self.reply(command.request, Reply::Refused(refusal));
        }
        self.wait(command, deadline, next_round);
    }

    /// Whose turn it is among several providers goes first. A call that goes on keeps the turn that it began with.
    fn turn_chain(&mut self, command: &mut AcquireCommand) {
        let count = command.routes.len() as u32;
        if self.policy.chain == Chain::Ordered || count < 2 {
            return;
        }
        let mut key = 0;
        for route in &command.routes {
            key = self.seed.draw(Purpose::Name, key, u64::from(route.0));
        }
        if self.chain_turns.len() >= MAX_CHAINS {
            self.chain_turns = IntMap::default();
        }
        let mut turn = self.chain_turns.get(&key).copied().unwrap_or(0);
        if command.tried.is_empty() && command.round == 0 {
            turn = turn.wrapping_add(1);
            self.chain_turns.insert(key, turn);
        }
        command.routes.rotate_left((turn.wrapping_sub(1) % count) as usize);
    }

    /// One try over all routes. In a further round those who were tried may be tried again.
    pub(super) fn attempt(&mut self, command: &AcquireCommand, further: bool) -> Option<Leased> {
        let round = command.round + u32::from(further);
        let sessions = (command.session, command.known_as);
        let most = self.policy.retry.per_round as usize;
        if most > 0 && !further && command.tried.len() >= most {
            return None;
        }
        for &route in &command.routes {
            let skip = |handle: Handle| {
                command.exclude.contains(&handle) || (!further && command.tried.contains(&handle))
            };
            if let Some((lease, handle, forced)) = self.choose(route, sessions, &skip) {
                let origin = self.member(handle).map_or(Origin::Stored, |member| member.origin);
                return Some(Leased { lease, handle, origin, forced, round });
            }
        }
        None
    }

    /// Chooses among a route's candidates and opens the lease.
    fn choose(
        &mut self,
        route: RouteId,
        (session, known_as): (SessionIx, SessionIx),
        skip: &dyn Fn(Handle) -> bool,
    ) -> Option<(LeaseId, Handle, bool)> {
        let mono = self.now.mono;
        let affinity = self.policy.affinity;
        let start = self.start_of(session);
        let (found, cursors) = self.routes.rotation(route)?;
        let (provider, shard) = (found.provider, found.shard);
        let table = &mut self.tables[provider.0 as usize];
        cursors.follow(table);
        let key = tie_key(affinity.kind, provider, route);
        let usable = |handle: Handle| {
            let seat = self.seats[handle.0 as usize];
            !skip(handle)
                && table.is_ready(shard, seat)
                && !table.comes_second(shard, seat, self.override_legs, affinity.fail_back)
        };
        let mut tied = None;
        // A session that is tied already is not asked what it was called before.
        for session in [session, known_as] {
            if session != SessionIx::NONE && affinity.ties() && tied.is_none() {
                tied = self.ties.get(session, key).filter(|&(_, used)| mono < used + affinity.ttl);
            }
        }
        let choice = choice(&self.policy, start, self.seed, &self.used, &self.in_flight);
        let picked = match tied.filter(|&(handle, _)| usable(handle)) {
            Some((handle, _)) => Some(handle),
            None => table.pick(shard, choice, cursors, |handle| !skip(handle)),
        };
        let (handle, forced) = match picked {
            Some(handle) => (handle, false),
            None if self.policy.when_exhausted == Exhausted::Soonest => {
                (table.soonest(shard, |handle| !skip(handle))?.1, true)
            }
            None => return None,
        };
        if self.ties_to(handle) {
            for session in [session, known_as] {
                if session != SessionIx::NONE {
                    self.ties.tie(session, key, handle, mono, affinity.max);
                }
            }
        }
        match self.grant(handle, route, session, mono) {
            Acquire::Ready(lease) => Some((lease, handle, forced)),
            _ => None,
        }
    }

    /// Why nobody of any of the routes is to be had: the most hopeful of the answers.
    pub(super) fn refuse(&mut self, command: &AcquireCommand) -> Refusal {
        let mut best: Option<(RefusalCode, Option<Instant>)> = None;
        for &route in &command.routes {
            let answer = self.refusal(route, &|handle| !command.exclude.contains(&handle));
            best = Some(match best {
                None => answer,
                Some(best) if answer.0 == best.0 => (best.0, earlier(best.1, answer.1)),
                Some(best) => best.min(answer),
            });
        }
        let (code, retry_at) = best.unwrap_or((RefusalCode::UnknownProvider, None));
        Refusal { code, retry_at: retry_at.map(|at| self.now.wall_of(at)) }
    }

    /// Why nobody of a route is to be had, among those that `accept` takes. O(log n) for each that it refuses.
    pub(super) fn refusal(
        &mut self,
        route: RouteId,
        accept: &dyn Fn(Handle) -> bool,
    ) -> (RefusalCode, Option<Instant>) {
        let Some(found) = self.routes.get(route) else { return (RefusalCode::UnknownProvider, None) };
        let (provider, shard) = (found.provider, found.shard);
        let table = &mut self.tables[provider.0 as usize];
        if let Some((at, _)) = table.soonest(shard, accept) {
            return (RefusalCode::CoolingDown, Some(at));
        }
        let (_, untimed) = table.waiting(shard);
        if untimed > 0 || table.has_ready(shard) && table.somebody(shard, accept) {
            return (RefusalCode::Unavailable, None);
        }
        let known = self.known[provider.0 as usize];
        (if known { RefusalCode::NotFound } else { RefusalCode::UnknownProvider }, None)
    }

    /// Ends a session's ties.
    pub(super) fn untie(&mut self, request: RequestId, session: SessionIx) {
        let freed = self.ties.untie_session(session);
        let ids = freed.iter().filter_map(|&handle| self.member(handle)?.id).collect();
        self.reply(request, Reply::Done { ids });
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
