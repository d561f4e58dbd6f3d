//! The pick by any other order than that of uses, which is the default's. Not in the WebAssembly that every program loads
//! (`scripts/build/split/everyday.mjs`): only another policy comes here.

use super::chance::{anybody, better_of_two};
use super::pick::{Choice, Start};
use super::rotation::{around, Cursors};
use super::shard::Order;
use super::table::Table;
use crate::id::Handle;
use crate::policy::Strategy;

impl Table {
    /// Picks one of a tier that `accept` takes.
    #[inline(never)]
    pub(super) fn pick_otherwise(
        &mut self,
        shard: u32,
        rank: usize,
        choice: Choice<'_>,
        cursors: &mut Cursors,
        accept: &dyn Fn(Handle) -> bool,
    ) -> Option<Handle> {
        let seated = &self.tiers[rank];
        let handle_at = |position: u32| seated.handle(position);
        let place_at = |position: u32| seated.places.get(position as usize).copied();
        let accept: &dyn Fn(u32) -> bool = &|position: u32| handle_at(position).is_some_and(accept);
        let hot_at = |position| handle_at(position).and_then(|handle| choice.hot.get(handle.0 as usize));
        let used_at = |position| hot_at(position).map_or(u64::MAX, |hot| hot.used);
        let tier = &mut self.shards[shard as usize].tiers[rank];
        let ready = &tier.ready;
        let length = seated.handles.len() as u32;
        let position = match (choice.start, choice.strategy, &mut tier.order) {
            (Start::Hash(hash), ..) => {
                let start = tier.present.nth(hash % tier.present.count().max(1))?;
                around(ready, start, accept)
            }
            (Start::Circle(session), ..) => seated.circle.meet(session, &tier.met, accept),
            (_, Strategy::RoundRobin, _) => cursors.by_rank[rank].turn(ready, place_at, accept),
            (_, Strategy::Sequential, _) => cursors.by_rank[rank].stay(ready, place_at, accept),
            (_, Strategy::Random, _) => anybody(choice.seed, cursors, (ready, length), accept),
            (_, Strategy::PowerOfTwo, _) => {
                let load = |position| hot_at(position).map_or((u32::MAX, 0), |hot| (hot.in_flight, hot.used));
                better_of_two(choice.seed, cursors, (ready, length), load, accept)
            }
            (_, _, Order::Uses(uses)) => uses.least_recent(ready, used_at, accept),
            (_, _, Order::Credits(credits)) => {
                // A turn is taken only if it is somebody's.
                around(ready, 0, accept)?;
                credits.turn(accept)
            }
            (_, _, Order::Loads(loads)) => loads.least_of(|position| position, accept),
            // Of a tier of which usage is known: for a circle, which came first.
            (_, _, Order::None | Order::Usage(_)) => around(ready, 0, accept),
        };
        handle_at(position?)
    }
}
