//! A caller says that an account's usage limit is reached (spec/omp-selection.md §3.5).

use super::usage::rest_key;
use super::{tie_key, Engine, Reply};
use crate::cooldown::Source;
use crate::id::{Handle, RequestId, RouteId, SessionIx};
use crate::policy::TieFailure;
use crate::time::Span;
use crate::usage::Windows;
use crate::verdict::Reason;

/// Marks the key of a tie that only says who served a session last: a later mark finds him, no pick looks at it, and it is not
/// stored.
pub(super) const SERVED: u32 = 1 << 30;

/// A usage limit that is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkCommand {
    /// Who says so.
    pub request: RequestId,
    /// The provider and the model.
    pub route: RouteId,
    /// The session whose credential it is, where `handle` does not say.
    pub session: SessionIx,
    /// The credential.
    pub handle: Option<Handle>,
    /// When to come back, as far as the provider said.
    pub retry_after: Option<Span>,
}

impl Engine {
    /// An account's limit is reached: it rests as long as was said, or as long as its report says where that is longer. Answers
    /// whether another of its kind is free, else when the first of them is.
    pub(super) fn mark_usage(&mut self, command: &MarkCommand) {
        let nobody = Reply::Marked { switched: false, retry_at: None, until: None };
        let request = command.request;
        let Some(found) = self.routes.get(command.route) else { return self.reply(request, nobody) };
        let (provider, model, shard) = (found.provider, found.model, found.shard);
        let key = tie_key(self.policy.affinity.kind, provider, command.route);
        let served = || {
            let tied = self.ties.get(command.session, key);
            tied.or_else(|| self.ties.get(command.session, key | SERVED)).map(|(handle, _)| handle)
        };
        let target = command.handle.or_else(served);
        let Some((target, member)) = target.and_then(|target| Some((target, self.member(target)?))) else {
            return self.reply(request, nobody);
        };
        if member.provider != provider {
            return self.reply(request, nobody);
        }
        let kind = member.record.kind;
        let (facts, draw) = (self.usage_facts(provider), self.draw_of(provider, model));
        let hinted = command.retry_after.map(|after| after.min(self.policy.hints.max));
        let mut length = hinted.unwrap_or_else(|| self.quota_rest(member));
        let mut source = if hinted.is_some() { Source::Hint } else { Source::Default };
        let reported = member
            .usage
            .as_ref()
            .and_then(|known| Windows::new(&known.report, facts, draw, self.now.wall).exhausted().flatten());
        if let Some(reset) = reported {
            let left = reset.since(self.now.wall).min(self.policy.hints.max);
            if left > length {
                (length, source) = (left, Source::Report);
            }
        }
        let scope = rest_key(facts, draw);
        self.rest_for(target, &scope, length, Reason::Quota, source);
        // What was reported is contradicted: it is asked for anew, and may lengthen the rest.
        self.expire_report(target);
        if self.policy.usage.auto {
            let _ = self.ask_usage(target, false);
        }
        if self.policy.affinity.on_failure == TieFailure::Untie {
            self.ties.untie(command.session, key, target);
        }
        let kind_of = |handle: Handle| self.member(handle).map(|member| member.record.kind);
        let siblings: Vec<_> = (0..self.members.len() as u32)
            .map(|at| kind_of(Handle(at)) == Some(kind) && Handle(at) != target)
            .collect();
        let accept = |handle: Handle| siblings.get(handle.0 as usize).copied().unwrap_or(false);
        let table = &mut self.tables[provider.0 as usize];
        let switched = table.somebody(shard, accept);
        let soonest = if switched { None } else { table.soonest(shard, accept).map(|(at, _)| at) };
        let state = self.member(target).and_then(|member| member.scope(&scope));
        let until = state.filter(|state| state.active).map(|state| self.now.wall_of(state.until));
        let retry_at = soonest.map(|at| self.now.wall_of(at));
        self.reply(request, Reply::Marked { switched, retry_at, until });
    }
}
