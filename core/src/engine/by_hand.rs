//! What people do by hand: end rests, drain a credential, change the rules.

use super::member::Member;
use super::saving::PendingOp;
use super::{Command, Effect, Engine, FailedCode, Reply};
use crate::credential::Changes;
use crate::id::{Handle, ProviderIx, RequestId, RouteId, SecretRef};
use crate::policy::{Policy, Rotation};

impl Engine {
    /// Commands that few programs give: these are not in the WebAssembly that every program loads.
    #[inline(never)]
    pub(super) fn command_seldom(&mut self, command: Command) {
        match command {
            Command::Update { request, handle, changes, secret } => {
                self.update(request, handle, *changes, secret);
            }
            Command::Remove { request, handle } => self.remove(request, handle),
            Command::Untie { request, session } => self.untie(request, session),
            Command::Reset { request, handle, route } => self.reset(request, handle, route),
            Command::Drain { request, handle } => self.drain(request, handle),
            Command::SetPolicy { request, policy } => self.set_policy(request, *policy),
            Command::Login { request, provider, flow, discover, wait } => {
                self.start_login(request, provider, flow, discover, wait);
            }
            Command::LoginNews { request, login, news } => {
                self.hear_login(login, news);
                self.reply(request, Reply::Done { ids: Vec::new() });
            }
            Command::LogOut { request, handle, revoke } => self.log_out(request, handle, revoke),
            Command::Refresh { request, handle, force, failed, wait } => {
                self.refresh(request, handle, force, failed, wait);
            }
            Command::Introspect { request, handle } => self.introspect(request, handle),
            Command::AutoRefresh { request, enabled, interval } => {
                self.set_auto_refresh(request, enabled, interval);
            }
            Command::Usage { request, handle, report } => self.host_report(request, handle, *report),
            Command::FetchUsage { request, handles, force, wait } => {
                self.fetch_usage(request, &handles, force, wait);
            }
            Command::MarkUsage(command) => self.mark_usage(&command),
            Command::Cost(command) => self.record_cost(&command),
            Command::Errand { request, handle, wait, errand } => {
                self.run_errand(request, handle, wait, errand);
            }
            // The others are given elsewhere.
            Command::Load { .. }
            | Command::Acquire(_)
            | Command::Cancel { .. }
            | Command::Report(_)
            | Command::Add { .. }
            | Command::Override { .. }
            | Command::UsageHeaders { .. }
            | Command::Flush { .. } => {}
        }
    }

    pub(super) fn update(
        &mut self,
        request: RequestId,
        handle: Handle,
        changes: Changes,
        secret: Option<SecretRef>,
    ) {
        let Some((member, id)) = self.member(handle).and_then(|member| Some((member, member.id?))) else {
            if let Some(secret) = secret {
                self.effects.push(Effect::DropSecret { secret });
            }
            return self.fail(request, FailedCode::NotFound, "there is no such stored credential");
        };
        let mut record = member.record.clone();
        changes.clone().apply(&mut record);
        record.secret_version += u64::from(secret.is_some());
        if changes.paused_until.is_some() {
            // Paused is more than drained, and resumed is neither.
            self.end_drain(handle);
        }
        let Some(member) = self.member(handle) else { return };
        if record == member.record && secret.is_none() {
            return self.reply(request, Reply::Done { ids: vec![id] });
        }
        let taken = |other: &Member| {
            other.origin.is_stored()
                && other.record.provider == record.provider
                && other.record.name == record.name
        };
        let others = self.members.iter().enumerate().filter(|(at, _)| *at != handle.0 as usize);
        if others.filter_map(|(_, member)| member.as_deref()).any(taken) {
            if let Some(secret) = secret {
                self.effects.push(Effect::DropSecret { secret });
            }
            let message = format!("{} has another credential named {}", record.provider, record.name);
            return self.fail(request, FailedCode::Invalid, message);
        }
        self.commit(PendingOp::Update {
            request: Some(request),
            id,
            changes: Box::new(changes),
            record: Box::new(record),
            secret,
            tries: 0,
        });
    }

    pub(super) fn remove(&mut self, request: RequestId, handle: Handle) {
        let Some(id) = self.member(handle).and_then(|member| member.id) else {
            return self.fail(request, FailedCode::NotFound, "there is no such stored credential");
        };
        self.commit(PendingOp::Remove { request, id, tries: 0 });
    }

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
