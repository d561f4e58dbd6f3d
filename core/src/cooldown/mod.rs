//! What a failure does to one scope of a credential, and what a success undoes.

mod ladder;
mod row;

pub use row::{CooldownRow, Levels};

use crate::entropy::{Purpose, Seed};
use crate::json::words;
use crate::policy::{Action, CooldownRule, HintRules};
use crate::time::{Instant, Span};
use crate::verdict::{Failure, Reason};

/// Who chose the end of a cooldown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A hint of the provider.
    Hint,
    /// A ladder of the policy.
    Ladder,
    /// A fixed length of the policy.
    #[default]
    Default,
    /// A person.
    Hand,
}

words! {
    /// The word used in rows and events.
    Source { Hint = "hint", Ladder = "ladder", Default = "default", Hand = "hand" }
}

/// The health of one scope: its cooldown, and what is remembered of failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cooldown {
    /// Is it out now? Becomes false when the engine has served the deadline.
    pub active: bool,
    /// When it may be used again.
    pub until: Instant,
    /// How long it was to rest when the end was set. After a restart it rests no longer than this.
    pub length: Span,
    /// When the failure happened that set the end.
    pub began: Instant,
    /// Why it rests.
    pub reason: Option<Reason>,
    /// Who chose the end.
    pub source: Source,
    /// How far each reason has climbed.
    levels: Levels,
    /// Failures that have not cooled anything yet.
    strikes: Strikes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Strikes {
    reason: Option<Reason>,
    count: u32,
    first: Instant,
    last: Instant,
}

/// What a failure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that a selection would notice.
    Nothing,
    /// The scope rests until [`Cooldown::until`]; it did not before, or not so long.
    Cooled,
}

/// What the arithmetic of a cooldown depends on, beside the rule.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The moment.
    pub now: Instant,
    /// How far hints are believed.
    pub hints: HintRules,
    /// The share by which our own lengths vary, in percent.
    pub jitter: u8,
    /// Where the jitter is drawn from.
    pub seed: Seed,
    /// What the jitter is about: the credential.
    pub key: u64,
}

impl Cooldown {
    /// A failure of this scope, under a rule that cools.
    pub fn fail(&mut self, rule: &CooldownRule, failure: &Failure, at: Circumstances) -> Effect {
        if matches!(rule.action, Action::None | Action::Disable) || !self.count(rule, failure.reason, at.now)
        {
            return Effect::Nothing;
        }
        let believed = failure
            .hint
            .filter(|hint| rule.hint && hint.after >= at.hints.min)
            .map(|hint| hint.after.min(at.hints.max));
        let (length, source) = match (believed, rule.action) {
            (Some(length), _) => (length, Source::Hint),
            (None, Action::Ladder) => {
                // A burst climbs one step: what fails while the window is open was sent before it opened.
                if self.rests(at.now) && self.reason == Some(failure.reason) {
                    return Effect::Nothing;
                }
                let level = &mut self.levels.0[failure.reason as usize];
                let (length, next) = ladder::step(rule.base, rule.factor, rule.max, *level);
                *level = next;
                (at.vary(length), Source::Ladder)
            }
            (None, _) => (at.vary(rule.base), Source::Default),
        };
        self.rest(at.now, length, failure.reason, source)
    }

    /// Sets the end, unless it would come earlier than the one that holds.
    pub fn rest(&mut self, now: Instant, length: Span, reason: Reason, source: Source) -> Effect {
        let until = now + length;
        if until <= now || (self.active && until <= self.until) {
            return Effect::Nothing;
        }
        *self =
            Self { active: true, until, length, began: now, reason: Some(reason), source, ..self.clone() };
        Effect::Cooled
    }

    /// Does it rest at this moment?
    pub fn rests(&self, now: Instant) -> bool {
        self.active && self.until > now
    }

    /// How far a reason has climbed.
    pub const fn level(&self, reason: Reason) -> u8 {
        self.levels.0[reason as usize]
    }

    /// A success of a call that began at `lease`: clears everything, if the call began after the last failure did.
    /// Returns whether anything changed.
    pub fn succeed(&mut self, lease: Instant) -> bool {
        let since = self.began.max(self.strikes.last);
        if lease <= since || !self.remembers() {
            return false;
        }
        *self = Self::default();
        true
    }

    /// Is there anything to clear?
    pub fn remembers(&self) -> bool {
        self.active || self.strikes.count > 0 || !self.levels.is_empty()
    }

    /// Counts a failure; says whether it is the one too many.
    fn count(&mut self, rule: &CooldownRule, reason: Reason, now: Instant) -> bool {
        if rule.failures <= 1 {
            return true;
        }
        let strikes = &mut self.strikes;
        if strikes.reason != Some(reason) || now.since(strikes.first) > rule.window {
            *strikes = Strikes { reason: Some(reason), count: 0, first: now, last: now };
        }
        strikes.count += 1;
        strikes.last = now;
        let full = strikes.count >= rule.failures;
        if full {
            strikes.count = 0;
            strikes.reason = None;
        }
        full
    }
}

impl Circumstances {
    fn vary(self, length: Span) -> Span {
        Span(self.seed.jitter(Purpose::Cooldown, self.key, self.now.0, length.0, self.jitter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Hint, HintSource, Scope};

    fn at(now: u64) -> Circumstances {
        let hints = HintRules { max: Span::from_days(7), min: Span(1) };
        Circumstances { now: Instant(now), hints, jitter: 0, seed: Seed(0), key: 0 }
    }

    fn failure(reason: Reason, hint: Option<u64>) -> Failure {
        let hint = hint.map(|ms| Hint { after: Span(ms), source: HintSource::RetryAfter });
        Failure::new(reason, Scope::Model, hint)
    }

    fn rule(json: &str) -> CooldownRule {
        crate::json::read(json).unwrap()
    }

    #[test]
    fn a_hint_is_believed_up_to_its_bound_and_leaves_the_ladder_alone() {
        let ladder = rule(r#"{"action":"ladder","base":1000,"max":60000}"#);
        let mut state = Cooldown::default();
        assert_eq!(state.fail(&ladder, &failure(Reason::RateLimit, Some(u64::MAX)), at(5)), Effect::Cooled);
        assert_eq!(state.until, Instant(5) + Span::from_days(7));
        assert_eq!((state.level(Reason::RateLimit), state.source), (0, Source::Hint));
    }

    #[test]
    fn a_hint_of_nothing_is_no_hint() {
        let ladder = rule(r#"{"action":"ladder","base":1000,"max":60000}"#);
        let mut state = Cooldown::default();
        state.fail(&ladder, &failure(Reason::RateLimit, Some(0)), at(5));
        assert_eq!((state.until, state.source), (Instant(1005), Source::Ladder));
    }

    #[test]
    fn a_shorter_rest_never_replaces_a_longer_one() {
        let flat = rule(r#"{"action":"flat","base":1000}"#);
        let mut state = Cooldown::default();
        state.fail(&flat, &failure(Reason::Quota, Some(9000)), at(0));
        assert_eq!(state.fail(&flat, &failure(Reason::Auth, None), at(10)), Effect::Nothing);
        assert_eq!((state.until, state.reason), (Instant(9000), Some(Reason::Quota)));
    }

    #[test]
    fn failures_are_counted_within_their_window_only() {
        let circuit = rule(r#"{"action":"flat","base":30000,"failures":3,"window":60000}"#);
        let network = failure(Reason::Network, None);
        let mut state = Cooldown::default();
        for (now, effect) in [(0, Effect::Nothing), (1, Effect::Nothing), (60_002, Effect::Nothing)] {
            assert_eq!(state.fail(&circuit, &network, at(now)), effect);
        }
        state.fail(&circuit, &network, at(60_003));
        assert_eq!(state.fail(&circuit, &network, at(60_004)), Effect::Cooled);
        assert_eq!(state.until, Instant(90_004));
    }

    #[test]
    fn a_success_counts_only_if_its_call_began_later() {
        let ladder = rule(r#"{"action":"ladder","base":1000,"max":60000}"#);
        let mut state = Cooldown::default();
        state.fail(&ladder, &failure(Reason::RateLimit, None), at(100));
        assert!(!state.succeed(Instant(99)) && !state.succeed(Instant(100)));
        assert!(state.succeed(Instant(101)));
        assert_eq!(state, Cooldown::default());
    }

    #[test]
    fn two_reasons_climb_ladders_of_their_own() {
        let ladder = rule(r#"{"action":"ladder","base":1000,"max":60000}"#);
        let mut state = Cooldown::default();
        state.fail(&ladder, &failure(Reason::RateLimit, None), at(0));
        state.fail(&ladder, &failure(Reason::RateLimit, None), at(2000));
        state.fail(&ladder, &failure(Reason::Overloaded, None), at(9000));
        assert_eq!((state.level(Reason::RateLimit), state.level(Reason::Overloaded)), (2, 1));
        assert_eq!(state.until, Instant(10_000));
    }
}
