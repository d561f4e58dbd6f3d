//! What time brings: recoveries, expiries, leases that nobody reported, ties that nobody used.

use super::member::ScopeKey;
use super::{Cause, Deadline, Engine, EventKind};
use crate::id::{Handle, ModelIx, ProviderIx};
use crate::policy::Strategy;
use crate::select::{OutReason, Standing};
use crate::time::{Instant, Now, Span};
use std::cmp::Reverse;

/// The wall clock jumped if it moved this much more or less than the monotonic clock did.
const JUMP: u64 = 1_000;

impl Engine {
    /// Moves the clocks on. The monotonic one never goes back; a jump of the wall clock moves the expiries, which are
    /// instants of it, and nothing else.
    pub(super) fn advance(&mut self, now: Now) {
        let mono = now.mono.max(self.now.mono);
        let expected = self.now.wall_of(mono);
        let jump = i128::from(now.wall.0) - i128::from(expected.0);
        self.now = Now { wall: now.wall, mono };
        if self.started && jump.unsigned_abs() >= u128::from(JUMP) {
            self.event(EventKind::Clock, None).count = i64::try_from(jump).ok();
            for at in 0..self.members.len() {
                let handle = Handle(at as u32);
                self.set_timer(handle);
                // Rows hold ends as instants of the wall clock: those of before the jump would be wrong after a restart.
                if self.members[at].as_ref().is_some_and(|member| !member.health.is_empty()) {
                    self.note_unsaved_health(handle);
                }
            }
        }
        self.started = true;
    }

    pub(super) fn tell_selections(&mut self) {
        let mut selections = std::mem::take(&mut self.selections);
        for (handle, route, mono) in selections.drain(..) {
            let (at, model) = (self.now.wall_of(mono), self.model_name(route));
            let event = self.event(EventKind::Selected, Some(handle));
            (event.at, event.model) = (at, model);
        }
        self.selections = selections;
    }

    pub(super) fn serve_deadlines(&mut self) {
        let mono = self.now.mono;
        while let Some(&Reverse((at, handle, incarnation))) = self.timers.peek() {
            if at > mono {
                break;
            }
            self.timers.pop();
            if self.incarnation_at[handle.0 as usize] == incarnation {
                self.serve_member(handle);
            }
        }
        let lease = self.policy.lease;
        if mono.0 >= lease.0 {
            while let Some(open) = self.leases.close_oldest(Instant(mono.0 - lease.0)) {
                let at = open.handle.0 as usize;
                if self.incarnation_at[at] == open.incarnation {
                    self.in_flight[at] = self.in_flight[at].saturating_sub(1);
                }
            }
        }
        self.ties.expire(mono, self.policy.affinity.ttl);
    }

    /// Ends what is due of a member's cooldowns, and looks at its expiry.
    fn serve_member(&mut self, handle: Handle) {
        let mono = self.now.mono;
        let Some(member) = self.member_mut(handle) else { return };
        let mut ended = Vec::new();
        for (scope, state) in &mut member.health {
            if state.active && state.until <= mono {
                state.active = false;
                ended.push((scope.clone(), state.reason));
            }
        }
        for (scope, reason) in ended {
            self.restand(handle, scope.model());
            let model = scope.model().map(|model| self.models.text(model.0).into());
            let event = self.event(EventKind::Recovered, Some(handle));
            (event.scope, event.reason, event.model) = (Some(scope.scope()), reason, model);
        }
        self.look_at_expiry(handle);
        self.set_timer(handle);
    }

    /// Notes whether a member's token has expired.
    pub(super) fn look_at_expiry(&mut self, handle: Handle) {
        let wall = self.now.wall;
        let Some(member) = self.member_mut(handle) else { return };
        let expired = member.record.expires.is_some_and(|expires| expires <= wall);
        if member.expired != expired {
            member.expired = expired;
            self.restand(handle, None);
            if expired {
                let _ = self.event(EventKind::Expired, Some(handle));
            }
        }
    }

    /// Sets the timer for what is due next of a member.
    pub(super) fn set_timer(&mut self, handle: Handle) {
        let now = self.now;
        let Some(member) = self.member(handle) else { return };
        let expiry = member.record.expires.filter(|_| !member.expired).map(|at| now.mono_of(at));
        let expiry = expiry.into_iter().chain(
            // After a jump back a token that had expired may be good again.
            member.record.expires.filter(|&at| member.expired && at > now.wall).map(|_| now.mono),
        );
        let incarnation = member.incarnation;
        for at in expiry.chain(member.next_recovery()).collect::<Vec<_>>() {
            self.timers.push(Reverse((at, handle, incarnation)));
        }
        if self.timers.len() > 1024 && self.timers.len() > 8 * self.members.len() {
            self.tidy_timers();
        }
    }

    /// Throws away timers that no longer hold: repeated failures must not fill the memory.
    fn tidy_timers(&mut self) {
        self.timers.clear();
        for at in 0..self.members.len() {
            let now = self.now;
            let Some(member) = &self.members[at] else { continue };
            let expiry = member.record.expires.map(|at| now.mono_of(at));
            let (handle, incarnation) = (Handle(at as u32), member.incarnation);
            for at in expiry.into_iter().chain(member.next_recovery()) {
                self.timers.push(Reverse((at, handle, incarnation)));
            }
        }
    }

    /// The earliest of all deadlines.
    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let recovery = self.timers.peek().map(|Reverse((at, ..))| (*at, Cause::Recovery));
        let lease = self.leases.oldest().map(|began| (began + self.policy.lease, Cause::LeaseEnd));
        let tie = self.ties.next_end(self.policy.affinity.ttl).map(|at| (at, Cause::TieEnd));
        // While a commit is under way the next one begins with its end, not with a deadline.
        // Nor does a store that failed get anything before its time.
        let flush_at = self.flush_at.filter(|_| !self.behind_commit_live).max(self.held_until);
        let flush = flush_at.map(|at| (at, Cause::Flush));
        [recovery, lease, tie, flush, self.next_waiter()]
            .into_iter()
            .flatten()
            .min()
            .map(|(at, cause)| Deadline { at, cause })
    }

    /// A scope's health has changed: the index follows, and the store.
    pub(super) fn health_changed(&mut self, handle: Handle, scope: &ScopeKey) {
        self.restand(handle, scope.model());
        self.set_timer(handle);
        self.note_unsaved_health(handle);
        self.remember(handle);
    }

    /// Notes for the hot path whether a success has something to clear.
    pub(super) fn remember(&mut self, handle: Handle) {
        let remembers = self.member(handle).is_some_and(|member| !member.health.is_empty());
        self.remembers[handle.0 as usize] = remembers;
    }

    /// Corrects the ready index after a member has changed: for one model, or for all.
    pub(super) fn restand(&mut self, handle: Handle, model: Option<ModelIx>) {
        let Some(provider) = self.member(handle).map(|member| member.provider) else { return };
        if let Some(model) = model {
            self.give_own_shard(provider, model);
            let shard = self.tables[provider.0 as usize].shard_of(Some(model));
            self.stand(handle, Some(model), shard);
        } else {
            let own: Vec<_> = self.tables[provider.0 as usize].own_models().collect();
            self.stand(handle, None, 0);
            for (model, shard) in own {
                self.stand(handle, Some(model), shard);
            }
        }
    }

    fn stand(&mut self, handle: Handle, model: Option<ModelIx>, shard: u32) {
        let Some(member) = self.members[handle.0 as usize].as_ref() else { return };
        let standing = member.standing(model.map(|model| (model, self.models.text(model.0))));
        self.somebody_returned |= standing == Standing::Ready && !self.waiters.is_empty();
        let used =
            (self.policy.strategy == Strategy::LeastRecentlyUsed).then(|| self.used[handle.0 as usize]);
        let seat = self.seats[handle.0 as usize];
        self.tables[member.provider.0 as usize].set(shard, handle, seat, in_index(standing), used);
    }

    /// Gives a model a ready index of its own, because somebody stands towards it differently than towards others.
    pub(super) fn give_own_shard(&mut self, provider: ProviderIx, model: ModelIx) {
        let table = &mut self.tables[provider.0 as usize];
        if table.shard_of(Some(model)) != 0 {
            return;
        }
        let shard = table.give_own(model);
        if let Some(route) =
            self.routes.find(provider, Some(model)).and_then(|route| self.routes.get_mut(route))
        {
            route.shard = shard;
        }
        if self.has_restricted(provider) {
            for at in 0..self.members.len() {
                if self.members[at].as_ref().is_some_and(|member| member.provider == provider) {
                    self.stand(Handle(at as u32), Some(model), shard);
                }
            }
        }
    }

    /// Lays a provider's table out anew.
    pub(super) fn lay_out(&mut self, provider: ProviderIx) {
        let members: Vec<_> = self
            .members
            .iter()
            .enumerate()
            .filter_map(|(at, member)| Some((Handle(at as u32), member.as_ref()?)))
            .filter(|(_, member)| member.provider == provider)
            .map(|(handle, member)| (self.tier_key(member), Self::order(handle, member), handle))
            .collect();
        let (all, models, used) = (&self.members, &self.models, &self.used);
        let by_use = self.policy.strategy == Strategy::LeastRecentlyUsed;
        self.tables[provider.0 as usize].lay_out(members, &mut self.seats, |handle, model| {
            let member = all[handle.0 as usize].as_ref();
            let standing =
                member.map(|member| member.standing(model.map(|model| (model, models.text(model.0)))));
            (standing.and_then(in_index), by_use.then(|| used[handle.0 as usize]))
        });
    }

    /// Schedules the next write-behind.
    pub(super) fn schedule_flush(&mut self) {
        if self.flush_at.is_none() {
            self.flush_at = Some(self.now.mono + FLUSH_AFTER);
        }
    }
}

/// What is written behind is written at most so much later; together with the host's drain of the hot path, within a second.
const FLUSH_AFTER: Span = Span::from_millis(500);

/// Those who do not serve a model are not kept in its index at all: with lists of models there are many of them.
const fn in_index(standing: Standing) -> Option<Standing> {
    match standing {
        Standing::Out(OutReason::ModelNotListed, _) => None,
        standing => Some(standing),
    }
}
