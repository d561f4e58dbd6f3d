//! What is known of what is left of each account, and what follows from it: who ranks where, who rests, who need not any more.

use super::history::Remembered;
use super::member::{Member, ScopeKey};
use super::{Engine, EventKind, FailedCode, Mutation, Reply, Row, RowId, RowKind, UsageTrouble};
use crate::cooldown::{Effect, Source};
use crate::facts::usage::UsageFacts;
use crate::id::{Handle, ModelIx, ProviderIx, RequestId, RouteId};
use crate::policy::{Reserve, Strategy, Tiers};
use crate::select::{Seat, TierKey};
use crate::time::{Instant, Span};
use crate::usage::report::{Origin, Ppm, Report};
use crate::usage::{class, Look, Rank, Windows};
use crate::verdict::Reason;

/// Where the policy has no rule for a spent quota, and a report says no reset.
const SHORT_REST: Span = Span::from_mins(1);

/// What is known of an account's usage.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) report: Report,
    /// When it came.
    at: Instant,
    /// It is too old to say anything.
    old: bool,
    /// So many were sent there since.
    pending: u32,
    /// It was in reserve when it was looked at last: it is out of it only with more than the policy's `reclaim`.
    in_reserve: bool,
    /// When headers were taken in last.
    headers_at: Option<Instant>,
    /// When what it says changes by time alone.
    wake: Option<Instant>,
    /// It is not in the store yet.
    pub(super) unsaved: bool,
    /// What its history has of it.
    pub(super) remembered: Remembered,
}

impl Known {
    /// Is it too old to say anything?
    pub(super) const fn is_old(&self) -> bool {
        self.old
    }
}

impl Engine {
    /// What the models of a provider draw on.
    pub fn set_usage_facts(&mut self, provider: &str, facts: UsageFacts) {
        let provider = self.provider_ix(provider);
        self.serving.set_usage(provider, facts);
    }

    pub(super) fn usage_facts(&self, provider: ProviderIx) -> UsageFacts {
        self.serving.usage(provider).unwrap_or(UsageFacts::USUAL)
    }

    /// Under which scope it rests what a call draws on.
    pub(super) fn meter_of(&self, route: RouteId, model: Option<ModelIx>) -> ScopeKey {
        let Some(found) = self.routes.get(route) else { return ScopeKey::Credential };
        rest_key(self.usage_facts(found.provider), self.draw_of(found.provider, model))
    }

    /// The place of what a model draws on.
    pub(super) fn draw_of(&self, provider: ProviderIx, model: Option<ModelIx>) -> usize {
        self.usage_facts(provider).draw_of(model.map(|model| self.models.text(model.0)))
    }

    /// Does a model draw on something else than most of its provider's do?
    pub(super) fn draws_apart(&self, provider: ProviderIx, model: ModelIx) -> bool {
        self.draw_of(provider, Some(model)) != self.draw_of(provider, None)
    }

    /// The last report of an account.
    pub fn usage_report(&self, handle: Handle) -> Option<&Report> {
        self.member(handle)?.usage.as_ref().map(|known| &known.report)
    }

    /// Why the last question about an account had no report, where it had none.
    pub fn usage_trouble(&self, handle: Handle) -> Option<&UsageTrouble> {
        self.member(handle)?.asking.as_ref()?.trouble.as_ref()
    }

    /// Are those of a tier ranked by usage?
    pub(super) fn is_ranked(&self, provider: ProviderIx, key: TierKey) -> bool {
        self.ranked.contains(&(provider, key))
    }

    /// The rank of a member of a tier that is ranked.
    pub(super) fn usage_rank(&self, handle: Handle, member: &Member, model: Option<ModelIx>) -> Rank {
        let at = handle.0 as usize;
        let facts = self.usage_facts(member.provider);
        let priority = if self.policy.tiers == Tiers::One { member.record.priority } else { 0 };
        let by_host = self.serving.is_ranked_by_host(member.provider);
        let ranked = |known: &&Known| !known.old && (!by_host || known.report.rank.is_some());
        let Some(known) = member.usage.as_deref().filter(ranked) else {
            let length = |span: Span| span.0.cast_signed();
            return Rank::unmeasured(length(facts.short), length(facts.long), priority, self.hot[at].used);
        };
        let rules = &self.policy.usage;
        let windows = Windows::new(&known.report, facts, self.draw_of(member.provider, model), self.now.wall);
        windows.rank(&Look {
            now: self.now,
            hot: Ppm(rules.hot),
            reserve: self.reserve_of(member, known, windows),
            renews: rules.renews,
            pending: Ppm(rules.pending.saturating_mul(known.pending)),
            priority,
            used: self.hot[at].used,
        })
    }

    /// What is to be kept of an account now.
    fn reserve_of(&self, member: &Member, known: &Known, windows: Windows<'_>) -> Ppm {
        let Some(reserve) = self.policy.usage.reserves.iter().find(|reserve| fits(reserve, member)) else {
            return Ppm::NONE;
        };
        let share = if known.in_reserve { reserve.share.max(reserve.reclaim) } else { reserve.share };
        match windows.long_reset().filter(|_| reserve.taper > Span::ZERO) {
            None => Ppm(share),
            // It melts away towards the reset: what would be lost then is no reserve.
            Some(reset) => {
                let left = reset.since(self.now.wall).min(reserve.taper);
                let melted = u64::from(share) * left.0 / reserve.taper.0.max(1);
                Ppm(u32::try_from(melted).unwrap_or(share))
            }
        }
    }

    /// A report came.
    pub(super) fn take_report(&mut self, handle: Handle, mut report: Report) {
        let now = self.now;
        let Some(provider) = self.member(handle).map(|member| member.provider) else { return };
        let by_host = self.serving.is_ranked_by_host(provider);
        let Some(member) = self.member_mut(handle) else { return };
        // Until the host has ranked it, it ranks as the one before.
        let before = member.usage.as_ref().and_then(|known| known.report.rank);
        report.rank = before.filter(|_| by_host);
        let headers_at = member.usage.as_ref().and_then(|known| known.headers_at);
        let in_reserve = member.usage.as_ref().is_some_and(|known| known.in_reserve);
        let remembered = member.usage.take().map(|known| known.remembered).unwrap_or_default();
        let fresh = report.origin != Origin::Headers;
        member.usage = Some(Box::new(Known {
            report,
            at: now.mono,
            old: false,
            pending: 0,
            in_reserve,
            headers_at,
            wake: None,
            unsaved: true,
            remembered,
        }));
        self.remember_usage(handle);
        self.note_use(handle);
        let event = self.event(EventKind::Usage, Some(handle));
        event.at = now.wall;
        self.judge_all(handle);
        if fresh {
            self.heal(handle);
        }
        self.look_at_usage(handle);
        if by_host {
            self.ask_rank(handle);
        }
    }

    /// The last report as its row, where that is not in the store yet.
    pub(super) fn report_mutation(&mut self, handle: Handle) -> Option<Mutation> {
        let member = self.member_mut(handle)?;
        let id = member.id?;
        let known = member.usage.as_mut().filter(|known| known.unsaved)?;
        known.unsaved = false;
        Some(Mutation {
            kind: RowKind::Report,
            id: Some(RowId::Number(id.0)),
            expects: None,
            data: Some(crate::json::write(&known.report).into()),
            secret: None,
        })
    }

    /// Takes over a report from the store, unless a newer one is known; the index does not follow yet.
    pub(super) fn adopt_report(&mut self, row: &Row) -> Option<Handle> {
        let handle = self.handle_of(row)?;
        let mut report = crate::json::read::<Report>(row.data.as_deref()?).ok()?;
        let provider = self.member(handle)?.provider;
        report.rank = report.rank.filter(|_| self.serving.is_ranked_by_host(provider));
        let (now, keep) = (self.now, self.policy.usage.keep);
        // One from the future of a clock that was wrong is from now.
        let age = now.wall.since(report.fetched_at);
        let member = self.member_mut(handle)?;
        let newer = member.usage.as_ref().is_none_or(|known| known.report.fetched_at < report.fetched_at);
        if age >= keep || !newer {
            return None;
        }
        member.usage = Some(Box::new(Known {
            report,
            at: Instant(now.mono.0.saturating_sub(age.0)),
            old: false,
            pending: 0,
            in_reserve: false,
            headers_at: None,
            wake: None,
            unsaved: false,
            remembered: Remembered::default(),
        }));
        Some(handle)
    }

    /// The index follows what is known of an account, and the next change by time alone is noted.
    pub(super) fn look_at_usage(&mut self, handle: Handle) {
        let (now, keep) = (self.now, self.policy.usage.keep);
        let Some(member) = self.member(handle) else { return };
        let Some(known) = member.usage.as_ref() else { return };
        let (provider, key) = (member.provider, self.tier_key(member));
        let old = known.at + keep <= now.mono;
        let facts = self.usage_facts(provider);
        let (mut wake, mut in_reserve) = (Some(known.at + keep), false);
        for draw in 0..facts.draws.len() {
            let windows = Windows::new(&known.report, facts, draw, now.wall);
            let change = windows.changes_at().map(|at| now.mono_of(at));
            for at in change.into_iter().chain(self.melts_at(member, windows)) {
                wake = wake.min(Some(at));
            }
        }
        if !self.policy.usage.reserves.is_empty() {
            in_reserve = self.usage_rank(handle, member, None).class & class::IN_RESERVE != 0;
        }
        if let Some(known) = self.member_mut(handle).and_then(|member| member.usage.as_mut()) {
            known.old = old;
            known.in_reserve = in_reserve;
            known.wake = wake.filter(|_| !old);
        }
        if self.policy.strategy == Strategy::Usage {
            if self.is_ranked(provider, key) {
                self.restand(handle, None);
            } else {
                self.ranked.push((provider, key));
                self.lay_out(provider);
            }
        }
        self.set_timer(handle);
    }

    /// A reserve that melts is looked at again, a hundred times on its way.
    fn melts_at(&self, member: &Member, windows: Windows<'_>) -> Option<Instant> {
        let reserve = self.policy.usage.reserves.iter().find(|reserve| fits(reserve, member))?;
        let reset = windows.long_reset().filter(|_| reserve.taper > Span::ZERO)?;
        let left = reset.since(self.now.wall);
        let step = Span((reserve.taper.0 / 100).max(1000));
        let wait = if left > reserve.taper { Span(left.0 - reserve.taper.0) } else { step };
        Some(self.now.mono + wait).filter(|_| left > Span::ZERO)
    }

    /// When what is known of an account changes by time alone.
    pub(super) fn usage_wake(member: &Member) -> Option<Instant> {
        member.usage.as_ref()?.wake
    }

    /// Looks at an account's usage again, where that is due.
    pub(super) fn serve_usage(&mut self, handle: Handle) {
        let due = self.member(handle).and_then(Self::usage_wake).is_some_and(|at| at <= self.now.mono);
        if due {
            self.look_at_usage(handle);
        }
    }

    /// Somebody asks for a route: what is exhausted of it rests from now on. Only what somebody asks for is looked at.
    pub(super) fn watch(&mut self, route: RouteId) {
        let Some(found) = self.routes.get_mut(route).filter(|route| !route.watched) else { return };
        found.watched = true;
        let (provider, model) = (found.provider, found.model);
        let draw = self.draw_of(provider, model);
        if !self.serving.watch(provider, draw) {
            return;
        }
        for at in 0..self.members.len() {
            let of = self.members[at].as_ref().map(|member| member.provider);
            if of == Some(provider) {
                self.judge(Handle(at as u32), draw);
            }
        }
    }

    /// Whatever somebody has asked for and is exhausted rests.
    fn judge_all(&mut self, handle: Handle) {
        let Some(provider) = self.member(handle).map(|member| member.provider) else { return };
        for draw in 0..self.usage_facts(provider).draws.len() {
            if self.serving.is_watched(provider, draw) {
                self.judge(handle, draw);
            }
        }
    }

    /// Where an account's report says that nothing is left for models that draw on this, it rests until the reset.
    fn judge(&mut self, handle: Handle, draw: usize) {
        let now = self.now;
        let Some(member) = self.member(handle) else { return };
        let Some(known) = member.usage.as_ref().filter(|known| !known.old) else { return };
        let facts = self.usage_facts(member.provider);
        let windows = Windows::new(&known.report, facts, draw, now.wall);
        let Some(reset) = windows.exhausted().filter(|_| !windows.on_credits()) else { return };
        if !self.policy.cools(&member.record.provider, member.record.cooling) {
            return;
        }
        let length = reset.map_or_else(|| self.quota_rest(member), |reset| reset.since(now.wall));
        let key = rest_key(facts, draw);
        let length = length.min(self.policy.hints.max);
        self.rest_for(handle, &key, length, Reason::Quota, Source::Report);
    }

    /// How long a spent quota rests whose end nobody tells.
    pub(super) fn quota_rest(&self, member: &Member) -> Span {
        let rule = self.policy.rule(&member.record.provider, Reason::Quota);
        rule.map(|rule| rule.base).filter(|base| base.0 > 0).unwrap_or(SHORT_REST)
    }

    /// A rest that no call has led to; the later end holds.
    pub(super) fn rest_for(
        &mut self,
        handle: Handle,
        key: &ScopeKey,
        length: Span,
        reason: Reason,
        source: Source,
    ) {
        let now = self.now.mono;
        let Some(member) = self.member_mut(handle) else { return };
        let effect = member.scope_mut(key).rest(now, length, reason, source);
        member.health.retain(|(_, state)| state.remembers());
        if effect == Effect::Cooled {
            self.health_changed(handle, key);
            self.tell_cooled(handle, key);
        }
    }

    /// What an account's report says about rests for want of quota: those that it disproves end.
    fn heal(&mut self, handle: Handle) {
        let (now, after) = (self.now, self.policy.usage.heal_after);
        let Some(member) = self.member(handle) else { return };
        let Some(known) = member.usage.as_ref() else { return };
        let facts = self.usage_facts(member.provider);
        let asked = now.mono_of(known.report.fetched_at);
        let last = facts.draws.len().saturating_sub(1);
        let mut healed = Vec::new();
        for (scope, state) in &member.health {
            let old_enough = state.began + after <= now.mono && state.began < asked;
            if !state.active || state.reason != Some(Reason::Quota) || !old_enough {
                continue;
            }
            let draw = match scope {
                ScopeKey::Credential => {
                    facts.draws.iter().rposition(|draw| draw.rests.is_empty()).unwrap_or(last)
                }
                ScopeKey::Meter(name) => match facts.draws.iter().rposition(|draw| draw.rests == &**name) {
                    Some(draw) => draw,
                    None => continue,
                },
                ScopeKey::Apart | ScopeKey::Model(_) => continue,
            };
            if Windows::new(&known.report, facts, draw, now.wall).is_healthy() {
                healed.push(scope.clone());
            }
        }
        for scope in healed {
            let Some(member) = self.member_mut(handle) else { return };
            member.health.retain(|(of, _)| *of != scope);
            self.health_changed(handle, &scope);
            self.tell_recovered(handle, &scope, Some(Reason::Quota));
            if let Some(event) = self.events.last_mut() {
                event.cause = Some(Source::Report.as_str().into());
            }
        }
    }

    /// Headers of an answer, as a report of their own: merged into what is known, at most once in a while, unless they say that
    /// something is exhausted. Were they taken in?
    pub(super) fn take_headers(&mut self, handle: Handle, seen: Report) -> bool {
        let (now, every) = (self.now, self.policy.usage.headers_every);
        let Some(member) = self.member(handle) else { return false };
        let exhausted = seen.limits.iter().any(crate::usage::report::Limit::is_exhausted);
        let last = member.usage.as_ref().and_then(|known| known.headers_at);
        if !exhausted && last.is_some_and(|at| now.mono < at + every) {
            return false;
        }
        let report = match member.usage.as_ref().filter(|known| !known.old) {
            Some(known) => known.report.clone().with_headers(seen),
            None => seen,
        };
        self.take_report(handle, report);
        if let Some(known) = self.member_mut(handle).and_then(|member| member.usage.as_mut()) {
            known.headers_at = Some(now.mono);
        }
        true
    }

    /// A credential was given out: `placed` by its rank, not by a session's tie.
    pub(super) fn usage_used(&mut self, handle: Handle, route: RouteId, placed: bool) {
        if self.policy.strategy != Strategy::Usage || self.ranked.is_empty() {
            return;
        }
        let Some(provider) = self.routes.get(route).map(|route| route.provider) else { return };
        let at = handle.0 as usize;
        let (used, mut pending) = (self.hot[at].used, 0);
        if let Some(known) = self.members[at].as_mut().and_then(|member| member.usage.as_mut()) {
            // What is too old says nothing that calls could take from.
            if placed && !known.old {
                known.pending = known.pending.saturating_add(1);
                pending = self.policy.usage.pending;
            }
        }
        self.tables[provider.0 as usize].reckon(self.seats[at], |rank| {
            rank.used = used;
            rank.long.left = rank.long.left.saturating_sub(pending);
            rank.short.left = rank.short.left.saturating_sub(pending);
        });
    }

    /// May a session stay with whom it is tied to, by what is left of him? It leaves one whose plan does not give the model for one
    /// whose does, credits for an allowance, and a reserve for somebody who is well; and where the policy says when a session is cold, a
    /// cold one is placed anew, unless nobody is better.
    pub(super) fn stays_by_usage(
        &mut self,
        provider: ProviderIx,
        shard: u32,
        handle: Handle,
        used: Instant,
        now: Instant,
    ) -> bool {
        if self.policy.strategy != Strategy::Usage || self.ranked.is_empty() {
            return true;
        }
        let seat: Seat = self.seats[handle.0 as usize];
        let Some((own, best, equal)) = self.tables[provider.0 as usize].beside_best(shard, seat, now) else {
            return true;
        };
        if equal {
            return true;
        }
        let cold = || {
            let warm = self.policy.usage.warm.get(self.providers.text(provider.0)).copied();
            warm.is_some_and(|warm| used + warm <= now)
        };
        !(own.loses_to(&best) || cold())
    }

    /// A host's report of an account.
    pub(super) fn host_report(&mut self, request: RequestId, handle: Handle, report: Report) {
        let Some(id) = self.member(handle).map(|member| member.id) else {
            return self.fail(request, FailedCode::NotFound, "there is no such credential");
        };
        self.take_report(handle, report);
        // It is as fresh as any.
        let fresh_until = self.now.mono + self.policy.usage.ttl;
        if let Some(member) = self.member_mut(handle) {
            member.asking.get_or_insert_with(Box::default).fresh_until(fresh_until);
        }
        self.reply(request, Reply::Done { ids: id.into_iter().collect() });
    }
}

/// Under which scope it rests what models draw on.
pub(super) fn rest_key(facts: UsageFacts, draw: usize) -> ScopeKey {
    match facts.draw(draw).rests {
        "" => ScopeKey::Credential,
        name => ScopeKey::Meter(name.into()),
    }
}

/// Is an account one of those that a reserve is for?
fn fits(reserve: &Reserve, member: &Member) -> bool {
    let record = &member.record;
    let is = |wanted: &Option<Box<str>>, has: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| has.is_some_and(|has| has.eq_ignore_ascii_case(wanted)))
    };
    is(&reserve.provider, Some(&record.provider))
        && is(&reserve.name, Some(&record.name))
        && is(&reserve.email, record.identity.email.as_deref())
        && is(&reserve.account_id, record.identity.account_id.as_deref())
        && is(&reserve.org_id, record.identity.org_id.as_deref())
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
