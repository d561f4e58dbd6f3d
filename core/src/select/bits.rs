//! A set of small numbers with a fast "next one from here": the ready ones of a tier.

/// Three levels of bits reach 2^18, four 2^24: a look-up is at most so many steps down and up, whatever is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitTree {
    /// `levels[0]` holds the members; a bit of a higher level says that the word below it is not empty.
    levels: Vec<Vec<u64>>,
    /// How many are in the words of `levels[0]`, as a Fenwick tree: the place of the `n`th member in O(log n).
    counts: Vec<u32>,
    ones: u32,
}

impl BitTree {
    /// How many are in the set.
    pub(crate) const fn count(&self) -> u32 {
        self.ones
    }

    /// Makes room for members below `length`.
    pub(crate) fn grow(&mut self, length: usize) {
        let mut words = length.div_ceil(64).max(1);
        if words > self.counts.len() {
            self.counts = vec![0; words];
            for (word, bits) in self.levels.iter().take(1).flatten().enumerate() {
                self.counts[word] += bits.count_ones();
                let parent = word | (word + 1);
                if parent < words {
                    self.counts[parent] += self.counts[word];
                }
            }
            // Sums of old words go on into the new ones.
            for word in self.levels.first().map_or(0, Vec::len)..words {
                let parent = word | (word + 1);
                if parent < words {
                    self.counts[parent] += self.counts[word];
                }
            }
        }
        let mut level = 0;
        loop {
            if level == self.levels.len() {
                // A level that is new on top says what the one below it holds so far.
                let below = self.levels.last().map(|below| below.iter().enumerate());
                let mut top = vec![0; words];
                for (word, _) in below.into_iter().flatten().filter(|(_, &bits)| bits != 0) {
                    top[word / 64] |= 1 << (word % 64);
                }
                self.levels.push(top);
            } else if self.levels[level].len() < words {
                self.levels[level].resize(words, 0);
            }
            if words == 1 && level + 1 >= self.levels.len() {
                return;
            }
            words = words.div_ceil(64);
            level += 1;
        }
    }

    /// Is it in the set?
    pub(crate) fn contains(&self, member: u32) -> bool {
        let (word, bit) = (member as usize / 64, member % 64);
        self.levels.first().and_then(|level| level.get(word)).is_some_and(|bits| bits >> bit & 1 == 1)
    }

    /// Puts it in. There must be room. Returns whether it is new.
    pub(crate) fn insert(&mut self, member: u32) -> bool {
        if self.contains(member) {
            return false;
        }
        let mut at = member as usize;
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            let was_empty = *word == 0;
            *word |= 1 << (at % 64);
            if !was_empty {
                break;
            }
            at /= 64;
        }
        self.ones += 1;
        self.count_word(member, 1);
        true
    }

    /// Takes it out. Returns whether it was in.
    pub(crate) fn remove(&mut self, member: u32) -> bool {
        if !self.contains(member) {
            return false;
        }
        let mut at = member as usize;
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                break;
            }
            at /= 64;
        }
        self.ones -= 1;
        self.count_word(member, u32::MAX);
        true
    }

    fn count_word(&mut self, member: u32, by: u32) {
        let mut word = member as usize / 64;
        while let Some(count) = self.counts.get_mut(word) {
            *count = count.wrapping_add(by);
            word |= word + 1;
        }
    }

    /// The `n`th smallest member, counted from 0.
    pub(crate) fn nth(&self, n: u32) -> Option<u32> {
        if n >= self.ones {
            return None;
        }
        let mut left = n;
        let mut word = 0;
        let mut step = self.counts.len().next_power_of_two();
        while step > 0 {
            if let Some(&count) = self.counts.get(word + step - 1) {
                if count <= left {
                    left -= count;
                    word += step;
                }
            }
            step /= 2;
        }
        Some(word as u32 * 64 + nth_bit(*self.levels.first()?.get(word)?, left))
    }

    /// The smallest member.
    pub(crate) fn first(&self) -> Option<u32> {
        self.at_or_after(0)
    }

    /// The smallest member that is not below `from`.
    pub(crate) fn at_or_after(&self, from: u32) -> Option<u32> {
        if self.ones == 0 {
            return None;
        }
        let mut at = from as usize;
        let mut level = 0;
        // Up, until a word has something at or after our place …
        loop {
            let word = *self.levels.get(level)?.get(at / 64)?;
            let rest = word & (u64::MAX << (at % 64));
            if rest != 0 {
                at = at / 64 * 64 + rest.trailing_zeros() as usize;
                break;
            }
            at = at / 64 + 1;
            level += 1;
        }
        // … and down again along the first bits.
        while level > 0 {
            level -= 1;
            at = at * 64 + self.levels[level][at].trailing_zeros() as usize;
        }
        Some(at as u32)
    }
}

/// Where the `n`th set bit of a word is, counted from 0; there must be so many. Bytes are counted side by side, so that
/// nothing is to be guessed before the last byte (Vigna, "Broadword implementation of rank/select queries", 2008).
const fn nth_bit(word: u64, n: u32) -> u32 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let pairs = word - (word >> 1 & 0x5555_5555_5555_5555);
    let fours = (pairs & 0x3333_3333_3333_3333) + (pairs >> 2 & 0x3333_3333_3333_3333);
    // How many bits are in each byte and all below it.
    let sums = ((fours + (fours >> 4)) & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(ONES);
    // A byte's upper bit stays where its sum is at most `n`: so many bytes are passed over.
    let passed = (((n as u64 * ONES) | ONES << 7).wrapping_sub(sums) >> 7 & ONES).wrapping_mul(ONES) >> 56;
    let at = passed as u32 * 8;
    let mut byte = word >> at;
    let mut left = n - ((sums << 8) >> at & 0xff) as u32;
    while left > 0 {
        byte &= byte - 1;
        left -= 1;
    }
    at + byte.trailing_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_bit_is_found_by_its_number(word in prop_oneof![any::<u64>(), Just(u64::MAX), (0u32..64).prop_map(|at| 1 << at)]) {
            let bits = (0..64).filter(|at| word >> at & 1 == 1);
            for (n, at) in (0..).zip(bits) {
                prop_assert_eq!(nth_bit(word, n), at);
            }
        }

        #[test]
        fn it_agrees_with_an_ordered_set(
            steps in prop::collection::vec((any::<bool>(), 0u32..300_000), 1..200),
            from in prop::collection::vec(0u32..310_000, 1..20),
        ) {
            let (mut tree, mut set) = (BitTree::default(), BTreeSet::new());
            for (insert, member) in steps {
                tree.grow(member as usize + 1);
                if insert {
                    prop_assert_eq!(tree.insert(member), set.insert(member));
                } else {
                    prop_assert_eq!(tree.remove(member), set.remove(&member));
                }
                prop_assert_eq!(tree.count() as usize, set.len());
                prop_assert_eq!(tree.first(), set.first().copied());
            }
            for from in from {
                prop_assert_eq!(tree.at_or_after(from), set.range(from..).next().copied());
                prop_assert_eq!(tree.contains(from), set.contains(&from));
            }
            for n in 0..=set.len() {
                prop_assert_eq!(tree.nth(n as u32), set.iter().nth(n).copied());
            }
        }
    }
}
