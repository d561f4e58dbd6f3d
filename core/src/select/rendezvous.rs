//! Rendezvous of sessions and credentials without a stored tie: who comes or goes moves its own share of the sessions, and
//! no other.
//!
//! Multi-probe consistent hashing (Appleton and O'Reilly, 2015): a credential has one point on a circle, a session asks at
//! several places for the next point of somebody who is ready, and takes the nearest. O(log n), no memory for a session.

use super::bits::BitTree;
use crate::entropy::{Purpose, Seed};

/// So many places does a session ask at: with eight the busiest has about a quarter more than its share; those with less are
/// close behind somebody else on the circle.
const PROBES: u32 = 8;

/// The points of one tier.
#[derive(Clone, Debug)]
pub(super) struct Circle {
    /// Point and position, in order.
    points: Vec<(u32, u32)>,
    /// By position: its place in `points`.
    places: Vec<u32>,
    /// By the first bits of a point: where such points begin.
    starts: Vec<u32>,
    shift: u32,
}

impl Circle {
    /// No circle: nobody is met.
    pub(super) const fn none() -> Self {
        Self { points: Vec::new(), places: Vec::new(), starts: Vec::new(), shift: 0 }
    }

    /// `points`: those of the positions, in their order.
    pub(super) fn new(points: impl Iterator<Item = u32>) -> Self {
        let mut points: Vec<_> = points.zip(0..).collect();
        points = std::collections::BinaryHeap::from(points).into_sorted_vec();
        let bits = points.len().next_power_of_two().trailing_zeros().clamp(1, 22);
        let shift = 32 - bits;
        let mut circle = Self { places: vec![0; points.len()], starts: Vec::new(), shift, points };
        let mut place = 0;
        for bucket in 0..1_u32 << bits {
            while circle.points.get(place).is_some_and(|(point, _)| point >> shift < bucket) {
                place += 1;
            }
            circle.starts.push(place as u32);
        }
        for (place, &(_, position)) in (0..).zip(&circle.points) {
            circle.places[position as usize] = place;
        }
        circle
    }

    /// A position's place on the circle; `None` where no circle was made.
    pub(super) fn place(&self, position: u32) -> Option<u32> {
        self.places.get(position as usize).copied()
    }

    /// How many places there are.
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// Whom a session meets, of those whose place is in `ready` and whose position `accept` takes.
    pub(super) fn meet(&self, session: u64, ready: &BitTree, accept: impl Fn(u32) -> bool) -> Option<u32> {
        let mut nearest: Option<(u32, u32)> = None;
        for probe in 0..PROBES {
            let from = asked_at(session, probe);
            // Somebody of the same bucket may be ready, but before it.
            let start = self.starts.get((from >> self.shift) as usize).copied().unwrap_or(0);
            let mut next = ready.at_or_after(start);
            while let Some(&(point, _)) = next.and_then(|place| self.points.get(place as usize)) {
                if point >= from {
                    break;
                }
                next = next.and_then(|place| ready.at_or_after(place + 1));
            }
            let mut place = next.or_else(|| ready.first())?;
            let first = place;
            loop {
                let (point, position) = self.points[place as usize];
                if accept(position) {
                    let found = (point.wrapping_sub(from), position);
                    nearest = Some(nearest.map_or(found, |nearest| nearest.min(found)));
                    break;
                }
                place = ready.at_or_after(place + 1).or_else(|| ready.first())?;
                if place == first {
                    return None;
                }
            }
        }
        nearest.map(|(_, position)| position)
    }
}

/// Where a session asks: a draw is two places.
fn asked_at(session: u64, probe: u32) -> u32 {
    let drawn = Seed(session).draw(Purpose::Probe, u64::from(probe / 2), 0);
    (drawn >> (probe % 2 * 32)) as u32
}

/// A credential's point: of its `uid`, so that it is the same in every process and after every restart.
pub(crate) fn point(uid: &str) -> u32 {
    (Seed(0).hash(Purpose::Point, &[uid]) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(count: u32) -> (Circle, BitTree) {
        let circle = Circle::new((0..count).map(|at| point(&at.to_string())));
        let mut ready = BitTree::default();
        ready.grow(count as usize);
        for place in 0..count {
            ready.insert(place);
        }
        (circle, ready)
    }

    fn meet(circle: &Circle, ready: &BitTree, session: u64) -> Option<u32> {
        circle.meet(session, ready, |_| true)
    }

    #[test]
    fn nobody_has_much_more_than_its_share() {
        let (circle, ready) = all(50);
        let mut shares = [0_u32; 50];
        for session in 0..20_000 {
            shares[meet(&circle, &ready, session).unwrap() as usize] += 1;
        }
        // A quarter more, and three deviations of a count.
        assert!(shares.iter().all(|share| (1..=567).contains(share)), "{shares:?}");
    }

    #[test]
    fn points_that_are_alike_are_told_apart() {
        let circle = Circle::new([7, 7, 7].into_iter());
        let mut ready = BitTree::default();
        ready.grow(3);
        assert_eq!(meet(&circle, &ready, 1), None);
        ready.insert(circle.place(1).unwrap());
        assert_eq!(meet(&circle, &ready, 1), Some(1));
        assert_eq!(circle.meet(1, &ready, |position| position != 1), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Who goes moves those who met it, who comes draws some to itself; everybody else stays. It agrees with a search.
        #[test]
        fn only_those_move_who_must(
            count in 1u32..60,
            steps in prop::collection::vec(0u32..60, 1..20),
        ) {
            let (circle, mut ready) = all(count);
            let sessions = 0..20_u64;
            let mut met: Vec<_> = sessions.clone().map(|session| meet(&circle, &ready, session)).collect();
            for position in steps.into_iter().filter(|&position| position < count) {
                let place = circle.place(position).unwrap();
                let comes = ready.insert(place);
                if !comes {
                    ready.remove(place);
                }
                for session in sessions.clone() {
                    let now = meet(&circle, &ready, session);
                    let before = std::mem::replace(&mut met[session as usize], now);
                    if now != before {
                        prop_assert_eq!(if comes { now } else { before }, Some(position));
                    }
                    let searched = (0..count).filter(|&at| ready.contains(circle.place(at).unwrap()));
                    let distance = |at: u32| (0..PROBES).map(|probe| {
                        point(&at.to_string()).wrapping_sub(asked_at(session, probe))
                    }).min();
                    prop_assert_eq!(now, searched.min_by_key(|&at| (distance(at), at)));
                }
            }
        }
    }
}
