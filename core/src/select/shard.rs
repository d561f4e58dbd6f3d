//! The ready index of one model: who can be picked, tier by tier, and when the first of the others comes back.

use super::bits::BitTree;
use super::int_map::IntMap;
use super::leader::{Key, Leader, NOBODY};
use super::ranking::Ranking;
use super::recency::Uses;
use super::standing::{OutReason, Standing};
use super::weighted::Credits;
use crate::id::Handle;
use crate::time::Instant;
use crate::usage::Rank;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the strategy orders those who are ready by, where it needs more than their places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Figure {
    /// Nothing.
    None,
    /// The last use.
    Used(u64),
    /// A share, and whether credits begin anew with every change.
    Weight(u32, bool),
    /// Open leases, and the last use.
    Load(u32, u64),
    /// What is left of it, over the time that is left.
    Usage(Rank),
}

/// What a strategy keeps of one tier.
#[derive(Clone, Debug, Default)]
pub(super) enum Order {
    #[default]
    None,
    Uses(Uses),
    Credits(Credits),
    /// The fewest open leases first, of equal ones the earliest use.
    Loads(Leader),
    /// `usage`, where something is known of somebody.
    Usage(Ranking),
}

/// What is compared of a load.
fn load(in_flight: u32, used: u64, position: u32) -> Key {
    Key::from(in_flight) << 96 | Key::from(used) << 32 | Key::from(position)
}

/// The ready ones of one tier, by their position in it.
#[derive(Clone, Debug, Default)]
pub(super) struct TierReady {
    pub(super) ready: BitTree,
    /// Those who are ready, or will be when their time has come: what a session's hash is counted off on.
    pub(super) present: BitTree,
    /// The places on the tier's circle of those who are ready, where there is one.
    pub(super) met: BitTree,
    pub(super) order: Order,
}

impl TierReady {
    pub(super) fn grow(&mut self, length: usize) {
        self.ready.grow(length);
        self.present.grow(length);
    }

    fn enter(&mut self, position: u32, figure: Figure) {
        self.ready.insert(position);
        self.present.insert(position);
        match figure {
            Figure::None => {}
            Figure::Used(used) => {
                if let Order::None = self.order {
                    self.order = Order::Uses(Uses::default());
                }
                if let Order::Uses(uses) = &mut self.order {
                    uses.enqueue(position, used);
                }
            }
            Figure::Weight(weight, restarts) => {
                if let Order::None = self.order {
                    self.order = Order::Credits(Credits::default());
                }
                if let Order::Credits(credits) = &mut self.order {
                    credits.enter(position, weight, restarts);
                }
            }
            Figure::Load(in_flight, used) => {
                if let Order::None = self.order {
                    self.order = Order::Loads(Leader::default());
                }
                if let Order::Loads(loads) = &mut self.order {
                    loads.grow(position as usize + 1);
                    loads.set(position, load(in_flight, used, position));
                }
            }
            Figure::Usage(rank) => {
                if let Order::None = self.order {
                    self.order = Order::Usage(Ranking::default());
                }
                if let Order::Usage(ranking) = &mut self.order {
                    ranking.grow(position as usize + 1);
                    ranking.set(position, Some(rank));
                }
            }
        }
    }

    fn leave(&mut self, position: u32, figure: Figure) {
        match (&mut self.order, figure) {
            (Order::Credits(credits), Figure::Weight(_, restarts)) => credits.leave(position, restarts),
            (Order::Credits(credits), _) => credits.leave(position, false),
            (Order::Loads(loads), _) => loads.set(position, NOBODY),
            (Order::Usage(ranking), _) => ranking.set(position, None),
            // Those who are not ready are passed over when they come up.
            (Order::None | Order::Uses(_), _) => {}
        }
    }

    /// Corrects the load of somebody who is ready.
    pub(super) fn set_load(&mut self, position: u32, in_flight: u32, used: u64) {
        if let (Order::Loads(loads), true) = (&mut self.order, self.ready.contains(position)) {
            loads.set(position, load(in_flight, used, position));
        }
    }

    /// Corrects what is left of somebody who is ready.
    pub(super) fn reckon(&mut self, position: u32, change: impl Fn(&mut Rank)) {
        if let (Order::Usage(ranking), true) = (&mut self.order, self.ready.contains(position)) {
            if let Some(mut rank) = ranking.get(position).copied() {
                change(&mut rank);
                ranking.set(position, Some(rank));
            }
        }
    }
}

/// The ready index of one model of one provider, or of all its models that have no state of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Shard {
    /// One for each tier of the table, in its order.
    pub(super) tiers: Vec<TierReady>,
    /// The tiers with somebody ready.
    pub(super) lit: BitTree,
    outs: IntMap<u32, (OutReason, Option<Instant>)>,
    /// Ends of those that are out for a known time; entries that no longer hold are dropped when they come up.
    ends: BinaryHeap<Reverse<(Instant, Handle)>>,
    /// Those who are out and may return: with a known end, and without one.
    timed: u32,
    untimed: u32,
    /// Those of the latter that come back when a lease ends.
    busy: u32,
}

impl Shard {
    pub(super) fn is_ready(&self, rank: usize, position: u32) -> bool {
        self.tiers.get(rank).is_some_and(|tier| tier.ready.contains(position))
    }

    /// Notes how a member stands. `place` is its place on the tier's circle, where there is one.
    pub(super) fn set(
        &mut self,
        rank: usize,
        (position, place): (u32, Option<u32>),
        handle: Handle,
        standing: Option<Standing>,
        figure: Figure,
    ) {
        self.forget_out(handle);
        let tier = &mut self.tiers[rank];
        match standing {
            Some(Standing::Ready) => {
                tier.enter(position, figure);
                if let Some(place) = place {
                    tier.met.insert(place);
                }
                self.lit.insert(rank as u32);
                return;
            }
            Some(Standing::Out(reason, until)) => {
                self.outs.insert(handle.0, (reason, until));
                match until {
                    Some(until) if reason.may_return() => {
                        self.timed += 1;
                        self.ends.push(Reverse((until, handle)));
                    }
                    None if reason.may_return() => {
                        self.untimed += 1;
                        self.busy += u32::from(matches!(reason, OutReason::Limit | OutReason::Probing));
                    }
                    _ => {}
                }
            }
            None => {}
        }
        let tier = &mut self.tiers[rank];
        if standing
            .is_some_and(|standing| matches!(standing, Standing::Out(reason, _) if reason.may_return()))
        {
            tier.present.insert(position);
        } else {
            tier.present.remove(position);
        }
        if tier.ready.remove(position) {
            tier.leave(position, figure);
            if let Some(place) = place {
                tier.met.remove(place);
            }
            if tier.ready.count() == 0 {
                self.lit.remove(rank as u32);
            }
        }
    }

    /// Makes room for [`Shard::hide`], so that it need not allocate: a note that counts for nothing.
    pub(super) fn prepare_to_hide(&mut self, handle: Handle) {
        self.outs.insert(handle.0, (OutReason::Excluded, None));
    }

    /// Takes a member out that is coming back, when as many of its calls as may be are under way. Allocates nothing.
    pub(super) fn hide(&mut self, rank: usize, (position, place): (u32, Option<u32>), handle: Handle) {
        let tier = &mut self.tiers[rank];
        if !tier.ready.remove(position) {
            return;
        }
        tier.leave(position, Figure::None);
        if let Some(place) = place {
            tier.met.remove(place);
        }
        if tier.ready.count() == 0 {
            self.lit.remove(rank as u32);
        }
        if self.outs.replace(&handle.0, (OutReason::Probing, None)) {
            self.untimed += 1;
            self.busy += 1;
        }
    }

    fn forget_out(&mut self, handle: Handle) {
        if let Some((reason, until)) = self.outs.remove(&handle.0) {
            match until {
                Some(_) if reason.may_return() => self.timed -= 1,
                None if reason.may_return() => {
                    self.untimed -= 1;
                    self.busy -= u32::from(matches!(reason, OutReason::Limit | OutReason::Probing));
                }
                _ => {}
            }
        }
        // Mostly entries that no longer hold: start over, so that repeated failures cannot fill the memory.
        if self.ends.len() > 64 && self.ends.len() > 4 * self.timed as usize {
            let outs = &self.outs;
            self.ends.retain(|Reverse((until, handle))| holds(outs, *handle, *until));
        }
    }

    /// Reads anew which tiers have somebody ready, after tiers were put in.
    pub(super) fn relight(&mut self) {
        self.lit = BitTree::default();
        self.lit.grow(self.tiers.len());
        for (rank, _) in self.tiers.iter().enumerate().filter(|(_, tier)| tier.ready.count() > 0) {
            self.lit.insert(rank as u32);
        }
    }

    /// How many are out and may return: with a known end, and without.
    pub(super) const fn waiting(&self) -> (u32, u32) {
        (self.timed, self.untimed)
    }

    /// How many come back when a lease ends.
    pub(super) const fn busy(&self) -> u32 {
        self.busy
    }

    /// Who of those that `accept` takes comes back first, and when.
    pub(super) fn soonest(&mut self, accept: impl Fn(Handle) -> bool) -> Option<(Instant, Handle)> {
        let mut passed_over = Vec::new();
        let found = loop {
            let Some(&Reverse((until, handle))) = self.ends.peek() else { break None };
            if !holds(&self.outs, handle, until) {
                self.ends.pop();
                continue;
            }
            if accept(handle) {
                break Some((until, handle));
            }
            passed_over.extend(self.ends.pop());
        };
        self.ends.extend(passed_over);
        found
    }
}

fn holds(outs: &IntMap<u32, (OutReason, Option<Instant>)>, handle: Handle, until: Instant) -> bool {
    matches!(outs.get(&handle.0), Some((reason, Some(end))) if *end == until && reason.may_return())
}
