//! What a failure does to one scope of a credential, and what a success undoes.

mod beneath;
mod half_open;
mod ladder;
mod memory;
mod row;
mod upstream;

pub use beneath::{Beneath, BeneathRow};
pub use half_open::HalfOpen;
pub use memory::{Counts, PerReason};
pub use row::CooldownRow;
pub use upstream::{Sighting, Upstream};

use crate::entropy::{Purpose, Seed};
use crate::json::words;
use crate::policy::{Action, Again, CircuitRules, CooldownRule, Policy, Return};
use crate::time::{Instant, Span};
use crate::verdict::{Failure, Reason};

/// No rest is longer, whatever a policy or a provider says: ten years.
pub const LONGEST_REST: Span = Span::from_days(3653);

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
    /// Too many failures in a row.
    Circuit,
    /// A usage report, or headers that say as much.
    Report,
}

words! {
    /// The word used in rows and events.
    Source {
        Hint = "hint",
        Ladder = "ladder",
        Default = "default",
        Hand = "hand",
        Circuit = "circuit",
        Report = "report",
    }
}

/// A scope's circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// All may call.
    Closed,
    /// Nobody may.
    Open,
    /// It is coming back: some may, and what becomes of them decides.
    HalfOpen,
}

words! {
    /// The word used in events and answers.
    Circuit { Closed = "closed", Open = "open", HalfOpen = "half-open" }
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
    /// What holds when a new secret ends it.
    pub beneath: Option<Beneath>,
    /// How it comes back, where it is coming back.
    pub half_open: Option<HalfOpen>,
    /// What is remembered of failures; of a credential as a whole where the policy counts so, then in its own scope.
    pub counts: Counts,
    /// Failures that the circuit has counted since the last success.
    strikes: u32,
    first_strike: Instant,
    last_strike: Instant,
}

/// What a failure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that a selection would notice.
    Nothing,
    /// The scope rests until [`Cooldown::until`]; it did not before, or not so long.
    Cooled,
}

/// What a success did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    /// Nothing: it began too early, or there was nothing to end.
    Nothing,
    /// Failures are forgotten.
    Cleared,
    /// And more may call than before.
    Grown,
    /// And all may call again: the return is over.
    Closed,
}

/// What the arithmetic of a cooldown depends on, beside the rule.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The moment.
    pub now: Instant,
    /// The rules that are the same for all reasons: hints, memory, circuit, jitter.
    pub policy: &'a Policy,
    /// Where the jitter is drawn from.
    pub seed: Seed,
    /// What the jitter is about: the credential.
    pub key: u64,
    /// A rest of what `counts` are about has ended since its last failure.
    pub rested: bool,
}

impl Cooldown {
    /// A failure of this scope. `counts` are those of the scope, or of the credential where the policy counts so.
    pub fn fail(
        &mut self,
        counts: &mut Counts,
        rule: &CooldownRule,
        failure: &Failure,
        at: Circumstances<'_>,
    ) -> Effect {
        let (now, reason) = (at.now, failure.reason);
        counts.fade(&at.policy.memory, now, at.rested);
        let resting = self.rests(now);
        if resting && rule.again == Again::Ignore {
            return Effect::Nothing;
        }
        let believed = failure
            .hint
            .filter(|hint| rule.hint && hint.after.0 > 0 && hint.after >= at.policy.hints.min)
            .map(|hint| hint.after.min(at.policy.hints.max));
        // A burst climbs one step: what fails while the window is open was sent before it opened.
        let burst = resting && rule.again == Again::Later && self.reason == Some(reason);
        if burst && believed.is_none() && rule.action == Action::Ladder {
            return Effect::Nothing;
        }
        counts.count(reason, now);
        if resting && rule.again == Again::Keep {
            self.reason = Some(reason);
            return Effect::Nothing;
        }
        let (length, source) = match (believed, rule.action) {
            (_, Action::None | Action::Disable) => return Effect::Nothing,
            (_, Action::Circuit) => {
                // What fails while it is open was sent before.
                if resting || !self.strike(&at.policy.circuit, now) {
                    return Effect::Nothing;
                }
                (at.vary(at.policy.circuit.open), Source::Circuit)
            }
            (Some(length), _) => (length, Source::Hint),
            (None, Action::Ladder) => {
                (at.vary(counts.climb(rule, reason).max(failure.least)), Source::Ladder)
            }
            (None, Action::Flat | Action::UntilReset) => {
                (at.vary(rule.base.max(failure.least)), Source::Default)
            }
        };
        if rule.again == Again::Replace || source == Source::Hint && at.policy.hints.shortens {
            (self.active, self.beneath) = (false, None);
        }
        self.rest(now, length, reason, source)
    }

    /// Sets the end, unless it would come earlier than the one that holds.
    pub fn rest(&mut self, now: Instant, length: Span, reason: Reason, source: Source) -> Effect {
        let length = length.min(LONGEST_REST);
        let until = now + length;
        if until <= now {
            return Effect::Nothing;
        }
        if self.active && until <= self.until {
            if self.reason.is_some_and(Reason::is_about_the_secret) {
                self.lay_beneath(Some(Beneath { until, length, began: now, reason, source }));
            }
            return Effect::Nothing;
        }
        self.beneath = self.beneath_of(reason);
        (self.active, self.until, self.length, self.began) = (true, until, length, now);
        (self.reason, self.source, self.half_open, self.strikes) = (Some(reason), source, None, 0);
        Effect::Cooled
    }

    /// Does it rest at this moment?
    pub fn rests(&self, now: Instant) -> bool {
        self.active && self.until > now
    }

    /// Its time has come: it is back, or coming back.
    pub fn recover(&mut self, rules: Return, now: Instant) {
        (self.active, self.beneath) = (false, None);
        self.half_open = HalfOpen::start(rules, self.source == Source::Circuit, now);
    }

    /// Its circuit. A rest that no circuit has opened leaves it closed.
    pub fn circuit(&self) -> Circuit {
        if self.active && self.source == Source::Circuit {
            Circuit::Open
        } else if self.half_open.is_some() {
            Circuit::HalfOpen
        } else {
            Circuit::Closed
        }
    }

    /// How far a reason has climbed.
    pub const fn level(&self, reason: Reason) -> u8 {
        self.counts.levels.0[reason as usize]
    }

    /// A success of a call that began at `lease`, if that was after the last failure: forgets everything where it
    /// `ends` this scope, and lets more callers in where the scope is coming back.
    pub fn succeed(&mut self, lease: Instant, ends: bool, rules: Return) -> Success {
        let since = self.began.max(self.last_strike).max(self.counts.last);
        if lease <= since || !self.remembers() {
            return Success::Nothing;
        }
        let mut half_open = self.half_open;
        let success = match &mut half_open {
            None if ends => Success::Cleared,
            Some(half) if lease >= half.since => {
                if half.grow(rules) {
                    Success::Grown
                } else {
                    Success::Closed
                }
            }
            _ => return Success::Nothing,
        };
        half_open = half_open.filter(|_| success == Success::Grown);
        *self = if ends { Self::default() } else { self.clone() };
        self.half_open = half_open;
        success
    }

    /// Takes over what two writers agree on, and keeps what only this process knows: who is calling, and strikes.
    pub fn become_merged(&mut self, merged: Self) {
        let half_open = self.half_open.filter(|_| !merged.active).or(merged.half_open);
        let (strikes, first_strike, last_strike) = (self.strikes, self.first_strike, self.last_strike);
        *self = Self { half_open, strikes, first_strike, last_strike, ..merged };
    }

    /// Is there anything to clear?
    pub fn remembers(&self) -> bool {
        self.active || self.half_open.is_some() || self.strikes > 0 || !self.counts.is_empty()
    }

    /// The circuit counts a failure; says whether it opens.
    fn strike(&mut self, rules: &CircuitRules, now: Instant) -> bool {
        if rules.window.0 > 0 && now.since(self.first_strike) > rules.window {
            self.strikes = 0;
        }
        if self.strikes == 0 {
            self.first_strike = now;
        }
        self.strikes += 1;
        self.last_strike = now;
        self.strikes >= if self.half_open.is_some() { rules.reopen } else { rules.failures }
    }
}

impl Circumstances<'_> {
    fn vary(self, length: Span) -> Span {
        Span(self.seed.jitter(Purpose::Cooldown, self.key, self.now.0, length.0, self.policy.jitter))
    }
}

#[cfg(test)]
mod tests;
