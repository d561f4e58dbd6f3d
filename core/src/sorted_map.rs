//! A map in a sorted list.

use crate::json::{FromJson, Reader, ToJson, Writer, Wrong};
use core::borrow::Borrow;

/// A map that keeps its entries in the order of their keys, in one list. Looking up takes O(log n); adding behind all others
/// O(1), anywhere else O(n) moves. A tree would do better in large maps that grow in the middle; here there are none, and
/// every tree of another type is two kilobytes of WebAssembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        match self.0.last() {
            // Keys that grow are common.
            Some((last, _)) if last.borrow() < key => Err(self.0.len()),
            _ => self.0.binary_search_by(|(other, _)| other.borrow().cmp(key)),
        }
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Sets the value of a key; gives the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(at) => Some(core::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes a key out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| self.0.remove(at).1)
    }
}

impl<K, V> SortedMap<K, V> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl<K: FromJson + Ord, V: FromJson> FromJson for SortedMap<K, V> {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        let mut key = K::blank();
        from.object()?;
        while from.key_into(&mut key)? {
            let mut value = V::blank();
            value.read(from)?;
            self.insert(core::mem::replace(&mut key, K::blank()), value);
        }
        Ok(())
    }
}

impl<K: AsRef<str>, V: ToJson> ToJson for SortedMap<K, V> {
    fn write(&self, to: &mut Writer) {
        to.open('{');
        for (key, value) in self.iter() {
            to.field(key.as_ref(), value);
        }
        to.close('}');
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_agrees_with_a_tree(steps in prop::collection::vec((0_u8..3, 0_u16..40, any::<u8>()), 0..200)) {
            let (mut map, mut tree) = (SortedMap::default(), BTreeMap::new());
            for (step, key, value) in steps {
                if step == 0 {
                    prop_assert_eq!(map.remove(&key), tree.remove(&key));
                } else {
                    prop_assert_eq!(map.insert(key, value), tree.insert(key, value));
                }
                prop_assert_eq!(map.get(&key), tree.get(&key));
                prop_assert_eq!((map.len(), map.is_empty()), (tree.len(), tree.is_empty()));
                prop_assert!(map.iter().eq(tree.iter()));
            }
        }
    }

    #[test]
    fn it_is_read_and_written_in_order() {
        let map: SortedMap<Box<str>, u8> = crate::json::read(r#"{"b":2,"a":1,"b":3}"#).unwrap();
        assert_eq!(crate::json::write(&map), r#"{"a":1,"b":3}"#);
        assert_eq!(crate::json::read::<SortedMap<Box<str>, u8>>(r#"{"b":-2}"#).unwrap_err().path, "b");
    }
}
