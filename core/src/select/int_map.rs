//! A map from whole numbers, for keys that nobody can choose: numbers that we hand out ourselves, digests.

use core::marker::PhantomData;

/// A hash map with open addressing: a key stands at the first free place from where it belongs, and a removal closes the
/// gap, so that nothing is left behind. The standard library's is 6 KB of WebAssembly more, and no faster here.
#[derive(Clone, Debug)]
pub(crate) struct IntMap<K, V> {
    slots: Slots<V>,
    keys: PhantomData<K>,
}

impl<K, V> Default for IntMap<K, V> {
    fn default() -> Self {
        Self { slots: Slots { places: Vec::new(), length: 0 }, keys: PhantomData }
    }
}

impl<K: Copy + Into<u64>, V: Copy> IntMap<K, V> {
    /// The value of a key.
    #[inline]
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.slots.get((*key).into())
    }

    /// Sets the value of a key; gives the one that it had.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.slots.insert(key.into(), value)
    }

    /// Sets the value of a key that is there; says whether it is. Allocates nothing.
    pub(crate) fn replace(&mut self, key: &K, value: V) -> bool {
        self.slots.replace((*key).into(), value)
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.slots.remove((*key).into())
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.slots.length
    }

    /// For tests: keys and values, in an order that depends on nothing but what was done to the map.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, V)> + '_ {
        self.slots.places.iter().filter_map(|place| *place)
    }
}

#[derive(Clone, Debug)]
struct Slots<V> {
    /// None, or a power of two.
    places: Vec<Option<(u64, V)>>,
    length: usize,
}

impl<V: Copy> Slots<V> {
    /// Where a key belongs. There must be places.
    #[inline]
    fn home(&self, key: u64) -> usize {
        // The upper half of the product depends on every bit of the key.
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.places.len() - 1)
    }

    /// Where a key is, or where it would be put. There must be a free place.
    #[inline]
    fn place(&self, key: u64) -> usize {
        let mut at = self.home(key);
        while self.places[at].is_some_and(|(other, _)| other != key) {
            at = (at + 1) & (self.places.len() - 1);
        }
        at
    }

    #[inline]
    fn get(&self, key: u64) -> Option<&V> {
        if self.places.is_empty() {
            return None;
        }
        self.places[self.place(key)].as_ref().map(|(_, value)| value)
    }

    fn insert(&mut self, key: u64, value: V) -> Option<V> {
        // A quarter stays free.
        if self.length + 1 > self.places.len() / 4 * 3 {
            let larger = vec![None; (self.places.len() * 2).max(8)];
            for (key, value) in core::mem::replace(&mut self.places, larger).into_iter().flatten() {
                let at = self.place(key);
                self.places[at] = Some((key, value));
            }
        }
        let at = self.place(key);
        let old = self.places[at].replace((key, value));
        self.length += usize::from(old.is_none());
        old.map(|(_, value)| value)
    }

    fn replace(&mut self, key: u64, value: V) -> bool {
        if self.get(key).is_none() {
            return false;
        }
        let at = self.place(key);
        self.places[at] = Some((key, value));
        true
    }

    fn remove(&mut self, key: u64) -> Option<V> {
        if self.places.is_empty() {
            return None;
        }
        let mask = self.places.len() - 1;
        let mut gap = self.place(key);
        let (_, value) = self.places[gap].take()?;
        self.length -= 1;
        // Whoever stands behind the gap and belongs at it or before it moves up.
        let mut at = (gap + 1) & mask;
        while let Some((other, _)) = self.places[at] {
            let far = at.wrapping_sub(self.home(other)) & mask;
            if far >= at.wrapping_sub(gap) & mask {
                self.places[gap] = self.places[at].take();
                gap = at;
            }
            at = (at + 1) & mask;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_agrees_with_a_tree(steps in prop::collection::vec((0_u8..3, 0_u64..48, any::<u32>()), 0..300)) {
            let (mut map, mut tree) = (IntMap::<u64, u32>::default(), BTreeMap::new());
            for (step, key, value) in steps {
                // Some keys belong at one place.
                let key = if key < 24 { key } else { key << 57 };
                if step == 0 {
                    prop_assert_eq!(map.remove(&key), tree.remove(&key));
                } else {
                    prop_assert_eq!(map.insert(key, value), tree.insert(key, value));
                }
                prop_assert_eq!(map.len(), tree.len());
                prop_assert_eq!(map.get(&key), tree.get(&key));
                let mut all: Vec<_> = map.iter().collect();
                all.sort_unstable();
                prop_assert_eq!(all, tree.iter().map(|(&key, &value)| (key, value)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn numbers_in_a_row_and_at_distances_are_spread() {
        for step in [1_u64, 2, 4096, 1 << 31, 1 << 32] {
            let mut map = IntMap::<u64, u32>::default();
            for number in 0..10_000 {
                map.insert(number * step, 0);
            }
            let far = |(key, _): (u64, u32)| {
                map.slots.place(key).wrapping_sub(map.slots.home(key)) & (map.slots.places.len() - 1)
            };
            let most = map.iter().map(far).max();
            assert!(most < Some(64), "{step}: {most:?}");
        }
    }
}
