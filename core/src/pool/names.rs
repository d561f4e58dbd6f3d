//! Names of credentials: who has one, and which is free.

use super::Pool;
use crate::entropy::Purpose;
use crate::id::Handle;
use crate::select::IntMap;
use crate::sorted_map::SortedMap;

impl Pool {
    pub(super) fn names(&self) -> Names {
        let mut names = Names::default();
        for handle in self.engine.handles() {
            if let (Some(record), Some((origin, _))) =
                (self.engine.record(handle), self.engine.origin(handle))
            {
                if origin.is_stored() {
                    names.note(self.name_key(&record.provider, &record.name), &record.provider, handle.0);
                }
            }
        }
        names
    }

    /// Grows from the pool's seed, so that nobody can choose names whose keys are alike.
    fn name_key(&self, provider: &str, name: &str) -> u64 {
        self.seed.hash(Purpose::Name, &[provider, name])
    }
}

/// Names in use.
#[derive(Default)]
pub(super) struct Names {
    /// By a key of provider and name: the handle of a stored credential, or [`GIVEN`].
    taken: IntMap<u64, u32>,
    /// How many names each provider has.
    counts: SortedMap<Box<str>, usize>,
}

/// Whose a name is.
pub(super) enum Named {
    /// A credential that is given in the same input.
    Given,
    /// A stored credential.
    Stored(Handle),
}

const GIVEN: u32 = u32::MAX;

impl Names {
    fn note(&mut self, key: u64, provider: &str, whose: u32) {
        if self.taken.insert(key, whose).is_none() {
            match self.counts.get_mut(provider) {
                Some(count) => *count += 1,
                None => {
                    self.counts.insert(provider.into(), 1);
                }
            }
        }
    }

    pub(super) fn give(&mut self, pool: &Pool, provider: &str, name: &str) {
        self.note(pool.name_key(provider, name), provider, GIVEN);
    }

    pub(super) fn get(&self, pool: &Pool, provider: &str, name: &str) -> Option<Named> {
        match *self.taken.get(&pool.name_key(provider, name))? {
            GIVEN => Some(Named::Given),
            handle => Some(Named::Stored(Handle(handle))),
        }
    }

    /// The wished one, if there is one and nobody has it; else `default`, or `default-2` and so on.
    pub(super) fn free(&self, pool: &Pool, provider: &str, wish: Option<&str>) -> Box<str> {
        if let Some(wish) = wish.filter(|wish| self.get(pool, provider, wish).is_none()) {
            return wish.trim().into();
        }
        if self.get(pool, provider, "default").is_none() {
            return "default".into();
        }
        // The number of names bounds the search: among so many numbers one is free.
        let mut number = self.counts.get(provider).map_or(0, |count| *count) + 1;
        loop {
            let name = format!("default-{number}");
            if self.get(pool, provider, &name).is_none() {
                return name.into();
            }
            number += 1;
        }
    }
}
