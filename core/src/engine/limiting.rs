//! Limits of credentials in the engine: a gate that shuts takes its credential out of the ready index, one that opens
//! puts it back. Part of the hot path: nothing here allocates once what grows has grown.

use super::lease::Lease;
use super::Engine;
use crate::credential::Limits;
use crate::id::Handle;
use crate::limit::{Gate, Spending};
use crate::time::{Instant, Now, Span};
use std::cmp::Reverse;

/// What the provider's headers say of its own limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// So many requests are left.
    pub requests: Option<u64>,
    /// So many tokens are left.
    pub tokens: Option<u64>,
    /// Nothing is left for so long.
    pub empty_for: Option<Span>,
}

impl Engine {
    /// Gives a credential the gate that its limits want; what is used stays used.
    pub(super) fn set_gate(&mut self, handle: Handle) {
        let Some(member) = self.member(handle) else { return };
        let limits = self.policy.limits_of(&member.record.provider, member.record.limits);
        let shared = self.shared_limits && member.id.is_some();
        let gate = &mut self.gates[handle.0 as usize];
        match gate {
            Some(gate) => gate.set(limits),
            None if limits.is_none() => return,
            None => *gate = Some(Box::new(Gate::new(limits))),
        }
        if let Some(gate) = gate.as_mut().filter(|_| shared) {
            gate.share();
        }
        self.hot[handle.0 as usize].gated = true;
        self.look_at_gate(handle, self.now.mono);
    }

    /// Do the limits of a credential count tokens, so that somebody wants to know what a call took?
    pub fn counts_tokens(&self, handle: Handle) -> bool {
        let gate = self.gates.get(handle.0 as usize).and_then(Option::as_ref);
        gate.is_some_and(|gate| gate.counts_tokens())
    }

    /// A lease begins: answers the tokens that are counted for it.
    pub(super) fn enter(&mut self, handle: Handle, mono: Instant) -> u32 {
        let at = handle.0 as usize;
        let hot = &mut self.hot[at];
        hot.in_flight = hot.in_flight.saturating_add(1);
        if !hot.gated {
            return 0;
        }
        let Some(gate) = &mut self.gates[at] else { return 0 };
        let counted = gate.enter(mono);
        self.look_at_gate(handle, mono);
        counted
    }

    /// A lease has ended.
    pub(super) fn leave(&mut self, lease: &Lease, answered: bool, spending: Spending, mono: Instant) {
        let at = lease.handle.0 as usize;
        if self.hot[at].incarnation != lease.incarnation {
            return;
        }
        self.lease_ended(lease.handle, lease.route);
        self.end_probe(lease);
        if !self.hot[at].gated {
            return;
        }
        let wall = self.now.wall_of(mono);
        let Some(gate) = &mut self.gates[at] else { return };
        gate.leave(lease.counted, answered, spending, Now { wall, mono });
        if self.shared_limits {
            self.slot_is_free(lease.handle, mono);
        }
        self.look_at_gate(lease.handle, mono);
    }

    /// What a call took of which no lease is known, and what its answer said of what is left.
    pub(super) fn learn(&mut self, handle: Handle, spending: Spending, stated: Stated) {
        let (now, at) = (self.now, handle.0 as usize);
        if spending == Spending::default() && stated == Stated::default() {
            return;
        }
        if stated.empty_for.is_some() && self.gates[at].is_none() {
            self.gates[at] = Some(Box::new(Gate::new(Limits::default())));
            self.hot[at].gated = true;
        }
        let until = stated.empty_for.map(|length| now.mono + length.min(self.policy.hints.max));
        let Some(gate) = &mut self.gates[at] else { return };
        gate.leave(0, true, spending, now);
        gate.learn(stated.requests, stated.tokens, until, now.mono);
        self.note_use(handle);
        self.look_at_gate(handle, now.mono);
        if spending != Spending::default() {
            self.report_budget(handle);
        }
    }

    /// Would the end of a lease bring somebody back for whom others wait?
    pub(super) fn somebody_waits_for(&self, handle: Handle) -> bool {
        !self.waiters.is_empty()
            && self.gates[handle.0 as usize].as_ref().is_some_and(|gate| gate.noted().is_some())
    }

    /// The ready index follows a gate.
    pub(super) fn look_at_gate(&mut self, handle: Handle, mono: Instant) {
        let at = handle.0 as usize;
        let in_flight = self.hot[at].in_flight;
        let Some(gate) = &mut self.gates[at] else { return };
        let changed = gate.look(in_flight, mono);
        let (shut, wake) = (gate.noted(), gate.wake(mono));
        let Some(member) = self.members[at].as_mut() else { return };
        if let Some(until) = wake {
            self.timers.push(Reverse((until, handle, member.incarnation)));
            self.due = self.due.min(until);
        }
        if !changed {
            return;
        }
        member.shut = shut;
        self.restand(handle, None);
    }
}
