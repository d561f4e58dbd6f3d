//! Giving out credentials where the hot path cannot: new sessions, exclusions, several providers, waiting.

use super::marking::SERVED;
use super::waiting::Waiter;
use super::{choice, tie_key, Acquire, AcquireCommand, Engine, Leased, Refusal, RefusalCode, Reply};
use crate::credential::Origin;
use crate::entropy::Purpose;
use crate::id::{Handle, LeaseId, RequestId, RouteId, SessionIx};
use crate::policy::{Chain, Exhausted, Strategy};
use crate::retry;
use crate::select::{IntMap, TierKey};
use crate::time::Instant;

/// So many lists of providers are told apart; names come from callers, and nobody may fill the memory with them.
const MAX_CHAINS: usize = 4096;

/// Who was chosen.
enum Choosing {
    Granted(LeaseId, Handle, bool),
    /// This one, but its token must be renewed first.
    Stale(Handle),
    /// This one, but what others share of its limits must be asked for first.
    Unshared(Handle),
    Nobody,
}

/// What came of a try.
pub(super) enum Attempt {
    Leased(Leased),
    /// Its token must be renewed first, or its limits asked for: that has begun.
    Renewing(Handle),
    Nobody,
}

impl Engine {
    pub(super) fn acquire(&mut self, mut command: AcquireCommand) {
        let mono = self.now.mono;
        if self.unshared.is_some() {
            self.ask_unshared();
        }
        self.turn_chain(&mut command);
        let deadline = retry::deadline(mono, command.wait);
        for &route in &command.routes {
            if let Some(provider) = self.routes.get(route).map(|route| route.provider) {
                self.freshen(provider);
            }
        }
        match self.attempt(&command, false) {
            Attempt::Leased(leased) => return self.reply(command.request, Reply::Leased(leased)),
            Attempt::Renewing(handle) if command.now => {
                let incarnation = self.hot[handle.0 as usize].incarnation;
                let reply = match self.grant_renewed(&command, handle, incarnation) {
                    Some(leased) => Reply::Leased(leased),
                    None => Reply::Refused(Refusal { code: RefusalCode::Unavailable, retry_at: None }),
                };
                return self.reply(command.request, reply);
            }
            Attempt::Renewing(handle) if self.waiters.len() < self.policy.max_waiting as usize => {
                let waiter = if self.shared_limits && self.is_sharing(handle) {
                    Waiter::sharing(command, deadline, mono)
                } else {
                    Waiter::new(command, deadline.max(mono + self.policy.refresh.wait))
                };
                return self.wait_for_renewal(waiter, handle);
            }
            Attempt::Renewing(_) | Attempt::Nobody => {}
        }
        self.wait_or_refuse(Waiter::new(command, deadline));
    }

    /// A caller for whom nobody is ready waits, where that is worth it.
    pub(super) fn wait_or_refuse(&mut self, mut waiter: Box<Waiter>) {
        waiter.deadline = waiter.own.take().unwrap_or(waiter.deadline);
        let (mono, deadline, command) = (self.now.mono, waiter.deadline, &waiter.command);
        let refusal = self.refuse(command);
        // While everybody was tried, the start of the next round, if the policy has one.
        let next_round = match command.tried.as_slice() {
            [] => None,
            _ if waiter.further => None,
            _ if waiter.next_round.is_some() => waiter.next_round.map(|at| at.since(mono)),
            _ => {
                let rounds = self.rounds_left(command);
                let (key, left) = (command.request.0, deadline.since(mono));
                retry::next_round(
                    &self.policy.retry,
                    self.seed,
                    key,
                    command.round,
                    rounds,
                    command.after,
                    left,
                )
            }
        };
        let next_round = next_round.map(|wait| mono + wait);
        let worth =
            next_round.is_some() || deadline > mono && self.is_worth_waiting(command, &refusal, deadline);
        if refusal.code == RefusalCode::TooMany || !worth {
            return self.reply(command.request, Reply::Refused(refusal));
        }
        if self.waiters.len() >= self.policy.max_waiting as usize {
            let refusal = Refusal { code: RefusalCode::TooMany, ..refusal };
            return self.reply(command.request, Reply::Refused(refusal));
        }
        waiter.next_round = next_round;
        self.wait(waiter);
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
        let turn = turn.wrapping_sub(1);
        if self.policy.chain == Chain::Shared {
            return self.share_chain(&mut command.routes, u64::from(turn));
        }
        command.routes.rotate_left((turn % count) as usize);
    }

    /// The provider first whose segment the turn falls into, where each that has the best tier of all has one as long as it is
    /// strong there; then the others that have it, then those with the next one.
    fn share_chain(&self, routes: &mut [RouteId], turn: u64) {
        let strength = |route: &RouteId| {
            let found = self.routes.get(*route)?;
            self.tables[found.provider.0 as usize].best(found.shard)
        };
        // Nobody ready: last. There are few, and mostly they are in order.
        for sorted in 1..routes.len() {
            let mut at = sorted;
            while at > 0 && later(strength(&routes[at - 1]), strength(&routes[at])) {
                routes.swap(at - 1, at);
                at -= 1;
            }
        }
        let Some((best, _)) = routes.first().and_then(strength) else { return };
        // Who takes the first that is ready takes it of the first provider that has one.
        if matches!(self.policy.strategy, Strategy::FillFirst | Strategy::Priority | Strategy::Sequential) {
            return;
        }
        let segment =
            |route: &RouteId| strength(route).filter(|(tier, _)| *tier == best).map_or(0, |(_, size)| size);
        let whole: u64 = routes.iter().map(segment).sum();
        let mut left = turn % whole.max(1);
        for at in 0..routes.len() {
            let size = segment(&routes[at]);
            if left < size {
                return routes[..=at].rotate_right(1);
            }
            left -= size;
        }
    }

    /// One try over all routes. In a further round those who were tried may be tried again.
    pub(super) fn attempt(&mut self, command: &AcquireCommand, further: bool) -> Attempt {
        let round = command.round + u32::from(further);
        let sessions = (command.session, command.known_as);
        if let Some(handle) = command.prefer {
            if let Some(leased) =
                command.routes.iter().find_map(|&route| self.grant_to(command, route, handle))
            {
                return Attempt::Leased(leased);
            }
            if let Some(handle) = self.unshared.take().filter(|&handle| self.ask_share(handle)) {
                return Attempt::Renewing(handle);
            }
        }
        let most = self.policy.retry.per_round as usize;
        if most > 0 && !further && command.tried.len() >= most {
            return Attempt::Nobody;
        }
        let rounds = std::mem::take(&mut self.rounds);
        let skip = |handle: Handle| {
            command.exclude.contains(&handle)
                || (!further && command.tried.contains(&handle))
                || round > rounds[handle.0 as usize]
        };
        let mut found = Choosing::Nobody;
        for &route in &command.routes {
            found = self.choose(route, sessions, &skip);
            if !matches!(found, Choosing::Nobody) {
                break;
            }
        }
        self.rounds = rounds;
        match found {
            Choosing::Granted(lease, handle, forced) => {
                let origin = self.member(handle).map_or(Origin::Stored, |member| member.origin);
                Attempt::Leased(Leased { lease, handle, origin, forced, round })
            }
            Choosing::Stale(handle) => {
                self.start_refresh(handle, false, false, true);
                Attempt::Renewing(handle)
            }
            Choosing::Unshared(handle) if self.ask_share(handle) => Attempt::Renewing(handle),
            Choosing::Unshared(_) | Choosing::Nobody => Attempt::Nobody,
        }
    }

    /// Is the token of who sat there being renewed?
    pub(super) fn is_renewing(&self, handle: Handle, incarnation: u32) -> bool {
        self.member(handle).is_some_and(|member| member.incarnation == incarnation && member.job.is_some())
    }

    /// The one whose token was renewed, or could not be in time, if it can be given.
    pub(super) fn grant_renewed(
        &mut self,
        command: &AcquireCommand,
        handle: Handle,
        incarnation: u32,
    ) -> Option<Leased> {
        let member = self.member(handle).filter(|member| member.incarnation == incarnation)?;
        // Its time was too short for the refresh; the old token may still hold.
        if member.stale && member.record.expires.is_some_and(|at| at <= self.now.wall) {
            return None;
        }
        command.routes.iter().find_map(|&route| self.grant_to(command, route, handle))
    }

    /// This very credential, if it is ready for the route.
    fn grant_to(&mut self, command: &AcquireCommand, route: RouteId, handle: Handle) -> Option<Leased> {
        let found = self.routes.get(route)?;
        let (provider, shard) = (found.provider, found.shard);
        let member = self.member(handle).filter(|member| member.provider == provider)?;
        let origin = member.origin;
        if !self.tables[provider.0 as usize].is_ready(shard, self.seats[handle.0 as usize]) {
            return None;
        }
        let (mono, affinity) = (self.now.mono, self.policy.affinity);
        if command.session != SessionIx::NONE && self.ties_to(handle) {
            let key = tie_key(affinity.kind, provider, route);
            self.ties.tie(command.session, key, handle, mono, affinity.max);
        }
        match self.grant(handle, route, command.session, mono, false) {
            Acquire::Ready(lease) => {
                Some(Leased { lease, handle, origin, forced: false, round: command.round })
            }
            _ => None,
        }
    }

    /// How many further rounds a call may have: the policy's, or as many as somebody takes part in who says so himself.
    fn rounds_left(&mut self, command: &AcquireCommand) -> u32 {
        let most = self.policy.retry.rounds;
        let Some(own) = self.own_rounds else { return most };
        let rounds = std::mem::take(&mut self.rounds);
        let accept = |handle: Handle| rounds[handle.0 as usize] > command.round;
        let somebody = command.routes.iter().any(|&route| {
            let Some(found) = self.routes.get(route) else { return false };
            let table = &mut self.tables[found.provider.0 as usize];
            table.somebody(found.shard, accept) || table.soonest(found.shard, accept).is_some()
        });
        self.rounds = rounds;
        if somebody {
            most.max(own.into())
        } else {
            0
        }
    }

    /// Chooses among a route's candidates and opens the lease.
    fn choose(
        &mut self,
        route: RouteId,
        (session, known_as): (SessionIx, SessionIx),
        skip: &dyn Fn(Handle) -> bool,
    ) -> Choosing {
        let mono = self.now.mono;
        let affinity = self.policy.affinity;
        let start = self.start_of(session);
        self.watch(route);
        let Some((found, cursors)) = self.routes.rotation(route) else { return Choosing::Nobody };
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
        let mut stays = tied.filter(|&(handle, _)| usable(handle));
        if let Some((handle, used)) = stays {
            if !self.stays_by_usage(provider, shard, handle, used, mono) {
                stays = None;
            }
        }
        let placed = stays.is_none();
        let choice = choice(&self.policy, start, self.seed, mono, &self.hot);
        let Some((_, cursors)) = self.routes.rotation(route) else { return Choosing::Nobody };
        let table = &mut self.tables[provider.0 as usize];
        let picked = match stays {
            Some((handle, _)) => Some(handle),
            None => table.pick(shard, choice, cursors, |handle| !skip(handle)),
        };
        let (handle, forced) = match picked {
            Some(handle) => (handle, false),
            None if self.policy.when_exhausted == Exhausted::Soonest => {
                // What expired would only be refused.
                let members = &self.members;
                let usable = |handle: Handle| {
                    !skip(handle) && members[handle.0 as usize].as_ref().is_some_and(|member| !member.expired)
                };
                let Some((_, soonest)) = table.soonest(shard, usable) else { return Choosing::Nobody };
                (soonest, true)
            }
            None => return Choosing::Nobody,
        };
        if self.member(handle).is_some_and(|member| member.stale) {
            return Choosing::Stale(handle);
        }
        let ties_it = self.ties_to(handle);
        if ties_it || affinity.only.is_some() {
            // Who is not tied to it is known to have been served by it: a later mark finds it.
            let key = if ties_it { key } else { key | SERVED };
            for session in [session, known_as] {
                if session != SessionIx::NONE {
                    self.ties.tie(session, key, handle, mono, affinity.max);
                }
            }
        }
        match self.grant(handle, route, session, mono, placed) {
            Acquire::Ready(lease) => Choosing::Granted(lease, handle, forced),
            Acquire::Ask => Choosing::Unshared(handle),
            Acquire::Refused(..) => Choosing::Nobody,
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

/// Does the first belong behind the second?
fn later(one: Option<(TierKey, u64)>, other: Option<(TierKey, u64)>) -> bool {
    match (one, other) {
        (Some((one, _)), Some((other, _))) => one > other,
        (one, other) => one.is_none() && other.is_some(),
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
