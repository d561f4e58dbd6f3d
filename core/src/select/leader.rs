//! The least of many keys: who of a tier has the fewest calls under way, or of one weight the most credit.
//!
//! A tree of nodes of eight, so that the way up from one of 100,000 has six nodes of two neighbouring lines of the cache, and
//! nothing to be guessed in any of them.

/// So many keys are in a node.
const FAN: usize = 8;

/// What is compared, the position last, so that no two are alike: who wins is in the key itself.
pub(super) type Key = u128;

/// Nobody's.
pub(super) const NOBODY: Key = Key::MAX;

/// The position that a key is of.
pub(super) const fn position_of(key: Key) -> u32 {
    key as u32
}

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Node([Key; FAN]);

impl Node {
    const EMPTY: Self = Self([NOBODY; FAN]);

    fn least(&self) -> Key {
        let [mut first, second] =
            [[self.0[0], self.0[1], self.0[2], self.0[3]], [self.0[4], self.0[5], self.0[6], self.0[7]]];
        for (one, other) in first.iter_mut().zip(second) {
            *one = (*one).min(other);
        }
        first[0].min(first[1]).min(first[2].min(first[3]))
    }
}

/// Keys by index.
#[derive(Clone, Debug)]
pub(super) struct Leader {
    /// `levels[0]` has the keys; a key of a higher level is the least of the node below it. The last level is one node.
    levels: Vec<Vec<Node>>,
    least: Key,
}

impl Default for Leader {
    fn default() -> Self {
        Self { levels: Vec::new(), least: NOBODY }
    }
}

impl Leader {
    /// Makes room for indices below `length`.
    pub(super) fn grow(&mut self, length: usize) {
        let mut nodes = length.div_ceil(FAN).max(1);
        if self.levels.first().is_some_and(|keys| keys.len() >= nodes) {
            return;
        }
        let mut level = 0;
        loop {
            if let Some(keys) = self.levels.get_mut(level) {
                keys.resize(nodes.max(keys.len()), Node::EMPTY);
            } else {
                // A level that is new on top says what the one below it holds so far: that was one node.
                let mut keys = vec![Node::EMPTY; nodes];
                keys[0].0[0] = self.least;
                self.levels.push(keys);
            }
            if nodes == 1 && level + 1 >= self.levels.len() {
                return;
            }
            nodes = nodes.div_ceil(FAN);
            level += 1;
        }
    }

    /// The key at an index.
    pub(super) fn get(&self, index: u32) -> Key {
        let node = self.levels.first().and_then(|keys| keys.get(index as usize / FAN));
        node.map_or(NOBODY, |node| node.0[index as usize % FAN])
    }

    /// Sets the key at an index. There must be room.
    pub(super) fn set(&mut self, index: u32, key: Key) {
        let (mut at, mut key) = (index as usize, key);
        for level in &mut self.levels {
            let Some(node) = level.get_mut(at / FAN) else { return };
            let before = std::mem::replace(&mut node.0[at % FAN], key);
            // Nothing above has heard of it before, and nothing will.
            if before == key && at != index as usize {
                return;
            }
            (at, key) = (at / FAN, node.least());
        }
        self.least = key;
    }

    /// The least.
    pub(super) const fn least(&self) -> Key {
        self.least
    }

    /// Changes every key that is somebody's. O(n).
    pub(super) fn change(&mut self, change: impl Fn(Key) -> Key) {
        for level in 0..self.levels.len() {
            let (below, from) = self.levels.split_at_mut(level);
            for (at, key) in from[0].iter_mut().flat_map(|node| &mut node.0).enumerate() {
                *key = match below.last() {
                    Some(below) => below.get(at).map_or(NOBODY, Node::least),
                    None if *key == NOBODY => NOBODY,
                    None => change(*key),
                };
            }
        }
        self.least = self.levels.last().map_or(NOBODY, |top| top[0].least());
    }

    /// The least of those whose positions `accept` takes. O(log n), and as much again for each that it refuses. `index_of`: where
    /// a position's key is.
    pub(super) fn least_of(
        &mut self,
        index_of: impl Fn(u32) -> u32,
        accept: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let mut refused = Vec::new();
        while self.least != NOBODY && !accept(position_of(self.least)) {
            let key = self.least;
            self.set(index_of(position_of(key)), NOBODY);
            refused.push(key);
        }
        let found = (self.least != NOBODY).then(|| position_of(self.least));
        for key in refused {
            self.set(index_of(position_of(key)), key);
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
        fn the_least_is_the_one_that_a_search_would_find(
            steps in prop::collection::vec((0u8..6, 0u32..700, 0u32..40), 1..300),
            width in 1u32..700,
        ) {
            let mut leader = Leader::default();
            let mut keys = vec![NOBODY; 700];
            for (what, index, number) in steps {
                let index = index % width;
                leader.grow(index as usize + 1);
                let key = Key::from(number) << 32 | Key::from(index);
                match what {
                    0 => {
                        leader.set(index, NOBODY);
                        keys[index as usize] = NOBODY;
                    }
                    1 => {
                        let change = |key: Key| (key ^ Key::from(number) << 32) + (1 << 40);
                        leader.change(change);
                        for key in keys.iter_mut().filter(|key| **key != NOBODY) {
                            *key = change(*key);
                        }
                    }
                    _ => {
                        leader.set(index, key);
                        keys[index as usize] = key;
                    }
                }
                prop_assert_eq!(leader.get(index), keys[index as usize]);
                let search = |accept: &dyn Fn(u32) -> bool| {
                    let taken = keys.iter().copied().filter(|&key| key != NOBODY && accept(position_of(key)));
                    taken.min().map(position_of)
                };
                let accept = |position: u32| position % 3 != number % 3;
                prop_assert_eq!(leader.least_of(|position| position, accept), search(&accept));
                prop_assert_eq!(leader.least(), keys.iter().copied().min().unwrap());
            }
        }
    }
}
