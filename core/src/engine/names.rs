//! Names that were turned into numbers.

use crate::id::{ModelIx, ProviderIx, RouteId};
use crate::select::{Cursors, IntMap};

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
    /// Which rotation it belongs to.
    pub(super) rotation: u32,
    /// Has somebody asked for it, so that what is exhausted of it rests?
    pub(super) watched: bool,
}

/// Texts by number and numbers by text.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    texts: Vec<Box<str>>,
    /// The numbers in the order of their texts.
    sorted: Vec<u32>,
}

impl Names {
    fn place(&self, text: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|&number| (*self.texts[number as usize]).cmp(text))
    }

    pub(super) fn intern(&mut self, text: &str) -> u32 {
        match self.place(text) {
            Ok(place) => self.sorted[place],
            Err(place) => {
                let number = self.texts.len() as u32;
                self.texts.push(text.into());
                self.sorted.insert(place, number);
                number
            }
        }
    }

    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.place(text).ok().map(|place| self.sorted[place])
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
    by_name: IntMap<u64, u32>,
    rotations: Vec<Cursors>,
}

const fn key(provider: ProviderIx, model: Option<ModelIx>) -> u64 {
    let model = match model {
        Some(model) => model.0 as u64 + 1,
        None => 0,
    };
    (provider.0 as u64) << 32 | model
}

impl Routes {
    pub(super) fn find(&self, provider: ProviderIx, model: Option<ModelIx>) -> Option<RouteId> {
        self.by_name.get(&key(provider, model)).copied().map(RouteId)
    }

    /// `shares`: it goes on with the rotation of the provider's other routes.
    pub(super) fn add(
        &mut self,
        provider: ProviderIx,
        model: Option<ModelIx>,
        shard: u32,
        shares: bool,
        watched: bool,
    ) -> RouteId {
        let id = RouteId(self.all.len() as u32);
        let shared = shares.then(|| self.all.iter().find(|route| route.provider == provider)).flatten();
        let rotation = shared.map_or_else(
            || {
                self.rotations.push(Cursors::new(u64::from(id.0)));
                self.rotations.len() as u32 - 1
            },
            |route| route.rotation,
        );
        self.all.push(Route { provider, model, shard, rotation, watched });
        self.by_name.insert(key(provider, model), id.0);
        id
    }

    /// Shares rotations among a provider's routes, or gives each one of its own. They begin anew.
    pub(super) fn regroup(&mut self, shares: bool) {
        self.rotations.clear();
        for at in 0..self.all.len() {
            let (before, rest) = self.all.split_at_mut(at);
            let provider = rest[0].provider;
            let shared = before.iter().find(|route| shares && route.provider == provider);
            rest[0].rotation = shared.map_or_else(
                || {
                    self.rotations.push(Cursors::new(at as u64));
                    self.rotations.len() as u32 - 1
                },
                |route| route.rotation,
            );
        }
    }

    pub(super) fn get(&self, id: RouteId) -> Option<&Route> {
        self.all.get(id.0 as usize)
    }

    pub(super) fn get_mut(&mut self, id: RouteId) -> Option<&mut Route> {
        self.all.get_mut(id.0 as usize)
    }

    /// A route and its rotation.
    pub(super) fn rotation(&mut self, id: RouteId) -> Option<(&Route, &mut Cursors)> {
        let route = self.all.get(id.0 as usize)?;
        Some((route, &mut self.rotations[route.rotation as usize]))
    }

    /// A copy of a route's rotation.
    pub(super) fn rotation_of(&self, id: RouteId) -> Option<Cursors> {
        Some(self.rotations[self.get(id)?.rotation as usize].clone())
    }

    /// The models that a provider was asked for.
    pub(super) fn models_of(&self, provider: ProviderIx) -> impl Iterator<Item = ModelIx> + '_ {
        self.all.iter().filter(move |route| route.provider == provider).filter_map(|route| route.model)
    }
}
