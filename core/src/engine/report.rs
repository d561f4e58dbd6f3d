//! The end of a call: what it does to the credential's health, and what comes next.

use super::member::ScopeKey;
use super::{tie_key, Engine, EventKind, FailedCode, Next, Reply, ReportCommand, Reported, Target};
use crate::facts::Kind;
use crate::id::{Handle, ModelIx, RouteId, SessionIx};
use crate::limit::Spending;
use crate::policy::TieFailure;
use crate::retry::{self, Progress};
use crate::time::Instant;
use crate::verdict::{Failure, Reason, Scope, Verdict};

/// One use of a credential that has ended.
#[derive(Clone, Copy)]
struct Use {
    handle: Handle,
    route: RouteId,
    /// The model as the upstream has it.
    model: Option<ModelIx>,
    session: SessionIx,
    began: Instant,
    /// Which secret it was given.
    version: u32,
}

impl Engine {
    pub(super) fn report(&mut self, command: ReportCommand) {
        let Some(used) = self.end_use(&command) else {
            let message = "the lease has ended already, or the credential is gone: nothing was recorded";
            return self.fail(command.request, FailedCode::NotFound, message);
        };
        let mut reported = match &command.verdict {
            Verdict::Success => {
                if matches!(command.target, Target::Credential { .. }) {
                    self.enable_after_probe(used.handle);
                }
                self.succeeded(used)
            }
            Verdict::Failure(failure) => {
                let progress = Progress { attempts: command.attempts, refreshed: command.refreshed };
                self.failed(used, failure, progress)
            }
        };
        if let Verdict::Failure(failure) = command.verdict {
            reported.message = failure.message;
        }
        let (reason, model) = (reported.reason, self.model_name(used.route));
        let event = self.event(EventKind::Result, Some(used.handle));
        (event.reason, event.model) = (reason, model.clone());
        if reported.next == Next::Rotate {
            let event = self.event(EventKind::Failover, Some(used.handle));
            (event.reason, event.model) = (reason, model);
        }
        self.reply(command.request, Reply::Reported(reported));
    }

    fn end_use(&mut self, command: &ReportCommand) -> Option<Use> {
        let answered = command.verdict == Verdict::Success;
        let used = match command.target {
            Target::Lease(lease) => {
                let open = self.leases.close(lease)?;
                let at = open.handle.0 as usize;
                if self.hot[at].incarnation != open.incarnation {
                    return None;
                }
                self.leave(&open, answered, command.spending, self.now.mono);
                if command.spending != Spending::default() {
                    self.note_use(open.handle);
                    self.report_budget(open.handle);
                }
                self.learn(open.handle, Spending::default(), command.stated);
                Use {
                    handle: open.handle,
                    route: open.route,
                    model: open.upstream.or_else(|| self.routes.get(open.route)?.model),
                    session: open.session,
                    began: open.began,
                    version: open.version,
                }
            }
            Target::Credential { handle, route, session } => {
                self.member(handle)?;
                self.learn(handle, command.spending, command.stated);
                let model = self.routes.get(route).and_then(|route| route.model);
                let model = self.upstream_of(handle, model);
                let version = self.hot[handle.0 as usize].version;
                Use { handle, route, model, session, began: self.now.mono, version }
            }
        };
        self.member(used.handle)?;
        self.routes.get(used.route)?;
        Some(used)
    }

    fn succeeded(&mut self, used: Use) -> Reported {
        if let Some(member) = self.member_mut(used.handle) {
            member.success += 1;
        }
        self.mend(used.handle, used.route, used.model, used.began);
        self.renew_tie(used.session, used.route, used.handle, self.now.mono);
        let own = used.model.map_or(ScopeKey::Credential, ScopeKey::Model);
        self.reported(used.handle, None, &own, Next::None)
    }

    fn failed(&mut self, used: Use, failure: &Failure, progress: Progress) -> Reported {
        let model = used.model;
        let rule = self
            .member(used.handle)
            .and_then(|member| self.policy.rule(&member.record.provider, failure.reason));
        let rule = rule.cloned();
        let scope = rule.as_ref().and_then(|rule| rule.scope.as_ref());
        // A rule says what a reason of ours covers; what is nobody's fault stays nobody's fault.
        let mut scope = match (&failure.scope, scope) {
            (Scope::Request | Scope::Upstream | Scope::Meter(_), _) | (_, None) => failure.scope.clone(),
            // A meter is a part of the account: what is of one model only stays so.
            (Scope::Model, Some(Scope::Meter(name))) if name.is_empty() => Scope::Model,
            (_, Some(scope)) => scope.clone(),
        };
        let kind = self.member(used.handle).map_or(Kind::ApiKey, |member| member.record.kind);
        let mut next = retry::after_failure(&self.policy.retry, kind, failure.reason, failure.stop, progress);
        if next == Next::Refresh && !self.renewal_may_help(used) {
            next = Next::Rotate;
        }
        // Before an account rests for its token, it is given a new one.
        if next == Next::Refresh {
            scope = Scope::Request;
        }
        if scope != Scope::Request && self.is_upstream(used.handle, used.route, failure.reason) {
            scope = Scope::Upstream;
        }
        if scope == Scope::Meter(Box::default()) {
            scope = self.meter_of(used.route, model).scope();
        }
        let Some(mut key) = ScopeKey::of(&scope, model) else {
            return Reported {
                reason: Some(failure.reason),
                scope,
                until: None,
                level: 0,
                next,
                handle: used.handle,
                message: None,
            };
        };
        let now = self.now;
        let Some(member) = self.member_mut(used.handle) else {
            return self.reported(used.handle, Some(failure.reason), &key, next);
        };
        member.failure += 1;
        member.last_error = Some((failure.reason, now.wall));
        self.note_use(used.handle);
        if let Some(rule) = rule {
            key = self.cool(used.handle, key, rule, failure);
        }
        let rests =
            self.member(used.handle).and_then(|member| member.scope(&key)).is_some_and(|state| state.active);
        let affinity = self.policy.affinity;
        let refused = key == ScopeKey::Credential
            && matches!(failure.reason, Reason::Auth | Reason::AuthPermanent | Reason::SessionExpired);
        let frees = match affinity.on_failure {
            TieFailure::Untie => true,
            TieFailure::UntieAuth => refused,
            TieFailure::Keep => false,
        };
        if rests && affinity.ties() && frees {
            if let Some(provider) = self.routes.get(used.route).map(|route| route.provider) {
                let key = tie_key(self.policy.affinity.kind, provider, used.route);
                self.ties.untie(used.session, key, used.handle);
            }
        }
        self.reported(used.handle, Some(failure.reason), &key, next)
    }

    /// A token was refused: could a renewed one be taken? What comes late, after it was renewed, always says so.
    fn renewal_may_help(&mut self, used: Use) -> bool {
        let (now, wait, remint) = (self.now, self.policy.refresh.wait, self.policy.refresh.remint);
        let current = self.hot[used.handle.0 as usize].version;
        let Some(member) = self.member(used.handle) else { return false };
        if !self.is_renewable(member) || member.record.needs_login {
            return false;
        }
        if used.version != current {
            return true;
        }
        let is_young = member.record.renewed.is_some_and(|at| now.wall.since(at) < remint);
        let held = member.hold_until.is_some_and(|at| at > now.mono);
        // Nobody renewed it for so long after its first refusal: then the credential rests like any other.
        let given_up =
            member.refused.is_some_and(|(version, at)| version == current && at + wait <= now.mono);
        if is_young || held || given_up {
            return false;
        }
        if let Some(member) = self.member_mut(used.handle) {
            if member.refused.is_none_or(|(version, _)| version != current) {
                member.refused = Some((current, now.mono));
            }
        }
        true
    }

    /// The answer: what holds for a scope now.
    fn reported(&self, handle: Handle, reason: Option<Reason>, key: &ScopeKey, next: Next) -> Reported {
        let state = self.member(handle).and_then(|member| member.scope(key));
        let resting = state.filter(|state| state.active);
        let of = reason.or_else(|| resting.and_then(|state| state.reason));
        Reported {
            reason,
            scope: key.scope(),
            until: resting.map(|state| self.now.wall_of(state.until)),
            level: state.zip(of).map_or(0, |(state, reason)| state.level(reason)),
            next,
            handle,
            message: None,
        }
    }

    pub(super) fn model_name(&self, route: RouteId) -> Option<Box<str>> {
        let model = self.routes.get(route)?.model?;
        Some(self.models.text(model.0).into())
    }
}
