//! Limits that hold for many machines together: a credential of which nothing was taken ahead is asked for when it is chosen. Who
//! chose it waits, as for a token that is renewed; what is there is spent on the hot path.

use super::saving::PendingOp;
use super::{Effect, Engine};
use crate::id::Handle;
use crate::limit::{Ask, Granted, Share, Terms};
use crate::time::Instant;
use std::cmp::Reverse;

impl Engine {
    /// Limits of stored credentials hold for all who share them. To be said before there are any.
    #[inline(never)]
    pub fn share_limits(&mut self) {
        self.shared_limits = true;
        for at in 0..self.members.len() {
            self.set_gate(Handle(at as u32));
        }
    }

    #[inline(never)]
    fn share_of(&mut self, handle: Handle) -> Option<(&mut Share, Terms, u32)> {
        let in_flight = self.hot[handle.0 as usize].in_flight;
        let (share, terms) = self.gates[handle.0 as usize].as_mut()?.shared()?;
        Some((share, terms, in_flight))
    }

    /// Is there nothing of its limits here? It is noted, to be asked for.
    #[inline(never)]
    pub(super) fn lacks_share(&mut self, handle: Handle, mono: Instant) -> bool {
        let lacks = self
            .share_of(handle)
            .is_some_and(|(share, terms, in_flight)| share.lacks(terms, in_flight, mono));
        if lacks {
            self.unshared = Some(handle);
        }
        lacks
    }

    /// Asks for what the hot path has met.
    #[inline(never)]
    pub(super) fn ask_unshared(&mut self) {
        if let Some(handle) = self.unshared.take().filter(|&handle| self.member(handle).is_some()) {
            self.ask_share(handle);
        }
    }

    /// Is it being asked for?
    #[inline(never)]
    pub(super) fn is_sharing(&mut self, handle: Handle) -> bool {
        self.share_of(handle).is_some_and(|(share, ..)| share.is_asking())
    }

    /// Asks for a share, so that a call may begin. Says whether there is an answer to wait for.
    #[inline(never)]
    pub(super) fn ask_share(&mut self, handle: Handle) -> bool {
        let mono = self.now.mono;
        self.unshared = None;
        let Some((share, terms, in_flight)) = self.share_of(handle) else { return false };
        if share.is_asking() {
            return true;
        }
        match share.ask(terms, in_flight, mono) {
            Some(ask) => self.send_ask(handle, ask, terms),
            None => false,
        }
    }

    #[inline(never)]
    fn send_ask(&mut self, handle: Handle, ask: Ask, terms: Terms) -> bool {
        let Some(id) = self.member(handle).and_then(|member| member.id) else { return false };
        let incarnation = self.hot[handle.0 as usize].incarnation;
        let op = self.op();
        self.ops.insert(op, PendingOp::Share { handle, incarnation });
        self.effects.push(Effect::Share { op, id, ask, terms });
        true
    }

    /// Prolongs slots, or gives them back, when it is time.
    #[inline(never)]
    pub(super) fn serve_share(&mut self, handle: Handle) {
        let mono = self.now.mono;
        let Some((share, terms, in_flight)) = self.share_of(handle) else { return };
        if let Some(ask) = share.serve(terms, in_flight, mono) {
            self.send_ask(handle, ask, terms);
        }
    }

    /// A lease has ended: its slot is given back soon. Part of the hot path.
    #[inline(never)]
    pub(super) fn slot_is_free(&mut self, handle: Handle, mono: Instant) {
        let incarnation = self.hot[handle.0 as usize].incarnation;
        let Some((share, terms, in_flight)) = self.share_of(handle) else { return };
        if let Some(at) = share.leave(terms, in_flight, mono) {
            self.timers.push(Reverse((at, handle, incarnation)));
            self.due = self.due.min(at);
        }
    }

    /// Those who share have answered, or cannot be reached.
    #[inline(never)]
    pub(super) fn share_answered(&mut self, handle: Handle, incarnation: u32, granted: Option<Granted>) {
        let mono = self.now.mono;
        let (mut crowd, mut at) = (0, 0);
        while at < self.share_callers.len() {
            if self.share_callers[at].0 == handle {
                // Whoever is served is sorted by arrival.
                self.renewed.push(self.share_callers.swap_remove(at).1);
                crowd += 1;
            } else {
                at += 1;
            }
        }
        if self.hot[handle.0 as usize].incarnation != incarnation {
            return;
        }
        let Some((share, terms, in_flight)) = self.share_of(handle) else { return };
        share.answered(granted, terms, in_flight, crowd, mono);
        self.somebody_returned = true;
        self.look_at_gate(handle, mono);
        self.set_timer(handle);
    }
}
