//! Where each credential sits in the ready index, and how it stands there: the policy's order in the index's terms.

use super::member::Member;
use super::Engine;
use crate::credential::MAX_WEIGHT;
use crate::facts::Kind;
use crate::id::{Handle, ModelIx, ProviderIx, RouteId};
use crate::policy::{AffinityKind, CreditRule, Strategy, Tiers};
use crate::select::{Figure, Hot, OutReason, Place, Standing, TierKey};
use std::cmp::Reverse;

/// So many pairs of a credential and a model have credits of their own under `weighted`; further models share theirs.
const MAX_CREDITS: usize = 1 << 22;

impl Engine {
    /// The tier that a credential belongs to.
    pub(super) fn tier_key(&self, member: &Member) -> TierKey {
        let kind = kind_rank(member.record.kind);
        let tiered = self.policy.tiers == Tiers::Priority;
        let rank = |counts: bool| if counts { kind } else { 0 };
        TierKey {
            leg: self.policy.leg(member.origin).unwrap_or(u8::MAX),
            before: rank(self.policy.kind_order && tiered),
            priority: Reverse(if tiered { member.record.priority } else { 0 }),
            after: rank(self.policy.plain_strategy() == Strategy::KindOrder),
        }
    }

    /// The place within a tier: as stored; what is not stored comes after, in the order of its coming. Where priorities
    /// make no tiers, they make the order.
    pub(super) fn place(&self, handle: Handle, member: &Member) -> Place {
        let stored = member.id.map_or(u64::MAX / 2 + u64::from(handle.0), |id| id.0);
        if self.policy.tiers == Tiers::Priority {
            return (0, stored);
        }
        let kind = if self.policy.kind_order { u64::from(kind_rank(member.record.kind)) } else { 0 };
        let priority = i64::from(i32::MAX) - i64::from(member.record.priority);
        (kind << 32 | priority as u64, stored)
    }

    /// What the strategy orders a credential by.
    pub(super) fn figure(&self, handle: Handle, model: Option<ModelIx>) -> Figure {
        let at = handle.0 as usize;
        if self.policy.strategy == Strategy::Usage && !self.ranked.is_empty() {
            if let Some(member) = self.member(handle) {
                if self.is_ranked(member.provider, self.tier_key(member)) {
                    return Figure::Usage(self.usage_rank(handle, member, model));
                }
            }
        }
        match self.policy.plain_strategy() {
            Strategy::LeastRecentlyUsed | Strategy::KindOrder => Figure::Used(self.hot[at].used),
            Strategy::Weighted => Figure::Weight(
                self.member(handle).map_or(0, |member| member.record.weight.min(MAX_WEIGHT)),
                self.policy.credits == CreditRule::Restart,
            ),
            Strategy::LeastInFlight => Figure::Load(self.hot[at].in_flight, self.hot[at].used),
            _ => Figure::None,
        }
    }

    /// The number of open leases has changed: the index follows, where the strategy looks at them.
    pub(super) fn load_changed(&mut self, handle: Handle, route: RouteId) {
        if self.policy.plain_strategy() != Strategy::LeastInFlight {
            return;
        }
        let Hot { in_flight, used, .. } = self.hot[handle.0 as usize];
        if let Some(provider) = self.routes.get(route).map(|route| route.provider) {
            self.tables[provider.0 as usize].set_load(self.seats[handle.0 as usize], in_flight, used);
        }
    }

    /// One lease less.
    pub(super) fn lease_ended(&mut self, handle: Handle, route: RouteId) {
        let hot = &mut self.hot[handle.0 as usize];
        hot.in_flight = hot.in_flight.saturating_sub(1);
        self.load_changed(handle, route);
    }

    /// Has every model credits of its own, also without a state of its own?
    pub(super) fn every_model_counts(&self, provider: ProviderIx) -> bool {
        self.policy.plain_strategy() == Strategy::Weighted
            && self.tables[provider.0 as usize].size() < MAX_CREDITS
    }

    /// Corrects the ready index after a member has changed: for one model, or for all.
    pub(super) fn restand(&mut self, handle: Handle, model: Option<ModelIx>) {
        let Some(provider) = self.member(handle).map(|member| member.provider) else { return };
        if let Some(model) = model.filter(|_| !self.maps(handle)) {
            self.give_own_shard(provider, model);
            let shard = self.tables[provider.0 as usize].shard_of(Some(model));
            self.stand(handle, Some(model), shard);
        } else {
            for shard in 0..self.tables[provider.0 as usize].shards() {
                let model = self.tables[provider.0 as usize].model_of(shard);
                self.stand(handle, model, shard);
            }
        }
    }

    fn stand(&mut self, handle: Handle, model: Option<ModelIx>, shard: u32) {
        let Some(member) = self.members[handle.0 as usize].as_ref() else { return };
        let standing = self.standing(member, model);
        let provider = member.provider;
        self.somebody_returned |= standing == Standing::Ready && !self.waiters.is_empty();
        let (figure, seat) = (self.figure(handle, model), self.seats[handle.0 as usize]);
        let table = &mut self.tables[provider.0 as usize];
        table.set(shard, handle, seat, in_index(standing), figure);
        if self.hot[handle.0 as usize].probation && standing == Standing::Ready {
            table.prepare_to_hide(shard, handle);
        }
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
        if self.has_restricted(provider) || self.draws_apart(provider, model) {
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
            .map(|(handle, member)| (self.tier_key(member), self.place(handle, member), handle))
            .collect();
        let mut table = std::mem::take(&mut self.tables[provider.0 as usize]);
        let mut seats = std::mem::take(&mut self.seats);
        let uid = |handle: Handle| self.member(handle).map_or("", |member| &*member.record.uid);
        let met = self.policy.affinity.kind == AffinityKind::Rendezvous;
        table.lay_out(
            members,
            &mut seats,
            |handle, model| {
                let stands = self.member(handle).map(|member| self.standing(member, model));
                (stands.and_then(in_index), self.figure(handle, model))
            },
            met.then_some(&uid),
        );
        self.seats = seats;
        self.tables[provider.0 as usize] = table;
        for at in 0..self.members.len() {
            let of = self.members[at].as_ref().map(|member| member.provider);
            if self.hot[at].probation && of == Some(provider) {
                self.restand(Handle(at as u32), None);
            }
        }
    }
}

const fn kind_rank(kind: Kind) -> u8 {
    match kind {
        Kind::Oauth => 0,
        Kind::Token => 1,
        Kind::ApiKey => 2,
    }
}

/// Those who do not serve a model are not kept in its index at all: with lists of models there are many of them.
const fn in_index(standing: Standing) -> Option<Standing> {
    match standing {
        Standing::Out(OutReason::ModelNotListed, _) => None,
        standing => Some(standing),
    }
}
