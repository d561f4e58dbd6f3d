//! Names that were turned into numbers.

use crate::id::{ModelIx, ProviderIx, RouteId};
use crate::select::Cursors;
use std::collections::BTreeMap;

/// So many models are told apart; further names share one state. Names come from callers, and nobody may fill the
/// memory with them.
pub const MAX_MODELS: usize = 65_536;

/// A provider and a model, as the hot path names them.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) provider: ProviderIx,
    pub(super) model: Option<ModelIx>,
    /// The ready index that serves it.
    pub(super) shard: u32,
    pub(super) cursors: Cursors,
}

/// Texts by number and numbers by text.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    texts: Vec<Box<str>>,
    numbers: BTreeMap<Box<str>, u32>,
}

impl Names {
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }

    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    pub(super) fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}

/// All routes.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    all: Vec<Route>,
    by_name: BTreeMap<(ProviderIx, Option<ModelIx>), RouteId>,
}

impl Routes {
    pub(super) fn find(&self, provider: ProviderIx, model: Option<ModelIx>) -> Option<RouteId> {
        self.by_name.get(&(provider, model)).copied()
    }

    pub(super) fn add(&mut self, provider: ProviderIx, model: Option<ModelIx>, shard: u32) -> RouteId {
        let id = RouteId(self.all.len() as u32);
        self.all.push(Route { provider, model, shard, cursors: Cursors::default() });
        self.by_name.insert((provider, model), id);
        id
    }

    pub(super) fn get(&self, id: RouteId) -> Option<&Route> {
        self.all.get(id.0 as usize)
    }

    pub(super) fn get_mut(&mut self, id: RouteId) -> Option<&mut Route> {
        self.all.get_mut(id.0 as usize)
    }

    /// The models that a provider was asked for.
    pub(super) fn models_of(&self, provider: ProviderIx) -> impl Iterator<Item = ModelIx> + '_ {
        self.by_name
            .range((provider, None)..=(provider, Some(ModelIx(u32::MAX))))
            .filter_map(|((_, model), _)| *model)
    }
}
