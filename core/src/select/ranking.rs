//! The first of many ranks, as time goes on: a kinetic tournament.
//!
//! Of every pair the better one is kept together with the instant until which it stays the better one ([`Rank::compare`]), so that
//! time moves on without a look at those whose order has not changed. A change replays one path: O(log n), no allocation.

use crate::usage::Rank;
use core::cmp::Ordering;

const NOBODY: u32 = u32::MAX;
const NEVER: i64 = i64::MAX;

/// Ranks by position. Of equal ones the smaller position is first.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranking {
    ranks: Vec<Option<Rank>>,
    /// A binary tree: the children of node `n` are `2 n` and `2 n + 1`; from `width` on they are the positions themselves. With each
    /// winner the instant until which nothing changes below.
    nodes: Vec<(u32, i64)>,
    /// The instant that the nodes are of, in milliseconds of the monotonic clock.
    now: i64,
}

impl Ranking {
    /// Makes room for positions below `length`.
    pub(super) fn grow(&mut self, length: usize) {
        if length > self.ranks.len() {
            let width = length.next_power_of_two().max(2);
            self.ranks.resize(width, None);
            self.nodes = vec![(NOBODY, NEVER); width];
            for node in (1..width).rev() {
                self.play(node);
            }
        }
    }

    pub(super) fn get(&self, position: u32) -> Option<&Rank> {
        self.ranks.get(position as usize)?.as_ref()
    }

    fn winner(&self, node: usize) -> (u32, i64) {
        match node.checked_sub(self.nodes.len()) {
            None => self.nodes[node],
            Some(position) if self.ranks[position].is_some() => (position as u32, NEVER),
            Some(_) => (NOBODY, NEVER),
        }
    }

    fn play(&mut self, node: usize) {
        let ((left, of_left), (right, of_right)) = (self.winner(2 * node), self.winner(2 * node + 1));
        let mut until = of_left.min(of_right);
        let winner = match (self.get(left), self.get(right)) {
            (Some(one), Some(other)) => {
                let (order, holds) = one.compare(other, self.now);
                until = until.min(holds);
                if order == Ordering::Greater {
                    right
                } else {
                    left
                }
            }
            (None, _) => right,
            (_, None) => left,
        };
        self.nodes[node] = (winner, until);
    }

    fn changed(&mut self, position: u32) {
        let mut node = (position as usize + self.nodes.len()) >> 1;
        while node > 0 {
            let before = self.nodes[node];
            self.play(node);
            // Nothing above has heard of it before, and nothing will.
            if before == self.nodes[node] && before.0 != position {
                return;
            }
            node >>= 1;
        }
    }

    /// Puts a position in, or changes its rank. There must be room.
    pub(super) fn set(&mut self, position: u32, rank: Option<Rank>) {
        if let Some(place) = self.ranks.get_mut(position as usize) {
            if *place != rank {
                *place = rank;
                self.changed(position);
            }
        }
    }

    /// Time goes on. Instants that are past change nothing.
    pub(super) fn advance(&mut self, now: i64) {
        if now > self.now {
            self.now = now;
            if self.nodes.len() > 1 {
                self.catch_up(1);
            }
        }
    }

    fn catch_up(&mut self, node: usize) {
        if self.nodes.get(node).is_some_and(|&(_, until)| until <= self.now) {
            self.catch_up(2 * node);
            self.catch_up(2 * node + 1);
            self.play(node);
        }
    }

    /// The first of all.
    pub(super) fn best(&self) -> Option<u32> {
        self.nodes.get(1).map(|&(winner, _)| winner).filter(|&winner| winner != NOBODY)
    }

    /// The first of those that `accept` takes. O(log n), and as much again for each that it refuses.
    pub(super) fn best_of(&mut self, accept: impl Fn(u32) -> bool) -> Option<u32> {
        let mut refused = Vec::new();
        let found = loop {
            match self.best() {
                Some(position) if !accept(position) => {
                    refused.push((position, self.ranks[position as usize]));
                    self.set(position, None);
                }
                found => break found,
            }
        };
        for (position, rank) in refused {
            self.set(position, rank);
        }
        found
    }

    /// Is somebody the equal of the first of all, but for the last use?
    pub(super) fn equals_best(&self, position: u32) -> bool {
        let best = self.best().and_then(|best| self.get(best));
        best.zip(self.get(position))
            .is_some_and(|(best, rank)| rank.compare_left(best, self.now).0 == Ordering::Equal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Drain;
    use proptest::prelude::*;

    fn ranks() -> impl Strategy<Value = Rank> {
        let drain = || {
            let reset = prop_oneof![Just(NEVER), 0_i64..1_000_000];
            let length = prop_oneof![Just(120_000_i64), Just(600_000), Just(18_000_000)];
            (prop_oneof![Just(0_u32), 0_u32..=1_000_000], reset, length)
                .prop_map(|(left, reset, length)| Drain { left, reset, length })
        };
        (0_u32..2, drain(), drain(), 0_u64..4).prop_map(|(class, long, short, used)| Rank {
            class,
            priority: 0,
            long,
            short,
            used,
        })
    }

    proptest! {
        #[test]
        fn the_first_is_the_one_that_a_plain_sort_finds(
            steps in prop::collection::vec((0_u8..5, 0_u32..23, ranks(), 0_i64..60_000), 1..200),
        ) {
            let mut ranking = Ranking::default();
            let mut model: Vec<Option<Rank>> = vec![None; 23];
            let mut now = 0;
            for (what, position, rank, step) in steps {
                ranking.grow(position as usize + 1);
                match what {
                    0 | 1 => {
                        ranking.set(position, Some(rank));
                        model[position as usize] = Some(rank);
                    }
                    2 => {
                        ranking.set(position, None);
                        model[position as usize] = None;
                    }
                    _ => {
                        now += step;
                        ranking.advance(now);
                    }
                }
                let sorted = |accept: &dyn Fn(u32) -> bool| {
                    let mut all: Vec<_> = (0..23_u32)
                        .filter(|&at| accept(at))
                        .filter_map(|at| Some((at, model[at as usize]?)))
                        .collect();
                    all.sort_by(|(one, a), (other, b)| a.compare(b, now).0.then(one.cmp(other)));
                    all.first().map(|(at, _)| *at)
                };
                prop_assert_eq!(ranking.best(), sorted(&|_| true));
                let accept = |at: u32| at % 3 != position % 3;
                prop_assert_eq!(ranking.best_of(accept), sorted(&accept));
                prop_assert_eq!(ranking.best(), sorted(&|_| true));
            }
        }
    }
}
