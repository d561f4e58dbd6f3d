//! How long a window lasts at the rate at which it was used so far.

use super::rank::ALL;
use super::report::Limit;
use crate::time::{Span, Timestamp};

/// Of a window that has only just begun nothing is foretold: it must have run for a hundredth of its length.
const LEAST_RUN: u64 = 100;

impl Limit {
    /// When nothing will be left of it, at the rate at which it was used since it began. `None`: it outlasts its reset, or nothing can
    /// be said, because it has no reset, no length, only just began or was not used.
    pub fn lasts_until(&self, now: Timestamp) -> Option<Timestamp> {
        let (reset, length) = (self.resets_at()?, self.duration()?);
        let used = u64::from(self.used_fraction()?.0);
        let remaining = reset.since(now);
        let run = length.0.checked_sub(remaining.0)?;
        if used == 0 || remaining.0 == 0 || run < length.0 / LEAST_RUN {
            return None;
        }
        let left = u64::from(ALL).saturating_sub(used);
        let lasts = u128::from(run) * u128::from(left) / u128::from(used);
        let lasts = Span(u64::try_from(lasts).unwrap_or(u64::MAX));
        Some(now + lasts).filter(|at| *at < reset)
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::{Amount, Ppm, Window};
    use super::*;

    fn limit(used: u32, reset: u64) -> Limit {
        let window = Window::of(Span(1000), Some(Timestamp(reset)));
        Limit { window: Some(window), amount: Amount::of_share(Ppm(used)), ..Limit::default() }
    }

    #[test]
    fn it_lasts_as_long_as_its_rate_says() {
        for (used, reset, now, expected) in [
            // Half of the window in a quarter of its time: the other half lasts another quarter.
            (500_000, 1000, 250, Some(500)),
            // Half in half of the time: to the very reset, which it reaches.
            (500_000, 1000, 500, None),
            (900_000, 1000, 500, Some(555)),
            (1_000_000, 1000, 500, Some(500)),
            (0, 1000, 500, None),
            (10_000, 1000, 5, None),
            (10_000, 1000, 1000, None),
            (10_000, 1000, 5000, None),
            // It claims to end later than it is long.
            (10_000, 5000, 100, None),
        ] {
            let lasts = limit(used, reset).lasts_until(Timestamp(now));
            assert_eq!(lasts, expected.map(Timestamp), "{used} {reset} {now}");
        }
        let endless = Limit { window: None, ..limit(1, 1) };
        assert_eq!(endless.lasts_until(Timestamp(0)), None);
    }
}
