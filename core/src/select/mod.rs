//! Who is chosen: the ready index, the strategies and the ties of sessions.
//!
//! A pick never looks at those who are out. Who can be picked is kept, tier by tier, in sets with a fast "next one"; who
//! is out is kept by the end of its time. A failure or a recovery moves one credential from one to the other.

mod affinity;
mod bits;
mod chance;
mod hot;
mod int_map;
mod leader;
mod otherwise;
mod pick;
mod ranking;
mod recency;
mod rendezvous;
mod rotation;
mod shard;
mod standing;
mod table;
mod tournament;
mod weighted;
mod xxhash;

#[cfg(test)]
mod churn;

pub(crate) use affinity::{SavedTie, Ties};
pub(crate) use hot::Hot;
pub(crate) use int_map::IntMap;
pub(crate) use pick::{Choice, Start};
pub(crate) use rotation::Cursors;
pub(crate) use shard::Figure;
pub use standing::{OutReason, Standing};
pub(crate) use table::{Place, Seat, Table, TierKey};

use crate::id::Handle;

impl Table {
    /// Can it be picked by those who ask this shard?
    pub(crate) fn is_ready(&self, shard: u32, seat: Seat) -> bool {
        self.rank(seat.key).is_ok_and(|rank| self.shards[shard as usize].is_ready(rank, seat.position))
    }

    /// Is somebody ready to whom those of this seat's tier come second, for sessions too: of one of the first `overrides`
    /// legs, or, under `fail_back`, of any better tier?
    pub(crate) fn comes_second(&self, shard: u32, seat: Seat, overrides: u8, fail_back: bool) -> bool {
        let first = self.shards[shard as usize].lit.first();
        first.and_then(|rank| self.tiers.get(rank as usize)).is_some_and(|tier| {
            tier.key < seat.key && (fail_back || tier.key.leg < overrides && tier.key.leg < seat.key.leg)
        })
    }

    /// Makes room for [`Table::hide`].
    pub(crate) fn prepare_to_hide(&mut self, shard: u32, handle: Handle) {
        self.shards[shard as usize].prepare_to_hide(handle);
    }

    /// Takes a member out of one index that is coming back. Allocates nothing.
    pub(crate) fn hide(&mut self, shard: u32, handle: Handle, seat: Seat) {
        let Ok(rank) = self.rank(seat.key) else { return };
        let place = (seat.position, self.tiers[rank].circle.place(seat.position));
        self.shards[shard as usize].hide(rank, place, handle);
    }

    /// How many credentials there are.
    pub(crate) fn len(&self) -> u32 {
        self.tiers.iter().map(table::Tier::len).sum()
    }

    /// How many are out there and may return: with a known end, and without.
    pub(crate) fn waiting(&self, shard: u32) -> (u32, u32) {
        self.shards[shard as usize].waiting()
    }

    /// Is somebody out who comes back when a lease ends?
    pub(crate) fn has_busy(&self, shard: u32) -> bool {
        self.shards[shard as usize].busy() > 0
    }

    /// Is somebody ready?
    pub(crate) fn has_ready(&self, shard: u32) -> bool {
        self.shards[shard as usize].lit.count() > 0
    }
}
