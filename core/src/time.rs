//! Time as data: two clocks, both given by the host, in whole milliseconds.
//!
//! Lengths (cooldowns, leases, waits) run on the monotonic clock. Instants that somebody outside stated (the expiry
//! of a token) are instants of the wall clock. Nothing here reads a clock.

use crate::json::{object, transparent, ToJson, Writer};
use core::ops::{Add, Sub};

/// An instant of the wall clock: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transparent))]
pub struct Timestamp(pub u64);

/// An instant of the monotonic clock: milliseconds since an origin that means nothing outside of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize), serde(transparent))]
pub struct Span(pub u64);

/// Both clocks at one moment: what every call into the engine is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The wall clock. It may jump.
    pub wall: Timestamp,
    /// The monotonic clock. A value smaller than an earlier one is taken as that earlier one.
    pub mono: Instant,
}

transparent!(Timestamp, Instant, Span);

impl ToJson for Now {
    fn write(&self, to: &mut Writer) {
        object!(to, self { wall, mono });
    }
}

impl Now {
    /// Both clocks from milliseconds.
    pub const fn from_millis(wall: u64, mono: u64) -> Self {
        Self { wall: Timestamp(wall), mono: Instant(mono) }
    }

    /// The wall instant at which the monotonic clock will show `at`, if the wall clock does not jump.
    pub const fn wall_of(self, at: Instant) -> Timestamp {
        if at.0 >= self.mono.0 {
            Timestamp(self.wall.0.saturating_add(at.0 - self.mono.0))
        } else {
            Timestamp(self.wall.0.saturating_sub(self.mono.0 - at.0))
        }
    }

    /// The monotonic instant at which the wall clock will show `at`, if it does not jump.
    pub const fn mono_of(self, at: Timestamp) -> Instant {
        if at.0 >= self.wall.0 {
            Instant(self.mono.0.saturating_add(at.0 - self.wall.0))
        } else {
            Instant(self.mono.0.saturating_sub(self.wall.0 - at.0))
        }
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// So many minutes.
    pub const fn from_mins(minutes: u64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    /// So many hours.
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_mins(hours.saturating_mul(60))
    }

    /// So many days of 24 hours.
    pub const fn from_days(days: u64) -> Self {
        Self::from_hours(days.saturating_mul(24))
    }

    /// The length in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl Instant {
    /// The length from `earlier` to this instant; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Timestamp {
    /// The length from `earlier` to this instant; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Instant {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_clocks_convert_into_each_other_and_saturate() {
        let now = Now::from_millis(1_000_000, 500);
        assert_eq!(now.wall_of(Instant(700)), Timestamp(1_000_200));
        assert_eq!(now.wall_of(Instant(400)), Timestamp(999_900));
        assert_eq!(now.mono_of(Timestamp(1_000_200)), Instant(700));
        assert_eq!(now.mono_of(Timestamp(0)), Instant(0));
        assert_eq!(now.wall_of(Instant(u64::MAX)), Timestamp(u64::MAX));
        assert_eq!(Instant(5) + Span(u64::MAX), Instant(u64::MAX));
        assert_eq!(Instant(3).since(Instant(9)), Span::ZERO);
    }
}
