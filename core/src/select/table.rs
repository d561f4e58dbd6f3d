//! The candidates of one provider: who sits in which tier, and a ready index for each model that needs its own.

use super::shard::{IntMap, Shard, TierReady};
use super::standing::Standing;
use crate::id::{Handle, ModelIx};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The order of tiers: legs of the cascade first, then priority, the higher the earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TierKey {
    leg: u8,
    priority: Reverse<i32>,
}

impl TierKey {
    pub(crate) const fn new(leg: u8, priority: i32) -> Self {
        Self { leg, priority: Reverse(priority) }
    }
}

/// Where a credential sits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seat {
    pub(crate) key: TierKey,
    pub(crate) position: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Tier {
    pub(super) key: TierKey,
    /// Members by position, in order. A member that left leaves a hole until the tier is laid out anew.
    pub(super) members: Vec<Option<(u64, Handle)>>,
    holes: usize,
}

/// One provider's candidates.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(super) tiers: Vec<Tier>,
    /// `shards[0]` serves every model that has none of its own.
    pub(super) shards: Vec<Shard>,
    own: IntMap<u32, u32>,
    /// Grows when positions change, so that cursors know.
    pub(super) epoch: u32,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { tiers: Vec::new(), shards: vec![Shard::default()], own: IntMap::default(), epoch: 0 }
    }

    /// The shard that serves a model.
    pub(crate) fn shard_of(&self, model: Option<ModelIx>) -> u32 {
        model.and_then(|model| self.own.get(&model.0).copied()).unwrap_or(0)
    }

    /// The models with shards of their own.
    pub(crate) fn own_models(&self) -> impl Iterator<Item = (ModelIx, u32)> + '_ {
        self.own.iter().map(|(&model, &shard)| (ModelIx(model), shard))
    }

    /// Gives a model a shard of its own, a copy of the common one; the caller corrects who stands differently.
    pub(crate) fn give_own(&mut self, model: ModelIx) -> u32 {
        if let Some(&shard) = self.own.get(&model.0) {
            return shard;
        }
        let shard = self.shards.len() as u32;
        self.shards.push(self.shards[0].clone());
        self.own.insert(model.0, shard);
        shard
    }

    pub(super) fn rank(&self, key: TierKey) -> Result<usize, usize> {
        self.tiers.binary_search_by_key(&key, |tier| tier.key)
    }

    /// Seats a credential behind all others of its tier. Returns false, and does nothing, where it belongs before one of
    /// them: then the table is to be laid out anew. Nobody stands anywhere yet.
    #[must_use]
    pub(crate) fn seat(&mut self, handle: Handle, key: TierKey, order: u64, seats: &mut [Seat]) -> bool {
        let rank = match self.rank(key) {
            Ok(rank) => rank,
            Err(rank) => {
                self.tiers.insert(rank, Tier { key, members: Vec::new(), holes: 0 });
                for shard in &mut self.shards {
                    shard.tiers.insert(rank, TierReady::default());
                    shard.relight();
                }
                self.epoch += 1;
                rank
            }
        };
        let members = &mut self.tiers[rank].members;
        if members.iter().rev().find_map(|member| *member).is_some_and(|(last, _)| last >= order) {
            return false;
        }
        seats[handle.0 as usize] = Seat { key, position: members.len() as u32 };
        members.push(Some((order, handle)));
        let length = members.len();
        for shard in &mut self.shards {
            shard.tiers[rank].grow(length);
        }
        true
    }

    /// Takes a credential away. Returns false where so many have left that the table is to be laid out anew.
    #[must_use]
    pub(crate) fn unseat(&mut self, handle: Handle, seats: &[Seat]) -> bool {
        let seat = seats[handle.0 as usize];
        let Ok(rank) = self.rank(seat.key) else { return true };
        for shard in &mut self.shards {
            shard.set(rank, seat.position, handle, None, None);
        }
        let tier = &mut self.tiers[rank];
        if tier.members.get_mut(seat.position as usize).is_some_and(|member| member.take().is_some()) {
            tier.holes += 1;
        }
        tier.holes <= 64 || tier.holes * 2 <= tier.members.len()
    }

    /// Lays the table out anew: `members` in any order; `standing` says how each stands towards a model, and when it
    /// was last used where the strategy needs an order.
    pub(crate) fn lay_out(
        &mut self,
        mut members: Vec<(TierKey, u64, Handle)>,
        seats: &mut [Seat],
        standing: impl Fn(Handle, Option<ModelIx>) -> (Option<Standing>, Option<u64>),
    ) {
        // Mostly it is in order; a heap's sort is the smallest there is.
        if !members.is_sorted() {
            members = BinaryHeap::from(members).into_sorted_vec();
        }
        self.epoch += 1;
        self.tiers.clear();
        for &(key, order, handle) in &members {
            if self.tiers.last().is_none_or(|tier| tier.key != key) {
                self.tiers.push(Tier { key, members: Vec::new(), holes: 0 });
            }
            if let Some(tier) = self.tiers.last_mut() {
                seats[handle.0 as usize] = Seat { key, position: tier.members.len() as u32 };
                tier.members.push(Some((order, handle)));
            }
        }
        let own: Vec<_> = self.own.iter().map(|(&model, &shard)| (Some(ModelIx(model)), shard)).collect();
        for (model, shard) in own.into_iter().chain([(None, 0)]) {
            let mut fresh = Shard::default();
            for tier in &self.tiers {
                let mut ready = TierReady::default();
                ready.grow(tier.members.len());
                fresh.tiers.push(ready);
            }
            fresh.relight();
            for (rank, tier) in self.tiers.iter().enumerate() {
                for (position, (_, handle)) in tier.members.iter().flatten().enumerate() {
                    let (standing, used) = standing(*handle, model);
                    fresh.set(rank, position as u32, *handle, standing, used);
                }
            }
            self.shards[shard as usize] = fresh;
        }
    }

    /// Notes how a member stands in one shard.
    pub(crate) fn set(
        &mut self,
        shard: u32,
        handle: Handle,
        seat: Seat,
        standing: Option<Standing>,
        used: Option<u64>,
    ) {
        if let Ok(rank) = self.rank(seat.key) {
            self.shards[shard as usize].set(rank, seat.position, handle, standing, used);
        }
    }
}
