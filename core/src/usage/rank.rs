//! Who is to be used first: the order of accounts by what is left of them, as integers (spec/omp-selection.md §4.2, §4.4).
//!
//! An account whose allowance must be spent fastest, so that nothing of it is lost at the reset, goes first: its *drain* is what is
//! left, over the time that is left. The order is total and the same for all who look at one instant:
//!
//! 1. the class: the plan gives the model; the plan's allowance before credits; a short window that was not touched; a short window
//!    that is not hot; measured before not measured; out of reserve before in reserve;
//! 2. the priority, where priorities make no tiers;
//! 3. the drain of the long window, the higher first; then what is used of it, the less first;
//! 4. the drain of the short window, likewise; then what is used of it;
//! 5. the last use, the earlier first; then the place.
//!
//! Drains are compared as products of integers, so nothing is rounded and the relation is transitive. As time goes on two accounts
//! change their order at most once between two bends of their windows: [`Rank::compare`] says until when its answer holds, and the
//! index (`select/ranking.rs`) looks again only then.

use class::{HOT, IN_RESERVE, ON_CREDITS, PLAN, TOUCHED, UNMEASURED};
use core::cmp::Ordering;

/// All of a window, in parts per million.
pub(super) const ALL: u32 = 1_000_000;
/// What is left of a window's time counts as at least this, so that nothing is endlessly urgent. Milliseconds.
pub(super) const LEAST_LEFT: i64 = 60_000;
/// A window counts as at most so long. Milliseconds: 400 days.
pub(super) const LONGEST_WINDOW: i64 = 400 * 24 * 3_600_000;
/// The answer holds for ever.
pub(super) const NEVER: i64 = i64::MAX;

/// What an account's class is made of: the higher bit decides.
pub mod class {
    /// The plan gives the model (0), nobody knows (1), it does not (2).
    pub const PLAN: u32 = 1 << 8;
    /// The plan's allowance is spent, and credits are used.
    pub const ON_CREDITS: u32 = 1 << 7;
    /// Its short window was touched already.
    pub const TOUCHED: u32 = 1 << 6;
    /// Its short window is hot: nearly used up.
    pub const HOT: u32 = 1 << 5;
    /// Nothing is known of it.
    pub const UNMEASURED: u32 = 1 << 4;
    /// What is left of it is kept in reserve.
    pub const IN_RESERVE: u32 = 1 << 3;
}

/// How fast a window must be used to leave nothing at its reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// What is left, in parts per million.
    pub left: u32,
    /// When it begins anew, on the monotonic clock in ms; [`NEVER`] where that is not known: then its whole length is left.
    pub reset: i64,
    /// Its length in ms.
    pub length: i64,
}

/// Where an account stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// The class: the lower the better.
    pub class: u32,
    /// The higher the better.
    pub priority: i32,
    /// The long window.
    pub long: Drain,
    /// The short one.
    pub short: Drain,
    /// The last use: the smaller the better.
    pub used: u64,
}

impl Drain {
    /// A window of which half is left at no known time: what is not told counts as this.
    pub const fn unknown(length: i64) -> Self {
        Self { left: ALL / 2, reset: NEVER, length }
    }

    /// The time that is left, and by how much it shrinks with each millisecond: 1, or 0 at its bounds; and when that changes.
    fn time_left(self, now: i64) -> (i64, i64, i64) {
        let length = self.length.clamp(LEAST_LEFT, LONGEST_WINDOW);
        if self.reset == NEVER {
            return (length, 0, NEVER);
        }
        let left = self.reset.saturating_sub(now);
        if left > length {
            (length, 0, self.reset - length)
        } else if left > LEAST_LEFT {
            (left, 1, self.reset - LEAST_LEFT)
        } else {
            (LEAST_LEFT, 0, NEVER)
        }
    }

    /// Must it be used slower than the other?
    pub(super) fn is_slower(self, other: Self, now: i64) -> bool {
        self.compare(other, now).0.then(other.left.cmp(&self.left)) == Ordering::Greater
    }

    /// Which must be used faster at `now`: it comes first, that is, it is *less*. And until when that is so.
    fn compare(self, other: Self, now: i64) -> (Ordering, i64) {
        let (a, b) = (i64::from(self.left.min(ALL)), i64::from(other.left.min(ALL)));
        let ((time_a, shrinks_a, bend_a), (time_b, shrinks_b, bend_b)) =
            (self.time_left(now), other.time_left(now));
        // a / time_a against b / time_b; times are below 2^36 and shares below 2^20.
        let ahead = a * time_b - b * time_a;
        let gains = b * shrinks_a - a * shrinks_b;
        let mut until = bend_a.min(bend_b);
        if ahead == 0 && gains != 0 {
            until = until.min(now.saturating_add(1));
        } else if ahead.signum() * gains.signum() < 0 {
            let (ahead, gains) = (ahead.abs(), gains.abs());
            until = until.min(now.saturating_add(ahead / gains + i64::from(ahead % gains != 0)));
        }
        (0.cmp(&ahead), until)
    }
}

impl Rank {
    /// Somebody of whom nothing is known.
    pub const fn unmeasured(short: i64, long: i64, priority: i32, used: u64) -> Self {
        let class = UNMEASURED | TOUCHED;
        Self { class, priority, long: Drain::unknown(long), short: Drain::unknown(short), used }
    }

    /// Must a session leave this one for the other, whatever the cost of a cold start? For a plan that gives the model, for an
    /// allowance instead of credits, and to spare a reserve where the other is well.
    pub const fn loses_to(&self, best: &Self) -> bool {
        let (own, best) = (self.class, best.class);
        own >= PLAN && best < PLAN
            || own & ON_CREDITS > best & ON_CREDITS
            || own & IN_RESERVE != 0 && best & (IN_RESERVE | UNMEASURED | HOT) == 0
    }

    /// Who comes first at `now`, in milliseconds of the monotonic clock: *less* is better. And until when that is so, as far as it
    /// depends on the time.
    pub fn compare(&self, other: &Self, now: i64) -> (Ordering, i64) {
        let (order, until) = self.compare_left(other, now);
        (order.then(self.used.cmp(&other.used)), until)
    }

    /// The same, by what is left alone: those who are equal have but their last use between them.
    pub fn compare_left(&self, other: &Self, now: i64) -> (Ordering, i64) {
        let order = self.class.cmp(&other.class).then(other.priority.cmp(&self.priority));
        if order != Ordering::Equal {
            return (order, NEVER);
        }
        let (order, mut until) = self.long.compare(other.long, now);
        let order = order.then(other.long.left.cmp(&self.long.left));
        if order != Ordering::Equal {
            return (order, until);
        }
        let (order, also) = self.short.compare(other.short, now);
        until = until.min(also);
        (order.then(other.short.left.cmp(&self.short.left)), until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    fn drain(used: f64, reset_hours: Option<f64>, hours: i64) -> Drain {
        let left = ALL - (used * f64::from(ALL)).round() as u32;
        let reset = reset_hours.map_or(NEVER, |at| (at * HOUR as f64) as i64);
        Drain { left, reset, length: hours * HOUR }
    }

    /// Fractions of the window an hour, as the specification has them.
    fn rate(drain: Drain) -> f64 {
        f64::from(drain.left) / f64::from(ALL) / (drain.time_left(0).0 as f64 / HOUR as f64)
    }

    #[test]
    fn drains_are_those_of_the_specification() {
        for (given, expected) in [
            (drain(0.92, Some(0.25), 168), 0.32),
            (Drain::unknown(168 * HOUR), 0.002_976_19),
            (Drain::unknown(5 * HOUR), 0.1),
            (Drain::unknown(24 * HOUR), 0.020_833_3),
            (drain(1.0, Some(3.0), 168), 0.0),
            (drain(0.4, Some(-3.0), 168), 36.0),
            (drain(0.4, Some(500.0), 168), 0.003_571_43),
            (drain(0.55, Some(144.0), 168), 0.003_125),
        ] {
            assert!((rate(given) - expected).abs() < expected * 1e-5 + 1e-12, "{given:?} {}", rate(given));
        }
    }

    fn ranks() -> impl Strategy<Value = Rank> {
        let drain = || {
            let reset = prop_oneof![Just(NEVER), -100_000_i64..500_000, 0_i64..40_000_000];
            let length = prop_oneof![Just(120_000_i64), Just(300_000), Just(18_000_000)];
            let left = prop_oneof![Just(0_u32), Just(500_000), 0_u32..=ALL];
            (left, reset, length).prop_map(|(left, reset, length)| Drain { left, reset, length })
        };
        (0_u32..2, 0_i32..2, drain(), drain(), 0_u64..3)
            .prop_map(|(class, priority, long, short, used)| Rank { class, priority, long, short, used })
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in ranks(), b in ranks(), c in ranks(), now in 0_i64..600_000) {
            let order = |one: &Rank, other: &Rank| one.compare(other, now).0;
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &a), Ordering::Equal);
            if order(&a, &b) != Ordering::Greater && order(&b, &c) != Ordering::Greater {
                prop_assert_ne!(order(&a, &c), Ordering::Greater);
            }
        }

        #[test]
        fn an_answer_holds_as_long_as_it_says(a in ranks(), b in ranks(), now in 0_i64..600_000, later in 0_i64..700_000) {
            let (order, until) = a.compare(&b, now);
            prop_assert!(until > now);
            let then = now.saturating_add(later).min(until - 1);
            prop_assert_eq!(a.compare(&b, then).0, order, "from {} to {} until {}", now, then, until);
        }
    }
}
