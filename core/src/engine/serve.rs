//! What time brings: recoveries, expiries, leases that nobody reported, ties that nobody used.

use super::member::ScopeKey;
use super::waiting::WAITER;
use super::{Cause, Deadline, Engine, EventKind, Reply};
use crate::id::Handle;
use crate::limit::Spending;
use crate::policy::SuccessEnds;
use crate::select::OutReason;
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
        // Nobody is given anything before all that is due of the credentials is done: after a long sleep the end of a wait and a
        // token's expiry are due together, whichever came first.
        let mut late = Vec::new();
        while let Some(&Reverse((at, handle, incarnation))) = self.timers.peek() {
            if at > mono {
                break;
            }
            self.timers.pop();
            if handle == WAITER {
                late.push(incarnation);
            } else if self.hot[handle.0 as usize].incarnation == incarnation {
                self.serve_member(handle);
            }
        }
        let lease = self.policy.lease;
        if mono.0 >= lease.0 {
            while let Some(open) = self.leases.close_oldest(Instant(mono.0 - lease.0)) {
                self.leave(&open, true, Spending::default(), mono);
            }
        }
        self.ties.expire(mono, self.policy.affinity.ttl);
        if !late.is_empty() {
            // Who has returned by now serves those who came first.
            self.serve_waiters();
        }
        for waiter in late {
            self.serve_due_waiter(waiter);
        }
        self.serve_logins();
    }

    /// Ends what is due of a member's cooldowns, and looks at its expiry.
    fn serve_member(&mut self, handle: Handle) {
        self.recover(handle);
        self.look_at_gate(handle, self.now.mono);
        if self.shared_limits {
            self.serve_share(handle);
        }
        self.look_at_clock(handle);
        self.serve_usage(handle);
        self.serve_refresh(handle);
        self.set_timer(handle);
    }

    /// Notes whether a member's token has expired or must be renewed before it is given out, and whether its pause has ended.
    pub(super) fn look_at_clock(&mut self, handle: Handle) {
        let turned = self.note_expiry(handle);
        let wall = self.now.wall;
        let Some(member) = self.member_mut(handle) else { return };
        let paused = member.record.paused_until.is_some_and(|until| until > wall);
        let (returns, same) = (member.paused && !paused, member.paused == paused);
        member.paused = paused;
        if turned || !same {
            self.restand(handle, None);
        }
        if returns {
            self.event(EventKind::Recovered, Some(handle)).cause = Some(OutReason::Paused.as_str().into());
        }
    }

    /// Answers those who wait for a credential's last call to end.
    pub(super) fn serve_drains(&mut self) {
        for (request, handle, incarnation) in std::mem::take(&mut self.drains) {
            let at = handle.0 as usize;
            if self.hot[at].incarnation == incarnation && self.hot[at].in_flight > 0 {
                self.drains.push((request, handle, incarnation));
            } else {
                self.reply(request, Reply::Done { ids: Vec::new() });
            }
        }
    }

    /// Sets the timer for what is due next of a member.
    pub(super) fn set_timer(&mut self, handle: Handle) {
        let Some((at, incarnation)) = self.next_of(handle) else { return };
        self.timers.push(Reverse((at, handle, incarnation)));
        if self.timers.len() > 1024 && self.timers.len() > 8 * self.members.len() {
            self.tidy_timers();
        }
    }

    /// When something is due of a member, and who it is.
    fn next_of(&self, handle: Handle) -> Option<(Instant, u32)> {
        let member = self.member(handle)?;
        let expiry = match member.record.expires {
            // After a jump back a token that had expired may be good again.
            Some(at) if member.expired && at > self.now.wall => Some(self.now.mono),
            // After a jump forward it is due already.
            Some(at) if !member.expired && !member.stale => Some(self.now.mono_of(at)),
            _ => None,
        };
        let pause = match member.record.paused_until {
            // After a jump back a pause that was over may go on.
            Some(until) if !member.paused && until > self.now.wall => Some(self.now.mono),
            Some(until) if member.paused => Some(self.now.mono_of(until)),
            _ => None,
        };
        let gate = self.gates[handle.0 as usize].as_ref().and_then(|gate| gate.noted()?.until);
        let gate = gate.filter(|&at| at > self.now.mono);
        let share = self.gates[handle.0 as usize].as_ref().and_then(|gate| gate.share_due());
        let mut next = self.next_refresh(handle);
        for at in expiry
            .into_iter()
            .chain(pause)
            .chain(gate)
            .chain(share)
            .chain(member.next_recovery())
            .chain(Self::usage_wake(member))
        {
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        Some((next?, member.incarnation))
    }

    /// Throws away timers that no longer hold: repeated failures must not fill the memory.
    fn tidy_timers(&mut self) {
        self.timers.clear();
        self.set_waiter_timers();
        for at in 0..self.members.len() {
            let handle = Handle(at as u32);
            if let Some((at, incarnation)) = self.next_of(handle) {
                self.timers.push(Reverse((at, handle, incarnation)));
            }
        }
    }

    /// The earliest of all deadlines.
    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let timer = self.timers.peek().map(|&Reverse((at, handle, _))| {
            (at, if handle == WAITER { Cause::Waiter } else { Cause::Recovery })
        });
        let lease = self.leases.oldest().map(|began| (began + self.policy.lease, Cause::LeaseEnd));
        let tie = self.ties.next_end(self.policy.affinity.ttl).map(|at| (at, Cause::TieEnd));
        // While a commit is under way the next one begins with its end, not with a deadline.
        // Nor does a store that failed get anything before its time.
        let flush_at = self.flush_at.filter(|_| !self.behind_commit_live).max(self.held_until);
        let flush = flush_at.map(|at| (at, Cause::Flush));
        let login = self.next_login().map(|at| (at, Cause::Login));
        let fetch = self.next_fetch().map(|at| (at, Cause::Usage));
        [timer, lease, tie, flush, login, fetch]
            .into_iter()
            .flatten()
            .min()
            .map(|(at, cause)| Deadline { at, cause })
    }

    /// A scope's health has changed: the index follows, and the store.
    pub(super) fn health_changed(&mut self, handle: Handle, scope: &ScopeKey) {
        self.remember(handle);
        self.restand(handle, scope.model());
        self.set_timer(handle);
        self.note_unsaved_health(handle);
    }

    /// Notes for the hot path whether the end of a call has something to change, and whether its begin has.
    pub(super) fn remember(&mut self, handle: Handle) {
        let at = handle.0 as usize;
        let Some(member) = self.members[at].as_ref() else { return };
        let half_open = member.is_half_open();
        let clears = !member.health.is_empty() && self.policy.success_ends != SuccessEnds::Nothing;
        self.hot[at].remembers = clears || half_open || member.draining;
        self.hot[at].probation = half_open;
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
