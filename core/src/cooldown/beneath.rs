//! What still holds when a new secret ends a cooldown: a limit of the account that was said while its secret was refused.

use super::{Cooldown, Source};
use crate::json::{from_json, object, ToJson, Writer};
use crate::time::{Instant, Now, Span, Timestamp};
use crate::verdict::Reason;

/// A rest for a reason that no new secret mends, under one that a new secret ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beneath {
    pub(super) until: Instant,
    pub(super) length: Span,
    pub(super) began: Instant,
    pub(super) reason: Reason,
    pub(super) source: Source,
}

impl Cooldown {
    /// The rest that holds, where it is one that a new secret does not end.
    fn lasting(&self) -> Option<Beneath> {
        let reason = self.reason.filter(|reason| !reason.is_about_the_secret())?;
        let &Self { until, length, began, source, .. } = self;
        self.active.then_some(Beneath { until, length, began, reason, source })
    }

    /// Notes a rest that the one which holds, or will hold, covers.
    pub(super) fn lay_beneath(&mut self, rest: Option<Beneath>) {
        let lasting = rest.filter(|rest| !rest.reason.is_about_the_secret());
        self.beneath = self.beneath.into_iter().chain(lasting).max_by_key(|rest| rest.until);
    }

    /// What is beneath once a longer rest for `reason` has taken the place of this one.
    pub(super) fn beneath_of(&self, reason: Reason) -> Option<Beneath> {
        let held = [self.beneath, self.lasting()].into_iter().flatten().max_by_key(|rest| rest.until);
        held.filter(|_| self.active && reason.is_about_the_secret())
    }

    /// A new secret ends what the old one earned. Says whether there was such a rest; [`Cooldown::active`] then says whether
    /// another held beneath it.
    pub fn end_of_the_secret(&mut self, now: Instant) -> bool {
        if !self.reason.is_some_and(Reason::is_about_the_secret) {
            return false;
        }
        let beneath = self.beneath.filter(|rest| self.active && rest.until > now);
        let mut counts = self.counts;
        counts.forget_the_secret();
        *self = Self::default();
        if let Some(Beneath { until, length, began, reason, source }) = beneath {
            (self.active, self.until, self.length, self.began) = (true, until, length, began);
            (self.reason, self.source, self.counts) = (Some(reason), source, counts);
        }
        true
    }
}

/// It as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeneathRow {
    /// When it ends.
    pub until: Timestamp,
    /// How long it was to be when the end was set.
    pub length: Span,
    /// When the failure happened that set the end.
    pub began: Timestamp,
    /// Why it rests.
    pub reason: Reason,
    /// Who chose the end.
    pub source: Source,
}

from_json! { open BeneathRow { until, length, began, reason, source = Source::Default } }

impl ToJson for BeneathRow {
    fn write(&self, to: &mut Writer) {
        object!(to, self { until, length, began, reason, source });
    }
}

impl BeneathRow {
    pub(super) fn of(rest: &Beneath, now: Now) -> Self {
        let Beneath { until, length, began, reason, source } = *rest;
        Self { until: now.wall_of(until), length, began: now.wall_of(began), reason, source }
    }

    /// How long it still lasts: until its end, and no longer than its length, whatever the clock did since.
    pub(super) fn left(&self, now: Now) -> Span {
        self.until.since(now.wall).min(self.length)
    }

    pub(super) fn restore(&self, now: Now) -> Option<Beneath> {
        let left = self.left(now);
        let began = Instant(now.mono_of(self.began).0.min(now.mono.0));
        let &Self { length, reason, source, .. } = self;
        (left > Span::ZERO).then(|| Beneath { until: now.mono + left, length, began, reason, source })
    }
}

#[cfg(test)]
mod tests {
    use super::super::CooldownRow;
    use super::*;
    use crate::policy::Return;
    use proptest::prelude::*;

    const RULES: Return = Return { probes: 0, full: 0 };

    fn rest(state: &mut Cooldown, now: u64, length: u64, reason: Reason) {
        state.rest(Instant(now), Span(length), reason, Source::Hint);
    }

    /// As a store gives it back.
    fn stored(state: &Cooldown, now: u64) -> CooldownRow {
        let text = crate::json::write(&CooldownRow::of(state, Now::from_millis(now, now)));
        crate::json::read(&text).unwrap()
    }

    #[test]
    fn two_writers_agree_on_what_is_beneath() {
        let (mut ours, mut theirs) = (Cooldown::default(), Cooldown::default());
        rest(&mut ours, 0, 900, Reason::Auth);
        rest(&mut theirs, 0, 500, Reason::Quota);
        let now = Now::from_millis(10, 10);
        for (row, other) in
            [(stored(&ours, 10), stored(&theirs, 10)), (stored(&theirs, 10), stored(&ours, 10))]
        {
            let mut state = row.merged(&other, now).restore(RULES, now);
            assert_eq!((state.until, state.reason), (Instant(900), Some(Reason::Auth)));
            assert!(state.end_of_the_secret(Instant(20)));
            assert_eq!((state.active, state.until, state.reason), (true, Instant(500), Some(Reason::Quota)));
            assert!(!state.end_of_the_secret(Instant(20)), "a quota is nothing that a secret mends");
        }
    }

    proptest! {
        /// The rules once more, slow and obvious: every rest that was said is kept, and the longest of them holds.
        #[test]
        fn a_new_secret_ends_its_own_rests_and_no_other(
            steps in prop::collection::vec((0..400_u64, prop::option::of((1..1_000_u64, 0..4_usize))), 1..60),
        ) {
            let (mut state, mut said, mut now) = (Cooldown::default(), Vec::<(u64, Reason)>::new(), 0);
            for (later, what) in steps {
                now += later;
                if state.active && state.until.0 <= now {
                    state.recover(RULES, Instant(now));
                }
                said.retain(|(until, _)| *until > now);
                if let Some((length, reason)) = what {
                    let reason = [Reason::Auth, Reason::SessionExpired, Reason::Quota, Reason::RateLimit][reason];
                    rest(&mut state, now, length, reason);
                    said.push((now + length, reason));
                } else {
                    state.end_of_the_secret(Instant(now));
                    said.retain(|(_, reason)| !reason.is_about_the_secret());
                }
                let longest = said.iter().map(|(until, _)| *until).max();
                prop_assert_eq!(state.rests(Instant(now)).then_some(state.until.0), longest, "at {}", now);
                state = stored(&state, now).restore(RULES, Now::from_millis(now, now));
            }
        }
    }
}
