//! The pick: affinity has been asked already; tier by tier, the strategy chooses.

use super::table::{Table, TierKey};
use crate::id::Handle;
use crate::policy::Strategy;
use crate::time::Instant;

/// How far a rotation has come, for one provider and model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursors {
    /// The table's epoch that the positions are of.
    epoch: u32,
    by_rank: Vec<Cursor>,
}

#[derive(Clone, Copy, Debug)]
struct Cursor {
    key: TierKey,
    /// Where the next look-up starts.
    next: u32,
    /// The order of the one that was picked last, from which `next` is found again when positions change.
    after: Option<u64>,
}

impl Cursors {
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
                let next = after.map_or(0, |after| {
                    tier.members
                        .iter()
                        .rposition(|member| member.is_some_and(|(order, _)| order <= after))
                        .map_or(0, |position| position as u32 + 1)
                });
                Cursor { key: tier.key, next, after }
            })
            .collect();
        self.epoch = table.epoch;
    }
}

/// What a pick depends on, beside the table.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a> {
    pub(crate) strategy: Strategy,
    /// The last use of each credential, by handle.
    pub(crate) used: &'a [u64],
}

impl Table {
    /// Picks one that `accept` takes. O(log n) in the number of candidates, whatever share of them is out; each
    /// candidate that `accept` refuses costs that much again.
    ///
    /// Under `round-robin` the cursors must be current.
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
        let members = &self.tiers[rank].members;
        let handle_at = |position: u32| members[position as usize].map(|(_, handle)| handle);
        let tier = &mut self.shards[shard as usize].tiers[rank];
        match choice.strategy {
            Strategy::FillFirst => {
                let mut position = tier.ready.first();
                while let Some(at) = position {
                    if let Some(handle) = handle_at(at).filter(|&handle| accept(handle)) {
                        return Some(handle);
                    }
                    position = tier.ready.at_or_after(at + 1);
                }
                None
            }
            Strategy::RoundRobin => {
                let cursor = &mut cursors.by_rank[rank];
                let start = cursor.next;
                let mut at = start;
                let mut wrapped = false;
                loop {
                    let Some(position) = tier.ready.at_or_after(at) else {
                        if wrapped {
                            return None;
                        }
                        (wrapped, at) = (true, 0);
                        continue;
                    };
                    if wrapped && position >= start {
                        return None;
                    }
                    if let Some((order, handle)) =
                        members[position as usize].filter(|&(_, handle)| accept(handle))
                    {
                        (cursor.next, cursor.after) = (position + 1, Some(order));
                        return Some(handle);
                    }
                    at = position + 1;
                }
            }
            Strategy::LeastRecentlyUsed => {
                let used_at =
                    |position| handle_at(position).map_or(u64::MAX, |handle| choice.used[handle.0 as usize]);
                let position =
                    tier.least_recent(used_at, |position| handle_at(position).is_some_and(&accept))?;
                handle_at(position)
            }
        }
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
