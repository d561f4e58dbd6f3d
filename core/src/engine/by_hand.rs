//! What people do by hand: end rests, drain a credential, change the rules.

use super::{Command, Engine, FailedCode, Reply};
use crate::id::{Handle, ProviderIx, RequestId, RouteId};
use crate::policy::{Policy, Rotation};

impl Engine {
    /// Ends rests: of one credential or of all, for one model or for all.
    pub(super) fn reset(&mut self, request: RequestId, handle: Option<Handle>, route: Option<RouteId>) {
        let provider = route.and_then(|route| self.routes.get(route)).map(|route| route.provider);
        if let Some(handle) = handle {
            if self.member(handle).is_none() {
                return self.fail(request, FailedCode::NotFound, "there is no such credential");
            }
            self.reset_health(handle, route);
        } else {
            for at in 0..self.members.len() {
                let of = self.members[at].as_ref().map(|member| member.provider);
                if of.is_some() && (provider.is_none() || of == provider) {
                    self.reset_health(Handle(at as u32), route);
                }
            }
        }
        self.reply(request, Reply::Done { ids: Vec::new() });
    }

    /// No new work for a credential; answered when its last call has ended.
    pub(super) fn drain(&mut self, request: RequestId, handle: Handle) {
        let Some(member) = self.member_mut(handle) else {
            return self.fail(request, FailedCode::NotFound, "there is no such credential");
        };
        member.draining = true;
        self.remember(handle);
        self.restand(handle, None);
        self.drains.push((request, handle, self.hot[handle.0 as usize].incarnation));
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

    /// A credential gets new work again. Who waits for its last call to end is told that it was not to be.
    pub(super) fn end_drain(&mut self, handle: Handle) {
        let Some(member) = self.member_mut(handle).filter(|member| member.draining) else { return };
        member.draining = false;
        self.remember(handle);
        self.restand(handle, None);
        for (request, of, incarnation) in std::mem::take(&mut self.drains) {
            if of == handle {
                self.fail(request, FailedCode::Conflict, "somebody resumed or paused it meanwhile");
            } else {
                self.drains.push((request, of, incarnation));
            }
        }
    }

    /// Other rules from now on. All state stays: cooldowns, ladders, ties, leases. Answered when the store was read
    /// again: a leg that the old cascade did not have may hold credentials that were left out.
    pub(super) fn set_policy(&mut self, request: RequestId, policy: Policy) {
        if policy.rotation != self.policy.rotation {
            self.routes.regroup(policy.rotation == Rotation::Provider);
        }
        self.override_legs = policy.override_legs();
        self.policy = policy;
        for provider in (0..self.tables.len() as u32).map(ProviderIx) {
            let name = self.providers.text(provider.0).to_owned();
            self.follow_policy(&name, provider);
        }
        for at in 0..self.members.len() {
            let Some(member) = self.members[at].as_mut() else { continue };
            member.has_leg = self.policy.leg(member.origin).is_some();
            let handle = Handle(at as u32);
            self.remember(handle);
            self.learn_rules(handle);
            self.set_gate(handle);
        }
        for provider in (0..self.tables.len() as u32).map(ProviderIx) {
            if self.has_restricted(provider) || self.every_model_counts(provider) {
                for model in self.routes.models_of(provider).collect::<Vec<_>>() {
                    self.learn_names(model);
                    self.give_own_shard(provider, model);
                }
            }
            self.lay_out(provider);
        }
        // When a token is to be renewed is the policy's word too.
        for handle in (0..self.members.len() as u32).map(Handle) {
            self.look_at_clock(handle);
            self.set_timer(handle);
        }
        self.somebody_returned = true;
        self.command(Command::Load { request });
    }
}
