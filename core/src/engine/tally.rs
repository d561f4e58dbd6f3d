//! What came of a credential's calls lately: counted by ten minutes, in memory only (CLIProxyAPI's ring of 20 buckets).

use crate::json::{object, ToJson, Writer};
use crate::time::{Span, Timestamp};

/// So long is one bucket.
const BUCKET: Span = Span::from_mins(10);
/// So many are remembered.
const BUCKETS: u64 = 20;

/// Calls that ended within ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// When the ten minutes began, by the wall clock.
    pub from: Timestamp,
    /// Calls that succeeded.
    pub success: u32,
    /// Calls that failed by its fault.
    pub failure: u32,
}

/// The buckets in which something happened, oldest first. Fed with totals: the hot path only counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    success: u64,
    failure: u64,
    buckets: Vec<Recent>,
}

impl Tally {
    /// So much there was before it counted, or others have counted it.
    pub(super) fn pass_over(&mut self, success: u64, failure: u64) {
        self.success = self.success.saturating_add(success);
        self.failure = self.failure.saturating_add(failure);
    }

    /// What is new in the totals happened now.
    pub(super) fn count(&mut self, now: Timestamp, success: u64, failure: u64) {
        let new = (success.saturating_sub(self.success), failure.saturating_sub(self.failure));
        if new == (0, 0) {
            return;
        }
        (self.success, self.failure) = (success, failure);
        let from = Timestamp(now.0 - now.0 % BUCKET.0);
        // Also those of a clock that was put back: they would stay for ever.
        self.buckets.retain(|bucket| is_recent(bucket.from, from));
        let at = self.buckets.iter().position(|bucket| bucket.from == from).unwrap_or_else(|| {
            self.buckets.push(Recent { from, success: 0, failure: 0 });
            self.buckets.len() - 1
        });
        let bucket = &mut self.buckets[at];
        bucket.success = bucket.success.saturating_add(u32::try_from(new.0).unwrap_or(u32::MAX));
        bucket.failure = bucket.failure.saturating_add(u32::try_from(new.1).unwrap_or(u32::MAX));
    }

    /// The last 200 minutes, oldest first; ten minutes in which nothing happened are left out.
    pub(super) fn recent(&self, now: Timestamp) -> Vec<Recent> {
        let from = Timestamp(now.0 - now.0 % BUCKET.0);
        self.buckets.iter().copied().filter(|bucket| is_recent(bucket.from, from)).collect()
    }
}

fn is_recent(bucket: Timestamp, current: Timestamp) -> bool {
    bucket <= current && current.0 - bucket.0 < BUCKETS * BUCKET.0
}

impl ToJson for Recent {
    fn write(&self, to: &mut Writer) {
        object!(to, self { from, success, failure });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_800_000_000_000;

    fn seen(tally: &Tally, minute: u64) -> Vec<(u64, u32, u32)> {
        let recent = tally.recent(Timestamp(START + minute * 60_000));
        recent.iter().map(|one| ((one.from.0 - START) / 60_000, one.success, one.failure)).collect()
    }

    #[test]
    fn each_ten_minutes_are_counted_apart_and_forgotten_after_200() {
        let mut tally = Tally::default();
        tally.pass_over(100, 50);
        let mut count = |minute: u64, success: u64, failure: u64| {
            tally.count(Timestamp(START + minute * 60_000), 100 + success, 50 + failure);
            tally.clone()
        };
        count(0, 1, 0);
        count(9, 2, 1);
        count(10, 3, 1);
        let tally = count(11, 3, 1);
        assert_eq!(seen(&tally, 11), [(0, 2, 1), (10, 1, 0)]);
        assert_eq!(seen(&tally, 199), [(0, 2, 1), (10, 1, 0)]);
        assert_eq!(seen(&tally, 200), [(10, 1, 0)]);
        assert_eq!(seen(&tally, 210), []);
    }

    #[test]
    fn a_clock_that_is_put_back_leaves_nothing_behind() {
        let mut tally = Tally::default();
        tally.count(Timestamp(START + 600_000_000), 1, 0);
        tally.count(Timestamp(START), 1, 1);
        assert_eq!(seen(&tally, 0), [(0, 0, 1)]);
        assert_eq!(tally.buckets.len(), 1);
    }
}
