//! How long what a pool asks for takes, and what goes wrong with it: by the scenario's seed and its list of faults. Which one it is of its
//! kind decides, not when it comes, so that a script from which something is taken out goes on as before as far as it can.

use super::scenario::{FaultSpec, On, What, WorldSpec};
use crate::entropy::{Purpose, Seed};
use std::collections::BTreeMap;

/// What becomes of one thing that a pool asks for. Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// It arrives after so much.
    pub(super) there: u64,
    /// Its answer comes so much later.
    pub(super) back: u64,
    /// It is not done.
    pub(super) fails: bool,
    /// It is done, and told as failed.
    pub(super) fails_after: bool,
    /// It never arrives, told after so much.
    pub(super) lost: Option<u64>,
    /// Its answer comes once more, so much later.
    pub(super) again: Option<u64>,
}

/// Deals out fates.
pub(super) struct Fates {
    seed: Seed,
    store: (u64, u64),
    network: (u64, u64),
    /// By pool, kind and number: each thing that a pool asks for looks at its own only.
    faults: BTreeMap<(usize, usize, u32), Vec<FaultSpec>>,
    calm: u64,
    /// By pool and kind, how many there were.
    counts: Vec<[u32; 5]>,
    /// Draws for what is not asked by a pool.
    drawn: u64,
}

impl Fates {
    pub(super) fn new(spec: &WorldSpec, seed: Seed, pools: usize) -> Self {
        let (store, network) = (spec.store, spec.network);
        let mut faults: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for fault in &spec.faults {
            faults.entry((fault.pool, fault.on as usize, fault.nth)).or_default().push(*fault);
        }
        Self { seed, store, network, faults, calm: spec.calm, counts: vec![[0; 5]; pools], drawn: 0 }
    }

    /// A number between two, both included.
    pub(super) fn between(&mut self, (from, to): (u64, u64)) -> u64 {
        self.drawn += 1;
        span(self.seed.draw(Purpose::World, u64::MAX, self.drawn), from, to)
    }

    /// The fate of the next thing of a kind that a pool asks for.
    pub(super) fn next(&mut self, pool: usize, on: On, now: u64) -> Fate {
        let kind = on as usize;
        let nth = self.counts[pool][kind];
        self.counts[pool][kind] += 1;
        let (from, to) = if on == On::Request { self.network } else { self.store };
        let key = (pool as u64) << 8 | kind as u64;
        let draw = |way: u64| span(self.seed.draw(Purpose::World, key, u64::from(nth) << 1 | way), from, to);
        let mut fate = Fate { there: draw(0), back: draw(1), ..Fate::default() };
        if self.calm > 0 && now >= self.calm {
            return fate;
        }
        for fault in self.faults.get(&(pool, kind, nth)).into_iter().flatten() {
            match fault.what {
                What::Fail => fate.fails = true,
                What::FailAfter => fate.fails_after = true,
                What::Slow => fate.there += fault.ms,
                What::Late => fate.back += fault.ms,
                What::Lose => fate.lost = Some(fault.ms),
                What::Twice => fate.again = Some(fault.ms),
            }
        }
        fate
    }
}

const fn span(drawn: u64, from: u64, to: u64) -> u64 {
    from + (((drawn as u128) * ((to - from) as u128 + 1)) >> 64) as u64
}
