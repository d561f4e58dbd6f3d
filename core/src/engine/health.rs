//! What a failure or a success does to a credential's health, and how it comes back.

use super::lease::Lease;
use super::member::{Member, ScopeKey};
use super::serving::Cover;
use super::{Engine, EventKind};
use crate::cooldown::{Circuit, Circumstances, Effect, Sighting, Source, Success};
use crate::id::{Handle, ModelIx, RouteId};
use crate::policy::{Action, CooldownRule, Memory, SuccessEnds};
use crate::time::Instant;
use crate::verdict::{Failure, Reason, Scope};

impl Member {
    /// Where a failure is kept: under its scope, unless the policy has one rest a credential. Then one that holds is
    /// widened to the whole credential by a failure that it does not cover.
    fn slot(&mut self, key: ScopeKey, rule: &CooldownRule, memory: &Memory, now: Instant) -> ScopeKey {
        if rule.apart && key == ScopeKey::Credential {
            return ScopeKey::Apart;
        }
        if !memory.one_rest {
            return key;
        }
        let held = self.health.iter().position(|(scope, state)| {
            matches!(scope, ScopeKey::Credential | ScopeKey::Model(_)) && state.rests(now)
        });
        let Some(at) = held.filter(|&at| self.health[at].0 != key) else { return key };
        if self.health[at].0 != ScopeKey::Credential {
            let (_, mut state) = self.health.remove(at);
            let whole = self.scope_mut(&ScopeKey::Credential);
            state.counts = whole.counts;
            *whole = state;
        }
        ScopeKey::Credential
    }

    /// Has a rest ended since the last failure, and none holds?
    fn rested(&self, shared: bool, key: &ScopeKey, now: Instant) -> bool {
        let of = |&(scope, _): &&(ScopeKey, _)| shared || scope == key;
        let ends = self.health.iter().filter(of).filter(|(_, state)| state.reason.is_some());
        let last =
            self.scope(if shared { &ScopeKey::Credential } else { key }).map(|state| state.counts.last);
        ends.map(|(_, state)| state.until)
            .max()
            .is_some_and(|end| now >= end && last.is_none_or(|at| at < end))
    }
}

impl Engine {
    /// A failure of a scope, under its rule.
    pub(super) fn cool(
        &mut self,
        handle: Handle,
        key: ScopeKey,
        mut rule: CooldownRule,
        failure: &Failure,
    ) -> ScopeKey {
        let cools = self
            .member(handle)
            .is_some_and(|member| self.policy.cools(&member.record.provider, member.record.cooling));
        if !cools {
            rule.action = Action::None;
        }
        if rule.action == Action::Disable {
            self.disable_for(handle, failure.reason);
            return key;
        }
        let (now, seed, policy) = (self.now.mono, self.seed, &self.policy);
        let Some(member) = self.members[handle.0 as usize].as_mut() else { return key };
        let held = member.health.len();
        let key = member.slot(key, &rule, &policy.memory, now);
        let widened = member.health.len() < held;
        let shared = policy.memory.shared;
        let home = if shared { ScopeKey::Credential } else { key.clone() };
        let rested = member.rested(shared, &key, now);
        let id = member.id.map_or(0, |id| id.0);
        let at = Circumstances { now, policy, seed, key: id, rested };
        let mut counts = std::mem::take(&mut member.scope_mut(&home).counts);
        let before = member.scope(&key).map(crate::cooldown::Cooldown::circuit);
        let state = member.scope_mut(&key);
        let effect = state.fail(&mut counts, &rule, failure, at);
        let circuit = state.circuit();
        member.scope_mut(&home).counts = counts;
        member.health.retain(|(_, state)| state.remembers());
        if widened {
            self.restand(handle, None);
        }
        self.health_changed(handle, &key);
        if effect == Effect::Cooled {
            self.tell_cooled(handle, &key);
            if before != Some(circuit) && circuit == Circuit::Open {
                self.tell_circuit(handle, &key, circuit);
            }
        }
        key
    }

    /// Is a failure the upstream's, because half of the pool sees it?
    pub(super) fn is_upstream(&mut self, handle: Handle, route: RouteId, reason: Reason) -> bool {
        let rules = &self.policy.upstream;
        if rules.share == 0 || !rules.reasons.contains(&reason) {
            return false;
        }
        let Some(provider) = self.routes.get(route).map(|route| route.provider) else { return false };
        let pool = self.tables[provider.0 as usize].len();
        if self.upstreams.get(&route).is_none() {
            self.upstreams.insert(route, crate::cooldown::Upstream::default());
        }
        let Some(upstream) = self.upstreams.get_mut(&route) else { return false };
        let sighting = upstream.see(rules, handle, pool, self.now.mono);
        if sighting == Sighting::Begins {
            let model = self.model_name(route);
            let provider = self.providers.text(provider.0).into();
            let event = self.event(EventKind::Circuit, None);
            (event.provider, event.model, event.reason) = (Some(provider), model, Some(reason));
            (event.scope, event.cause) = (Some(Scope::Upstream), Some(Circuit::Open.as_str().into()));
        }
        sighting != Sighting::Own
    }

    /// A success of a call that began at `began`.
    pub(super) fn mend(&mut self, handle: Handle, route: RouteId, model: Option<ModelIx>, began: Instant) {
        let own = model.map_or(ScopeKey::Credential, ScopeKey::Model);
        let (ends, gently) = (self.policy.success_ends, self.policy.return_);
        if let Some(upstream) = self.upstreams.get_mut(&route) {
            upstream.answered(handle);
        }
        let mut changed = Vec::new();
        let cover = Cover { serving: &self.serving, names: &self.models };
        let Some(member) = self.members[handle.0 as usize].as_mut() else { return };
        let provider = member.provider;
        for (scope, state) in &mut member.health {
            let ended = match ends {
                SuccessEnds::Nothing => false,
                SuccessEnds::OwnScope => *scope == own,
                SuccessEnds::OwnScopeAndCredential => *scope == own || scope.model().is_none(),
                SuccessEnds::Everything => true,
            };
            if !ended && !cover.covers(provider, scope, model) {
                continue;
            }
            let (rested, reason, circuit) = (state.active, state.reason, state.circuit());
            match state.succeed(began, ended, gently) {
                Success::Nothing => {}
                success => changed.push((scope.clone(), rested.then_some(reason), success, circuit)),
            }
        }
        member.health.retain(|(_, state)| state.remembers());
        for (scope, rested, success, circuit) in changed {
            self.health_changed(handle, &scope);
            if let Some(reason) = rested {
                self.tell_recovered(handle, &scope, reason);
            }
            let closed = success == Success::Closed || circuit == Circuit::Open;
            if closed && success != Success::Grown {
                self.tell_circuit(handle, &scope, Circuit::Closed);
            }
        }
    }

    /// Ends what is due of a member's cooldowns: it is back, or coming back.
    pub(super) fn recover(&mut self, handle: Handle) {
        let (mono, gently) = (self.now.mono, self.policy.return_);
        let Some(member) = self.member_mut(handle) else { return };
        let mut ended = Vec::new();
        for (scope, state) in &mut member.health {
            if state.active && state.until <= mono {
                state.recover(gently, mono);
                ended.push((scope.clone(), state.reason, state.half_open.is_some()));
            }
        }
        self.remember(handle);
        for (scope, reason, half_open) in ended {
            self.restand(handle, scope.model());
            self.tell_recovered(handle, &scope, reason);
            if half_open {
                self.tell_circuit(handle, &scope, Circuit::HalfOpen);
            }
        }
    }

    /// Ends everything that rests, by hand: of a model, or of a whole credential with all its models.
    pub(super) fn reset_health(&mut self, handle: Handle, route: Option<RouteId>) {
        let model = route.and_then(|route| self.routes.get(route)?.model);
        let only = |scope: &ScopeKey| model.is_none() || scope.model() == model;
        let Some(member) = self.member_mut(handle) else { return };
        let (gone, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut member.health).into_iter().partition(|(scope, _)| only(scope));
        member.health = kept;
        for (scope, state) in gone {
            self.health_changed(handle, &scope);
            if state.active || state.half_open.is_some() {
                self.tell_recovered(handle, &scope, state.reason);
                if let Some(event) = self.events.last_mut() {
                    event.cause = Some(Source::Hand.as_str().into());
                }
            }
        }
    }

    /// A call of a credential that is coming back has begun: when as many as may be are under way, nobody else gets it.
    /// Allocates nothing.
    pub(super) fn begin_probe(&mut self, handle: Handle, route: RouteId) {
        let Some(asked) = self.routes.get(route).map(|route| route.model) else { return };
        let model = self.upstream_of(handle, asked);
        let Some(found) = self.routes.get(route) else { return };
        let (table, seat) = (&mut self.tables[found.provider.0 as usize], self.seats[handle.0 as usize]);
        let cover = Cover { serving: &self.serving, names: &self.models };
        let Some(member) = self.members[handle.0 as usize].as_mut() else { return };
        let provider = member.provider;
        for (scope, state) in &mut member.health {
            let covers = |model| cover.covers(provider, scope, model);
            let Some(half) = state.half_open.as_mut().filter(|_| covers(model)) else { continue };
            half.call(true);
            if half.is_full() {
                for shard in 0..table.shards() {
                    let of = table.model_of(shard);
                    if of == found.model || covers(of) {
                        table.hide(shard, handle, seat);
                    }
                }
                let shard = table.shard_of(found.model);
                table.hide(shard, handle, seat);
            }
        }
    }

    /// A call has ended, whatever became of it: where it was one of those that bring a credential back, another may begin.
    pub(super) fn end_probe(&mut self, open: &Lease) {
        let at = open.handle.0 as usize;
        if !self.hot[at].probation || self.hot[at].incarnation != open.incarnation {
            return;
        }
        let model = open.upstream.or_else(|| self.routes.get(open.route)?.model);
        let cover = Cover { serving: &self.serving, names: &self.models };
        let Some(member) = self.members[at].as_mut() else { return };
        let provider = member.provider;
        let mut room = Vec::new();
        for (scope, state) in &mut member.health {
            let covers = cover.covers(provider, scope, model);
            let ours = |half: &&mut crate::cooldown::HalfOpen| covers && half.since <= open.began;
            if let Some(half) = state.half_open.as_mut().filter(ours) {
                half.call(false);
                room.push(scope.model());
            }
        }
        for model in room {
            self.restand(open.handle, model);
        }
    }

    pub(super) fn tell_recovered(&mut self, handle: Handle, scope: &ScopeKey, reason: Option<Reason>) {
        let model = scope.model().map(|model| self.models.text(model.0).into());
        let event = self.event(EventKind::Recovered, Some(handle));
        (event.scope, event.reason, event.model) = (Some(scope.scope()), reason, model);
    }

    fn tell_circuit(&mut self, handle: Handle, scope: &ScopeKey, circuit: Circuit) {
        let model = scope.model().map(|model| self.models.text(model.0).into());
        let state = self.member(handle).and_then(|member| member.scope(scope));
        let until = state.filter(|state| state.active).map(|state| self.now.wall_of(state.until));
        let reason = state.and_then(|state| state.reason);
        let event = self.event(EventKind::Circuit, Some(handle));
        (event.scope, event.reason, event.model) = (Some(scope.scope()), reason, model);
        (event.until, event.cause) = (until, Some(circuit.as_str().into()));
    }

    pub(super) fn tell_cooled(&mut self, handle: Handle, key: &ScopeKey) {
        let Some(state) = self.member(handle).and_then(|member| member.scope(key)) else { return };
        let (until, reason, source) = (self.now.wall_of(state.until), state.reason, state.source);
        let model = key.model().map(|model| self.models.text(model.0).into());
        let event = self.event(EventKind::Cooled, Some(handle));
        (event.until, event.reason, event.scope, event.model) =
            (Some(until), reason, Some(key.scope()), model);
        event.cause = Some(source.as_str().into());
    }
}
