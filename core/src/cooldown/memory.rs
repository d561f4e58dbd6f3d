//! What is remembered of failures: how often, how far their ladders have climbed, and until when it counts.

use super::ladder;
use crate::json::{FromJson, Reader, ToJson, Writer, Wrong};
use crate::policy::{Action, Climbs, CooldownRule, Memory};
use crate::time::{Instant, Span};
use crate::verdict::Reason;

const REASONS: usize = Reason::ALL.len();

/// A small number for each reason, in the order of [`Reason::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerReason(pub [u8; REASONS]);

/// Failures of a scope, or of a whole credential where the policy counts them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How far each reason's ladder has climbed.
    pub levels: PerReason,
    /// How often each reason failed.
    pub failures: PerReason,
    /// How many failures there were of all reasons.
    pub total: u16,
    /// When the last one was.
    pub last: Instant,
}

impl Counts {
    /// Is there anything in it?
    pub fn is_empty(&self) -> bool {
        self.total == 0 && self.failures.is_empty() && self.levels.is_empty()
    }

    /// Forgets what the policy does not remember any longer. `rested`: a rest has ended since the last failure.
    pub(super) fn fade(&mut self, memory: &Memory, now: Instant, rested: bool) {
        let old = memory.window.0 > 0 && self.total > 0 && now.since(self.last) > memory.window;
        if !(old || memory.rest_forgets && rested) {
            return;
        }
        let before = *self;
        *self = Self::default();
        for &reason in &memory.keeps {
            let at = reason as usize;
            self.levels.0[at] = before.levels.0[at];
            self.failures.0[at] = before.failures.0[at];
        }
    }

    /// Forgets the failures that a new secret mends. All of them together stay counted: a total has no reasons.
    pub(super) fn forget_the_secret(&mut self) {
        for reason in Reason::ALL.iter().filter(|reason| reason.is_about_the_secret()) {
            self.levels.0[*reason as usize] = 0;
            self.failures.0[*reason as usize] = 0;
        }
    }

    /// Counts a failure.
    pub(super) fn count(&mut self, reason: Reason, now: Instant) {
        let failures = &mut self.failures.0[reason as usize];
        *failures = failures.saturating_add(1);
        self.total = self.total.saturating_add(1);
        self.last = now;
    }

    /// The length of the next rest of a ladder, which is climbed by it.
    pub(super) fn climb(&mut self, rule: &CooldownRule, reason: Reason) -> Span {
        debug_assert!(rule.action == Action::Ladder, "flat rests have no level");
        let level = &mut self.levels.0[reason as usize];
        let (length, next) = match rule.climbs {
            Climbs::Rests => ladder::step(rule, *level),
            Climbs::Failures => ladder::step(rule, self.failures.0[reason as usize].saturating_sub(1)),
            Climbs::AllFailures => {
                ladder::step(rule, u8::try_from(self.total.saturating_sub(1)).unwrap_or(u8::MAX))
            }
        };
        *level = next;
        length
    }
}

impl PerReason {
    /// Are all zero?
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&number| number == 0)
    }

    /// Reasons with a number above zero.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u8)> + '_ {
        let pairs = Reason::ALL.iter().zip(&self.0);
        pairs.filter(|(_, &number)| number > 0).map(|(&reason, &number)| (reason, number))
    }

    /// Takes over another's numbers where they are higher.
    pub(super) fn raise(&mut self, other: Self) {
        for (number, other) in self.0.iter_mut().zip(other.0) {
            *number = other.max(*number);
        }
    }
}

impl FromJson for PerReason {
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

impl ToJson for PerReason {
    fn write(&self, to: &mut Writer) {
        to.open('{');
        for (reason, number) in self.iter() {
            to.field(reason.as_str(), &number);
        }
        to.close('}');
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}
