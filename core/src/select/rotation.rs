//! Rotations: where the next look-up of a route starts.

use super::bits::BitTree;
use super::table::{Place, Table, TierKey};

/// How far a rotation has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursors {
    /// The table's epoch that the positions are of.
    epoch: u32,
    pub(super) by_rank: Vec<Cursor>,
    /// Tells the draws of one rotation from those of another.
    pub(super) salt: u64,
    /// How many draws there were.
    pub(super) draws: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    key: TierKey,
    /// Where the next look-up starts.
    pub(super) next: u32,
    /// It starts behind this place: `next` is found again from it when positions change.
    after: Option<Place>,
}

impl Cursors {
    pub(crate) fn new(salt: u64) -> Self {
        Self { salt, ..Self::default() }
    }

    /// Are the positions those of the table as it is now?
    pub(crate) fn are_current(&self, table: &Table) -> bool {
        self.epoch == table.epoch && self.by_rank.len() == table.tiers.len()
    }

    /// Finds the positions anew after the table has changed. The rotation goes on where it was.
    pub(crate) fn follow(&mut self, table: &Table) {
        if self.are_current(table) {
            return;
        }
        let old = std::mem::take(&mut self.by_rank);
        self.by_rank = table
            .tiers
            .iter()
            .map(|tier| {
                let after = old
                    .binary_search_by_key(&tier.key, |cursor| cursor.key)
                    .ok()
                    .and_then(|rank| old[rank].after);
                let next =
                    after.map_or(0, |after| tier.places.partition_point(|place| *place <= after) as u32);
                Cursor { key: tier.key, next, after }
            })
            .collect();
        self.epoch = table.epoch;
    }
}

impl Cursor {
    /// The next one, and on from there.
    pub(super) fn turn(
        &mut self,
        ready: &BitTree,
        place_of: impl Fn(u32) -> Option<Place>,
        accept: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let position = around(ready, self.next, accept)?;
        (self.next, self.after) = (position + 1, place_of(position));
        Some(position)
    }

    /// The one that was picked last, for as long as it is ready; then the next. Who is passed over only for this caller
    /// has not failed.
    pub(super) fn stay(
        &mut self,
        ready: &BitTree,
        place_of: impl Fn(u32) -> Option<Place>,
        accept: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        if self.after.is_none() || !ready.contains(self.next) {
            self.next = around(ready, self.next, |_| true)?;
        }
        // Just before it, so that it is found again: also where it took the place of one who has gone.
        self.after = place_of(self.next).map(|(major, minor)| (major, minor.saturating_sub(1)));
        around(ready, self.next, accept)
    }
}

/// The first member that `accept` takes, at or after `start`, then from the beginning.
pub(super) fn around(ready: &BitTree, start: u32, accept: impl Fn(u32) -> bool) -> Option<u32> {
    let mut at = start;
    let mut wrapped = false;
    loop {
        let Some(position) = ready.at_or_after(at) else {
            if wrapped {
                return None;
            }
            (wrapped, at) = (true, 0);
            continue;
        };
        if wrapped && position >= start {
            return None;
        }
        if accept(position) {
            return Some(position);
        }
        at = position + 1;
    }
}
