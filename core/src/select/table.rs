//! The candidates of one provider: who sits in which tier, and a ready index for each model that needs its own.

use super::int_map::IntMap;
use super::rendezvous::{point, Circle};
use super::shard::{Figure, Order, Shard, TierReady};
use super::standing::Standing;
use crate::id::{Handle, ModelIx};
use crate::time::Instant;
use crate::usage::Rank;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The order of tiers: legs of the cascade first, then what the policy puts before priority, priority, the higher the
/// earlier, and what comes after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TierKey {
    pub(crate) leg: u8,
    pub(crate) before: u8,
    pub(crate) priority: Reverse<i32>,
    pub(crate) after: u8,
}

/// The order within a tier: what the policy orders it by, then the order of storing.
pub(crate) type Place = (u64, u64);

/// Where a credential sits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seat {
    pub(crate) key: TierKey,
    pub(crate) position: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Tier {
    pub(super) key: TierKey,
    /// Members by position, in order; a member that left leaves [`NOBODY`] until the tier is laid out anew. Apart from their
    /// places: a choice by lot reads one at random, and these stay in the cache.
    pub(super) handles: Vec<Handle>,
    pub(super) places: Vec<Place>,
    holes: usize,
    /// Where sessions meet them, where they are not tied.
    pub(super) circle: Circle,
}

/// Nobody sits here any more.
const NOBODY: Handle = Handle(u32::MAX);

impl Tier {
    const fn new(key: TierKey) -> Self {
        Self { key, handles: Vec::new(), places: Vec::new(), holes: 0, circle: Circle::none() }
    }

    pub(super) fn len(&self) -> u32 {
        (self.handles.len() - self.holes) as u32
    }

    /// Seats a member behind all others. Returns how many positions there are now.
    fn sit(&mut self, handle: Handle, place: Place, seats: &mut [Seat]) -> usize {
        seats[handle.0 as usize] = Seat { key: self.key, position: self.handles.len() as u32 };
        self.handles.push(handle);
        self.places.push(place);
        self.handles.len()
    }

    /// Who sits at a position.
    pub(super) fn handle(&self, position: u32) -> Option<Handle> {
        self.handles.get(position as usize).copied().filter(|&handle| handle != NOBODY)
    }
}

/// One provider's candidates.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(super) tiers: Vec<Tier>,
    /// `shards[0]` serves every model that has none of its own.
    pub(super) shards: Vec<Shard>,
    own: IntMap<u32, u32>,
    /// The model that each shard serves; none for the first.
    models: Vec<Option<ModelIx>>,
    /// Grows when positions change, so that cursors know.
    pub(super) epoch: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            tiers: Vec::new(),
            shards: vec![Shard::default()],
            own: IntMap::default(),
            models: vec![None],
            epoch: 0,
        }
    }

    /// The shard that serves a model.
    pub(crate) fn shard_of(&self, model: Option<ModelIx>) -> u32 {
        model.and_then(|model| self.own.get(&model.0).copied()).unwrap_or(0)
    }

    /// The best tier with somebody ready, and how strong it is: how many are ready, or what they weigh together.
    pub(crate) fn best(&self, shard: u32) -> Option<(TierKey, u64)> {
        let shard = self.shards.get(shard as usize)?;
        let rank = shard.lit.first()? as usize;
        let (tier, ready) = (self.tiers.get(rank)?, shard.tiers.get(rank)?);
        let weight = match &ready.order {
            Order::Credits(credits) => credits.weight(),
            _ => u64::from(ready.ready.count()),
        };
        Some((tier.key, weight))
    }

    /// How many pairs of a member and an index there are.
    pub(crate) fn size(&self) -> usize {
        self.shards.len() * self.tiers.iter().map(|tier| tier.handles.len()).sum::<usize>()
    }

    /// How many shards there are.
    pub(crate) fn shards(&self) -> u32 {
        self.models.len() as u32
    }

    /// The model that a shard serves; `None` for all that have none of their own.
    pub(crate) fn model_of(&self, shard: u32) -> Option<ModelIx> {
        self.models.get(shard as usize).copied().flatten()
    }

    /// Gives a model a shard of its own, a copy of the common one; the caller corrects who stands differently.
    pub(crate) fn give_own(&mut self, model: ModelIx) -> u32 {
        if let Some(&shard) = self.own.get(&model.0) {
            return shard;
        }
        let shard = self.shards.len() as u32;
        let mut own = self.shards[0].clone();
        for tier in &mut own.tiers {
            if let Order::Credits(credits) = &mut tier.order {
                credits.begin();
            }
        }
        self.shards.push(own);
        self.own.insert(model.0, shard);
        self.models.push(Some(model));
        shard
    }

    pub(super) fn rank(&self, key: TierKey) -> Result<usize, usize> {
        self.tiers.binary_search_by_key(&key, |tier| tier.key)
    }

    /// Seats a credential behind all others of its tier. Returns false, and does nothing, where it belongs before one of
    /// them: then the table is to be laid out anew. Nobody stands anywhere yet.
    #[must_use]
    pub(crate) fn seat(&mut self, handle: Handle, key: TierKey, order: Place, seats: &mut [Seat]) -> bool {
        let rank = match self.rank(key) {
            Ok(rank) => rank,
            Err(rank) => {
                self.tiers.insert(rank, Tier::new(key));
                for shard in &mut self.shards {
                    shard.tiers.insert(rank, TierReady::default());
                    shard.relight();
                }
                self.epoch += 1;
                rank
            }
        };
        let tier = &mut self.tiers[rank];
        if tier.places.last().is_some_and(|last| *last >= order) {
            return false;
        }
        let length = tier.sit(handle, order, seats);
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
            let place = self.tiers[rank].circle.place(seat.position);
            shard.set(rank, (seat.position, place), handle, None, Figure::None);
        }
        let tier = &mut self.tiers[rank];
        if tier.handle(seat.position) == Some(handle) {
            tier.handles[seat.position as usize] = NOBODY;
            tier.holes += 1;
        }
        tier.holes <= 64 || tier.holes * 2 <= tier.handles.len()
    }

    /// Lays the table out anew: `members` in any order; `standing` says how each stands towards a model, and what the
    /// strategy orders it by. `uid`: names for the points of a circle, where sessions are not tied.
    pub(crate) fn lay_out<'a>(
        &mut self,
        mut members: Vec<(TierKey, Place, Handle)>,
        seats: &mut [Seat],
        standing: impl Fn(Handle, Option<ModelIx>) -> (Option<Standing>, Figure),
        uid: Option<&dyn Fn(Handle) -> &'a str>,
    ) {
        // Mostly it is in order; a heap's sort is the smallest there is.
        if !members.is_sorted() {
            members = BinaryHeap::from(members).into_sorted_vec();
        }
        self.epoch += 1;
        let before = std::mem::take(&mut self.tiers);
        for &(key, order, handle) in &members {
            if self.tiers.last().is_none_or(|tier| tier.key != key) {
                self.tiers.push(Tier::new(key));
            }
            if let Some(tier) = self.tiers.last_mut() {
                tier.sit(handle, order, seats);
            }
        }
        if let Some(uid) = uid {
            for tier in &mut self.tiers {
                tier.circle = Circle::new(tier.handles.iter().map(|&handle| point(uid(handle))));
            }
        }
        for shard in 0..self.shards() {
            let model = self.model_of(shard);
            let mut fresh = Shard::default();
            for tier in &self.tiers {
                let mut ready = TierReady::default();
                ready.grow(tier.handles.len());
                ready.met.grow(tier.circle.len());
                fresh.tiers.push(ready);
            }
            fresh.relight();
            let mut restarts = true;
            for (rank, tier) in self.tiers.iter().enumerate() {
                for (position, &handle) in (0..).zip(&tier.handles) {
                    let (standing, figure) = standing(handle, model);
                    restarts &= !matches!(figure, Figure::Weight(_, false));
                    let seat = (position, tier.circle.place(position));
                    fresh.set(rank, seat, handle, standing, figure);
                }
            }
            let old = std::mem::replace(&mut self.shards[shard as usize], fresh);
            if !restarts {
                self.keep_credits(&before, &old, shard, seats);
            }
        }
    }

    /// What was owed before everybody was seated anew is owed still.
    fn keep_credits(&mut self, before: &[Tier], old: &Shard, shard: u32, seats: &[Seat]) {
        for (tier, ready) in before.iter().zip(&old.tiers) {
            let Order::Credits(credits) = &ready.order else { continue };
            for (position, &handle) in (0..).zip(&tier.handles) {
                let Some(seat) = seats.get(handle.0 as usize) else { continue };
                let Ok(rank) = self.rank(seat.key) else { continue };
                if self.tiers[rank].handle(seat.position) != Some(handle) {
                    continue;
                }
                if let Order::Credits(fresh) = &mut self.shards[shard as usize].tiers[rank].order {
                    fresh.owe(seat.position, credits.owed(position));
                }
            }
        }
    }

    /// Notes how a member stands in one shard.
    pub(crate) fn set(
        &mut self,
        shard: u32,
        handle: Handle,
        seat: Seat,
        standing: Option<Standing>,
        figure: Figure,
    ) {
        if let Ok(rank) = self.rank(seat.key) {
            let place = self.tiers[rank].circle.place(seat.position);
            self.shards[shard as usize].set(rank, (seat.position, place), handle, standing, figure);
        }
    }

    /// Corrects what is left of a member wherever it is ready. O(log n) for each model with an index of its own; allocates nothing.
    pub(crate) fn reckon(&mut self, seat: Seat, change: impl Fn(&mut Rank)) {
        if let Ok(rank) = self.rank(seat.key) {
            for shard in &mut self.shards {
                shard.tiers[rank].reckon(seat.position, &change);
            }
        }
    }

    /// The ranks of a member and of the first of its tier, in one index, at this moment; and whether they are equal but for the last
    /// use. `None` where the tier is not ranked by usage, or it is not ready.
    pub(crate) fn beside_best(
        &mut self,
        shard: u32,
        seat: Seat,
        mono: Instant,
    ) -> Option<(Rank, Rank, bool)> {
        let rank = self.rank(seat.key).ok()?;
        let Order::Usage(ranking) = &mut self.shards[shard as usize].tiers[rank].order else { return None };
        ranking.advance(mono.0.cast_signed());
        let best = ranking.best()?;
        let (own, first) = (*ranking.get(seat.position)?, *ranking.get(best)?);
        Some((own, first, ranking.equals_best(seat.position)))
    }

    /// Corrects the load of a member wherever it is ready. O(log n) for each model with an index of its own.
    pub(crate) fn set_load(&mut self, seat: Seat, in_flight: u32, used: u64) {
        if let Ok(rank) = self.rank(seat.key) {
            for shard in &mut self.shards {
                shard.tiers[rank].set_load(seat.position, in_flight, used);
            }
        }
    }
}
