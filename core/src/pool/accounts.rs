//! Stored accounts by whose they are.

use super::Pool;
use crate::credential::Identity;
use crate::entropy::Purpose;
use crate::facts::Kind;
use crate::id::{CredentialId, Handle};
use crate::select::IntMap;

/// The accounts that are stored, and those that are given in the same input.
#[derive(Default)]
pub(super) struct Accounts {
    /// By digests of what they are recognised by: the last of those that are alike, in `alike`, counted from 1.
    stored: Option<IntMap<u64, u32>>,
    /// An account, and the one before it that is alike.
    alike: Vec<(Handle, u32)>,
    given: IntMap<u64, u32>,
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
        let digest = |provider: &str, text: &str| pool.seed.hash(Purpose::Name, &[provider, text]);
        let key = identity.key(org_scoped);
        if !key.is_empty() && self.given.insert(digest(provider, &key), 0).is_some() {
            return None;
        }
        let stored = self.stored.get_or_insert_with(|| {
            let mut stored = IntMap::default();
            for handle in pool.engine.handles() {
                let Some(record) = pool.account(handle) else { continue };
                for mark in record.identity.marks() {
                    let last = self.alike.len() as u32 + 1;
                    let before = stored.insert(digest(&record.provider, &mark), last).unwrap_or(0);
                    self.alike.push((handle, before));
                }
            }
            stored
        });
        let mut taken = Vec::new();
        // Of the first: is it of another key, and how long is it stored?
        let mut first = (true, None::<CredentialId>);
        for mark in identity.marks() {
            let mut at = stored.get(&digest(provider, &mark)).map_or(0, |at| *at);
            while let Some(&(handle, before)) = self.alike.get((at as usize).wrapping_sub(1)) {
                at = before;
                let Some(record) = pool.account(handle) else { continue };
                let same = *record.provider == *provider && identity.takes_over(&record.identity, org_scoped);
                if !same || taken.contains(&handle) {
                    continue;
                }
                let rank = (
                    record.identity.key(org_scoped) != key,
                    pool.engine.origin(handle).and_then(|(_, id)| id),
                );
                taken.push(handle);
                if taken.len() == 1 || rank < first {
                    first = rank;
                    let last = taken.len() - 1;
                    taken.swap(0, last);
                }
            }
        }
        Some(taken)
    }
}

impl Pool {
    /// The record of a stored account.
    fn account(&self, handle: Handle) -> Option<&crate::credential::Record> {
        let record = self.engine.record(handle).filter(|record| record.kind == Kind::Oauth)?;
        self.engine.origin(handle)?.0.is_stored().then_some(record)
    }
}
