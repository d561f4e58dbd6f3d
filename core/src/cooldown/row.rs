//! A cooldown as a store keeps it.

use super::{BeneathRow, Cooldown, Counts, PerReason, Source};
use crate::json::{from_json, object, ToJson, Writer};
use crate::policy::Return;
use crate::time::{Instant, Now, Span, Timestamp};
use crate::verdict::Reason;

/// One scope's health: its end as an instant of the wall clock, and its length, so that after a restart it rests until
/// the one and no longer than the other, whatever the clock did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CooldownRow {
    /// When it may be used again.
    pub until: Timestamp,
    /// How long it was to rest when the end was set.
    pub length: Span,
    /// When the failure happened that set the end.
    pub began: Timestamp,
    /// Why it rests.
    pub reason: Option<Reason>,
    /// Who chose the end.
    pub source: Source,
    /// What holds when a new secret ends it.
    pub beneath: Option<BeneathRow>,
    /// How far each reason's ladder has climbed.
    pub levels: PerReason,
    /// How often each reason failed, as far as it is remembered.
    pub failures: PerReason,
    /// How often all of them did.
    pub total: u16,
    /// When the last failure was.
    pub last: Timestamp,
}

from_json! {
    open CooldownRow {
        until,
        length,
        began,
        reason = None,
        source = Source::Default,
        beneath = None,
        levels = PerReason::default(),
        failures = PerReason::default(),
        total = 0,
        last = Timestamp(0),
    }
}

impl ToJson for CooldownRow {
    fn write(&self, to: &mut Writer) {
        let counted = self.total > 0;
        object!(to, self {
            until,
            length,
            began,
            reason if given,
            source,
            beneath if given,
            levels if given,
            failures if given,
            total if (counted),
            last if (counted),
        });
    }
}

impl CooldownRow {
    /// Writes a state down.
    pub fn of(state: &Cooldown, now: Now) -> Self {
        Self {
            until: now.wall_of(state.until),
            length: state.length,
            began: now.wall_of(state.began),
            reason: state.reason,
            source: state.source,
            beneath: state.beneath.as_ref().map(|rest| BeneathRow::of(rest, now)),
            levels: state.counts.levels,
            failures: state.counts.failures,
            total: state.counts.total,
            last: now.wall_of(state.counts.last),
        }
    }

    /// How long it still rests: until its end, and no longer than its length, whatever the clock did since.
    fn left(&self, now: Now) -> Span {
        self.until.since(now.wall).min(self.length)
    }

    /// Its rest, where it is one that a new secret does not end.
    fn lasting(&self) -> Option<BeneathRow> {
        let reason = self.reason.filter(|reason| !reason.is_about_the_secret())?;
        let &Self { until, length, began, source, .. } = self;
        Some(BeneathRow { until, length, began, reason, source })
    }

    /// The state that the row means at this moment. A rest that has ended without a success since is coming back.
    pub fn restore(&self, rules: Return, now: Now) -> Cooldown {
        let left = self.left(now);
        let past = |at: Timestamp| Instant(now.mono_of(at).0.min(now.mono.0));
        let mut state = Cooldown {
            active: left > Span::ZERO,
            until: now.mono + left,
            length: self.length,
            began: past(self.began),
            reason: self.reason,
            source: self.source,
            beneath: self.beneath.as_ref().and_then(|rest| rest.restore(now)),
            counts: Counts {
                levels: self.levels,
                failures: self.failures,
                total: self.total,
                last: past(self.last),
            },
            ..Cooldown::default()
        };
        if !state.active && self.length > Span::ZERO {
            state.recover(rules, now.mono);
        }
        state
    }

    /// What two writers of one scope agree on: the later end, the higher levels. The ends are compared by what is left of
    /// them now: one may have been written before the clock went back.
    #[must_use]
    pub fn merged(self, other: &Self, now: Now) -> Self {
        let (mut row, less) =
            if self.left(now) >= other.left(now) { (self, other.clone()) } else { (other.clone(), self) };
        if row.reason.is_some_and(Reason::is_about_the_secret) {
            let covered = [row.beneath.take(), less.lasting(), less.beneath];
            row.beneath = covered.into_iter().flatten().max_by_key(|rest| rest.left(now));
        }
        row.levels.raise(less.levels);
        row.failures.raise(less.failures);
        (row.total, row.last) = (row.total.max(less.total), row.last.max(less.last));
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Return = Return { probes: 0, full: 0 };

    fn levels(level: u8) -> PerReason {
        let mut levels = PerReason::default();
        levels.0[Reason::RateLimit as usize] = level;
        levels
    }

    fn row(until: u64, length: u64, level: u8) -> CooldownRow {
        CooldownRow {
            until: Timestamp(until),
            length: Span(length),
            began: Timestamp(until.saturating_sub(length)),
            reason: Some(Reason::RateLimit),
            source: Source::Ladder,
            beneath: None,
            levels: levels(level),
            failures: levels(level),
            total: u16::from(level),
            last: Timestamp(until.saturating_sub(length)),
        }
    }

    #[test]
    fn it_rests_no_longer_than_its_length_however_the_clock_jumped() {
        let back = Now::from_millis(1_000, 50);
        assert_eq!(row(1_000_000, 300, 1).restore(AT_ONCE, back).until, Instant(350));
        let later = Now::from_millis(2_000_000, 50);
        let state = row(1_000_000, 300, 2).restore(AT_ONCE, later);
        assert!(!state.active);
        assert_eq!(state.level(Reason::RateLimit), 2);
    }

    #[test]
    fn writing_and_reading_keep_everything() {
        let now = Now::from_millis(10_000, 10_000);
        let written = row(12_000, 3_000, 3);
        assert_eq!(CooldownRow::of(&written.restore(AT_ONCE, now), now).until, Timestamp(12_000));
        assert_eq!(CooldownRow::of(&written.restore(AT_ONCE, now), now), written);
        let text = crate::json::write(&written);
        assert_eq!(crate::json::read::<CooldownRow>(&text).unwrap(), written);
    }

    #[test]
    fn what_has_ended_without_a_success_since_is_coming_back() {
        let gently = Return { probes: 1, full: 16 };
        let now = Now::from_millis(2_000, 7);
        let half_open = row(1_000, 300, 1).restore(gently, now).half_open;
        assert_eq!(half_open.map(|half| (half.since, half.limit)), Some((Instant(7), 1)));
        assert_eq!(row(5_000, 4_000, 1).restore(gently, now).half_open, None, "it rests");
    }

    #[test]
    fn a_row_of_counts_alone_never_rested_and_is_not_coming_back() {
        let gently = Return { probes: 1, full: 16 };
        let counted = row(1_000, 0, 1);
        assert_eq!(counted.restore(gently, Now::from_millis(2_000, 7)).half_open, None);
    }

    #[test]
    fn what_says_nothing_is_not_written() {
        let text = crate::json::write(&row(12_000, 3_000, 0));
        assert_eq!(
            text,
            r#"{"until":12000,"length":3000,"began":9000,"reason":"rate_limit","source":"ladder"}"#
        );
    }

    #[test]
    fn of_two_writers_the_later_end_and_the_higher_level_win() {
        let now = Now::from_millis(3_950, 0);
        let merged = row(4_040, 100, 1).merged(&row(4_000, 100, 7), now);
        assert_eq!((merged.until, merged.levels.0[Reason::RateLimit as usize]), (Timestamp(4_040), 7));
    }

    #[test]
    fn an_end_that_was_written_before_the_clock_went_back_does_not_win() {
        let now = Now::from_millis(1_000, 0);
        let (ours, theirs) = (row(61_000, 60_000, 2), row(500_000, 30_000, 1));
        assert_eq!(ours.clone().merged(&theirs, now).until, Timestamp(61_000));
        assert_eq!(theirs.merged(&ours, now).until, Timestamp(61_000));
    }
}
