//! A cooldown as a store keeps it.

use super::{Cooldown, Source};
use crate::json::{from_json, object, FromJson, Reader, ToJson, Writer, Wrong};
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
    /// How far each reason has climbed.
    pub levels: Levels,
}

/// How far each reason has climbed, in the order of [`Reason::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels(pub [u8; Reason::ALL.len()]);

impl Levels {
    /// Has none climbed?
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&level| level == 0)
    }
}

impl FromJson for Levels {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        let mut reason = Reason::Unknown;
        from.object()?;
        while from.key_into(&mut reason)? {
            self.0[reason as usize].read(from)?;
        }
        Ok(())
    }
}

impl ToJson for Levels {
    fn write(&self, to: &mut Writer) {
        to.open('{');
        for (reason, level) in Reason::ALL.iter().zip(&self.0).filter(|(_, &level)| level > 0) {
            to.field(reason.as_str(), level);
        }
        to.close('}');
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

from_json! {
    open CooldownRow {
        until,
        length,
        began,
        reason = None,
        source = Source::Default,
        levels = Levels::default(),
    }
}

impl ToJson for CooldownRow {
    fn write(&self, to: &mut Writer) {
        object!(to, self { until, length, began, reason if given, source, levels if given });
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
            levels: state.levels,
        }
    }

    /// How long it still rests: until its end, and no longer than its length, whatever the clock did since.
    fn left(&self, now: Now) -> Span {
        self.until.since(now.wall).min(self.length)
    }

    /// The state that the row means at this moment.
    pub fn restore(&self, now: Now) -> Cooldown {
        let left = self.left(now);
        Cooldown {
            active: left > Span::ZERO,
            until: now.mono + left,
            length: self.length,
            began: Instant(now.mono_of(self.began).0.min(now.mono.0)),
            reason: self.reason,
            source: self.source,
            levels: self.levels,
            ..Cooldown::default()
        }
    }

    /// What two writers of one scope agree on: the later end, the higher levels. The ends are compared by what is left of
    /// them now: one may have been written before the clock went back.
    #[must_use]
    pub fn merged(self, other: &Self, now: Now) -> Self {
        let (mut row, less) =
            if self.left(now) >= other.left(now) { (self, other.clone()) } else { (other.clone(), self) };
        for (level, other) in row.levels.0.iter_mut().zip(less.levels.0) {
            *level = other.max(*level);
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(level: u8) -> Levels {
        let mut levels = Levels::default();
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
            levels: levels(level),
        }
    }

    #[test]
    fn it_rests_no_longer_than_its_length_however_the_clock_jumped() {
        let back = Now::from_millis(1_000, 50);
        assert_eq!(row(1_000_000, 300, 1).restore(back).until, Instant(350));
        let later = Now::from_millis(2_000_000, 50);
        let state = row(1_000_000, 300, 2).restore(later);
        assert!(!state.active);
        assert_eq!(state.level(Reason::RateLimit), 2);
    }

    #[test]
    fn writing_and_reading_keep_everything() {
        let now = Now::from_millis(10_000, 10);
        let written = row(12_000, 3_000, 3);
        assert_eq!(CooldownRow::of(&written.restore(now), now).until, Timestamp(12_000));
        assert_eq!(CooldownRow::of(&written.restore(now), now).levels, written.levels);
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
