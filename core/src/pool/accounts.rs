//! Stored accounts by whose they are.

use super::Pool;
use crate::credential::Identity;
use crate::entropy::Purpose;
use crate::facts::Kind;
use crate::id::Handle;
use crate::select::IntMap;

/// The accounts that are stored, and those that are given in the same input.
#[derive(Default)]
pub(super) struct Accounts {
    /// By keys of what they are recognised by, in order; made when somebody looks first.
    stored: Option<Vec<(u64, Handle)>>,
    given: IntMap<u64, ()>,
}

impl Accounts {
    /// The stored accounts of the provider whose place an account of this identity takes: the one whose row it is to have first,
    /// that is the one of the very key, else the one that is stored longest. `None`: it was given before in this input.
    pub(super) fn taken_over(
        &mut self,
        pool: &Pool,
        provider: &str,
        identity: &Identity,
        org_scoped: bool,
    ) -> Option<Vec<Handle>> {
        let key = |provider: &str, mark: (&str, String)| {
            pool.seed.hash(Purpose::Name, &[provider, mark.0, &mark.1])
        };
        let own = identity.key(org_scoped);
        if let Some(own) = &own {
            let all = own.marks().fold(0, |all: u64, mark| all.rotate_left(1) ^ key(provider, mark));
            if self.given.insert(all, ()).is_some() {
                return None;
            }
        }
        let stored = self.stored.get_or_insert_with(|| {
            let mut stored = Vec::new();
            for handle in pool.engine.handles() {
                let is_stored = pool.engine.origin(handle).is_some_and(|(origin, _)| origin.is_stored());
                let record =
                    pool.engine.record(handle).filter(|record| is_stored && record.kind == Kind::Oauth);
                let Some(record) = record else { continue };
                stored.extend(record.identity.marks().map(|mark| (key(&record.provider, mark), handle)));
            }
            stored.sort_unstable();
            stored
        });
        let mut taken = Vec::new();
        for mark in identity.marks() {
            let mark = key(provider, mark);
            let from = stored.partition_point(|(other, _)| *other < mark);
            let alike = stored[from..].iter().take_while(|(other, _)| *other == mark);
            let takes = |handle: &Handle| {
                let record = pool.engine.record(*handle);
                record.is_some_and(|record| {
                    *record.provider == *provider && identity.takes_over(&record.identity, org_scoped)
                })
            };
            taken.extend(alike.map(|(_, handle)| *handle).filter(takes));
        }
        let order = |handle: &Handle| {
            let same =
                pool.engine.record(*handle).is_some_and(|record| record.identity.key(org_scoped) == own);
            (!same, pool.engine.origin(*handle).and_then(|(_, id)| id))
        };
        taken.sort_unstable_by_key(order);
        taken.dedup();
        Some(taken)
    }
}
