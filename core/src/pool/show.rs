//! What a pool shows, by name.

use super::Pool;
use crate::credential::Origin;
use crate::engine::MemberView;
use crate::id::{CredentialId, Handle};
use crate::json::{object, ToJson, Writer};
use crate::time::Timestamp;

/// Who would be picked, and why the others would not.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The name of the one that would be picked.
    pub picked: Option<Box<str>>,
    /// Every candidate, in stored order.
    pub candidates: Vec<CandidateView>,
}

/// A candidate, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateView {
    /// Its place in the host's table.
    pub handle: Handle,
    /// Its id in the store.
    pub id: Option<CredentialId>,
    /// Its name.
    pub name: Box<str>,
    /// Which leg of the cascade it belongs to.
    pub origin: Origin,
    /// `picked`, `ready`, or the reason it is out.
    pub verdict: &'static str,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Its place in the order in which they would be picked; 1 would be picked now.
    pub rank: Option<u32>,
    /// What its upstream calls the model, where that is not the caller's name.
    pub model: Option<Box<str>>,
}

impl Pool {
    /// Every credential of a provider (or of all), without secrets.
    pub fn list(&self, provider: Option<&str>) -> Vec<MemberView> {
        let provider = provider.map(|provider| self.name_of(provider));
        self.engine
            .handles()
            .filter_map(|handle| self.engine.member_view(handle))
            .filter(|view| provider.as_ref().is_none_or(|provider| *provider == view.provider))
            .map(|view| self.with_egress(view))
            .collect()
    }

    fn with_egress(&self, mut view: MemberView) -> MemberView {
        let parts = self.engine.secret(view.handle).and_then(|secret| self.vault.get(secret));
        if let Some(egress) = parts.and_then(|parts| parts.egress.as_ref()) {
            view.proxy_url = egress.shown_proxy();
            view.headers = egress.headers.iter().map(|(name, _)| name.clone()).collect();
        }
        view
    }

    /// Who would be picked now, and why the others would not. Changes nothing but the names it learns.
    pub fn explain(&mut self, provider: &str, model: Option<&str>, session: Option<&str>) -> Explanation {
        let route = self.route(provider, model);
        let session = session.map_or(crate::id::SessionIx::NONE, |name| self.session(name));
        let mut picked = None;
        let candidates = self
            .engine
            .explain(route, session)
            .into_iter()
            .filter_map(|candidate| {
                let record = self.engine.record(candidate.handle)?;
                let (origin, id) = self.engine.origin(candidate.handle)?;
                if candidate.picked {
                    picked = Some(record.name.clone());
                }
                let verdict = match candidate.out {
                    _ if candidate.picked => "picked",
                    None => "ready",
                    Some(reason) => reason.as_str(),
                };
                let (handle, name, until) = (candidate.handle, record.name.clone(), candidate.until);
                let (rank, model) = (candidate.rank, candidate.upstream);
                Some(CandidateView { handle, id, name, origin, verdict, until, rank, model })
            })
            .collect();
        Explanation { picked, candidates }
    }
}

impl ToJson for Explanation {
    fn write(&self, to: &mut Writer) {
        object!(to, self { picked if given, candidates });
    }
}

impl ToJson for CandidateView {
    fn write(&self, to: &mut Writer) {
        object!(to, self { handle, id if given, name, origin, verdict, until if given, rank if given, model if given });
    }
}
