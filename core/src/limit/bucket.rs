//! A token bucket in whole numbers.

use crate::time::Instant;

/// One of what is counted, in the bucket's own unit: with a rate of one a minute, one unit comes back each millisecond.
const ONE: u64 = 60_000;

/// What was taken and has not come back yet. A rate of `r` a minute gives `r` units back each millisecond, so nothing is
/// ever rounded away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    owed: u64,
    at: Instant,
}

impl Bucket {
    fn owed(&self, rate: u64, now: Instant) -> u64 {
        self.owed.saturating_sub(now.since(self.at).0.saturating_mul(rate))
    }

    /// Takes so many at a rate of so many a minute, whether they are there or not.
    pub fn take(&mut self, rate: u64, count: u64, now: Instant) {
        self.owed = self.owed(rate, now).saturating_add(count.saturating_mul(ONE));
        self.at = self.at.max(now);
    }

    /// Gives so many back: they were not used after all.
    pub fn give_back(&mut self, rate: u64, count: u64, now: Instant) {
        self.owed = self.owed(rate, now).saturating_sub(count.saturating_mul(ONE));
        self.at = self.at.max(now);
    }

    /// Somebody who must know says that no more than `left` of `capacity` are left. Believed only where that is less than
    /// what is left here: others may use the same credential.
    pub fn at_most(&mut self, rate: u64, capacity: u64, left: u64, now: Instant) {
        self.owed = self.owed(rate, now).max(capacity.saturating_sub(left).saturating_mul(ONE));
        self.at = self.at.max(now);
    }

    /// When `count` of `capacity` are there to be taken; `None` where they are now. More than the capacity are there when
    /// the bucket is full.
    pub fn free_at(&self, rate: u64, capacity: u64, count: u64, now: Instant) -> Option<Instant> {
        let may_owe = capacity.saturating_sub(count.min(capacity)).saturating_mul(ONE);
        let missing = self.owed(rate, now).checked_sub(may_owe).filter(|&missing| missing > 0)?;
        Some(Instant(now.0.saturating_add(missing.div_ceil(rate.max(1)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_taken_comes_back_one_by_one() {
        let mut bucket = Bucket::default();
        for _ in 0..60 {
            assert_eq!(bucket.free_at(60, 60, 1, Instant(0)), None);
            bucket.take(60, 1, Instant(0));
        }
        assert_eq!(bucket.free_at(60, 60, 1, Instant(0)), Some(Instant(1_000)));
        assert_eq!(bucket.free_at(60, 60, 1, Instant(999)), Some(Instant(1_000)));
        assert_eq!(bucket.free_at(60, 60, 1, Instant(1_000)), None);
        assert_eq!(bucket.free_at(60, 60, 10, Instant(1_000)), Some(Instant(10_000)));
        assert_eq!(
            bucket.free_at(60, 60, 1_000, Instant(1_000)),
            Some(Instant(60_000)),
            "all that there can be"
        );
    }

    #[test]
    fn nothing_overflows() {
        let mut bucket = Bucket::default();
        bucket.take(u64::MAX, u64::MAX, Instant(0));
        bucket.take(1, u64::MAX, Instant(u64::MAX));
        assert!(bucket.free_at(1, u64::MAX, 1, Instant(u64::MAX)).is_none_or(|at| at == Instant(u64::MAX)));
        bucket.at_most(3, u64::MAX, 0, Instant(0));
        bucket.give_back(3, u64::MAX, Instant(0));
        assert_eq!(bucket.free_at(3, 1, 1, Instant(u64::MAX)), None);
    }

    proptest! {
        /// In no window of any length more goes through than a full bucket and what comes back in that time; and it goes
        /// through as soon as it may.
        #[test]
        fn no_window_lets_more_through_than_is_allowed(
            rate in 1u64..5_000,
            capacity in 1u64..50,
            steps in prop::collection::vec((0u64..3_000, 1u64..5), 1..120),
        ) {
            let mut bucket = Bucket::default();
            let mut let_through: Vec<(u64, u64)> = Vec::new();
            let mut now = 0;
            for (pause, count) in steps {
                now += pause;
                let count = count.min(capacity);
                // The slow and obvious rule, in numbers that cannot round: at every start of a window so far, what went
                // through since fits with this one.
                let fits = |at: u64| {
                    (0..let_through.len()).all(|first| {
                        let since = let_through[first].0;
                        let taken: u64 = let_through[first..].iter().map(|(_, count)| count).sum::<u64>() + count;
                        taken * ONE <= capacity * ONE + (at - since) * rate
                    })
                };
                match bucket.free_at(rate, capacity, count, Instant(now)) {
                    None => {
                        prop_assert!(fits(now), "let through too early");
                        bucket.take(rate, count, Instant(now));
                        let_through.push((now, count));
                    }
                    Some(at) => {
                        prop_assert!(at.0 > now);
                        prop_assert!(fits(at.0), "promised too early");
                        prop_assert!(!fits(at.0 - 1), "kept waiting for nothing");
                    }
                }
            }
        }
    }
}
