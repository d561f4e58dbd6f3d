//! The pick: affinity has been asked already; tier by tier, the strategy chooses.

use super::hot::Hot;
use super::rotation::{around, Cursors};
use super::shard::Order;
use super::table::Table;
use crate::entropy::Seed;
use crate::id::Handle;
use crate::policy::Strategy;
use crate::time::Instant;

/// What a pick depends on, beside the table.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a> {
    pub(crate) strategy: Strategy,
    pub(crate) start: Start,
    pub(crate) seed: Seed,
    /// The moment.
    pub(crate) mono: Instant,
    /// Last uses and open leases, by handle.
    pub(crate) hot: &'a [Hot],
}

/// Where a session's first credential comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// From the strategy, like everybody's.
    Strategy,
    /// The session's hash is counted off on those who are there, and on from that one: oh-my-pi's order.
    Hash(u32),
    /// Where the session meets one on the tier's circle.
    Circle(u64),
}

impl Table {
    /// Picks one that `accept` takes. O(log n) in the number of candidates, whatever share of them is out; each
    /// candidate that `accept` refuses costs that much again.
    ///
    /// The cursors must be current.
    pub(crate) fn pick(
        &mut self,
        shard: u32,
        choice: Choice<'_>,
        cursors: &mut Cursors,
        accept: impl Fn(Handle) -> bool,
    ) -> Option<Handle> {
        let mut from = 0;
        loop {
            let rank = self.shards[shard as usize].lit.at_or_after(from)? as usize;
            if let Some(handle) = self.pick_in(shard, rank, choice, cursors, &accept) {
                return Some(handle);
            }
            from = rank as u32 + 1;
        }
    }

    fn pick_in(
        &mut self,
        shard: u32,
        rank: usize,
        choice: Choice<'_>,
        cursors: &mut Cursors,
        accept: impl Fn(Handle) -> bool,
    ) -> Option<Handle> {
        let by_use = matches!(choice.strategy, Strategy::LeastRecentlyUsed | Strategy::KindOrder);
        let tier = &mut self.shards[shard as usize].tiers[rank];
        let seated = &self.tiers[rank];
        let handle_at = |position: u32| seated.handle(position);
        let hot_at = |position| handle_at(position).and_then(|handle| choice.hot.get(handle.0 as usize));
        let used_at = |position| hot_at(position).map_or(u64::MAX, |hot| hot.used);
        let accept_at = |position| handle_at(position).is_some_and(&accept);
        let position = match (choice.start, &mut tier.order) {
            (Start::Strategy | Start::Hash(_), Order::Usage(ranking)) => {
                ranking.advance(choice.mono.0.cast_signed());
                ranking.best_of(accept_at)?
            }
            (Start::Strategy, Order::Uses(uses)) if by_use => {
                uses.least_recent(&tier.ready, used_at, accept_at)?
            }
            _ => return self.pick_otherwise(shard, rank, choice, cursors, &accept),
        };
        handle_at(position)
    }

    /// Is somebody ready that `accept` takes? Changes nothing.
    pub(crate) fn somebody(&self, shard: u32, accept: impl Fn(Handle) -> bool) -> bool {
        let tiers = self.tiers.iter().zip(&self.shards[shard as usize].tiers);
        tiers.into_iter().any(|(tier, ready)| {
            let taken = |position: u32| tier.handle(position).is_some_and(&accept);
            around(&ready.ready, 0, taken).is_some()
        })
    }

    /// Who of those that `accept` takes comes back first, and when. O(log n).
    pub(crate) fn soonest(
        &mut self,
        shard: u32,
        accept: impl Fn(Handle) -> bool,
    ) -> Option<(Instant, Handle)> {
        self.shards[shard as usize].soonest(accept)
    }
}
