//! A failure that everybody sees is nobody's.

use crate::id::Handle;
use crate::policy::UpstreamRules;
use crate::sorted_map::SortedMap;
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Who has lately seen a provider's failure of a kind that may be the provider's own; for one provider and model.
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    /// When each saw it last; none: it was answered since.
    seen: SortedMap<Handle, Option<Instant>>,
    /// Each of these once, by a time at which it saw it.
    queue: BinaryHeap<Reverse<(Instant, Handle)>>,
    count: u32,
    /// Is the failure held to be the upstream's? So that it is told once.
    ill: bool,
}

/// What a further sighting means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// The credential's own, as far as anybody knows.
    Own,
    /// The upstream's, and it was not before.
    Begins,
    /// The upstream's, still.
    Goes,
}

impl Upstream {
    /// A credential has seen it; the provider has `pool` of them. O(log n) for each sighting.
    pub fn see(&mut self, rules: &UpstreamRules, who: Handle, pool: u32, now: Instant) -> Sighting {
        self.forget(rules, now);
        let before = self.seen.insert(who, Some(now));
        self.count += u32::from(before.flatten().is_none());
        if before.is_none() {
            self.queue.push(Reverse((now, who)));
        }
        let share = u64::from(self.count) * 100 >= u64::from(pool) * u64::from(rules.share);
        let ill = share && self.count >= rules.least;
        let was = std::mem::replace(&mut self.ill, ill);
        match (ill, was) {
            (false, _) => Sighting::Own,
            (true, false) => Sighting::Begins,
            (true, true) => Sighting::Goes,
        }
    }

    /// A credential was answered: it does not see it any longer.
    pub fn answered(&mut self, who: Handle) {
        if self.seen.get_mut(&who).is_some_and(|at| at.take().is_some()) {
            self.count -= 1;
        }
    }

    fn forget(&mut self, rules: &UpstreamRules, now: Instant) {
        while self.queue.peek().is_some_and(|Reverse((at, _))| now.since(*at) > rules.window) {
            let Some(Reverse((_, who))) = self.queue.pop() else { break };
            match self.seen.get(&who).copied().flatten() {
                Some(at) if now.since(at) <= rules.window => self.queue.push(Reverse((at, who))),
                last => {
                    self.count -= u32::from(last.is_some());
                    self.seen.remove(&who);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;
    use proptest::prelude::*;

    fn rules() -> UpstreamRules {
        UpstreamRules { share: 50, window: Span(60_000), least: 3, ..UpstreamRules::default() }
    }

    #[test]
    fn half_of_the_pool_is_the_upstream() {
        let mut upstream = Upstream::default();
        let mut see = |who, now| upstream.see(&rules(), Handle(who), 6, Instant(now));
        assert_eq!((see(0, 0), see(1, 1), see(1, 2)), (Sighting::Own, Sighting::Own, Sighting::Own));
        assert_eq!((see(2, 3), see(0, 4)), (Sighting::Begins, Sighting::Goes));
        assert_eq!(see(3, 70_000), Sighting::Own, "the others saw it too long ago");
    }

    #[test]
    fn a_sighting_counts_to_the_end_of_the_window_and_no_longer() {
        for (last, sighting) in [(60_000, Sighting::Begins), (60_001, Sighting::Own)] {
            let mut upstream = Upstream::default();
            let mut see = |who, now| upstream.see(&rules(), Handle(who), 6, Instant(now));
            assert_eq!((see(0, 0), see(1, 30_000), see(2, last)), (Sighting::Own, Sighting::Own, sighting));
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_search_of_all_that_was_seen(
            sightings in prop::collection::vec((0..8_u32, 0..40_000_u64, any::<bool>()), 1..80),
        ) {
            let (mut upstream, mut last, mut now) = (Upstream::default(), [None; 8], 0);
            for (who, later, answered) in sightings {
                now += later;
                if answered {
                    upstream.answered(Handle(who));
                    last[who as usize] = None;
                    continue;
                }
                last[who as usize] = Some(now);
                let found = upstream.see(&rules(), Handle(who), 8, Instant(now));
                let seen = last.iter().flatten().filter(|&&at| now - at <= 60_000).count();
                prop_assert_eq!(found != Sighting::Own, seen >= 4);
            }
        }
    }
}
