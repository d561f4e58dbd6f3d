//! Stored accounts by whose they are.

use super::Pool;
use crate::credential::Identity;
use crate::entropy::Purpose;
use crate::facts::oauth::OauthFacts;
use crate::facts::{Kind, ProviderFacts};
use crate::id::{CredentialId, Handle};
use crate::oauth::identity_of_tokens;
use crate::secret::Secret;
use crate::select::IntMap;
use crate::vault::SecretParts;

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
    /// Who is the same account as one that is given, of which `by_secret` has the same secret; who else is, goes: into `removes`.
    /// What its tokens say of it is filled in. `None`: it was given before in this input.
    #[inline(never)]
    #[allow(clippy::option_option, reason = "nobody, and that it may not be, are two things")]
    pub(super) fn same(
        &mut self,
        pool: &Pool,
        facts: &ProviderFacts,
        parts: &SecretParts,
        identity: &mut Identity,
        by_secret: Option<Handle>,
        removes: &mut Vec<CredentialId>,
    ) -> Option<Option<Handle>> {
        let none = OauthFacts::default();
        let known = pool.registry.facts(&facts.name).and_then(|facts| facts.oauth);
        let oauth = known.as_deref().unwrap_or(&none);
        let tokens = core::iter::once(&parts.main).chain(&parts.refresh).map(Secret::expose);
        identity.fill(&identity_of_tokens(&oauth.identity, tokens));
        let taken = self.taken_over(pool, &facts.name, identity, oauth.org_scoped)?;
        let same = taken.first().copied().or(by_secret);
        for other in taken.into_iter().chain(by_secret) {
            let id = pool.engine.origin(other).and_then(|(_, id)| id);
            if let Some(id) = id.filter(|id| Some(other) != same && !removes.contains(id)) {
                removes.push(id);
            }
        }
        Some(same)
    }

    /// The stored accounts of the provider whose place an account of this identity takes: the one whose row it is to have first,
    /// that is the one of the very key, else the one that is stored longest. `None`: it was given before in this input.
    fn taken_over(
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
