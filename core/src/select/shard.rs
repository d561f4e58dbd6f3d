//! The ready index of one model: who can be picked, tier by tier, and when the first of the others comes back.

use super::bits::BitTree;
use super::standing::{OutReason, Standing};
use crate::id::Handle;
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

/// A hasher for small integers that we hand out ourselves (so nobody can choose them to collide): one multiplication.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IntHasher(u64);

impl std::hash::Hasher for IntHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

pub(crate) type IntMap<K, V> = HashMap<K, V, std::hash::BuildHasherDefault<IntHasher>>;

/// The ready ones of one tier, by their position in it.
#[derive(Clone, Debug, Default)]
pub(super) struct TierReady {
    pub(super) ready: BitTree,
    /// Under `least-recently-used`: positions by last use, in two parts of which the earlier head is the first of all. An
    /// entry may lag behind; it is corrected when it comes up. Who was picked last is the most recent of all, so he goes
    /// to the end of a line; only who comes out of turn has to be sorted in.
    line: VecDeque<(u64, u32)>,
    out_of_turn: BinaryHeap<Reverse<(u64, u32)>>,
    queued: BitTree,
}

impl TierReady {
    pub(super) fn grow(&mut self, length: usize) {
        self.ready.grow(length);
        self.queued.grow(length);
    }

    fn enqueue(&mut self, position: u32, used: u64) {
        if self.queued.insert(position) {
            self.line_up((used, position));
        }
    }

    fn line_up(&mut self, entry: (u64, u32)) {
        if self.line.back().is_none_or(|last| *last <= entry) {
            self.line.push_back(entry);
        } else {
            self.out_of_turn.push(Reverse(entry));
        }
    }

    /// The ready position with the earliest last use that `accept` takes. O(1) where uses come in turn; O(log n) for each
    /// entry that does not.
    pub(super) fn least_recent(
        &mut self,
        used_at: impl Fn(u32) -> u64,
        accept: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let mut passed_over = Vec::new();
        let found = loop {
            let (entry, in_line) = match (self.line.front(), self.out_of_turn.peek()) {
                (Some(first), Some(Reverse(other))) if other < first => (*other, false),
                (Some(first), _) => (*first, true),
                (None, Some(Reverse(other))) => (*other, false),
                (None, None) => break None,
            };
            let (used, position) = entry;
            let (ready, actual) = (self.ready.contains(position), used_at(position));
            if ready && actual == used && accept(position) {
                break Some(position);
            }
            if in_line {
                self.line.pop_front();
            } else {
                self.out_of_turn.pop();
            }
            if !ready {
                self.queued.remove(position);
            } else if actual == used {
                passed_over.push(entry);
            } else {
                self.line_up((actual, position));
            }
        };
        for entry in passed_over {
            self.out_of_turn.push(Reverse(entry));
        }
        found
    }
}

/// The ready index of one model of one provider, or of all its models that have no state of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Shard {
    /// One for each tier of the table, in its order.
    pub(super) tiers: Vec<TierReady>,
    /// The tiers with somebody ready.
    pub(super) lit: BitTree,
    outs: IntMap<u32, (OutReason, Option<Instant>)>,
    /// Ends of those that are out for a known time; entries that no longer hold are dropped when they come up.
    ends: BinaryHeap<Reverse<(Instant, Handle)>>,
    /// Those who are out and may return: with a known end, and without one.
    timed: u32,
    untimed: u32,
}

impl Shard {
    pub(super) fn is_ready(&self, rank: usize, position: u32) -> bool {
        self.tiers.get(rank).is_some_and(|tier| tier.ready.contains(position))
    }

    /// Notes how a member stands. `used` is its last use, where the strategy needs an order.
    pub(super) fn set(
        &mut self,
        rank: usize,
        position: u32,
        handle: Handle,
        standing: Option<Standing>,
        used: Option<u64>,
    ) {
        self.forget_out(handle);
        let tier = &mut self.tiers[rank];
        match standing {
            Some(Standing::Ready) => {
                tier.ready.insert(position);
                if let Some(used) = used {
                    tier.enqueue(position, used);
                }
                self.lit.insert(rank as u32);
                return;
            }
            Some(Standing::Out(reason, until)) => {
                self.outs.insert(handle.0, (reason, until));
                match until {
                    Some(until) if reason.may_return() => {
                        self.timed += 1;
                        self.ends.push(Reverse((until, handle)));
                    }
                    None if reason.may_return() => self.untimed += 1,
                    _ => {}
                }
            }
            None => {}
        }
        let tier = &mut self.tiers[rank];
        if tier.ready.remove(position) && tier.ready.count() == 0 {
            self.lit.remove(rank as u32);
        }
    }

    fn forget_out(&mut self, handle: Handle) {
        if let Some((reason, until)) = self.outs.remove(&handle.0) {
            match until {
                Some(_) if reason.may_return() => self.timed -= 1,
                None if reason.may_return() => self.untimed -= 1,
                _ => {}
            }
        }
        // Mostly entries that no longer hold: start over, so that repeated failures cannot fill the memory.
        if self.ends.len() > 64 && self.ends.len() > 4 * self.timed as usize {
            let outs = &self.outs;
            self.ends.retain(|Reverse((until, handle))| holds(outs, *handle, *until));
        }
    }

    /// Reads anew which tiers have somebody ready, after tiers were put in.
    pub(super) fn relight(&mut self) {
        self.lit = BitTree::default();
        self.lit.grow(self.tiers.len());
        for (rank, _) in self.tiers.iter().enumerate().filter(|(_, tier)| tier.ready.count() > 0) {
            self.lit.insert(rank as u32);
        }
    }

    /// How many are out and may return: with a known end, and without.
    pub(super) const fn waiting(&self) -> (u32, u32) {
        (self.timed, self.untimed)
    }

    /// Who of those that `accept` takes comes back first, and when.
    pub(super) fn soonest(&mut self, accept: impl Fn(Handle) -> bool) -> Option<(Instant, Handle)> {
        let mut passed_over = Vec::new();
        let found = loop {
            let Some(&Reverse((until, handle))) = self.ends.peek() else { break None };
            if !holds(&self.outs, handle, until) {
                self.ends.pop();
                continue;
            }
            if accept(handle) {
                break Some((until, handle));
            }
            passed_over.extend(self.ends.pop());
        };
        self.ends.extend(passed_over);
        found
    }
}

fn holds(outs: &IntMap<u32, (OutReason, Option<Instant>)>, handle: Handle, until: Instant) -> bool {
    matches!(outs.get(&handle.0), Some((reason, Some(end))) if *end == until && reason.may_return())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_least_recent_is_the_one_that_a_search_would_find(
            steps in prop::collection::vec((0u8..4, 0u32..9, 0u64..50), 1..300),
        ) {
            let mut tier = TierReady::default();
            tier.grow(9);
            let mut used = [0_u64; 9];
            let mut last = 50;
            for (what, position, number) in steps {
                match what {
                    // Comes back, perhaps with a use that was saved long ago.
                    0 => {
                        if tier.ready.insert(position) {
                            tier.enqueue(position, used[position as usize]);
                        }
                    }
                    1 => drop(tier.ready.remove(position)),
                    // Used by somebody who did not ask this index.
                    2 => used[position as usize] = used[position as usize].max(number),
                    _ => {
                        let refused = number % 9;
                        let accept = |position: u32| u64::from(position) != refused;
                        let found = tier.least_recent(|position| used[position as usize], accept);
                        let searched = (0..9).filter(|&at| tier.ready.contains(at) && accept(at));
                        prop_assert_eq!(found, searched.min_by_key(|&at| (used[at as usize], at)));
                        if let Some(found) = found {
                            last += 1;
                            used[found as usize] = last;
                        }
                    }
                }
                prop_assert_eq!(tier.line.len() + tier.out_of_turn.len(), tier.queued.count() as usize);
            }
        }
    }
}
