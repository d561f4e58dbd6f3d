//! The least recently used first.

use super::bits::BitTree;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Positions by last use, in two parts of which the earlier head is the first of all. An entry may lag behind; it is
/// corrected when it comes up. Who was picked last is the most recent of all, so he goes to the end of a line; only who
/// comes out of turn has to be sorted in.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    line: VecDeque<(u64, u32)>,
    out_of_turn: BinaryHeap<Reverse<(u64, u32)>>,
    queued: BitTree,
}

impl Uses {
    /// Notes a position that is ready.
    pub(super) fn enqueue(&mut self, position: u32, used: u64) {
        self.queued.grow(position as usize + 1);
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
        is_ready: &BitTree,
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
            let (ready, actual) = (is_ready.contains(position), used_at(position));
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_least_recent_is_the_one_that_a_search_would_find(
            steps in prop::collection::vec((0u8..4, 0u32..9, 0u64..50), 1..300),
        ) {
            let (mut uses, mut ready) = (Uses::default(), BitTree::default());
            ready.grow(9);
            let mut used = [0_u64; 9];
            let mut last = 50;
            for (what, position, number) in steps {
                match what {
                    // Comes back, perhaps with a use that was saved long ago.
                    0 => {
                        if ready.insert(position) {
                            uses.enqueue(position, used[position as usize]);
                        }
                    }
                    1 => drop(ready.remove(position)),
                    // Used by somebody who did not ask this index.
                    2 => used[position as usize] = used[position as usize].max(number),
                    _ => {
                        let refused = number % 9;
                        let accept = |position: u32| u64::from(position) != refused;
                        let found = uses.least_recent(&ready, |position| used[position as usize], accept);
                        let searched = (0..9).filter(|&at| ready.contains(at) && accept(at));
                        prop_assert_eq!(found, searched.min_by_key(|&at| (used[at as usize], at)));
                        if let Some(found) = found {
                            last += 1;
                            used[found as usize] = last;
                        }
                    }
                }
                prop_assert_eq!(uses.line.len() + uses.out_of_turn.len(), uses.queued.count() as usize);
            }
        }
    }
}
