//! Giving out credentials where the hot path cannot: new sessions, exclusions, several providers, waiting.

use super::{
    choice, tie_key, Acquire, AcquireCommand, Cause, Engine, Leased, Refusal, RefusalCode, Reply,
    LONGEST_WAIT,
};
use crate::credential::Origin;
use crate::entropy::Purpose;
use crate::id::{Handle, LeaseId, RequestId, RouteId, SessionIx};
use crate::policy::Exhausted;
use crate::time::{Instant, Span};

/// So many callers may wait at once; further ones are refused at once.
const MAX_WAITERS: usize = 10_000;

/// A caller that waits for a credential.
#[derive(Debug)]
pub(super) struct Waiter {
    command: AcquireCommand,
    /// When it gives up.
    deadline: Instant,
    /// When a further round begins, in which those who were tried may be tried again.
    next_round: Option<Instant>,
    /// A further round has begun: everybody may be tried again.
    further: bool,
}

impl Engine {
    pub(super) fn acquire(&mut self, command: AcquireCommand) {
        let mono = self.now.mono;
        if let Some(leased) = self.attempt(&command, false) {
            return self.reply(command.request, Reply::Leased(leased));
        }
        let deadline = mono + command.wait.min(LONGEST_WAIT);
        let refusal = self.refuse(&command);
        let next_round = self.next_round(&command).filter(|&at| at <= deadline);
        let returns = refusal.retry_at.map(|at| self.now.mono_of(at)).filter(|&at| at <= deadline);
        if refusal.code == RefusalCode::TooMany || (next_round.is_none() && returns.is_none()) {
            return self.reply(command.request, Reply::Refused(refusal));
        }
        if self.waiters.len() >= MAX_WAITERS {
            let refusal = Refusal { code: RefusalCode::TooMany, ..refusal };
            return self.reply(command.request, Reply::Refused(refusal));
        }
        self.waiters.push_back(Waiter { command, deadline, next_round, further: false });
    }

    pub(super) fn cancel(&mut self, request: RequestId) {
        let before = self.waiters.len();
        self.waiters.retain(|waiter| waiter.command.request != request);
        if self.waiters.len() < before {
            let refusal = Refusal { code: RefusalCode::Aborted, retry_at: None };
            self.reply(request, Reply::Refused(refusal));
        }
    }

    /// When everybody was tried: the start of the next round, if the policy has one.
    fn next_round(&self, command: &AcquireCommand) -> Option<Instant> {
        let retry = &self.policy.retry;
        if command.tried.is_empty() || command.round >= retry.rounds {
            return None;
        }
        let doubled = retry.backoff.0.saturating_mul(1 << command.round.min(32)).min(retry.backoff_max.0);
        let wait = self.seed.jitter(
            Purpose::Backoff,
            command.request.0,
            u64::from(command.round),
            doubled,
            self.policy.jitter,
        );
        Some(self.now.mono + Span(wait))
    }

    /// Answers those who wait, where there is something new for them.
    pub(super) fn serve_waiters(&mut self) {
        let mono = self.now.mono;
        let somebody_returned = std::mem::take(&mut self.somebody_returned);
        let due = |waiter: &Waiter| waiter.deadline <= mono || waiter.next_round.is_some_and(|at| at <= mono);
        if !somebody_returned && !self.waiters.iter().any(due) {
            return;
        }
        for mut waiter in std::mem::take(&mut self.waiters) {
            if waiter.next_round.is_some_and(|at| at <= mono) {
                waiter.next_round = None;
                waiter.further = true;
            }
            if let Some(leased) = self.attempt(&waiter.command, waiter.further) {
                self.reply(waiter.command.request, Reply::Leased(leased));
                continue;
            }
            let refusal = self.refuse(&waiter.command);
            let returns = refusal.retry_at.map(|at| self.now.mono_of(at));
            let worth_waiting =
                waiter.next_round.is_some() || returns.is_some_and(|at| at <= waiter.deadline);
            if waiter.deadline <= mono || !worth_waiting {
                self.reply(waiter.command.request, Reply::Refused(refusal));
            } else {
                self.waiters.push_back(waiter);
            }
        }
    }

    /// When the next waiter wants something that no recovery brings.
    pub(super) fn next_waiter(&self) -> Option<(Instant, Cause)> {
        let instants = self
            .waiters
            .iter()
            .map(|waiter| waiter.next_round.map_or(waiter.deadline, |round| round.min(waiter.deadline)));
        instants.min().map(|at| (at, Cause::Waiter))
    }

    /// One try over all routes. In a further round those who were tried may be tried again.
    fn attempt(&mut self, command: &AcquireCommand, further: bool) -> Option<Leased> {
        let round = command.round + u32::from(further);
        let sessions = (command.session, command.known_as);
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
    fn refuse(&mut self, command: &AcquireCommand) -> Refusal {
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
