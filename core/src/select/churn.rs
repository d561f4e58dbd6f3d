//! Every strategy against a slow and obvious model, while credentials come, rest, recover and go.

use super::*;
use crate::entropy::Seed;
use crate::id::Handle;
use crate::policy::Strategy;
use crate::time::Instant;
use crate::verdict::Reason;
use proptest::prelude::*;

const COUNT: usize = 12;
const STRATEGIES: [Strategy; 10] = [
    Strategy::RoundRobin,
    Strategy::FillFirst,
    Strategy::Sequential,
    Strategy::Weighted,
    Strategy::LeastRecentlyUsed,
    Strategy::LeastInFlight,
    Strategy::Random,
    Strategy::PowerOfTwo,
    Strategy::Priority,
    Strategy::KindOrder,
];

/// A table of twelve in two tiers, and what is obvious about them.
struct World {
    strategy: Strategy,
    table: Table,
    cursors: Cursors,
    seats: Vec<Seat>,
    ready: [bool; COUNT],
    seated: [bool; COUNT],
    hot: Vec<Hot>,
    uses: u64,
    /// Who was picked last of each tier, while it stays ready.
    last: [Option<usize>; 2],
    /// For each pair: by how many picks the one is ahead of the other since both are ready, at the least and at the most; and how
    /// often somebody was passed over.
    ahead: Vec<(i64, i64, i64, i64)>,
}

const fn tier_of(at: usize) -> usize {
    at % 2
}

fn key(at: usize) -> TierKey {
    TierKey { leg: tier_of(at) as u8, ..TierKey::default() }
}

impl World {
    fn new(strategy: Strategy) -> Self {
        let mut world = Self {
            strategy,
            table: Table::new(),
            cursors: Cursors::new(1),
            seats: vec![Seat::default(); COUNT],
            ready: [false; COUNT],
            seated: [true; COUNT],
            hot: vec![Hot::default(); COUNT],
            uses: 0,
            last: [None; 2],
            ahead: vec![(0, 0, 0, 0); COUNT * COUNT],
        };
        world.lay_out();
        world
    }

    fn figure(&self, at: usize) -> Figure {
        match self.strategy {
            Strategy::LeastRecentlyUsed | Strategy::KindOrder => Figure::Used(self.hot[at].used),
            Strategy::Weighted => Figure::Weight(1, false),
            Strategy::LeastInFlight => Figure::Load(self.hot[at].in_flight, self.hot[at].used),
            _ => Figure::None,
        }
    }

    fn standing(&self, at: usize) -> Standing {
        let resting = Standing::Out(OutReason::Cooling(Reason::RateLimit), Some(Instant(1)));
        if self.ready[at] {
            Standing::Ready
        } else {
            resting
        }
    }

    fn lay_out(&mut self) {
        let members = (0..COUNT).filter(|&at| self.seated[at]);
        let members = members.map(|at| (key(at), (0, at as u64 + 1), Handle(at as u32))).collect();
        let mut table = std::mem::take(&mut self.table);
        let mut seats = std::mem::take(&mut self.seats);
        let standing = |handle: Handle, _| {
            let at = handle.0 as usize;
            (Some(self.standing(at)), self.figure(at))
        };
        table.lay_out(members, &mut seats, standing, None);
        (self.table, self.seats) = (table, seats);
    }

    fn set_ready(&mut self, at: usize, ready: bool) {
        if !self.seated[at] || self.ready[at] == ready {
            return;
        }
        self.ready[at] = ready;
        if self.last[tier_of(at)] == Some(at) {
            self.last[tier_of(at)] = None;
        }
        for other in 0..COUNT {
            // Turns that somebody is owed are kept while it is away.
            for pair in [at * COUNT + other, other * COUNT + at] {
                self.ahead[pair] = (0, 0, 0, self.ahead[pair].3);
            }
        }
        let (standing, figure) = (self.standing(at), self.figure(at));
        self.table.set(0, Handle(at as u32), self.seats[at], Some(standing), figure);
    }

    fn pick(&mut self, refused: Option<usize>) -> Option<usize> {
        self.cursors.follow(&self.table);
        let choice = Choice {
            strategy: self.strategy,
            start: Start::Strategy,
            mono: Instant(0),
            seed: Seed(3),
            hot: &self.hot,
        };
        let accept = |handle: Handle| Some(handle.0 as usize) != refused;
        let picked = self.table.pick(0, choice, &mut self.cursors, accept)?.0 as usize;
        self.uses += 1;
        self.hot[picked].used = self.uses;
        self.hot[picked].in_flight += 1;
        self.rerank(picked);
        Some(picked)
    }

    fn rerank(&mut self, at: usize) {
        self.table.set_load(self.seats[at], self.hot[at].in_flight, self.hot[at].used);
    }

    /// Picks, and compares with what is obvious.
    fn check(&mut self, refused: Option<usize>) -> Result<(), TestCaseError> {
        let acceptable: Vec<_> = (0..COUNT).filter(|&at| self.ready[at] && Some(at) != refused).collect();
        let best = acceptable.iter().map(|&at| tier_of(at)).min();
        let hot = self.hot.clone();
        let picked = self.pick(refused);
        let Some(tier) = best else {
            prop_assert_eq!(picked, None);
            return Ok(());
        };
        let candidates: Vec<_> = acceptable.into_iter().filter(|&at| tier_of(at) == tier).collect();
        let Some(picked) = picked else { return Err(TestCaseError::fail("nobody was picked")) };
        prop_assert!(candidates.contains(&picked), "{} is not among {:?}", picked, candidates);
        let expected = match self.strategy {
            Strategy::FillFirst | Strategy::Priority => candidates.first().copied(),
            Strategy::LeastRecentlyUsed | Strategy::KindOrder => {
                candidates.iter().copied().min_by_key(|&at| (hot[at].used, at))
            }
            Strategy::LeastInFlight => {
                candidates.iter().copied().min_by_key(|&at| (hot[at].in_flight, hot[at].used, at))
            }
            Strategy::Sequential => self.last[tier].filter(|last| candidates.contains(last)),
            Strategy::PowerOfTwo if candidates.len() > 1 => {
                // Never the most loaded of all, unless others have as much.
                let most = candidates.iter().copied().max_by_key(|&at| (hot[at].in_flight, hot[at].used, at));
                prop_assert!(refused.is_some() || most != Some(picked));
                None
            }
            _ => None,
        };
        if let Some(expected) = expected {
            prop_assert_eq!(picked, expected);
        }
        // Passing somebody over for one caller moves nobody.
        if self.last[tier].is_none() || self.strategy != Strategy::Sequential {
            self.last[tier] = refused.is_none().then_some(picked);
        }
        if matches!(self.strategy, Strategy::RoundRobin | Strategy::Weighted) {
            self.check_fairness(picked, refused)?;
        }
        Ok(())
    }

    /// Of two who were both ready all the time, none is ever more than one turn ahead; under weights who was passed over gets
    /// the turn later.
    fn check_fairness(&mut self, picked: usize, refused: Option<usize>) -> Result<(), TestCaseError> {
        if refused.is_some() {
            for (now, low, high, passed) in &mut self.ahead {
                (*now, *low, *high) = (0, 0, 0);
                *passed += i64::from(self.strategy == Strategy::Weighted);
            }
            return Ok(());
        }
        for other in (0..COUNT).filter(|&other| other != picked && tier_of(other) == tier_of(picked)) {
            for (one, by) in [(picked * COUNT + other, 1), (other * COUNT + picked, -1)] {
                let (now, low, high, passed) = self.ahead[one];
                let now = now + by;
                self.ahead[one] = (now, low.min(now), high.max(now), passed);
            }
            let (_, low, high, passed) = self.ahead[picked * COUNT + other];
            let bound = if self.strategy == Strategy::RoundRobin { 1 } else { 2 + passed };
            if self.ready[picked] && self.ready[other] {
                prop_assert!(high - low <= bound, "{picked} and {other}: {low} to {high}");
            }
        }
        Ok(())
    }

    fn go(&mut self, at: usize) {
        if self.seated[at] {
            self.set_ready(at, false);
            self.seated[at] = false;
            if !self.table.unseat(Handle(at as u32), &self.seats) {
                self.lay_out();
            }
        } else {
            self.seated[at] = true;
            self.hot[at].used = 0;
            let place = (0, at as u64 + 1);
            if !self.table.seat(Handle(at as u32), key(at), place, &mut self.seats) {
                self.lay_out();
            }
        }
    }
}

proptest! {
    #[test]
    fn every_strategy_picks_whom_it_should(
        strategy in prop::sample::select(STRATEGIES.to_vec()),
        steps in prop::collection::vec((0u8..10, 0usize..COUNT), 1..250),
    ) {
        let mut world = World::new(strategy);
        for (what, at) in steps {
            match what {
                0 | 1 => world.set_ready(at, true),
                2 => world.set_ready(at, false),
                3 => world.go(at),
                4 if world.hot[at].in_flight > 0 && world.seated[at] => {
                    world.hot[at].in_flight -= 1;
                    world.rerank(at);
                }
                5 => world.check(Some(at))?,
                6 => world.lay_out(),
                _ => world.check(None)?,
            }
        }
    }

    /// Everybody is drawn as often as everybody else: 3 000 draws of n are within five deviations of their share.
    #[test]
    fn the_lot_favours_nobody(ready in 1usize..COUNT) {
        let mut world = World::new(Strategy::Random);
        for at in (0..COUNT).step_by(2).take(ready) {
            world.set_ready(at, true);
        }
        let drawn = ready.min(COUNT / 2);
        let mut counts = [0_f64; COUNT];
        for _ in 0..3_000 {
            counts[world.pick(None).unwrap()] += 1.0;
        }
        let share = 3_000.0 / drawn as f64;
        for at in (0..COUNT).step_by(2).take(ready) {
            prop_assert!((counts[at] - share).abs() <= 5.0 * share.sqrt(), "{counts:?}");
        }
    }
}

#[test]
fn a_session_is_counted_off_on_those_who_are_there() {
    let mut world = World::new(Strategy::FillFirst);
    for at in (0..COUNT).step_by(2) {
        world.set_ready(at, true);
    }
    let start = |world: &mut World, hash| {
        world.cursors.follow(&world.table);
        let choice = Choice {
            strategy: world.strategy,
            start: Start::Hash(hash),
            mono: Instant(0),
            seed: Seed(3),
            hot: &world.hot,
        };
        world.table.pick(0, choice, &mut world.cursors, |_| true).map(|handle| handle.0)
    };
    assert_eq!(start(&mut world, 8), Some(4));
    // Who rests is counted, and passed over.
    world.set_ready(4, false);
    assert_eq!((start(&mut world, 8), start(&mut world, 9)), (Some(6), Some(6)));
    // Who has gone is not.
    world.go(0);
    assert_eq!((start(&mut world, 8), start(&mut world, 9)), (Some(8), Some(10)));
    assert!(!world.table.somebody(0, |handle| handle.0 == 4));
}
